"""Photographs of handwriting, rendered: a pen's line on a sheet, a camera above it, light and what falls into it.

A sheet is measured in millimetres. Everything that differs between two photographs is a field of `Scene`, or noise.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Array = NDArray[np.float64]

BLACK, BLUE = (0.10, 0.10, 0.12), (0.12, 0.18, 0.48)  # inks: reflectance of red, green and blue
GREY_RULE, BLUE_RULE, VIOLET_RULE = (0.6, 0.6, 0.62), (0.52, 0.66, 0.82), (0.62, 0.55, 0.75)
RED_RULE = (0.85, 0.45, 0.45)
WOODS = ((0.42, 0.27, 0.16), (0.30, 0.18, 0.10), (0.55, 0.40, 0.26), (0.22, 0.16, 0.13))
KINDS = ("plain", "ruled", "squared", "shadow", "lamp", "edge")
SUPERSAMPLED = 10  # points of a skeleton's grid for one pixel of a small digit


@dataclass(frozen=True)
class Scene:
    """What is photographed, and how: lengths in millimetres, angles in degrees, colours as reflectance.

    Attributes:
        line: the middle of the pen's line, True on a grid that it fills from side to side.
        digit: longer side of that grid on the paper.
        pen: width of the pen's line.
        ink: its colour.
        rules: distance of the rules across (0: none); `squared`: and of those upright.
        rule_width, rule: their width and colour.
        margin: distance of a red line upright left of the digit's middle; 0: none.
        holes: whether the sheet is punched left of the digit.
        share: of the picture's shorter side that the digit takes.
        place: of the digit in the picture, 0 to 1 across and down.
        turn, tilt: of the camera; the tilt is the perspective, change of scale from side to side.
        edges: distances of the sheet's left, upper, right and lower edge from the digit's middle.
        table: colour of the wood under the sheet.
        light: level of the light; `warm`: how much a lamp falls off over the picture, 0 to 1, and tints.
        shadow: how much light a hand's shadow leaves; 1: no shadow.
        soft: width of the shadow's edge, in parts of the picture.
        noise: standard deviation of the sensor's noise.
        blur: of the lens, in pixels.
        quality: of the JPEG.
        size: width and height in pixels.
        seed: of everything that is drawn at random.
    """

    line: NDArray[np.bool_] = field(repr=False)
    digit: float = 12
    pen: float = 0.8
    ink: tuple[float, float, float] = BLACK
    rules: float = 0
    squared: bool = False
    rule_width: float = 0.2
    rule: tuple[float, float, float] = BLUE_RULE
    margin: float = 0
    holes: bool = False
    share: float = 0.3
    place: tuple[float, float] = (0.5, 0.5)
    turn: float = 0
    tilt: tuple[float, float] = (0, 0)
    edges: tuple[float, float, float, float] = (300, 300, 300, 300)
    table: tuple[float, float, float] = WOODS[0]
    light: float = 0.85
    warm: float = 0
    shadow: float = 1
    soft: float = 0.04
    noise: float = 0.012
    blur: float = 0.7
    quality: int = 60
    size: tuple[int, int] = (1200, 900)
    seed: int = 0


def skeleton(small: Array) -> NDArray[np.bool_]:
    """The middle of the lines of a small grey digit in [0, 1], `SUPERSAMPLED` times as fine."""
    from skimage.morphology import skeletonize

    fine = ndimage.zoom(np.pad(small, 1), SUPERSAMPLED, order=3)
    found = skeletonize(ndimage.gaussian_filter(fine, 0.35 * SUPERSAMPLED) > 0.45 * small.max())
    return found[ndimage.find_objects(found.astype(np.uint8))[0]]


def photograph(scene: Scene) -> bytes:
    """The JPEG of a scene."""
    rng = np.random.default_rng(scene.seed)
    x, y = _on_paper(scene)  # millimetres from the digit's middle, of every pixel
    pixel = scene.digit / (scene.share * min(scene.size))  # millimetres
    colour = _sheet(scene, x, y, pixel, rng)
    colour = colour * _light(scene, rng)[..., None]
    if scene.warm:
        colour = colour * np.array((1.06, 0.86, 0.6))
    colour = ndimage.gaussian_filter(colour.astype(np.float32), (scene.blur, scene.blur, 0))
    grain = scene.noise * rng.standard_normal(colour.shape, np.float32) * np.sqrt(colour.clip(0.05, 1))
    buffer = io.BytesIO()
    levels = (255 * (colour.clip(0, 1) ** (1 / 1.25) + grain)).clip(0, 255).astype(np.uint8)
    Image.fromarray(levels).save(buffer, "JPEG", quality=scene.quality)
    return buffer.getvalue()


def _on_paper(scene: Scene) -> tuple[Array, Array]:
    """Where every pixel lies on the paper, in millimetres from the digit's middle."""
    width, height = scene.size
    v, u = np.mgrid[0:height, 0:width].astype(float)
    u, v = u - scene.place[0] * width, v - scene.place[1] * height
    scale = scene.digit / (scene.share * min(scene.size))
    depth = 1 + scene.tilt[0] * u / width + scene.tilt[1] * v / height
    turn = np.deg2rad(scene.turn)
    x, y = scale * u / depth, scale * v / depth
    return x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)


def _sheet(scene: Scene, x: Array, y: Array, pixel: float, rng: np.random.Generator) -> Array:
    """Reflectance (H, W, 3) of sheet, rules, ink and table."""
    rough = ndimage.gaussian_filter(rng.normal(size=x.shape), 1.5)
    paper = (0.95 + 0.008 * rough / rough.std())[..., None] * np.array((1, 0.995, 0.97))
    shift = rng.uniform(0, 1, 2) * (scene.rules or 1)
    if scene.rules:
        across = _line((y + shift[0]) % scene.rules - scene.rules / 2, scene.rule_width, pixel)
        paper = _over(paper, across, scene.rule)
    if scene.squared:
        upright = _line((x + shift[1]) % scene.rules - scene.rules / 2, scene.rule_width, pixel)
        paper = _over(paper, upright, scene.rule)
    if scene.margin:
        paper = _over(paper, _line(x + scene.margin, 1.5 * scene.rule_width, pixel), RED_RULE)
    paper = _over(paper, _pen(scene, x, y, pixel), scene.ink)
    inside = np.minimum.reduce([x + scene.edges[0], y + scene.edges[1], scene.edges[2] - x, scene.edges[3] - y])
    sheet = (inside / pixel + 0.5).clip(0, 1)
    if scene.holes:
        for away in (-40, 40):
            hole = np.hypot(x + scene.edges[0] - 8, y - away) - 3
            sheet = sheet * (hole / pixel + 0.5).clip(0, 1)
    if sheet.min() == 1:
        return paper
    near = 1 - 0.35 * np.exp(-((np.minimum(inside, 0) / 1.5) ** 2))  # the sheet's own small shadow
    return _over(_wood(scene, x, y, rng) * near[..., None], sheet, paper)


def _line(away: Array, width: float, pixel: float) -> Array:
    """How much of each pixel a line covers that is `away` millimetres off."""
    return ((width / 2 - np.abs(away)) / pixel + 0.5).clip(0, 1) * min(1, width / pixel)


def _over(below: Array, cover: Array, colour: object) -> Array:
    cover = cover[..., None]
    return below * (1 - cover) + cover * np.asarray(colour)


def _pen(scene: Scene, x: Array, y: Array, pixel: float) -> Array:
    """How much of each pixel the ink covers."""
    cell = scene.digit / max(scene.line.shape)
    pad = int(3 * scene.pen / cell) + 4
    away = ndimage.distance_transform_edt(~np.pad(scene.line, pad)) * cell
    middle = [side / 2 for side in away.shape]
    where = np.stack([y / cell + middle[0], x / cell + middle[1]])
    away = ndimage.map_coordinates(away, where, order=1, mode="nearest")
    return _line(away, scene.pen, pixel)


def _wood(scene: Scene, x: Array, y: Array, rng: np.random.Generator) -> Array:
    """Boards with their grain, (H, W, 3)."""
    angle = rng.uniform(0, np.pi)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    bend = 2 * np.sin(along / rng.uniform(30, 70) + rng.uniform(0, 6))
    grain = sum(np.sin((across + bend) * rng.uniform(0.5, 6) + rng.uniform(0, 6)) for _ in range(5)) / 5
    fine = ndimage.gaussian_filter1d(rng.normal(size=x.shape), 12, axis=1)
    level = 1 + 0.25 * grain + 0.12 * fine / fine.std()
    gap = _line((across + 31) % 90 - 45, 1, 0.3)
    return level.clip(0.2, 2)[..., None] * np.array(scene.table) * (1 - 0.7 * gap[..., None])


def _light(scene: Scene, rng: np.random.Generator) -> Array:
    """How much light falls on every pixel, (H, W)."""
    width, height = scene.size
    v, u = np.mgrid[0:height, 0:width].astype(float)
    u, v = u / width, v / height
    angle = rng.uniform(0, 2 * np.pi)
    light = scene.light * (1 + 0.08 * ((u - 0.5) * np.cos(angle) + (v - 0.5) * np.sin(angle)))
    if scene.warm:
        at = 0.5 + 0.7 * np.array((np.cos(angle), np.sin(angle)))
        far = np.hypot(u - at[0], v - at[1])
        light *= 1 - scene.warm * (far / far.max()) ** 1.3
    if scene.shadow < 1:
        light *= 1 - (1 - scene.shadow) * _hand(scene, u, v, rng)
    return light


def _hand(scene: Scene, u: Array, v: Array, rng: np.random.Generator) -> Array:
    """The shadow of an arm with a hand and fingers, 0 to 1, reaching towards the digit from the side."""
    angle = rng.uniform(0, 2 * np.pi)
    tip = np.array(scene.place) + rng.normal(0, 0.12, 2)
    away = np.stack([u - tip[0], v - tip[1]])
    along, across = away[0] * np.cos(angle) + away[1] * np.sin(angle), away[1] * np.cos(angle) - away[0] * np.sin(angle)
    arm = (np.abs(across) < rng.uniform(0.12, 0.2)) & (along > 0.12)
    for k in range(4):
        turned = across - (k - 1.5) * rng.uniform(0.06, 0.09) - along * rng.uniform(-0.15, 0.15)
        arm |= (np.abs(turned) < rng.uniform(0.018, 0.03)) & (along > rng.uniform(-0.1, 0.05)) & (along < 0.25)
    soft = ndimage.gaussian_filter(arm[::4, ::4].astype(np.float32), scene.soft * min(scene.size) / 8)
    return np.asarray(Image.fromarray(soft).resize(scene.size, Image.Resampling.BILINEAR))


def scene(line: NDArray[np.bool_], kind: str, seed: int) -> Scene:
    """A scene of a kind of `KINDS`, all else as chance has it."""
    rng = np.random.default_rng((seed, KINDS.index(kind)))
    share = float(np.exp(rng.uniform(np.log(0.05), np.log(0.8))))
    digit = float(np.clip(rng.uniform(6, 25) * (0.6 + share), 6, 40))
    pen = float(min(rng.uniform(0.5, 1.5), digit / 6))
    room = share / 2 + 0.03
    across = bool(rng.integers(2))
    size = (1000 + 100 * int(rng.integers(0, 7)), 1000 + 100 * int(rng.integers(0, 4)))
    place = [float(rng.uniform(min(room, 0.5), max(1 - room, 0.5))) for _ in range(2)]
    tint = 1 + rng.uniform(-0.08, 0.08, 3)
    ink = np.array(BLUE if rng.integers(2) else BLACK) * rng.uniform(0.8, 1.3)
    found = Scene(
        line,
        digit=digit,
        pen=pen,
        ink=(float(ink[0]), float(ink[1]), float(ink[2])),
        share=share,
        place=(place[0], place[1]),
        turn=float(rng.uniform(-15, 15)),
        tilt=(float(rng.uniform(-0.12, 0.12)), float(rng.uniform(-0.12, 0.12))),
        light=float(rng.uniform(0.45, 1.0)),
        noise=float(rng.uniform(0.005, 0.03)),
        blur=float(rng.uniform(0.5, 1.3)),
        size=size if across else (size[1], size[0]),
        seed=seed,
    )
    return replace(found, **_of_kind(kind, found, tint, rng))


def _of_kind(kind: str, found: Scene, tint: Array, rng: np.random.Generator) -> dict[str, object]:
    """What makes a scene one of its kind."""
    rules = [np.array(c) * tint for c in (GREY_RULE, BLUE_RULE, VIOLET_RULE)]
    rule = tuple(float(v) for v in rules[rng.integers(3)].clip(0, 1) * rng.uniform(0.75, 1.1))
    width = float(rng.uniform(0.12, 0.35))
    ruled = {
        "rules": float(rng.uniform(7, 11)),
        "rule": rule,
        "rule_width": width,
        "margin": float(rng.uniform(0.7, 3) * found.digit) if rng.integers(2) else 0,
        "holes": bool(rng.integers(2)),
        "edges": (float(max(25.0, 1.5 * found.digit)), 300.0, 300.0, 300.0) if rng.integers(2) else (300.0,) * 4,
    }
    squared = {"rules": float(rng.uniform(4, 6)), "squared": True, "rule": rule, "rule_width": width}
    if kind == "ruled":
        return ruled
    if kind == "squared":
        return squared
    if kind == "shadow":
        return {"shadow": float(rng.uniform(0.3, 0.7)), "soft": float(rng.uniform(0.02, 0.1))}
    if kind == "lamp":
        return {"warm": float(rng.uniform(0.4, 0.85)), "light": float(rng.uniform(0.6, 1.1))}
    if kind == "edge":
        near = [float(found.digit * rng.uniform(0.75, 2.5)) if rng.random() < 0.6 else 300.0 for _ in range(4)]
        near[rng.integers(4)] = float(found.digit * rng.uniform(0.7, 1.2))
        table = WOODS[rng.integers(len(WOODS))]
        paper = (ruled | {"margin": 0, "holes": False}) if rng.random() < 0.3 else {}
        return paper | {"edges": tuple(near), "table": table}
    return {}
