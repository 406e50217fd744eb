"""A photograph of handwriting -> its ink: where the sheet lies, what light and rules did to it, and what is left.

Pure functions of grey pictures (H, W) in [0, 1]. *Darkness* is 1 - brightness / brightness of bare paper at that place:
0 on paper, about 0.7 on the ink of a ballpoint pen, whatever the light. Everything is searched for at one size
(`SIDE`), so that lengths in pixels mean the same in every photograph.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage.measure import approximate_polygon, find_contours
from skimage.morphology import convex_hull_image, skeletonize
from skimage.transform import hough_line, hough_line_peaks

Grey = NDArray[np.float32]
Mask = NDArray[np.bool_]
Floats = NDArray[np.floating]
Box = tuple[float, float, float, float]  # left, top, right, bottom, in parts of a picture's width and height
Slices = tuple[slice, slice]

SIDE = 1024  # pixels of the longer side
FAINT = 0.25  # darkness of ink: what is lighter, a person is asked to look at
MOST_SHAPES = 500  # connected shapes that writing has: noise and halftones have thousands
LEAST = 0.1  # darkness of ink: what is lighter is none

_WINDOWS = (0.015, 0.03, 0.06, 0.12, 0.2)  # of the longer side: wider than a stroke, from narrow to wide
_QUARTER = 4  # the brightness of bare paper is looked for at a quarter of the size
_SAMPLE = 150  # pixels: so many of the darkest say how dark the ink is
_BOARD = 0.5  # brightness: a ground that is lighter is no blackboard
_EDGE = 8  # pixels at the sheet's edge that are not looked at
_SHARP = 0.08  # least change of darkness at the edge of ink, in parts of its darkness, a pixel; shadows have 0.05
_RULE = 25  # pixels: wider than a rule is thick
_FEW = 3  # rules, from which on they say how the sheet is turned
_NEAR = 3  # rules that are broad are looked for at a third of the size
_STEEPEST = 25.0  # degrees: rules beyond are not looked for
_STEP = 0.25  # degrees, from one direction in which rules are looked for to the next
_REACH = 8  # pixels on either side of a rule
_PIECES = 16  # in which a rule is followed over the sheet
_MARGIN = 0.15  # around the ink, in parts of its longer side
_PATCH = 256  # pixels of the longer side of what is cut out


@dataclass(frozen=True, eq=False)
class CutOut:
    """What was cut out of a photograph.

    Attributes:
        crop: the rectangle before it is turned about its middle.
        turn: degrees, clockwise, that the rectangle is turned by as it lies in the photograph.
        threshold: darkness from which on a pixel is ink, 0 to 1.
        mask: (h, w) where ink is in the rectangle, upright.
        dark_ink: whether the ink is darker than its ground.
        notes: what was found, in words.
        doubts: what a person should look at, a sentence each.
    """

    crop: Box
    turn: float
    threshold: float
    mask: Mask
    dark_ink: bool
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Paper:
    """A photograph without its light and rules.

    Attributes:
        dark: (H, W) darkness, 0 outside of the sheet.
        sheet: (H, W) where the sheet lies.
        angle: degrees, clockwise, that rules or the sheet's edges are turned by; None where neither is seen.
        dark_ink: whether the ink is darker than its ground.
        notes: what was found, in words.
    """

    dark: Grey
    sheet: Mask
    angle: float | None
    dark_ink: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Shapes:
    """Connected pixels above a threshold, K shapes.

    Attributes:
        labels: (H, W) which shape a pixel belongs to, from 1; 0 is none.
        boxes: where each lies.
        weight: (K,) sum of its darkness.
        quality: (K,) 1 for what a pen may have drawn, less for blurred, round or cut shapes.
        round: (K,) whether it is a disc.
    """

    labels: NDArray[np.int32]
    boxes: list[Slices]
    weight: NDArray[Any]
    quality: NDArray[Any]
    round: Mask


def cut(
    grey: Grey,
    crop: Box | None = None,
    turn: float | None = None,
    threshold: float | None = None,
    dark_ink: bool | None = None,
) -> CutOut:
    """Cut the handwriting out of a photograph; what is None is found.

    Args:
        grey: (H, W) in [0, 1], with a longer side of `SIDE` or less.
        crop: the rectangle to look in; None takes the heaviest shape on the sheet.
        turn: degrees that the rectangle is turned by; None takes the angle of the rules or of the sheet's edges.
        threshold: darkness from which on a pixel is ink; None takes half of what the ink has.
        dark_ink: whether ink is darker than its ground (a pen), or lighter (chalk); None looks.

    Returns:
        The ink, upright; its mask is empty where there is none.
    """
    paper = _read(grey, crop, dark_ink)
    turn = turn if turn is not None else round(paper.angle or 0.0, 1) + 0.0  # never -0.0
    sheet = paper.sheet if crop is None else paper.sheet & _inside(crop, turn, grey.shape)
    dark = np.where(sheet, paper.dark, 0)
    ink, level, others = _ink(dark, sheet, threshold, alone=crop is None)
    threshold = threshold if threshold is not None else level / 2
    if crop is None:
        crop = _around(ink, turn)
    mask = _patch(np.where(_grown(ink), dark, 0), crop, turn) > threshold
    return CutOut(crop, turn, threshold, mask, paper.dark_ink, paper.notes, _doubts(ink, level, others))


def _doubts(ink: Mask, level: float, others: int) -> tuple[str, ...]:
    """Tell what a person should look at."""
    if not ink.any():
        return ("No ink was found.",)
    doubts = []
    if others:
        doubts.append("There are several shapes; the largest was taken.")
    if level < FAINT:
        doubts.append("The ink is hardly darker than the paper.")
    if ink[[0, -1]].any() or ink[:, [0, -1]].any():
        doubts.append("The writing touches the edge of the picture.")
    return tuple(doubts)


# --- the paper -----------------------------------------------------------------------------------------------


def _read(grey: Grey, crop: Box | None, dark_ink: bool | None) -> _Paper:
    """Find the sheet, and take light and rules away."""
    grey = ndimage.gaussian_filter(np.maximum(grey, 1 / 255), 0.7)
    sheet, angle = _find_sheet(grey)
    if crop is not None and not sheet[_inside(crop, 0, grey.shape)].mean() > 0.9:
        sheet, angle = np.ones(grey.shape, bool), None  # a person has seen it elsewhere
    notes = ["sheet found"] * (angle is not None)
    if dark_ink is None:
        dark_ink = angle is not None or _is_dark_ink(grey)
    grey = grey if dark_ink else 1 - grey
    if angle is not None:
        sheet = ndimage.minimum_filter(sheet, 2 * _EDGE + 1, mode="nearest")
    filled = _fill(grey, sheet)
    printed, angles = _find_rules(filled, sheet)
    if angles:
        notes.append(f"{len(angles)} rules removed" if len(angles) > 1 else "1 rule removed")
    if len(angles) >= _FEW:
        angle = float(np.median(angles))
    sheet = sheet & ~_holes(filled, printed, sheet)
    window = _window(filled, printed, sheet)
    dark = _bridged(_darkness(filled, printed, sheet, window), printed)
    return _Paper(dark, sheet, angle, dark_ink, tuple(notes))


def _is_dark_ink(grey: Grey) -> bool:
    """Tell whether ink is darker than its ground: yes, unless the ground is dark and what stands out most is light."""
    small = _shrink(grey, 12)
    ground = ndimage.median_filter(small, 31, mode="nearest")
    rest = np.sort((small - ground).ravel())
    return bool(np.median(ground) > _BOARD or -rest[:20].mean() >= rest[-20:].mean())


def _darkness(filled: Grey, printed: Grey, sheet: Mask, window: float) -> Grey:
    """Return darkness of all but the rules, where strokes are narrower than a window."""
    left = filled / (_paper(filled, window) * (1 - printed))
    return np.where(sheet, (1 - left).clip(0, 1), 0).astype(np.float32)


def _bridged(dark: Grey, printed: Grey) -> Grey:
    """Bring back ink that went with the rules: what lies between ink on both sides of a rule. Returns darkness."""
    band = printed > 0.1
    if not band.any():
        return dark
    thickness = 8 * float(ndimage.distance_transform_edt(band[::2, ::2])[band[::2, ::2]].mean())  # at half the size
    beside = np.where(ndimage.maximum_filter(band, 5), 0, dark)  # where nothing of a rule is left
    closed = ndimage.grey_closing(beside, round(thickness) + 7, mode="nearest")
    return np.where(band, np.maximum(dark, closed), dark)


def _window(filled: Grey, printed: Grey, sheet: Mask) -> float:
    """Return the window in which the ink has most of its outline and the least of another.

    A narrower window leaves thick lines hollow; in a wider one a shadow looks like ink, too. Neither limit is sharp.
    """
    filled, printed, sheet = _shrink(filled, 2), _shrink(printed, 2), sheet[::2, ::2]
    change = _change(_darkness(filled, printed, sheet, _WINDOWS[-1]), 2)
    scores = []
    for window in _WINDOWS:
        ink, level, _ = _ink(_darkness(filled, printed, sheet, window), sheet, None, True, 2)
        sharp = change[_rim(ink)] > _SHARP * level
        scores.append(np.count_nonzero(sharp) ** 2 / max(len(sharp), 1))
    return next(window for window, score in zip(_WINDOWS, scores, strict=True) if score >= 0.92 * max(scores))


def _holes(filled: Grey, printed: Grey, sheet: Mask) -> Mask:
    """Tell where the sheet is punched, (H, W): discs, where there is something else besides."""
    small = sheet[::2, ::2]
    printed = _shrink(printed, 2)
    dark = _bridged(_darkness(_shrink(filled, 2), printed, small, _WINDOWS[-1]), printed)
    shapes = _shapes(dark, small, _level(dark) / 2, 2)
    holes = np.zeros_like(small)
    if (shapes.quality[~shapes.round] >= 0.5).any():
        holes = _grown(np.isin(shapes.labels, np.flatnonzero(shapes.round) + 1))
    return holes.repeat(2, 0).repeat(2, 1)[: sheet.shape[0], : sheet.shape[1]]


def _change(dark: Grey, step: int) -> Grey:
    """Return change of darkness, a pixel of the photograph, of which there are `step` to one here."""
    return ndimage.gaussian_gradient_magnitude(dark, 1 / step) / step


def _fill(grey: Grey, sheet: Mask) -> Grey:
    """Tell what is not the sheet, as the sheet's nearest point is."""
    if sheet.all():
        return grey
    soft = ndimage.median_filter(_shrink(grey, _QUARTER), 3)
    beside = ~sheet[::_QUARTER, ::_QUARTER]
    nearest = ndimage.distance_transform_edt(beside, return_distances=False, return_indices=True)
    return np.where(sheet, grey, _enlarge(soft[tuple(nearest)], grey.shape))


def _paper(grey: Grey, window: float) -> Grey:
    """Return brightness of the bare paper everywhere: whatever is dark and narrower than the window is closed."""
    quarter = _shrink(grey, _QUARTER)
    size = max(3, round(window * max(quarter.shape))) | 1
    closed = ndimage.grey_closing(quarter, (size, size), mode="nearest")
    return np.maximum(_enlarge(ndimage.gaussian_filter(closed, 1.5), grey.shape), np.float32(0.05))


def _shrink(grey: Grey, by: int) -> Grey:
    """Return means of squares of `by` pixels."""
    rows, columns = (-side % by for side in grey.shape)
    padded = np.pad(grey, ((0, rows), (0, columns)), mode="edge")
    return padded.reshape(padded.shape[0] // by, by, padded.shape[1] // by, by).mean((1, 3), dtype=np.float32)


def _enlarge(small: Grey, shape: tuple[int, ...], by: int = _QUARTER) -> Grey:
    """Return the reverse of `_shrink`, bilinear."""
    rows, columns = (side * by for side in small.shape)
    large = Image.fromarray(small.astype(np.float32)).resize((columns, rows), Image.Resampling.BILINEAR)
    return np.asarray(large)[: shape[0], : shape[1]]


# --- the sheet -----------------------------------------------------------------------------------------------


def _find_sheet(grey: Grey) -> tuple[Mask, float | None]:
    """Tell where the sheet lies, and how its edges are turned; everywhere and None where no edge is seen."""
    quarter = ndimage.median_filter(_shrink(grey, _QUARTER), 3)
    size = round(0.1 * max(quarter.shape)) | 1
    ground = ndimage.grey_closing(quarter, (size, size), mode="nearest")
    low, high = np.percentile(ground, (2, 98))
    best, sheet = 0.25, None
    for level in np.linspace(low, high, 12)[1:-1]:
        hull, solid = _hull(ground > level)
        score = 0.0 if hull is None else _edge(quarter, hull) * solid**2
        if score > best:
            best, sheet = score, hull
    if sheet is None:
        return np.ones(grey.shape, bool), None
    return _enlarge(sheet.astype(np.float32), grey.shape) > 0.5, _edge_angle(sheet)


def _hull(light: Mask) -> tuple[Mask | None, float]:
    """Return the convex hull of the largest light part, and how much of it is light; None where it is none or all."""
    labels, count = ndimage.label(ndimage.binary_opening(light, np.ones((5, 5))))
    if not count:
        return None, 0.0
    areas = np.bincount(labels.ravel())[1:]
    if areas.max() < 0.002 * light.size:
        return None, 0.0
    hull = convex_hull_image(labels == areas.argmax() + 1)
    return (hull, areas.max() / hull.sum()) if hull.mean() < 0.985 else (None, 0.0)


def _edge(quarter: Grey, hull: Mask) -> float:
    """Tell how much darker it gets within two pixels outwards over a hull's edge, in parts of the inside: median."""
    signed = ndimage.distance_transform_edt(hull) - ndimage.distance_transform_edt(~hull)
    normal = np.stack(np.gradient(ndimage.gaussian_filter(signed, 1.5)))
    free = np.zeros_like(hull)
    free[4:-4, 4:-4] = True
    rows, columns = np.nonzero(free & (signed > 0) & (signed < 1.5))
    if len(rows) < 0.15 * min(hull.shape):
        return 0.0
    normal = normal[:, rows, columns] / np.maximum(np.hypot(*normal[:, rows, columns]), 1e-6)
    where = np.stack([rows, columns])[:, None] + np.arange(-6, 7)[:, None] * normal[:, None]
    profile = ndimage.map_coordinates(quarter, where, order=1, mode="nearest")  # outside to inside, (13, n)
    drop = (profile[2:] - profile[:-2]).max(0) / np.maximum(profile[-4:].mean(0), 1e-3)
    return float(np.median(drop))


def _edge_angle(hull: Mask) -> float:
    """Tell how far the straight edges of a hull are turned, -45 to 45 degrees, those at the picture's border aside."""
    outline = max(find_contours(np.pad(hull, 1).astype(float), 0.5), key=len) - 1
    corners = approximate_polygon(outline, 2.0)
    steps, middles = np.diff(corners, axis=0), (corners[:-1] + corners[1:]) / 2
    free = (middles > 2).all(1) & (middles < np.array(hull.shape) - 3).all(1)
    angles = np.arctan2(steps[free, 0], steps[free, 1])
    mean = ((steps[free] ** 2).sum(1) * np.exp(4j * angles)).sum()  # edges at right angles count alike
    return math.degrees(np.angle(mean) / 4)


# --- rules ---------------------------------------------------------------------------------------------------


def _find_rules(grey: Grey, sheet: Mask) -> tuple[Grey, list[float]]:
    """Return darkness of printed rules (H, W), and the angle of each in degrees, clockwise."""
    printed, angles = _rules(grey, sheet)
    if len(angles) < _FEW:  # or the camera was so near that they are broad
        small, rules = _rules(_shrink(grey, _NEAR), sheet[::_NEAR, ::_NEAR])
        printed, angles = np.maximum(printed, _enlarge(small, grey.shape, _NEAR)), max(angles, rules, key=len)
    return printed, angles


def _rules(grey: Grey, sheet: Mask) -> tuple[Grey, list[float]]:
    """Return rules that are a few pixels thick, across and upright."""
    across, slopes = _rules_across(grey, sheet)
    upright, leans = _rules_across(grey.T, sheet.T)
    return np.maximum(across, upright.T), [*slopes, *(-lean for lean in leans)]


def _rules_across(grey: Grey, sheet: Mask) -> tuple[Grey, list[float]]:
    """Return darkness of the rules that run from side to side, and the angle of each."""
    soft = ndimage.gaussian_filter1d(grey, 1.0, axis=0)
    thin = 1 - soft / ndimage.grey_closing(soft, (_RULE, 1), mode="nearest")
    thin = np.where(sheet, thin, 0).astype(np.float32)
    painted, angles = np.zeros_like(grey), []
    lines = _lines(ndimage.uniform_filter1d(thin, 9, axis=1), sheet)
    for line, columns, profile in _traced(thin, sheet, lines):
        angles.append(math.degrees(math.atan(line[0])))
        _paint(painted, line, columns, profile)
    return painted, angles


def _lines(thin: Grey, sheet: Mask) -> Floats:
    """Return slope and height at the left (L, 2) of straight lines over the sheet (Hough transform)."""
    bare = thin[sheet][::7]
    noise = np.median(np.abs(bare - np.median(bare)))
    ridge = sheet & (thin > np.median(bare) + 2.5 * noise + 0.01)
    ridge &= thin >= ndimage.maximum_filter1d(thin, 5, axis=0)
    normals = np.deg2rad(90 + np.arange(-_STEEPEST, _STEEPEST, _STEP))
    votes, angles, distances = hough_line(ndimage.binary_dilation(ridge, np.ones((3, 1))), normals)
    least = 0.5 * np.count_nonzero(sheet.any(0))
    peaks = hough_line_peaks(votes, angles, distances, min_distance=4, min_angle=8, threshold=least, num_peaks=250)
    _, normal, distance = peaks
    return np.stack([-np.cos(normal) / np.sin(normal), distance / np.sin(normal)], axis=-1)


def _traced(thin: Grey, sheet: Mask, lines: Floats) -> list[tuple[Floats, Floats, Floats]]:
    """Follow lines over the sheet, and keep those that are rules.

    Returns:
        Slope and height (2,), first and last column (2,), and darkness at each offset (offsets,) of every rule.
    """
    lines, ends = _chords(sheet, lines)
    for reach in (5, 2):
        lines = lines + _shift(_bands(thin, lines, ends), ends, reach)
    traced: list[tuple[Floats, Floats, Floats]] = []
    middles = np.array([0.25, 0.75]) * thin.shape[1]
    for line, end, band in zip(lines, ends, _bands(thin, lines, ends), strict=True):
        profile = _profile(band)
        twice = any(np.abs(np.polyval(line - other, middles)).max() < 4 for other, _, _ in traced)
        if profile is not None and not twice:
            traced.append((line, end, profile))
    return traced


def _chords(sheet: Mask, lines: Floats) -> tuple[Floats, Floats]:
    """Return lines that cross the sheet, and the columns (L, 2) between which they do."""
    columns = np.linspace(0, sheet.shape[1] - 1, 128)
    rows = np.rint(lines[:, :1] * columns + lines[:, 1:]).astype(int)  # (L, 128)
    within = (rows >= 0) & (rows < len(sheet))
    within &= sheet[rows.clip(0, len(sheet) - 1), np.rint(columns).astype(int)]
    first, last = within.argmax(1), len(columns) - 1 - within[:, ::-1].argmax(1)
    long = within.sum(1) > len(columns) // 5
    return lines[long], np.stack([columns[first], columns[last]], axis=-1)[long]


def _bands(thin: Grey, lines: Floats, ends: Floats) -> Floats:
    """Return median darkness of each piece of each line at offsets from -`_REACH` to `_REACH`, (L, pieces, offsets)."""
    share = (np.arange(16 * _PIECES) + 0.5) / (16 * _PIECES)
    columns = ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * share  # (L, samples)
    rows = lines[:, :1] * columns + lines[:, 1:]
    offsets = np.arange(-_REACH, _REACH + 0.5, 0.5)
    where = np.stack(np.broadcast_arrays(rows[..., None] + offsets, columns[..., None]))
    darkness = ndimage.map_coordinates(thin, where, order=1, mode="nearest", output=np.float32)
    return np.median(darkness.reshape(len(lines), _PIECES, 16, len(offsets)), axis=2)


def _shift(bands: Floats, ends: Floats, reach: int) -> Floats:
    """Tell what to add to slope and height (L, 2) so that the lines run through what is darkest beside them."""
    near = slice(2 * (_REACH - reach), 2 * (_REACH + reach) + 1)
    soft = ndimage.gaussian_filter1d(bands, 1, axis=2)[..., near]
    offset = soft.argmax(2) / 2 - reach  # (L, pieces)
    off = np.abs(offset - np.median(offset, axis=1, keepdims=True))
    weight = soft.max(2) * (off <= np.maximum(2.5 * np.median(off, axis=1, keepdims=True), 1)) + 1e-9
    share = (np.arange(_PIECES) + 0.5) / _PIECES
    columns = ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * share
    centre, level = (np.average(values, axis=1, weights=weight)[:, None] for values in (columns, offset))
    slope = (weight * (columns - centre) * (offset - level)).sum(1) / (weight * (columns - centre) ** 2).sum(1)
    return np.stack([slope, level[:, 0] - slope * centre[:, 0]], axis=-1)


def _profile(band: Floats) -> Floats | None:
    """Return darkness of a rule at each offset from its pieces (pieces, offsets); None where it is no rule.

    A rule stands out from what lies beside it, from one edge of the sheet to the other.
    """
    middle = slice(2 * _REACH - 2, 2 * _REACH + 3)
    profile = np.median(band, axis=0)
    beside = float(np.median(np.concatenate([profile[:5], profile[-5:]])))
    peak = float(profile[middle].max())
    pieces = band[:, middle].max(1)
    if peak < max(0.025, 1.7 * beside) or (pieces > 0.5 * np.median(pieces)).mean() < 0.85:
        return None
    return (profile - beside).clip(0, 0.9)


def _paint(painted: Grey, line: Floats, ends: Floats, profile: Floats) -> None:
    """Put a rule's darkness where it runs."""
    columns = np.arange(math.floor(ends[0]), math.ceil(ends[1]) + 1)
    middle = np.polyval(line, columns)
    rows = np.rint(middle).astype(int) + np.arange(-_REACH, _REACH + 1)[:, None]
    value = np.interp(rows - middle, np.arange(-_REACH, _REACH + 0.5, 0.5), profile)
    fits = (rows >= 0) & (rows < len(painted))
    place = rows[fits], np.broadcast_to(columns, rows.shape)[fits]
    painted[place] = np.maximum(painted[place], value[fits])


# --- the ink -------------------------------------------------------------------------------------------------


def _level(dark: Grey) -> float:
    """Tell how dark the ink is, from the few darkest pixels."""
    return float(np.partition(dark.ravel(), -_SAMPLE)[-_SAMPLE])


def _ink(dark: Grey, sheet: Mask, threshold: float | None, alone: bool, step: int = 1) -> tuple[Mask, float, int]:
    """Tell ink from all else that is dark.

    Args:
        dark: (H, W) darkness.
        sheet: (H, W) where the sheet lies.
        threshold: darkness from which on a pixel is ink; None takes half of what the ink has.
        alone: take the heaviest group of shapes, and not all.
        step: pixels of the photograph to one here.

    Returns:
        Where it is (H, W), how dark it is, and how many other groups like it there are.
    """
    dark = _without_foreign(dark, sheet, threshold, step)
    level = _level(dark)
    shapes = _shapes(dark, sheet, threshold or level / 2, step)
    if level < LEAST or not shapes.boxes:
        return np.zeros(dark.shape, bool), level, 0
    chosen, others = _group(shapes, alone)
    ink = np.isin(shapes.labels, chosen + 1)
    return ink, float(np.percentile(dark[ink], 75)), others


def _without_foreign(dark: Grey, sheet: Mask, threshold: float | None, step: int) -> Grey:
    """Return darkness without shapes that no pen has drawn, the darkest first: paler ink is seen once they are gone."""
    for _ in range(3):
        level = _level(dark)
        shapes = _shapes(dark, sheet, threshold or level / 2, step)
        good = shapes.quality >= 0.5
        if level < LEAST or not good.any():
            break
        dark = np.where(np.isin(shapes.labels, np.flatnonzero(~good) + 1), 0, dark)
        if _level(dark) > 0.9 * level:
            break
    return dark


def _shapes(dark: Grey, sheet: Mask, threshold: float, step: int) -> _Shapes:
    """Return the connected parts above a threshold, and how like ink each is."""
    above = dark > max(threshold, LEAST / 2)
    labels, count = ndimage.label(above, np.ones((3, 3)))
    labels, count = _heaviest(labels, count, dark)
    above = labels > 0
    boxes = ndimage.find_objects(labels)
    every = np.arange(1, count + 1)
    areas = np.bincount(labels[above], minlength=count + 1)[1:]
    weight = np.bincount(labels[above], dark[above], count + 1)[1:]
    rim = _rim(above)
    change = np.bincount(labels[rim], _change(dark, step)[rim], count + 1)[1:]
    sharp = change / np.bincount(labels[rim], minlength=count + 1)[1:] / (weight / areas)
    cut = np.isin(every, labels[_rim(sheet)])
    sizes = np.array([[part.stop - part.start for part in box] for box in boxes]).reshape(-1, 2)
    round_ = (areas > 0.66 * sizes.prod(1)) & (sizes.max(1) < 1.35 * sizes.min(1)) & (sizes.max(1) * step > 10)
    quality = np.clip(2 * (sharp / _SHARP - 0.75), 0.02, 1) * np.where(cut, 0.2, 1) * np.where(round_, 0.1, 1)
    return _Shapes(labels, boxes, weight, quality, round_)


def _heaviest(labels: NDArray[np.int32], count: int, dark: Grey) -> tuple[NDArray[np.int32], int]:
    """Return labels of the heaviest shapes alone, where there are more than any writing has."""
    if count <= MOST_SHAPES:
        return labels, count
    weight = np.bincount(labels.ravel(), dark.ravel(), count + 1)
    weight[0] = 0
    kept = np.sort(np.argpartition(weight, -MOST_SHAPES)[-MOST_SHAPES:])
    number = np.zeros(count + 1, labels.dtype)
    number[kept] = np.arange(1, MOST_SHAPES + 1)
    return number[labels], MOST_SHAPES


def _group(shapes: _Shapes, alone: bool) -> tuple[NDArray[np.intp], int]:
    """Tell which shapes are the writing: the heaviest, with what lies near it; and how many others are like it."""
    score = shapes.weight * shapes.quality
    first = int(score.argmax())
    corners = np.array([[[part.start, part.stop] for part in box] for box in shapes.boxes])  # (K, 2, 2)
    sizes = np.diff(corners)[..., 0].max(1)
    large = (score > 0.02 * score[first]) & ((sizes > 0.08 * sizes[first]) | (score > 0.04 * score[first]))
    group, rest = [first], np.flatnonzero(large & (np.arange(len(score)) != first))
    reach = max(3.0, 0.18 * sizes[first])
    for one in group:  # grows while it is gone through
        gap = np.maximum(corners[rest, :, 0] - corners[one, :, 1], corners[one, :, 0] - corners[rest, :, 1]).max(1)
        group += rest[gap <= reach].tolist()
        rest = rest[gap > reach]
    others = int((score[rest] > 0.3 * score[first]).sum())
    return (np.array(group), others) if alone else (np.array([*group, *rest]), 0)


# --- the rectangle -------------------------------------------------------------------------------------------


def _grown(ink: Mask) -> Mask:
    """Return the ink with its soft edge."""
    return ndimage.maximum_filter(ink, 7)


def _rim(mask: Mask) -> Mask:
    """Return the pixels that have one beside them that is not of it, or none."""
    around = np.pad(mask, 1)
    return mask & ~(around[2:, 1:-1] & around[:-2, 1:-1] & around[1:-1, 2:] & around[1:-1, :-2])


def _inside(crop: Box, turn: float, shape: tuple[int, ...]) -> Mask:
    """Return the pixels (H, W) in a turned rectangle, at least one."""
    middle, size = _middle(crop, shape)
    down, across = np.mgrid[: shape[0], : shape[1]]
    away = (across + 0.5 + 1j * (down + 0.5) - middle) * np.exp(-1j * math.radians(turn))
    return (np.abs(away.real) <= max(size.real / 2, 1)) & (np.abs(away.imag) <= max(size.imag / 2, 1))


def _middle(crop: Box, shape: tuple[int, ...]) -> tuple[complex, complex]:
    """Return middle and sides of a rectangle in pixels, across + down * i."""
    rows, columns = shape
    corner, across = complex(crop[0] * columns, crop[1] * rows), complex(crop[2] * columns, crop[3] * rows)
    return (corner + across) / 2, across - corner


def _around(ink: Mask, turn: float) -> Box:
    """Return the rectangle around the ink that is upright once it is turned; everything without ink."""
    if not ink.any():
        return 0.0, 0.0, 1.0, 1.0
    rows, columns = np.nonzero(ink)
    away = np.exp(-1j * math.radians(turn)) * (columns + 0.5 + 1j * (rows + 0.5))
    low, high = complex(away.real.min(), away.imag.min()), complex(away.real.max(), away.imag.max())
    size = high - low + (1 + 1j) * (1 + 2 * _MARGIN * max((high - low).real, (high - low).imag))
    middle = np.exp(1j * math.radians(turn)) * (low + high) / 2
    height, width = ink.shape
    near, far = middle - size / 2, middle + size / 2
    left, right = max(near.real / width, 0.0), min(far.real / width, 1.0)
    return float(left), float(max(near.imag / height, 0.0)), float(right), float(min(far.imag / height, 1.0))


def _patch(dark: Grey, crop: Box, turn: float) -> Grey:
    """Tell what lies in a turned rectangle, upright, with a longer side of `_PATCH`."""
    middle, size = _middle(crop, dark.shape)
    fine = _PATCH / max(size.real, size.imag)
    down, across = np.mgrid[: max(1, round(size.imag * fine)), : max(1, round(size.real * fine))]
    away = (across + 0.5) / fine + 1j * (down + 0.5) / fine - size / 2
    place = middle + away * np.exp(1j * math.radians(turn)) - (0.5 + 0.5j)
    patch = ndimage.map_coordinates(dark, np.stack([place.imag, place.real]), order=1, mode="constant")
    return ndimage.gaussian_filter(patch, 0.4 * max(fine, 1)).astype(np.float32)


def redraw(mask: Mask, stroke: float) -> Grey:
    """Draw the middle of the ink's lines again, with another pen.

    Args:
        mask: (h, w) where ink is, at least one pixel.
        stroke: thickness of the pen's line, in parts of the drawing's longer side, 0 to 1.

    Returns:
        The drawing, light on dark and cut to its own sides, with a longer side of about `_PATCH`.
    """
    ink = mask[ndimage.find_objects(mask.astype(np.uint8))[0]]
    fine = ndimage.zoom(np.pad(ink, 1).astype(np.float32), _PATCH / max(ink.shape), order=1)
    smooth = ndimage.gaussian_filter(np.pad(fine, 4), _PATCH / 100) > 0.5
    middle = skeletonize(smooth) if smooth.any() else np.pad(ink, 4)
    middle = middle[ndimage.find_objects(middle.astype(np.uint8))[0]]
    thickness = stroke / (1 - stroke) * max(middle.shape)  # the line adds to both ends
    away = ndimage.distance_transform_edt(~np.pad(middle, round(thickness / 2)))
    return (thickness / 2 - away + 0.5).clip(0, 1).astype(np.float32)
