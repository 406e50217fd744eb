"""Sample: pictures that the model makes up, decoded at draws from the prior or over the prior's plane."""

import math

import streamlit as st
from torch import Tensor

from pages.widgets import downloads, links, models, pictures
from pages.widgets.canvas import GREY, GUTTER, canvas
from pages.widgets.models import Opened
from vae_core import explore, images

COUNTS = (1, 4, 9, 16, 25, 36, 49, 64, 100, 144, 196, 256)
SIDES = (5, 10, 15, 20, 25, 30)
MAX_SEED = 999_999_999
MAX_TEMPERATURE = 2.0
VIEWS = ("Draws", "Plane")
SHOWN = ("Mean", "Pixels")


@st.cache_data(max_entries=64, show_spinner=False)
def draws(key: str, _opened: Opened, n: int, temperature: float, seed: int) -> Tensor:
    """Points drawn from the prior, (n, D)."""
    return explore.sample(_opened.checkpoint.model, n, temperature, seed)


@st.cache_data(max_entries=16, show_spinner="Decoding …")
def decoded(key: str, _opened: Opened, _points: Tensor, about: tuple[object, ...], pixel_seed: int | None) -> Tensor:
    """The pictures at points that `about` identifies: the likelihood's mean, or pixels drawn from it."""
    model = _opened.checkpoint.model
    return explore.decode(model, _points) if pixel_seed is None else explore.draw_pixels(model, _points, pixel_seed)


def new_draw() -> None:
    st.session_state.seed = (st.session_state.seed + 1) % (MAX_SEED + 1)


def pick(place: int) -> None:
    st.session_state.picture = place + 1


def controls(opened: Opened) -> tuple[bool, int, float, int, bool]:
    """The widgets: is it the plane, how many pictures (a side), temperature, seed, are pixels drawn."""
    spec = opened.checkpoint.model.spec
    plane = False
    if spec.size == 2 and spec.prior == "normal":
        links.check_choice("view", "View", VIEWS)
        view = st.radio("View", VIEWS, key="view", bind="query-params", horizontal=True)
        plane = view == "Plane"
    if plane:
        links.check_choice("side", "Pictures a side", SIDES)
        count = st.select_slider("Pictures a side", SIDES, 15, key="side", bind="query-params")
    else:
        links.check_choice("n", "Pictures", COUNTS)
        count = st.select_slider("Pictures", COUNTS, 64, key="n", bind="query-params")
    links.check_range("temperature", "Temperature", 0, MAX_TEMPERATURE)
    temperature = st.slider(
        "Temperature",
        0.0,
        MAX_TEMPERATURE,
        1.0,
        0.05,
        key="temperature",
        bind="query-params",
        help="The prior's standard deviation is multiplied by it. 1 is the prior itself; below 1 the pictures "
        "are more typical and more alike, above 1 they are stranger.",
    )
    links.check_range("seed", "Seed", 0, MAX_SEED)
    still = plane and st.session_state.get("shown", SHOWN[0]) == SHOWN[0]  # nothing in it is drawn at random
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = st.number_input(
            "Seed",
            0,
            MAX_SEED,
            key="seed",
            bind="query-params",
            width=150,
            help="The same seed gives the same pictures again, also on another day.",
        )
        st.button("New draw", on_click=new_draw, type="primary", disabled=still)
    links.check_choice("shown", "Shown", SHOWN)
    shown = st.radio(
        "Shown",
        SHOWN,
        key="shown",
        bind="query-params",
        horizontal=True,
        help=f"Mean: the decoder's mean, E[x | z]. Pixels: every pixel drawn from the likelihood p(x | z), "
        f"here {opened.checkpoint.model.likelihood.label}.",
    )
    return plane, int(count), float(temperature), int(seed), shown == "Pixels"


def show(plane: bool, x: Tensor, columns: int, chosen: int | None, words: str, edge: float) -> None:
    """The picture itself; a plane has axes, and no gutters: it is one."""
    if not plane:
        canvas(x, columns, "grid", f"{len(x)} pictures drawn from the prior", on_pick=pick, chosen=chosen)
    else:
        ends = f"{-edge:.2f}", f"{edge:.2f}"
        canvas(
            x,
            columns,
            "plane",
            f"{len(x)} pictures over the plane of z0 (left to right) and z1 (bottom to top)",
            on_pick=pick,
            chosen=chosen,
            rows=(ends[1], "z1 ↑", ends[0]),
            below=(ends[0], "z0 →", ends[1]),
            gutter=0,
        )
    st.caption(words)


def describe(opened: Opened, plane: bool, count: int, temperature: float, seed: int, pixels: bool) -> str:
    """One or two sentences on what is shown."""
    where = (
        f"{count} x {count} points at equal steps of the prior's probability (its quantiles)"
        if plane
        else f"{count} draws of z from the prior, seed {seed}"
    )
    what = (
        f"Every pixel is drawn from the likelihood, {opened.checkpoint.model.likelihood.label}: the grain is noise."
        if pixels
        else "Shown is the decoder's mean, the expected picture at z, and not a draw of pixels."
    )
    return f"{where}, temperature {temperature:g}. {what}"


def use_one(opened: Opened, points: Tensor, x: Tensor, plane: bool, temperature: float, seed: int) -> None:
    """Choose one picture and send it on."""
    links.check_range("picture", "Picture to use", 1, len(points))
    if (st.session_state.get("picture") or 0) > len(points):
        st.session_state.picture = None
    number = st.number_input(
        "Picture to use",
        1,
        len(points),
        None,
        key="picture",
        bind="query-params",
        placeholder="press one, or type",
        help="Counted row by row from the top left.",
    )
    choice = None
    if number is not None:
        point = points[number - 1]
        percent = "" if temperature == 1 else f".{round(100 * temperature)}"
        choice = f"point:{explore.to_text(point)}" if plane else f"prior:{seed}.{number - 1}{percent}"
    with st.container(horizontal=True):
        for slot in ("a", "b"):
            name = slot.upper()
            if st.button(f"Use as {name}", key=f"use_{slot}", disabled=choice is None) and choice:
                pictures.choose(slot, choice)
                st.toast(f"Picture {number} is {name} now; Interpolate shows it.")
        if st.button("Traverse from it", key="use_start", disabled=choice is None) and choice:
            pictures.choose("start", choice)
            links.go_to("traverse.py")
    if number is not None and len(points[0]) <= 2:
        st.caption("At " + ", ".join(f"z{i} = {value:.2f}" for i, value in enumerate(points[number - 1].tolist())))


def offer(opened: Opened, points: Tensor, x: Tensor, columns: int, gutter: int, about: dict[str, float]) -> None:
    """Downloads of what is shown, built when they are asked for."""
    stem = downloads.file_name(opened.entry.title, *about.values())
    grow = downloads.enlargement(columns * x.shape[3])

    def grid() -> bytes:
        return images.png(images.grid(x, columns, grow, gutter * grow, GREY))

    with st.container(horizontal=True):
        st.download_button("Grid (PNG)", grid, f"{stem}.png", "image/png", on_click="ignore")
        st.download_button(
            "Pictures (zip)", lambda: images.zip_png(x, stem), f"{stem}.zip", "application/zip", on_click="ignore"
        )
        st.download_button(
            "Latents (npz)",
            lambda: downloads.npz(z=points, model=opened.entry.title, **about),
            f"{stem}.npz",
            "application/octet-stream",
            on_click="ignore",
        )


def main() -> None:
    opened = models.picker()
    st.title("Sample", anchor=False)
    st.write("Pictures that nobody drew: the decoder turns points of the prior, drawn at random, into pictures.")
    models.warn_collapsed(opened)
    left, right = st.columns([2, 1], gap="medium")
    with right:
        plane, count, temperature, seed, pixels = controls(opened)
    if plane:
        points = explore.prior_plane(count, temperature).flatten(0, 1)  # (side, side, 2) -> (side * side, 2)
        about: dict[str, float] = {"plane": count, "temperature": temperature}
    else:
        points = draws(opened.key, opened, count, temperature, seed)
        about = {"n": count, "seed": seed, "temperature": temperature}
    x = decoded(opened.key, opened, points, tuple(about.items()), seed if pixels else None)
    columns = count if plane else math.isqrt(count)
    with right:
        use_one(opened, points, x, plane, temperature, seed)
    with left:
        chosen = st.session_state.get("picture")
        words = describe(opened, plane, count, temperature, seed, pixels)
        show(plane, x, columns, chosen - 1 if chosen else None, words, points.max().item())
        offer(opened, points, x, columns, 0 if plane else GUTTER, about)
    pictures.keep_in_url("a", "b", "start")


main()
