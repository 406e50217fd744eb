"""What bringing pictures to one size costs them, told before anything is computed from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vae_core.config import DataConfig
from vae_core.images import fills

WARNED = 0.25  # share of the pictures that is cut away without being called much
LEFT = 0.25  # pixels for one that a picture had: fewer are few
EMPTY = 0.5  # share of the result that is border without being called much
SEEN = 0.005  # less is rounding


def cut(side: tuple[int, int], size: tuple[int, int]) -> float:
    """Return the share of a picture (height, width) that a crop to the shape of `size` leaves out."""
    scale = min(have / want for have, want in zip(side, size, strict=True))
    return 1 - scale * size[0] * scale * size[1] / (side[0] * side[1])


def padded(side: tuple[int, int], size: tuple[int, int]) -> float:
    """Return the share of `size` that is border once a picture of these sides is fitted whole into it."""
    if fills(side, size):
        return 0.0
    scale = min(want / have for have, want in zip(side, size, strict=True))
    return 1 - scale * side[0] * scale * side[1] / (size[0] * size[1])


def kept(side: tuple[int, int], size: tuple[int, int], how: str) -> float:
    """Tell how many pixels stand for one of a picture (height, width) brought to `size`, at most 1: `how` is a fit."""
    down, across = (want / have for want, have in zip(size, side, strict=True))
    if how == "stretch" or fills(side, size):
        return min(1.0, down * across)
    return min(1.0, (max if how == "crop" else min)(down, across) ** 2)


def describe(sides: Mapping[tuple[int, int], int], size: tuple[int, int], config: DataConfig) -> str:
    """Return a sentence on what pictures lose, a warning where it is much; empty where they lose nothing.

    Args:
        sides: height and width -> how many pictures have it.
        size: height and width that they are brought to.
        config: how.
    """
    height, width = size
    if set(sides) == {size}:
        return ""
    place = f"{height} x {width} (height x width)"
    pixels = _pixels(sides, size, config.fit)
    few = _mean(sides, size, lambda side, wanted: kept(side, wanted, config.fit)) < LEFT
    share = _mean(sides, size, cut if config.fit == "crop" else padded)
    if config.fit == "crop" and share > SEEN:
        return (
            f"{_warning(few or share > WARNED)}{share:.0%} of the pictures' area is cut away: of {_named(sides)} the "
            f"middle is taken for {place}{pixels and f', which has {pixels}'}; --fit pad keeps them whole, and --size "
            "gives another shape"
        )
    if config.fit == "pad" and share > SEEN:
        return (
            f"{_warning(few or share > EMPTY)}pictures of {_named(sides)} are each fitted whole into {place}, "
            f"{share:.0%} of which becomes border on average{pixels and f', and the rest has {pixels}'}; "
            f"{pixels and '--size HxW keeps more, '}--fit crop fills it by cutting the middle out"
        )
    how = "stretched" if config.fit == "stretch" and not all(fills(side, size) for side in sides) else "scaled, whole,"
    if not pixels and how != "stretched":
        return f"pictures of {_named(sides)} are enlarged to {place}"
    which = pixels or "no fewer pixels"
    return f"{_warning(few)}pictures of {_named(sides)} are {how} to {place}, which is {which}; --size HxW keeps more"


def _warning(much: bool) -> str:
    return "Warning: " if much else ""


def _pixels(sides: Mapping[tuple[int, int], int], size: tuple[int, int], how: str) -> str:
    """Write `3.8% as many pixels`, or the range over the pictures; empty where none loses any."""
    shares = [f"{kept(side, size, how):.1%}" for side in sorted(sides, key=lambda side: kept(side, size, how))]
    if shares[0] == "100.0%":
        return ""
    return f"{shares[0]}{f' to {shares[-1]}' if shares[-1] != shares[0] else ''} as many pixels"


def _mean(
    sides: Mapping[tuple[int, int], int],
    size: tuple[int, int],
    share: Callable[[tuple[int, int], tuple[int, int]], float],
) -> float:
    """Return the mean over all pictures."""
    return sum(share(side, size) * count for side, count in sides.items()) / sum(sides.values())


def _named(sides: Mapping[tuple[int, int], int]) -> str:
    """Write `128 x 1300`, or how many sizes and from which to which."""
    if len(sides) == 1:
        ((height, width),) = sides
        return f"{height} x {width}"
    (least, most) = (pick(sides, key=lambda side: (side[0] * side[1], side)) for pick in (min, max))
    return f"{len(sides):,} sizes ({least[0]} x {least[1]} to {most[0]} x {most[1]})"
