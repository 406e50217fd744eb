"""Sample: pictures that the model makes up, decoded at draws from the prior or over the prior's plane."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import streamlit as st
import torch
import torch.nn.functional as F
from streamlit.delta_generator import DeltaGenerator
from torch import Tensor

from pages.widgets.display import stage
from pages.widgets.display.canvas import GREY, GUTTER, canvas
from pages.widgets.live import decoders, views
from pages.widgets.selection import classes, send, slots
from pages.widgets.selection.choice import FITTED, POINT, PRIOR, Choice
from pages.widgets.shell import downloads, models, words
from pages.widgets.shell.models import Opened, plain
from pages.widgets.shell.url_state import Number, OneOf, numbered
from vae_core import explore, fitting, images
from vae_core.model import VAE

COUNTS = (1, 4, 9, 16, 25, 36, 49, 64, 100, 144, 196, 256)
SIDES = (5, 10, 15, 20, 25, 30)
COLUMNS = (4, 8, 12, 16, 20)
MAX_ROWS = 40  # of classes
MAX_SEED = 999_999_999
MAX_TEMPERATURE = 2.0
PRIORS = {"own": "Its own", "fitted": "Fitted", "both": "Both"}
SHARE, SHARE_OF_CLASSES = 0.66, 0.84  # of the window's height that the grid takes
SEEDS = 16  # whose draws a browser has at hand, as far as they are
MAX_NUMBERS = 2**18  # of them together
TEMPERATURE = Number("temperature", "Temperature", 1.0, 0.0, MAX_TEMPERATURE)
SEED = Number("seed", "Seed", 0, 0, MAX_SEED)
REST = Number("rest", "Seed of the rest", 0, 0, MAX_SEED)
VIEW = OneOf("view", "View", "draws", {"draws": "Draws", "plane": "Plane"})
SHOWN = OneOf("shown", "Shown", "mean", {"mean": "Mean", "pixels": "Pixels"})


@dataclass(frozen=True)
class View:
    """What is asked for.

    Attributes:
        count: pictures; of a plane or of all classes, pictures a side or a row.
        temperature: of the draws.
        seed: of the draws.
        plane: the two latent dimensions as a picture, in place of draws.
        pixels: they are drawn, and not the mean shown.
        label: class of all pictures. Where the model has classes, None is a row for each; where its fitted prior alone
            has them, None is any.
        keep: latent groups that all pictures share with one draw; 0 is none.
        rest: seed of the groups that they do not share.
        prior: of `PRIORS`, which they are drawn from; with both, the rows of its own come first.
    """

    count: int
    temperature: float
    seed: int
    plane: bool = False
    pixels: bool = False
    label: int | None = None
    keep: int = 0
    rest: int = 0
    prior: str = "own"

    def parts(self, model: VAE) -> list[tuple[bool, int]]:
        """What the draws are of: whether the fitted prior, and how many; whole rows of each."""
        if self.prior != "both":
            return [(self.prior == "fitted", self.count)]
        columns = images.columns(self.count, model.image_shape)
        own = columns * (-(-self.count // columns) // 2)
        return [(False, own), (True, self.count - own)]

    def names(self, model: VAE) -> list[str]:
        """The text beside each row of a grid of both priors; else none."""
        if self.prior != "both":
            return []
        columns = images.columns(self.count, model.image_shape)
        own, fitted = (-(-n // columns) for _, n in self.parts(model))
        return [*[PRIORS["own"]][:own], *[""] * (own - 1), PRIORS["fitted"], *[""] * (fitted - 1)]

    def rows(self, opened: Opened) -> list[int]:
        """The class of each row where there is a row for each class; else none."""
        count = opened.checkpoint.model.spec.classes
        return [] if count is None or self.label is not None or self.plane else list(range(min(count, MAX_ROWS)))

    def columns(self, opened: Opened) -> int:
        """Pictures in a row."""
        if self.plane or self.rows(opened):
            return self.count
        return images.columns(self.count, opened.checkpoint.model.image_shape)

    @property
    def about(self) -> dict[str, float]:
        """What tells these draws from others, for names of files and caches."""
        found: dict[str, float] = {"plane" if self.plane else "n": self.count}
        found |= {} if self.plane else {"seed": self.seed}
        found["temperature"] = self.temperature
        found |= {} if self.label is None else {"class": self.label}
        found |= {} if self.prior == "own" else {self.prior: 1}
        return found | ({"keep": self.keep, "rest": self.rest} if self.keep else {})


@st.cache_data(max_entries=64, show_spinner=False)
def draws(
    key: str, _opened: Opened, n: int, temperature: float, seed: int, fitted: bool = False, label: int | None = None
) -> Tensor:
    """Points drawn from the prior, (n, D)."""
    return explore.sample(_opened.checkpoint.model, n, temperature, seed, fitted, label)


@st.cache_data(max_entries=16, show_spinner="Decoding …")
def decoded(
    key: str, _opened: Opened, _points: Tensor, _y: Tensor | None, about: tuple[object, ...], pixel_seed: int | None
) -> Tensor:
    """The pictures at points that `about` identifies: the likelihood's mean, or pixels drawn from it."""
    model = _opened.checkpoint.model
    if pixel_seed is None:
        return explore.decode(model, _points, _y)
    return explore.draw_pixels(model, _points, pixel_seed, _y)


@st.cache_data(max_entries=16, show_spinner="Drawing the finer levels …")
def resampled(key: str, _opened: Opened, view: View, _points: Tensor) -> Tensor:
    """Pictures that share the first levels of one draw."""
    return explore.continued(_opened.checkpoint.model, _points, view.keep, view.temperature, view.rest)


def points_of(opened: Opened, view: View) -> tuple[Tensor, Tensor | None]:
    """Points (N, D) and, where the model is conditional, their classes (N,)."""
    if view.plane:
        points = explore.prior_plane(view.count, view.temperature).flatten(0, 1)  # (side, side, 2) -> (side * side, 2)
    elif view.keep:
        points = draws(opened.key, opened, 1, view.temperature, view.seed).expand(view.count, -1)
    else:
        about = view.temperature, view.seed
        parts = [
            draws(opened.key, opened, n, *about, fitted, view.label)
            for fitted, n in view.parts(opened.checkpoint.model)
            if n
        ]
        points = torch.cat(parts)
    if rows := view.rows(opened):
        return points.repeat(len(rows), 1), torch.tensor(rows).repeat_interleave(view.count)
    if view.label is None or not opened.checkpoint.model.spec.classes:
        return points, None
    return points, torch.full((len(points),), view.label)


def picture_of(points: Tensor) -> Number[int | None]:
    """Which of the pictures is to be used, counted from 1."""
    return Number("picture", "Picture to use", None, 1, len(points))


def pick(place: int) -> None:
    st.session_state["picture"] = place + 1


def graph_of(opened: Opened, keep: int, flow: bool) -> dict[str, Any] | None:
    """The model, or it behind its flow, for the live view; None where the server draws pixels or levels, or decodes."""
    pixels = opened.checkpoint.model.spec.has_density and SHOWN.get() == "pixels"
    return None if keep or pixels else decoders.graph(opened, flow=flow)


def in_base(opened: Opened, prior: str) -> bool:
    """Whether draws are shown as points of a flow's base, which a browser carries to codes itself."""
    return (
        prior == "fitted" and opened.checkpoint.model.spec.fitted == "flow" and explore.in_base(opened.checkpoint.model)
    )


def controls(opened: Opened, above: DeltaGenerator) -> tuple[View, dict[str, Any] | None]:
    """The widgets, and what they ask for; `above` the grid stand temperature and seed, as in the live view."""
    spec = opened.checkpoint.model.spec
    plane, label = plane_input(opened), class_input(opened) if spec.classes else None
    if plane and spec.classes:
        label = label or 0  # a plane has no rows for classes
    count = count_input(plane, bool(spec.classes) and label is None and not plane)
    keep = keep_input(opened) if len(spec.shapes) > 1 else 0
    prior = prior_input(opened, bool(spec.classes) and label is None) if spec.fitted and not plane else "own"
    if prior != "own" and not spec.classes and spec.fitted_classes:
        label = class_input(opened)
    if graph := graph_of(opened, keep, in_base(opened, prior)):
        shown_input(opened)
        return View(count, TEMPERATURE.get(), SEED.get(), plane, label=label, prior=prior), graph
    with above:
        temperature = TEMPERATURE.slider(0.05, help=words.temperature_of(spec, prior))
        still = plane and SHOWN.get() == "mean"  # nothing in it is drawn at random
        seed = seed_input(SEED, "New draw", still)
    rest = 0
    if keep:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            rest = seed_input(REST, "New rest", False)
    pixels = False if keep else shown_input(opened)
    return View(count, temperature, seed, plane, pixels, label, keep, rest, prior), None


def prior_input(opened: Opened, by_class: bool) -> str:
    """Which prior the pictures are drawn from: where its own shows fog, the fitted one unless something else is asked.

    Rows of classes leave no room for both.
    """
    options = {name: label for name, label in PRIORS.items() if name != "both" or not by_class}
    gap = opened.checkpoint.metrics.get("prior_gap") or 0.0
    prior = OneOf("prior", "Prior", models.usual_prior(opened), options).segmented_control(
        key="prior_input",
        help="Its own: the prior that the model was trained with. Fitted: "
        f"{words.fitted_prior(opened.checkpoint.model.spec)}. {fitting.describe(gap)}",
    )
    st.caption(" ".join([words.places_of(prior), *[fitting.describe(gap)] * (gap >= fitting.SLIGHT)]))
    return prior


def plane_input(opened: Opened) -> bool:
    """Whether the plane is shown, where the model has one."""
    spec = opened.checkpoint.model.spec
    if spec.size != 2 or spec.prior != "normal":
        return False
    return VIEW.radio(horizontal=True) == "plane"


def class_input(opened: Opened) -> int | None:
    """The class of all pictures; None for a row of each, or of a fitted prior for any."""
    spec = opened.checkpoint.model.spec
    if spec.classes is None:
        return classes.select(
            opened,
            "class",
            "Class",
            classes.ANY,
            "Of the fitted prior: draws are taken from where the encoder put the pictures of this class.",
            spec.fitted_classes,
        )
    return classes.select(
        opened,
        "class",
        "Class",
        classes.ALL,
        "This model is told the class. All classes: a row for each, and in each column the same z, so that what stays "
        "in a column is the style.",
    )


def count_input(plane: bool, by_class: bool) -> int:
    """How many pictures; of a plane a side, of all classes a row."""
    if plane:
        count = OneOf("side", "Pictures a side", 15, numbered(SIDES))
    elif by_class:
        count = OneOf("columns", "Pictures a class", 8, numbered(COLUMNS))
    else:
        count = OneOf("n", "Pictures", 64, numbered(COUNTS))
    return count.select_slider()


def keep_input(opened: Opened) -> int:
    """How many levels of one draw all pictures share."""
    spec = opened.checkpoint.model.spec
    most = len(spec.shapes) - 1
    return Number("keep", "Levels that stay", 0, 0, most).slider(
        help="The coarsest levels of one draw are kept, and the finer ones are drawn again for every picture: so one "
        "sees what each level decides. 0 draws everything anew. " + "; ".join(words.what_levels(spec)) + ".",
    )


def seed_input(seed: Number[int], button: str, disabled: bool) -> int:
    """A seed, and the button that moves it on."""
    found = seed.field(width=150, help="The same seed gives the same pictures again, also on another day.")
    kind: Literal["primary", "secondary"] = "primary" if seed is SEED else "secondary"
    st.button(button, key=f"new_{seed.name}", on_click=seed.next, type=kind, disabled=disabled)
    return found


def shown_input(opened: Opened) -> bool:
    """Whether pixels are drawn."""
    if not opened.checkpoint.model.spec.has_density:
        return False
    shown = SHOWN.radio(
        horizontal=True,
        help=f"Mean: the decoder's mean, E[x | z]. Pixels: every pixel drawn from the likelihood p(x | z), "
        f"here {opened.checkpoint.model.likelihood.label}.",
    )
    return shown == "pixels"


def alt_of(opened: Opened, view: View, count: int) -> str:
    """What the grid shows, for a person who does not see it."""
    if view.plane:
        return f"{count} pictures over the plane of z0 (left to right) and z1 (bottom to top)"
    names = [classes.names(opened)[row] for row in view.rows(opened)]
    if view.prior == "both":
        return f"{count} pictures: above drawn from the model's own prior, below from the fitted one"
    return f"{count} pictures drawn from the prior" + (f", one row a class: {', '.join(names)}" if names else "")


def show(opened: Opened, view: View, x: Tensor, chosen: int | None, edge: float) -> None:
    """The picture itself; a plane has axes, and no gutters: it is one."""
    columns, rows, alt = view.columns(opened), view.rows(opened), alt_of(opened, view, len(x))
    if view.plane:
        ends = f"{-edge:.2f}", f"{edge:.2f}"
        canvas(
            x,
            columns,
            "plane",
            alt,
            on_pick=pick,
            chosen=chosen,
            rows=(ends[1], "z1 ↑", ends[0]),
            below=(ends[0], "z0 →", ends[1]),
            gutter=0,
            share=SHARE,
        )
        return
    if rows:
        names = [classes.names(opened)[row] for row in rows]
        canvas(x, columns, "classes", alt, on_pick=pick, chosen=chosen, rows=names, share=SHARE_OF_CLASSES)
    else:
        canvas(
            x, columns, "grid", alt, on_pick=pick, chosen=chosen, rows=view.names(opened.checkpoint.model), share=SHARE
        )


def window(model: VAE, view: View, rows: int, first: int, count: int) -> Tensor:
    """Base and slope (count, 2, rows * n, D) of the draws of `count` seeds."""

    def line(seed: int) -> tuple[Tensor, Tensor]:
        if view.plane:
            points = explore.prior_plane(view.count).flatten(0, 1)
            return torch.zeros_like(points), points
        found = []
        for fitted, n in view.parts(model):
            if view.prior == "fitted" and explore.in_base(model):
                base = explore.sample_base(model, n, seed)
                found.append((torch.zeros_like(base), base))
                continue
            part = explore.sample_line(model, n, seed, fitted, view.label)
            if part is None:  # the points of one temperature, that stay where they are
                points = explore.sample(model, n, view.temperature, seed, fitted, view.label)
                part = points, torch.zeros_like(points)
            found.append(part)
        return torch.cat([base for base, _ in found]), torch.cat([slope for _, slope in found])

    return torch.stack([torch.stack(line(first + i)).repeat(1, rows, 1) for i in range(count)])


def windows(opened: Opened, view: View, points: Tensor, moves: bool) -> list[dict[str, Any]]:
    """The draws of seeds around this one, made when the browser asks for them; where they take long, this one's before.

    Args:
        opened: the model.
        view: what is asked for.
        points: the draws of this seed (N, D).
        moves: whether they move along straight lines as the temperature changes.
    """
    rows, seeds = max(1, len(view.rows(opened))), 1
    if not view.plane:
        seeds = min(SEEDS, max(1, MAX_NUMBERS // (2 * points.numel())))
    asked = replace(view, temperature=1.0 if moves else view.temperature, seed=0)
    first = view.seed // seeds * seeds
    route = decoders.points(opened, (asked, rows, first, seeds), lambda model: window(model, asked, rows, first, seeds))
    found = [{"points": route, "first": first, "seeds": seeds}]
    if moves or seeds == 1:
        return found
    still = torch.stack([points, torch.zeros_like(points)])
    own = decoders.points(opened, (asked, rows, view.seed, "this one"), lambda _: still)
    return [{"points": own, "first": view.seed, "seeds": 1}, *found]


@st.cache_resource(max_entries=64, show_spinner=False)
def moves_along(key: str, _opened: Opened, prior: str) -> bool:
    """Whether draws move along straight lines as the temperature changes; those of a flow do so in its base."""
    if in_base(_opened, prior):
        return True
    each = {"own": (False,), "fitted": (True,), "both": (False, True)}[prior]
    return all(explore.sample_line(_opened.checkpoint.model, 1, fitted=fitted) is not None for fitted in each)


def weights_of(opened: Opened, view: View, y: Tensor | None, count: int) -> list[float] | None:
    """Weights of classes for the live view, of the decoder's or else of the flow's; none where neither has any."""
    spec = opened.checkpoint.model.spec
    if y is not None:
        return F.one_hot(y, spec.classes or 1).flatten().tolist()
    if not (in_base(opened, view.prior) and spec.fitted_classes):
        return None
    one = [float(i == view.label) for i in range(spec.fitted_classes)]
    return one * count


def live_grid(opened: Opened, view: View, graph: dict[str, Any], points: Tensor, y: Tensor | None, edge: float) -> None:
    """The grid, decoded in the browser for every temperature and for the seeds around this one."""
    moves = view.plane or moves_along(opened.key, opened, view.prior)
    weights = weights_of(opened, view, y, len(points))

    def turned(knobs: Any) -> None:
        """The hand let go; what is no number in range is left out."""
        found = knobs if isinstance(knobs, dict) else {}
        for value in (TEMPERATURE, SEED):
            value.tell(found.get(value.name))

    def picked(place: Any) -> None:
        if isinstance(place, int | float) and 0 <= place < len(points):
            pick(int(place))

    chosen = picture_of(points).get()
    rows = view.rows(opened)
    views.show(
        "grid",
        "live_grid",
        {
            "model": graph,
            "windows": windows(opened, view, points, moves),
            "count": len(points),
            "columns": view.columns(opened),
            "gutter": 0 if view.plane else GUTTER,
            "y": weights,
            "moves": moves,
            "temperature": view.temperature,
            "hottest": MAX_TEMPERATURE,
            "seed": view.seed,
            "seeded": not view.plane,
            "last": MAX_SEED,
            "rows": [classes.names(opened)[row] for row in rows] or view.names(opened.checkpoint.model),
            "edge": edge if view.plane else None,
            "chosen": chosen - 1 if chosen else -1,
            "alt": alt_of(opened, view, len(points)),
            "share": SHARE_OF_CLASSES if rows else SHARE,
        },
        knobs=turned,
        picked=picked,
    )


def describe(opened: Opened, view: View) -> str:
    """A few sentences on what is shown."""
    spec, model = opened.checkpoint.model.spec, opened.checkpoint.model
    if view.plane:
        where = f"{view.count} x {view.count} points at equal steps of the prior's probability (its quantiles)"
    else:
        where = f"{view.count} draws of z from {words.prior_of(spec, view.prior)}, seed {view.seed}"
    if view.keep:
        kept = "level 1" if view.keep == 1 else f"levels 1 to {view.keep}"
        where = (
            f"{view.count} pictures that share {kept} of one draw (seed {view.seed}); the finer levels are drawn anew"
        )
    if rows := view.rows(opened):
        more = f" (the first {len(rows)} of {spec.classes})" if len(rows) < (spec.classes or 0) else ""
        where += f": in each column the same z, in each row another class{more}"
    elif view.label is not None:
        name = plain(classes.names(opened, spec.classes or spec.fitted_classes)[view.label])
        where += f", all as {name}" if spec.classes else f" of {name}"
    what = (
        f"Every pixel is drawn from the likelihood, {model.likelihood.label}: the grain is noise."
        if view.pixels
        else "Shown is the decoder's mean, the expected picture at z, and not a draw of pixels."
        if spec.has_density
        else "Shown is what the decoder makes of each."
    )
    return f"{where}, temperature {view.temperature:g}. {what}"


def choice_of(opened: Opened, view: View, points: Tensor, place: int) -> Choice:
    """What stands for a picture on the other pages."""
    rows = view.rows(opened)
    kind, number = PRIOR, place % view.count
    if view.prior != "own":
        own = sum(n for fitted, n in view.parts(opened.checkpoint.model) if not fitted)
        kind, number = (FITTED, number - own) if number >= own else (kind, number)
    drawn = Choice.draw(kind, view.seed, number, view.temperature)
    choice = Choice(POINT, explore.to_text(points[place])) if view.plane else drawn
    return choice.with_class(rows[place // view.count] if rows else view.label)


def use_one(opened: Opened, view: View, points: Tensor) -> None:
    """Choose one picture and send it on."""
    if view.keep:
        st.caption(
            "To send a picture to Interpolate or Traverse, draw all levels: set “Levels that stay” to 0. What is drawn "
            "below a level that stays is known to the decoder alone."
        )
        return
    number = picture_of(points).field(placeholder="press one, or type", help="Counted row by row from the top left.")
    choice = None if number is None else choice_of(opened, view, points, number - 1)
    with st.container(horizontal=True):
        for slot in send.buttons("use", disabled=choice is None):
            if choice is not None:
                send.send(slot, choice, f"Picture {number}")
    if number is not None and len(points[0]) <= 2:
        st.caption("At " + ", ".join(f"z{i} = {value:.2f}" for i, value in enumerate(points[number - 1].tolist())))


def offer(opened: Opened, view: View, points: Tensor, y: Tensor | None, made: Callable[[], Tensor]) -> None:
    """Downloads of what is shown, built when they are asked for."""
    columns, gutter = view.columns(opened), 0 if view.plane else GUTTER
    stem = downloads.file_name(opened.entry.title, *view.about.values())
    grow = downloads.enlargement(columns * opened.checkpoint.model.image_shape[2])

    def grid() -> bytes:
        return images.png(images.grid(made(), columns, grow, gutter * grow, GREY))

    def npz() -> bytes:
        held = view.about if y is None else view.about | {"y": y}
        return downloads.npz(z=points, model=opened.entry.title, **held)

    with st.container(horizontal=True):
        st.download_button("Grid (PNG)", grid, f"{stem}.png", "image/png", on_click="ignore")
        st.download_button(
            "Pictures (zip)", lambda: images.zip_png(made(), stem), f"{stem}.zip", "application/zip", on_click="ignore"
        )
        st.download_button("Latents (npz)", npz, f"{stem}.npz", "application/octet-stream", on_click="ignore")


def main() -> None:
    opened = models.picker()
    slots.keep_in_url("a", "b", "start")
    intro = stage.head("Sample")
    models.warn_collapsed(opened)
    left, right = stage.columns()
    above = left.container(horizontal=True, vertical_alignment="bottom")
    with right:
        view, graph = controls(opened, above)
    intro.write(words.intro(opened.checkpoint.model.spec, view.prior))
    points, y = points_of(opened, view)

    def made() -> Tensor:
        if view.keep:
            return resampled(opened.key, opened, view, points)
        return decoded(opened.key, opened, points, y, tuple(view.about.items()), view.seed if view.pixels else None)

    with right:
        use_one(opened, view, points)
    with left:
        chosen = None if view.keep else picture_of(points).get()
        edge = explore.prior_plane(view.count).max().item() if view.plane else 0.0
        with stage.screen():
            if graph:
                live_grid(opened, view, graph, points, y, edge)
            else:
                show(opened, view, made(), chosen - 1 if chosen else None, view.temperature * edge)
        st.caption(describe(opened, view))
        offer(opened, view, points, y, made)
    TEMPERATURE.write()
    SEED.write()


main()
