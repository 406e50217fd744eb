"""What is set on Map: which points, how they are placed, and what links of before meant by saying nothing."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pages.widgets.mapping.layouts import PCA, PLANE, TSNE
from pages.widgets.mapping.points import Points
from pages.widgets.selection import datasource
from pages.widgets.shell.models import Opened
from pages.widgets.shell.url_state import Number, OneOf, Switch, numbered
from vae_core import projection

DIMENSIONS = OneOf("dims", "Dimensions", 2, {2: "2-D", 3: "3-D"}, {"2-D": 2, "3-D": 3})
COUNT = OneOf("points", "Maximum points", 2000, numbered((250, 500, 1000, 2000, 5000, 10_000)))  # 2000: a reference set
MAX_PERPLEXITY = 100
MAX_SEED = 999_999_999
METHODS = {"pca": PCA, "t-sne": TSNE, "plane": PLANE}
THUMBS = Switch("thumbs", "Small pictures", True, on="on", off="off")
SHADE = Switch("density", "Density", True, on="on", off="off")
WORDS = {"data", "points", "method", "dims", "perplexity", "tsne_seed", "colour", "pointer", "residual", "side"}
FIRST = "map_first_link"  # of the visit: Map's words in the link that it began with


@dataclass(frozen=True)
class Said(OneOf[str]):
    """One of some options that each link of Map says, the usual one too.

    Attributes:
        formerly: what was usual, and in no link, before Map's links said so: a link that has other words of Map's and
            not this one is from then.
    """

    formerly: str = ""

    def write(self) -> None:
        self._put_in_link(self.text(self.get()))

    def _asked(self) -> str:
        first = st.session_state[FIRST]
        before = first and self.name not in first and self.name not in st.query_params
        return self.formerly if before else super()._asked()


def begin() -> None:
    """Remember what the link says before anything is written into it; call it at the start of the page."""
    st.session_state.setdefault(FIRST, WORDS & set(st.query_params))


def data_controls(opened: Opened) -> tuple[str, int]:
    """Which pictures, and how many at most."""
    source = datasource.choose_source(opened)
    count = COUNT.select_slider(
        help="Where there are more pictures, this many are drawn at random, always the same ones."
    )
    return source, count


def methods(opened: Opened) -> Said:
    """List what can be drawn; at first what has a picture at every place."""
    reference, plane = opened.checkpoint.reference, opened.checkpoint.model.spec.size == 2
    stored = reference is not None and reference.tsne is not None
    usual = "plane" if plane else "pca"
    allowed = {word: label for word, label in METHODS.items() if word != "plane" or plane}
    return Said("method", "Method", usual, allowed, {PLANE: "plane"}, "t-sne" if stored and not plane else usual)


def method_controls(opened: Opened) -> tuple[str, int, int, int]:
    """Ask for the method, the dimensions of PCA, and perplexity and seed of t-SNE."""
    with st.container(horizontal=True):
        word = methods(opened).segmented_control(
            help="PCA (principal components): the straight view in which the points differ most; what lies in other "
            "directions is flattened, and the map says how much. t-SNE: neighbours stay neighbours and groups become "
            "islands, while distances between islands and their sizes mean little.",
        )
        method = METHODS[word]
        dimensions = DIMENSIONS.segmented_control() if method == PCA else 2
    perplexity, seed = int(projection.PERPLEXITY), opened.checkpoint.recipe.training.seed
    if method == TSNE:
        perplexity, seed = tsne_controls(perplexity, seed)
    return method, dimensions, perplexity, seed


def tsne_controls(perplexity: int, seed: int) -> tuple[int, int]:
    left, right = st.columns([3, 2])
    with left:
        perplexity = Number("perplexity", "Perplexity", perplexity, 2, MAX_PERPLEXITY).slider(
            help="About how many neighbours each point looks at: few show small groups, many the overall layout."
        )
    with right:
        seed = Number("tsne_seed", "Seed", seed, 0, MAX_SEED).field(
            help="Of the tiny random shift that the map starts from; another seed shows what is chance."
        )
    return perplexity, seed


def look_controls() -> None:
    """Ask what is drawn besides the points."""
    with st.container(horizontal=True):
        THUMBS.toggle(
            help="Points are drawn as what the model decodes from them, where there is room: the most typical first. "
            "Look closer, and more of them are."
        )
        SHADE.toggle(help="The darker the ground, the more points lie there.")


def highlight(points: Points | None, flat: bool) -> int | None:
    """Ask for the class that stands out on a flat map, or None."""
    if points is None or points.labels is None or not flat:
        return None
    present = {points.named(label): label for label in points.labels.unique().tolist()}
    options = {"": "All classes"} | {name: name for name in present}
    chosen = OneOf("highlight", "Highlight", "", options).selectbox(
        help="Type to search for a class; the others go pale."
    )
    return present.get(chosen)
