"""What black and white are in numbers that are no bytes, found in a whole set or asked for; numbers -> bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_core.config import Range

BYTES = Range(0.0, 255.0, "bytes")
BINS = 2**16  # of a histogram over all floats: 128 to each power of two
AT_ONCE = 2**16  # numbers that are looked at together
DARK = 31  # of 255: a set of bytes that is nowhere brighter is nearly black
NO_DATA = 1e30  # a number this large stands for "no data", as the largest float does in maps
STRAY = 5e-4  # so many of the numbers may lie far from all others without setting the range
TAIL = 1e-4  # so many at either end are left out where the others would become hard to tell apart
HEAVY = 4.0  # that is, where they would take less than one part in so many
DEFECT = 5e-3  # so many may all be one number, that far from all others: a sensor's hot pixel lies in every picture
VOID, APART = 0.5, 2.0  # so many below 0, by so many times the others' extent: maps have "no data" of their own
VARIED = 4  # bins that the others take more than: masks and dots hold few numbers, and all of these matter
CROWDED = 0.9  # so many of the numbers in so little of a range that they can hardly be told apart are worth a word
OVERSHOOT = 0.05  # of a usual range's width, by which numbers may leave it: sharpening and resizing do that
RARE, FAR = 0.01, 0.25  # so few may leave it by so much
FILLED = 0.3  # least part of a usual range that is used, else the numbers have a range of their own
HALF = 0.5  # the same for ranges that are less usual


@dataclass(eq=False)
class Numbers:
    """What is known of a set's numbers after each picture was looked at.

    Attributes:
        counts: (BINS,) how many lie in each bin.
        low: the smallest, of those that are finite.
        high: the largest.
        odd: how many are infinite or no numbers.
        kinds: their types.
    """

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    low: float = np.inf
    high: float = -np.inf
    odd: int = 0
    kinds: set[np.dtype] = field(default_factory=set)

    def add(self, values: NDArray[Any]) -> None:
        """Look at the numbers of one or more pictures, of any shape."""
        self.kinds.add(values.dtype)
        flat = values.reshape(-1)
        for start in range(0, len(flat), AT_ONCE):
            self._add(flat[start : start + AT_ONCE])

    def _add(self, values: NDArray[Any]) -> None:
        if values.dtype.kind == "f":
            values = values.astype(np.float32) if values.dtype.itemsize == 2 else values
            finite = np.abs(values) < NO_DATA  # false for NaN
            if not finite.all():
                self.odd += finite.size - int(np.count_nonzero(finite))
                values = values[finite]
        if values.size:
            low, high = float(values.min()), float(values.max())
            self.low, self.high = min(self.low, low), max(self.high, high)
            self.counts += np.bincount(_bins(values), minlength=BINS)

    def merge(self, other: Numbers) -> None:
        """Take in what another looked at."""
        self.counts += other.counts
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.odd += other.odd
        self.kinds |= other.kinds

    @property
    def whole(self) -> bool:
        """Whether all are of types that hold whole numbers."""
        return all(kind.kind in "biu" for kind in self.kinds)

    def body(self) -> tuple[float, float]:
        """Return the smallest and the largest number, without the few that lie far from all others."""
        full = np.flatnonzero(self.counts)
        before = np.cumsum(self.counts[full])  # how many lie in each full bin and below
        total = int(before[-1])
        lower, upper = np.maximum(_EDGES[full], self.low), np.minimum(_EDGES[full + 1], self.high)
        first, last = _without_strays(lower, upper, before, max(1, int(STRAY * total)))
        tail = int(TAIL * total)
        inner = [int(np.searchsorted(before, tail, "right")), int(np.searchsorted(before, total - tail, "left"))]
        if upper[last] - lower[first] > HEAVY * (upper[inner[1]] - lower[inner[0]]) > 0:
            first, last = max(first, inner[0]), min(last, inner[1])
        return float(lower[first]), float(upper[last])

    def outside(self, low: float, high: float) -> float:
        """Return the share of the numbers that lie below or above, to the width of a bin."""
        ends = _bins(np.array([low, high]))
        return 1.0 - float(self.counts[ends[0] : ends[1] + 1].sum()) / float(self.counts.sum())


def _bins(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return the bin of each number: the upper half of its float's bits, in the order of the numbers."""
    bits = (values.astype(np.float32) + np.float32(0)).view(np.uint32)  # + 0, since -0 has bits of its own
    return (np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31)) >> 16).astype(np.int64)


def _edges() -> NDArray[np.float64]:
    """Return where each bin begins, (BINS + 1,)."""
    keys = np.arange(BINS, dtype=np.uint32) << 16
    bits = np.where(keys >> 31, keys & np.uint32(0x7FFFFFFF), ~keys).astype(np.uint32)
    with np.errstate(invalid="ignore"):  # at either end lie bins of no numbers
        return np.append(bits.view(np.float32).astype(np.float64), np.inf)


_EDGES = _edges()


def _without_strays(
    lower: NDArray[np.float64], upper: NDArray[np.float64], before: NDArray[np.int64], few: int
) -> tuple[int, int]:
    """Return the first and the last bin of those that belong together: what is cut off is little, and far away."""
    first, last = _without_constants(lower, upper, before)
    base, total = int(before[first - 1]) if first else 0, int(before[last])
    for k in range(last, first, -1):  # from above, as long as few lie beyond
        if total - before[k - 1] > few:
            break
        if lower[k] - upper[k - 1] > upper[k - 1] - lower[first] > 0:
            last = k - 1
    for k in range(first, last):  # and from below
        if before[k] - base > few:
            break
        if lower[k + 1] - upper[k] > upper[last] - lower[k + 1] > 0:
            first = k + 1
    return first, last


def _without_constants(
    lower: NDArray[np.float64], upper: NDArray[np.float64], before: NDArray[np.int64]
) -> tuple[int, int]:
    """Return the same without the number at either end that a defect, or "no data", has in many places."""
    first, last, total = 0, len(before) - 1, int(before[-1])
    if last <= VARIED:
        return first, last
    extent = upper[last] - lower[1]
    share, gap = before[0] / total, lower[1] - upper[0]
    if (share <= DEFECT and gap > HEAVY * extent) or (share <= VOID and upper[0] < 0 and gap > APART * extent):
        first = 1
    extent = upper[last - 1] - lower[first]
    if (before[last] - before[last - 1]) / total <= DEFECT and lower[last] - upper[last - 1] > HEAVY * extent:
        last -= 1
    return first, last


def find(numbers: Numbers) -> Range:
    """Tell what black and white are where nobody says it: a usual range that the numbers fill, else their own.

    Raises:
        ValueError: where no number is finite.
    """
    if not numbers.counts.any():
        raise ValueError("The pictures hold no finite number.")
    if not numbers.whole:
        for usual in _FLOATS[:2]:  # where they hold all, nothing is a stray
            if usual[0] <= numbers.low and _fits(numbers, usual, numbers.low, numbers.high):
                return Range(*usual, "numbers")
    low, high = numbers.body()
    for usual in _WHOLE if numbers.whole else _FLOATS:
        if _fits(numbers, usual, low, high):
            return Range(*usual, "numbers")
    if 0 < low < OVERSHOOT * high:
        low = 0.0
    return Range(low, high if high > low else low + 1, "numbers")


# Ranges that files have, the narrowest first.
_FLOATS = [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)]
_WHOLE = [*_FLOATS, (-128.0, 127.0), *((0.0, 2.0**bits - 1) for bits in range(9, 65)), (-32768.0, 32767.0)]


def _fits(numbers: Numbers, usual: tuple[float, float], low: float, high: float) -> bool:
    """Tell whether numbers from `low` to `high` lie in a usual range, but for a little, and fill it."""
    bottom, top = usual
    width = top - bottom
    beyond = max(bottom - low, high - top)
    if numbers.whole:
        inside = beyond <= (top > 1)  # 4096 in 12 bits
    else:
        inside = beyond <= OVERSHOOT * width or (beyond <= FAR * width and numbers.outside(bottom, top) <= RARE)
    if not inside or high == low:
        return inside
    if bottom < 0 and low > bottom / 2:
        return False
    return high - low >= (FILLED if bottom == 0 and top != 255 else HALF) * width


def before(numbers: Numbers) -> Range:
    """Tell what black and white were in arrays for earlier models: 0 and 1, -1 and 1, or 0 and 255."""
    if numbers.low < 0:
        return Range(-1.0, 1.0, "each")
    return Range(0.0, 255.0 if numbers.high > 1 else 1.0, "each")


def before_picture(numbers: Numbers) -> Range:
    """Return the same in a picture's file: the smallest usual range that holds its numbers, of 16 bits the whole."""
    if numbers.kinds == {np.dtype(np.uint16)}:
        return Range(0.0, 65535.0, "each")
    if numbers.low < 0:
        return Range(numbers.low, max(numbers.high, numbers.low + 1e-12), "each")
    tops = (255.0, 65535.0) if numbers.whole else (1.0, 255.0, 65535.0)
    return Range(0.0, next((top for top in tops if numbers.high <= top), numbers.high), "each")


def to_bytes(values: NDArray[Any], used: Range) -> NDArray[np.uint8]:
    """Return numbers of any type and shape as 0 (black) to 255 (white).

    Numbers outside the range are clipped; positive infinity is white, all else that is not finite is black.
    """
    if values.dtype.kind in "bui" and values.dtype.itemsize <= 2 and values.size > 2 ** (8 * values.dtype.itemsize):
        info = np.iinfo(values.dtype) if values.dtype.kind != "b" else np.iinfo(np.uint8)
        every = np.arange(info.min, info.max + 1, dtype=np.float64)
        shades = _levels(np.roll(every, int(info.min)), used)  # negative ones at the end, where their index leads
        return shades[values.astype(np.intp)]
    return _levels(values.astype(np.float64), used)


def _levels(values: NDArray[np.float64], used: Range) -> NDArray[np.uint8]:
    """Return floats as bytes; they are written over."""
    if not np.isfinite(values).all():
        values[~(values > -NO_DATA)] = used.low  # NaN too
        values[values >= NO_DATA] = used.high
    np.clip(values, used.low, used.high, out=values)
    values -= used.low
    values *= 255 / (used.high - used.low)
    return np.rint(values, out=values).astype(np.uint8)


def too_dark(brightest: int) -> tuple[str, ...]:
    """Tell what a user should know of a set of bytes whose brightest is given."""
    if brightest > DARK:
        return ()
    sentence = f"the brightest pixel is {brightest} of 255, so all pictures are nearly black"
    return (sentence + f": --range 0,{brightest} makes it white" * (brightest > 0),)


def remarks(numbers: Numbers, used: Range, asked: Range | None) -> tuple[str, ...]:
    """Tell what a user should know of a set's numbers and of their range.

    Args:
        numbers: those of the set.
        used: what black and white are.
        asked: what a person or a model's header said of it; None where it was found.
    """
    if not numbers.counts.any():
        return (f"black is {used.low:g} and white {used.high:g}, as asked for; none of the numbers is finite",)
    ends = f"{numbers.low:.8g} to {numbers.high:.8g}"
    clipped = numbers.low < used.low or numbers.high > used.high
    rest = ", and what lies outside is clipped" if clipped else ""
    how = "one range for the whole set, found in it"
    if asked:
        how = "as asked for" if asked.of == "all" else "as the model was trained"
    notes = [
        f"black is {used.low:g} and white {used.high:g} ({how}): the pictures hold {_words(numbers)} of {ends}{rest}"
        + ("" if asked else "; --range LOW,HIGH overrules it")
    ]
    if asked and (shares := _mismatch(numbers, used)):
        notes.append(f"{shares}: --range LOW,HIGH gives them a range of their own")
    elif not asked:
        notes += [*_left_out(numbers), *_crowded(numbers, used)]
    if numbers.odd:
        notes.append(
            f"{numbers.odd:,} of the numbers are infinite, or not numbers: positive infinity was taken for white, the "
            "others for black"
        )
    return tuple(notes)


def _mismatch(numbers: Numbers, used: Range) -> str:
    """Tell how badly a range fits that was not made for these numbers; empty where it does."""
    low, high = numbers.body()
    if (outside := numbers.outside(used.low, used.high)) > HALF / 2:
        return f"{outside:.0%} of the numbers lie outside of this range"
    if high - low < (used.high - used.low) / 32:
        return "the numbers fill less than a thirty-second of this range, so the pictures are nearly flat"
    return ""


def _left_out(numbers: Numbers) -> tuple[str, ...]:
    """Return the numbers of one value, far from all others, which did not set the range."""
    full, (low, high) = np.flatnonzero(numbers.counts), numbers.body()
    reasons = []
    for end, value, is_out, shade in (
        (full[0], numbers.low, numbers.low < low, "black"),
        (full[-1], numbers.high, numbers.high > high, "white"),
    ):
        share = int(numbers.counts[end]) / int(numbers.counts.sum())
        if is_out and share > STRAY:
            number = f"{100 * share:.2g} % of the numbers are {value:.8g}"
            reasons.append(f"{number}, far from all others: taken for {shade}")
    return tuple(reasons)


def _crowded(numbers: Numbers, used: Range) -> tuple[str, ...]:
    """Tell what to say where most numbers differ, but by so little of the range that the pictures are nearly flat."""
    full = np.flatnonzero(numbers.counts)
    counts, step = numbers.counts[full], (used.high - used.low) / 32
    lower, upper = np.maximum(_EDGES[full], numbers.low), np.minimum(_EDGES[full + 1], numbers.high)
    for shade, inside in (
        ("black", (lower >= used.low) & (upper <= used.low + step)),
        ("white", (lower >= used.high - step) & (upper <= used.high)),
    ):
        if inside.sum() <= VARIED:
            continue
        share = (counts[inside].sum() - counts[inside].max()) / counts.sum()  # without a ground of one shade
        if share > CROWDED:
            ends = f"{lower[inside][0]:.6g},{upper[inside][-1]:.6g}"
            return (f"most of the pictures is nearly {shade}: --range={ends} spreads what {share:.0%} of it holds",)
    return ()


def _words(numbers: Numbers) -> str:
    kinds = sorted(numbers.kinds, key=str)
    return " and ".join(
        f"{8 * kind.itemsize}-bit {'floats' if kind.kind == 'f' else 'whole numbers'}" for kind in kinds
    )
