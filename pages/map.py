"""Map: the encoded means of many pictures as points of a plane or of space, and what lies where."""

import html
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
import torch

from pages.widgets.display import plots, stage
from pages.widgets.display.canvas import canvas
from pages.widgets.display.figures import Figure, show_figures
from pages.widgets.display.sheet import sheet
from pages.widgets.live import decoders
from pages.widgets.live.payloads import Model
from pages.widgets.mapping import colouring, layouts, livemap
from pages.widgets.mapping.layouts import HEIGHT, PCA, PLANE, TSNE, TSNE_AXES, Layout
from pages.widgets.mapping.points import Points, find_points, keep_points
from pages.widgets.selection import classes, datasource, given, send, slots
from pages.widgets.selection.choice import REFERENCE, Choice
from pages.widgets.selection.resolve import resolve, some_references
from pages.widgets.shell import background, downloads, links, models, uploads
from pages.widgets.shell.buttons import pressed
from pages.widgets.shell.models import Opened, plain
from pages.widgets.shell.uploads import File
from pages.widgets.shell.url_state import Number, OneOf, Tab, numbered
from pages.widgets.shell.words import sentence
from vae_core import explore, formats, images, projection, scatter

DIMENSIONS = OneOf("dims", "Dimensions", 2, {2: "2-D", 3: "3-D"}, {"2-D": 2, "3-D": 3})
COUNTS = (250, 500, 1000, 2000, 5000, 10_000)
COUNT = OneOf("points", "Points at most", 2000, numbered(COUNTS))  # as many as a reference set has at most
MAX_PERPLEXITY = 100
MAX_SEED = 999_999_999
SHEET = 48  # pictures of the contact sheet
STARS = 6  # uploads on the map
NEIGHBOURS = 8
CAMERA = {"eye": {"x": 1.5, "y": 1.3, "z": 0.9}, "center": {"x": 0, "y": 0, "z": -0.2}}  # all axes' titles in sight
METHODS = {"pca": PCA, "t-sne": TSNE, "plane": PLANE}
POINTERS = {"click": "pan", "box": "select", "lasso": "lasso"}  # a click chooses only where a drag moves the map
POINTER = OneOf("pointer", "Choose by", "click", {word: word.capitalize() for word in POINTERS})
SIDE = Tab("side", "", "settings", {"settings": "Settings", "chosen": "Chosen", "own": "Your own"}, {"Your own": "own"})


# --- controls -----------------------------------------------------------------------------------------------------


def data_controls(opened: Opened) -> tuple[str, int]:
    """Which pictures, and how many at most."""
    source = datasource.choose_source(opened)
    count = COUNT.select_slider(
        help="Where there are more pictures, so many are drawn from them at random: always the same ones."
    )
    return source, count


def methods(opened: Opened) -> OneOf[str]:
    """What can be drawn, and what is drawn at first: something that is there at once."""
    reference, plane = opened.checkpoint.reference, opened.checkpoint.model.spec.size == 2
    stored = reference is not None and reference.tsne is not None
    usual = "plane" if plane else "t-sne" if stored else "pca"
    allowed = {word: label for word, label in METHODS.items() if word != "plane" or plane}
    return OneOf("method", "Method", usual, allowed, {PLANE: "plane"})


def method_controls(opened: Opened) -> tuple[str, int, int, int]:
    """The method, the dimensions of PCA, and perplexity and seed of t-SNE."""
    word = methods(opened).segmented_control(
        help="PCA (principal components): the straight view along which the points differ most; what lies in other "
        "directions is flattened, and the map says how much. t-SNE: neighbours stay neighbours and groups become "
        "islands, while distances between islands and their sizes mean little.",
    )
    method, dimensions = METHODS[word], 2
    perplexity, seed = int(projection.PERPLEXITY), opened.checkpoint.recipe.training.seed
    if method == PCA:
        dimensions = DIMENSIONS.segmented_control()
    elif method == TSNE:
        perplexity, seed = tsne_controls(perplexity, seed)
    return method, dimensions, perplexity, seed


def tsne_controls(perplexity: int, seed: int) -> tuple[int, int]:
    left, right = st.columns([3, 2])
    with left:
        perplexity = Number("perplexity", "Perplexity", perplexity, 2, MAX_PERPLEXITY).slider(
            help="About how many neighbours each point looks at: few show small groups, many the large order."
        )
    with right:
        seed = Number("tsne_seed", "Seed", seed, 0, MAX_SEED).field(
            help="Of the tiny random shift that the map starts from; another seed shows what is chance."
        )
    return perplexity, seed


# --- points and places --------------------------------------------------------------------------------------------


def read_points(opened: Opened, source: str, count: int) -> Points | None:
    """The points, or None after showing what there is to wait for or to do."""
    try:
        key, found = find_points(opened, source, count)
    except LookupError as error:
        st.info(str(error.args[0]))
        return None
    if isinstance(found, Points):
        return found
    running = background.job("encode", key, found)
    if not running.done:
        background.watch(running, "Reading and encoding the pictures", lambda _: background.keep_place(HEIGHT))
    elif running.cancelled:
        background.say_why(running, "Reading the pictures was cancelled.", "Take fewer points, or try again later.")
        background.start_again("encode")
    else:
        try:
            points = running.result()
        except ValueError as error:
            st.error(plain(str(error)))
            return None
        keep_points(points)
        return points
    return None


# --- the picture --------------------------------------------------------------------------------------------------


def hover(points: Points) -> list[str]:
    """What is shown at the pointer, a line a point."""
    return [f"{html.escape(points.name_of(i))}<br>" + "<br>".join(figures_of(points, i)) for i in range(len(points))]


def figures_of(points: Points, place: int) -> list[str]:
    """Error and KL of a point, as far as it has them."""
    kl = [] if points.kl is None else [f"KL {float(points.kl[place]):.1f} nats"]
    return [f"error {float(points.error[place]):.1f} {points.unit}", *kl]


def marks(opened: Opened, points: Points, layout: Layout) -> dict[str, np.ndarray]:
    """A, B and the visitor's pictures, placed on the map."""
    found = {}
    wanted = {slots.NAMES[slot]: choice for slot in send.A_AND_B if (choice := slots.held(slot))}
    wanted |= {f"★ {i + 1}": star for i, star in enumerate(stars())}
    for name, choice in wanted.items():
        place = points.place_of(choice)
        try:
            mean = resolve(opened, choice).mean if place is None else None
        except ValueError:  # another model's row, or an upload of an earlier visit: not on this map
            continue
        if place is not None:
            found[name] = layout.coords[place]
        elif mean is not None:
            found[name] = layout.place(mean[None].numpy())[0]
    return found


def figure(layout: Layout, height: int = HEIGHT, **arguments: Any) -> go.Figure:
    """A scatter plot with equal units on both axes, except for t-SNE, whose numbers have no meaning."""
    drawing = plots.scatter(layout.coords, layout.axes, height=height, **arguments)
    drawing.update_layout(hoverlabel={"bgcolor": plots.NEUTRAL, "font": {"color": "white"}})
    if layout.coords.shape[1] == 3:
        drawing.update_scenes(camera=CAMERA)
    elif layout.axes == TSNE_AXES:
        drawing.update_xaxes(showticklabels=False)
        drawing.update_yaxes(showticklabels=False)
    else:
        drawing.update_yaxes(scaleanchor="x")
    return drawing


def pointer_control() -> str:
    """How points are chosen; gives the plot's drag mode."""
    return POINTERS[POINTER.segmented_control(label_visibility="collapsed")]


def chart(opened: Opened, points: Points, layout: Layout, colour: str, pointer: str) -> None:
    """The map, whose points can be chosen where it is flat."""
    flags = marks(opened, points, layout)
    places = {name: place.tolist() for name, place in flags.items()}
    drawing = figure(layout, **colouring.arguments(opened, points, colour), hover=hover(points), marks=places)
    stem = downloads.file_name("map", opened.entry.title, points.title, layout.axes[0].split()[0], colour)
    alt = f"Map of {len(points)} pictures: {', '.join(layout.axes)}, coloured by {colour}"
    if layout.coords.shape[1] == 3:
        plots.show(drawing, alt, "map_space", name=stem)
        return
    # A figure that changes begins anew in the browser, so what is chosen is drawn into it; choosing alone
    # must not change it, or zoom and lasso would be lost.
    drawing.update_layout(dragmode=pointer)
    drawn = (layout.key, colour, str(places), pointer)
    before = st.session_state.get("map_drawn")
    if before is None or before[0] != drawn or "map_chart" not in st.session_state:
        st.session_state["map_drawn"] = before = (drawn, chosen_places(points))
    highlight(drawing, before[1])
    plots.show(drawing, alt, "map_chart", select=partial(take_selection, points), name=stem)


def live_chart(opened: Opened, points: Points, layout: Layout, colour: str, graph: Model) -> None:
    """The map that decodes what lies under the pointer."""
    livemap.show(
        opened,
        points,
        layout,
        colour,
        colouring.arguments(opened, points, colour),
        marks(opened, points, layout),
        chosen_places(points),
        partial(keep_selection, points),
        graph,
    )


def highlight(drawing: go.Figure, chosen: list[int]) -> None:
    if not chosen:
        return
    for trace in drawing.data:
        trace.selectedpoints = np.flatnonzero(np.isin(trace.customdata, chosen)).tolist()


def take_selection(points: Points) -> None:
    """What was chosen in the chart."""
    keep_selection(points, plots.selected_rows(st.session_state.get("map_chart")))


def keep_selection(points: Points, places: list[int]) -> None:
    """Keep what was chosen by click, box or lasso: a chart forgets it when it changes or the page is left."""
    st.session_state["map_chosen"] = (points.key, places)
    st.session_state.pop("map_picked", None)
    if places:
        SIDE.put("chosen")


def chosen_places(points: Points) -> list[int]:
    """Places in `points` of the chosen pictures."""
    key, places = st.session_state.get("map_chosen", (None, []))
    return places if key == points.key else []


def forming(points: Points, colours: dict[str, Any], coords: np.ndarray | None) -> None:
    """The map while it is being computed."""
    if coords is None or len(coords) != len(points):
        return background.keep_place(HEIGHT)
    drawing = figure(Layout("", coords, TSNE_AXES, lambda new: new, ""), **colours)
    drawing.update_layout(hovermode=False)
    return plots.show(drawing, "The map so far", "map_forming")


# --- the chosen pictures ------------------------------------------------------------------------------------------


def pick(place: int) -> None:
    st.session_state["map_picked"] = place


def chosen_panel(opened: Opened, points: Points, flat: bool) -> None:
    """The chosen pictures decoded; one of them large, to be sent on."""
    places = chosen_places(points)
    if not places:
        st.write(
            "Click a point, or take Box or Lasso below the map and draw around some: their pictures appear here."
            if flat
            else "Turn the map with the pointer. Points are chosen on a flat map: take 2-D for that."
        )
        return
    picked = st.session_state.get("map_picked")
    picked = picked if picked in places else places[0]
    shown = places[:SHEET]
    one_picture(opened, points, picked)
    if len(places) == 1:
        return
    rest = f"; the first {SHEET}, decoded:" if len(places) > SHEET else ", decoded:"
    st.write(f"**{len(places):,} pictures chosen**{rest}")
    names = [points.name_of(i) for i in shown]
    decoded = points.decode(opened, shown)
    sheet(decoded, shown, names, "map_sheet", pick, picked, "Chosen pictures")
    st.download_button(
        "These pictures (PNG)",
        lambda: images.png(images.grid(decoded, 8, downloads.enlargement(8 * decoded.shape[3]))),
        f"{downloads.file_name('chosen', opened.entry.title, len(shown))}.png",
        "image/png",
        on_click="ignore",
    )


def one_picture(opened: Opened, points: Points, place: int) -> None:
    """A chosen picture beside its reconstruction, with its figures and where it can go."""
    name = points.name_of(place)
    title = name[0].upper() + name[1:]
    original = original_of(opened, points, place)
    decoded = points.decode(opened, [place])
    found = [Figure([images.grid(decoded, 1, gutter=0)], "Decoded", f"{title}: decoded")]
    if original is not None:
        found.insert(0, Figure([images.grid(original, 1, gutter=0)], "Original", f"{title}: original"))
    show_figures(found)
    st.text(f"{title}: {', '.join(figures_of(points, place))}")
    send_buttons("chosen", lambda: choice_of(points, place), title)


def original_of(opened: Opened, points: Points, place: int) -> torch.Tensor | None:
    """The picture itself (1, C, H, W), or None where only its encoding is here."""
    if points.images is not None:
        return points.images[place : place + 1].float() / 255
    if not models.originals_here(opened):
        return None
    return some_references(opened, [int(points.rows[place])])


def choice_of(points: Points, place: int) -> Choice:
    """What stands for a point on the other pages: a reference row, or the picture kept as an upload, as it is."""
    if points.images is None:
        return Choice.row(REFERENCE, int(points.rows[place]))
    picture = points.images[place : place + 1].float() / 255
    upload = given.keep_as_it_is(images.png(images.grid(picture, 1, gutter=0)))
    return upload if points.y is None else upload.with_class(int(points.y[place]))


def send_buttons(key: str, choice: Callable[[], Choice], what: str) -> None:
    """Make a picture A or B, or go on with it to Traverse."""

    def choose(slot: str) -> None:
        slots.choose(slot, choice())

    with st.container(horizontal=True, gap="xsmall"):
        for slot in send.buttons(key, before=choose):
            send.tell(slot, what)
        if pressed("Go to Interpolate", f"{key}_go", type="primary"):
            links.go_to("interpolate.py")


# --- the visitor's pictures ---------------------------------------------------------------------------------------


def stars() -> list[Choice]:
    """The choices that stand for the visitor's pictures on the map."""
    return st.session_state.setdefault("map_stars", [])


def take_uploads(opened: Opened, files: Sequence[File]) -> None:
    """Keep the files' bytes for the visit, and say which cannot be used."""
    bad, found = [], []
    for file in files:
        try:
            found.append(given.keep(opened, file.content, file.name))
        except ValueError as error:
            bad.append(f"{file.name}: {error}")
    kept = [star for star in stars() if star not in found] + found
    st.session_state["map_stars"] = kept[-STARS:]
    if len(kept) > STARS:
        bad.append(f"The map takes {STARS} pictures; the first {len(kept) - STARS} left it.")
    st.session_state["map_bad"] = bad


def own_panel(opened: Opened, points: Points) -> None:
    """The visitor's pictures: each as the model sees it, decoded, and what lies next to it."""
    uploads.uploader(
        "Pictures to place on the map",
        "map_uploads",
        partial(take_uploads, opened),
        images.MAX_BYTES,
        many=True,
        help="They are kept on this server for this visit only; a link cannot hold them.",
    )
    st.caption(f"{formats.words()}, up to {images.MAX_BYTES // 2**20} MB each.")
    for message in st.session_state.get("map_bad", []):
        st.error(plain(message))
    for i, star in enumerate(stars()):
        try:
            own_picture(opened, points, i, star)
        except ValueError as error:
            st.warning(plain(str(error)))
    if stars():
        st.button("Take them off the map", on_click=lambda: stars().clear())
    else:
        st.write("Each gets a star on the map, and here what the model makes of it and what lies next to it.")


def own_picture(opened: Opened, points: Points, number: int, star: Choice) -> None:
    chosen = resolve(opened, star)
    near, distances = explore.nearest(chosen.mean, points.mean, NEIGHBOURS)
    name = f"★ {number + 1}"
    decoded = explore.decode(opened.checkpoint.model, chosen.mean[None], chosen.classes(1))
    shown = {"as the model sees it": chosen.x, "decoded": decoded}
    show_figures(
        [
            Figure([images.grid(x, 1, gutter=0)], f"{name} {what}", f"Your picture {name} {what}")
            for what, x in shown.items()
        ]
    )
    if chosen.seen is not None:
        st.caption(f"{name} {classes.looks_like(opened, chosen.seen)}")
    send_buttons(f"own{number}", lambda: star, f"Your picture {name}")
    places = near.tolist()
    names = ", ".join(map(points.name_of, places))
    st.caption(
        f"The nearest {len(places)} in all {len(chosen.mean)} latent dimensions, decoded, at distances "
        f"{distances[0]:.2f} to {distances[-1]:.2f}: {plain(names)}"
    )
    neighbours = points.decode(opened, places)
    canvas(neighbours, NEIGHBOURS // 2, f"own_near{number}", f"Nearest to {name}: {names}", share=0.25)


# --- the page -----------------------------------------------------------------------------------------------------


def layout_of(opened: Opened, points: Points, wanted: tuple[str, int, int, int], colour: str) -> Layout | None:
    """The places of the points by the chosen method, or None while they are computed."""
    method, dimensions, perplexity, seed = wanted
    if method == PLANE:
        return layouts.plane(points)
    if method == TSNE and len(points) >= projection.MIN_POINTS:
        show = partial(forming, points, colouring.arguments(opened, points, colour))
        return layouts.tsne(opened, points, perplexity, seed, show)
    if method == TSNE:
        st.info(f"t-SNE needs at least {projection.MIN_POINTS} points, and here are {len(points)}: this is PCA.")
    return layouts.pca(points, dimensions)


def describe(opened: Opened, points: Points, layout: Layout) -> str:
    title = plain(points.title)
    found = f"All {len(points):,} {title}. {layout.words}"
    if len(points) < points.total:
        found = f"{len(points):,} of the {points.total:,} {title}, drawn at random. {layout.words}"
    if opened.checkpoint.model.spec.classes is None:
        return found
    return (
        f"{found} This model is told the class of a picture, so z need only hold what is left, its style: the "
        "points of a class need not lie together, and where they do, z says the class once more."
    )


def offer(opened: Opened, points: Points, layout: Layout, colour: str) -> None:
    stem = downloads.file_name("map", opened.entry.title, points.title, layout.axes[0].split()[0])
    if not layout.finished:
        background.start_again("tsne")
    st.download_button(
        "Map (CSV)",
        partial(points.table, layout.coords),
        f"{stem}.csv",
        "text/csv",
        on_click="ignore",
        help=f"Row, class, place on the map, KL in nats and error in {points.unit}, latent dimensions.",
    )
    if layout.coords.shape[1] == 2:
        data = partial(picture, layout, colouring.arguments(opened, points, colour))
        st.download_button("Map (PNG)", data, f"{stem}.png", "image/png", on_click="ignore")
    else:
        st.caption("As a PNG: the camera at the map's upper right.")


def picture(layout: Layout, colours: dict[str, Any]) -> bytes:
    """The whole map as a PNG file."""
    if "classes" in colours:
        return images.png(scatter.draw(layout.coords, np.asarray(colours["classes"]), colours["class_names"]))
    return images.png(scatter.draw(layout.coords, colours=plots.shades(colours["values"])))


def page() -> None:
    opened = models.picker()
    slots.keep_in_url(*send.A_AND_B)
    alike = "of alike style" if opened.checkpoint.model.spec.classes else "that the model finds alike"
    stage.head("Map").write(f"Each point is a picture, placed by the encoder: pictures {alike} lie together.")
    models.warn_collapsed(opened)
    shares = [2, 1] if decoders.why_not() else [5, 2]  # the live view holds a picture beside the map
    left, right = st.columns(shares, gap="medium")
    with right:
        settings, chosen, own = SIDE.tabs()
    with settings:
        source, count = data_controls(opened)
        wanted = method_controls(opened)
        place = st.container()
    with left:
        points = read_points(opened, source, count)
    with place:
        colour = colouring.control(opened, points)
    if points is None or colour is None:
        return
    with left:
        try:
            layout = layout_of(opened, points, wanted, colour)
        except ValueError as error:  # encodings that are not finite
            st.error(plain(str(error)))
            return
        if layout is not None:
            flat, place = layout.coords.shape[1] == 2, stage.screen()
            with place:
                graph = livemap.model(opened, points) if flat else None
            with st.container(horizontal=True, vertical_alignment="center"):
                pointer = pointer_control() if flat and graph is None else "turntable"
                offer(opened, points, layout, colour)
            with place:
                if graph is None:
                    chart(opened, points, layout, colour, pointer)
                else:
                    live_chart(opened, points, layout, colour, graph)
            notes = (plain(sentence(note)) for note in points.notes)
            st.caption(" ".join([describe(opened, points, layout), *notes]))
    if chosen.open:
        with chosen:
            chosen_panel(opened, points, layout is None or layout.coords.shape[1] == 2)
    if own.open:
        with own:
            own_panel(opened, points)


page()
