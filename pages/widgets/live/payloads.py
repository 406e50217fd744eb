"""What the views of the live component are sent: the one source of its types, here and in `built/payloads.d.ts`.

After a change: `python -m pages.widgets.live.typescript`, whose result a test compares.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class Sent(TypedDict):
    """What every view is sent."""

    view: str
    runtime: str  # below the app's address, named by the content's hash
    told: int  # the last count that Python heard of
    present: bool  # the stage has the window for itself


class Tiling(TypedDict):
    """How pictures stand in a grid."""

    width: int  # of one picture, in its own pixels
    height: int
    columns: int
    count: int
    gutter: int


class PicturesData(TypedDict):
    """Pictures that the server has made."""

    src: str  # the whole grid
    layout: Tiling
    alt: str
    chosen: int  # the place to mark; -1 for none
    pickable: bool
    rows: list[str]  # names on the left
    below: list[str]
    share: float  # of the window's height


class SheetData(TypedDict):
    """A contact sheet."""

    src: str  # the sprite sheet
    layout: Tiling  # its own: how many stand in a row of the page is the browser's choice
    rows: list[int]  # a number a picture, which is told
    labels: list[str]
    chosen: int  # the row to mark; -1 for none
    label: str  # of the whole
    wide: bool  # as the page, and not as a popover


class CutoutData(TypedDict):
    """A photograph, and what was cut out of it."""

    photograph: str
    alt: str
    ink: str
    inkAlt: str
    name: str  # of the picture
    crop: tuple[float, float, float, float]  # left, top, right, bottom, in parts of the photograph
    smallest: float  # side of a rectangle
    turn: float  # degrees
    turns: float  # at most, either way
    threshold: float
    thresholds: tuple[float, float]
    doubts: str
    changed: bool  # there is something to reset


class Model(TypedDict):
    """A model as the views know it: routes of its two halves and of the server's answers, and the sizes of z and x."""

    key: str  # another model has another key
    decoder: str  # below the app's address, named by a hash of the weights; "" where this browser shall not decode
    encoder: NotRequired[str]  # likewise
    why: str  # it shall not
    pictures: str  # where the server decodes, unless the page does
    numbers: NotRequired[str]  # and encodes
    whole: bool  # all rows of a wish go to the server in one request: something is drawn at random of them
    dim: int
    classes: int  # 0 where the class plays no part
    shape: tuple[int, int, int]  # channels, height, width


class Slide(TypedDict):
    """What can be slid, as `explore.Axis` has it: the dimension `index`, or a `direction` through many."""

    key: str
    note: str
    low: float
    high: float
    start: float
    at: float  # where the start stands, unrounded
    kl: float | None
    active: bool
    index: int | None
    direction: list[float] | None


class TraverseData(TypedDict):
    """One slider a dimension or direction, and the picture decoded where they stand."""

    model: Model
    about: str  # another model, start or level has another
    start: list[float]
    y: list[float] | None
    picture: str  # the start's
    captions: tuple[str, str]
    heading: tuple[str, str]  # short, and in full
    folded: str  # why some are folded away
    slides: list[Slide]
    places: dict[str, float]  # of those that were moved
    byName: bool  # the order of the sliders
    share: float  # of the window's height that a picture takes at least
    rest: float  # rem below the view that are to be seen with it


class Column(TypedDict):
    """One of the models that are compared, with A and B in it."""

    model: Model
    name: str
    a: list[float]
    b: list[float]
    ya: list[float] | None  # the class of A, of a model that is told it
    yb: list[float] | None
    rebuilt: tuple[str, str]
    facts: list[str]  # short ones
    whole: str  # the same in full


class CompareData(TypedDict):
    """Several models under one movement: from A to B, or the same z."""

    columns: list[Column]
    about: str  # other models or pictures have another
    ends: tuple[str, str]  # the pictures A and B
    share: float  # of the window's height that the pictures of all rows together take at least
    t: NotRequired[float]  # of the way from A to B
    slides: NotRequired[list[Slide]]  # of the same z
    places: NotRequired[dict[str, float]]
    warning: NotRequired[str]


class SeedWindow(TypedDict):
    """Draws of `seeds` seeds from `first` on."""

    points: str  # the route of base and slope (seeds, 2, count, D), float32
    first: int
    seeds: int


class GridData(TypedDict):
    """Draws that follow temperature and seed."""

    model: Model
    windows: list[SeedWindow]  # of seeds around the one that is shown, the quickest to be had first
    count: int
    columns: int  # or more, where pictures are larger then and rows have no names
    gutter: int
    y: list[float] | None  # class weights (count, classes)
    moves: bool  # with the temperature, along straight lines; else the points are of one temperature
    temperature: float
    hottest: float
    help: str  # what the temperature does
    seed: int
    seeded: bool  # whether anything is drawn at random
    last: int  # seed that there is
    rows: list[str]
    edge: float | None  # of a plane, at temperature 1
    chosen: int
    alt: str
    share: float  # of the window's height that the grid takes at least


class PathData(TypedDict):
    """The path from A to B."""

    model: Model
    about: str  # another model, A, B or path has another
    a: list[float]
    b: list[float]
    classes: tuple[list[float], list[float]] | None  # weights at A and at B
    path: str  # linear or spherical
    pictures: tuple[str, str]  # A and B as they are mixed
    fade: bool  # show the mixed pixels
    captions: tuple[str, str]
    label: str
    t: float
    share: float  # of the window's height that a picture takes at least
    strip: Tiling  # below the view, and to be seen with it
    stripShare: float  # of the window's height that it may take


class PadData(TypedDict):
    """The pad: three or four pictures at its corners."""

    model: Model
    about: str  # another model or picture has another
    names: list[str]  # of the corners
    corners: list[list[float]]
    classes: list[list[float]] | None  # weights at each corner
    caption: str
    at: tuple[float, float]
    share: float  # of the window's height that the view takes at least
    rest: float  # rem below the view that are to be seen with it


class Centring(TypedDict):
    """How the ink of a drawing is made like that of the model's pictures."""

    box: float  # part of the picture that the ink's longer side takes
    mass: bool  # the centre of mass, and not of the bounding box, comes into the middle
    brighten: bool  # ink gets full brightness and thickness


class Axis(TypedDict):
    """What a bar stands for: a dimension, or a direction through many."""

    name: str
    index: int | None  # of the dimension
    direction: list[float] | None
    offset: float  # of a direction: what the centre has along it
    low: float  # of the grey band
    high: float
    active: bool


class Group(TypedDict):
    """Points of a class in a plane."""

    name: str
    colour: str
    points: list[float]  # x, y, x, y, ...


class DrawData(TypedDict):
    """A sheet of paper, and what the model says of a drawing."""

    model: Model
    dark: bool  # the ground of the model's pictures
    bits: bool
    sees: str  # what is done to a drawing, for the caption
    centring: Centring | None  # None where the model's drawings are not centred
    centre: bool  # the switch before anybody turns it
    axes: list[Axis]
    plane: list[Group] | None  # of a model with two dimensions
    classes: list[str]


class Label(TypedDict):
    """The name of a class, over its points."""

    text: str
    x: float
    y: float
    move: float  # pixels up from where it belongs
    ground: str
    ink: str


class Mark(TypedDict):
    """The flag of a picture."""

    name: str
    x: float
    y: float
    colour: str


class Tie(TypedDict):
    """A picture on the map, and the points nearest to it in the latent space."""

    x: float
    y: float
    rows: list[int]


class Entry(TypedDict):
    """A class by its colour."""

    text: str
    ground: str


class ColourScale(TypedDict):
    """Numbers by the colours from one end to the other."""

    title: str
    ends: tuple[float, float]
    colours: list[str]


class MapData(TypedDict):
    """Pictures as points of a plane."""

    model: Model
    key: str  # other points, places or colours have another
    points: str
    means: str  # "" where they are too many for a browser
    count: int
    linear: bool  # there is a vector at each place
    equal: bool  # both axes have the same units
    axes: tuple[str, str]
    names: list[str] | None  # of the classes
    unit: str  # of the errors
    size: float  # of a point
    share: float  # of the window's height
    alt: str
    marks: list[Mark]
    ties: list[Tie]
    chosen: list[int]
    lit: int  # class that stands out; -1 is none
    labels: list[Label]
    legend: list[Entry]
    scale: ColourScale | None
    tool: Literal["Look", "Path", "Move", "Box", "Lasso"]
    residual: bool
    thumbs: bool  # points have pictures in their place
    shade: bool  # the ground says how thickly the points lie
