"""The shared widgets that need no model: plots, grid, and the theme they agree with."""

import base64
import gc
import io
import re
import sys
import tomllib
import weakref
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.widgets import A, B
from pages.widgets.display import plots
from pages.widgets.shell import garbage, words
from vae_core.model import LatentSpec

# Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB.
VISION = {
    "usual": np.eye(3),
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


def linear(colours: list[str]) -> np.ndarray:
    """Hexadecimal sRGB -> (N, 3) linear RGB."""
    c = np.array([[int(h[i : i + 2], 16) / 255 for i in (1, 3, 5)] for h in colours])
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """(N, 3) linear RGB -> CIE L*a*b*, D65."""
    xyz = rgb @ np.array([[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]])
    f = np.cbrt(xyz / [0.9505, 1, 1.089])
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], -1)


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio, 1 to 21."""
    light, dark = sorted((linear([one, other]) @ [0.2126, 0.7152, 0.0722]) + 0.05)[::-1]
    return float(light / dark)


def mixed(one: str, other: str, share: float) -> str:
    """So much of one colour over another, as the browser mixes them."""
    pairs = zip(bytes.fromhex(one[1:]), bytes.fromhex(other[1:]), strict=True)
    return "#" + bytes(round(share * a + (1 - share) * b) for a, b in pairs).hex()


@pytest.fixture(scope="module")
def config() -> dict:
    return tomllib.loads((Path(__file__).parents[1] / ".streamlit/config.toml").read_text("utf-8"))


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("colours", [plots.CLASS_COLOURS, (A, B)], ids=["classes", "A and B"])
def test_colours_differ_for_every_eye(colours: tuple[str, ...], vision: str) -> None:
    seen = lab(np.clip(linear(list(colours)) @ np.array(VISION[vision]).T, 1e-6, 1))
    distance = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    assert distance[~np.eye(len(colours), dtype=bool)].min() > 16  # 2.3 is just noticeable; tab10 comes down to 5


def test_sixty_classes_look_different() -> None:
    assert len({plots.class_style(i) for i in range(60)}) == 60
    assert plots.class_style(60) == plots.class_style(0)


def test_theme_agrees_with_the_plots(config: dict) -> None:
    assert tuple(config["theme"]["chartCategoricalColors"]) == plots.CLASS_COLOURS
    assert (config["theme"]["light"]["blueColor"], config["theme"]["light"]["orangeColor"]) == (A, B)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_theme_is_readable(config: dict, mode: str) -> None:
    theme = config["theme"][mode]
    for ground in (theme["backgroundColor"], theme["sidebar"]["backgroundColor"]):
        assert contrast(theme["textColor"], ground) > 7
        assert contrast(theme["blueTextColor"], ground) > 4.5
        assert contrast(theme["orangeTextColor"], ground) > 4.5
        assert contrast(theme["primaryColor"], ground) > 4.5
        assert contrast(mixed(theme["textColor"], ground, 0.6), ground) > 4.5  # a caption
    letters = {"light": "#ffffff", "dark": "#000000"}[mode]  # of a primary button: the style of pages/router.py
    assert contrast(theme["primaryColor"], letters) > 4.5
    for share in (0.1, 0.2):  # of what is chosen among several, and the pointer on it
        tint = mixed(theme["primaryColor"], theme["backgroundColor"], share)
        assert contrast(theme["primaryColor"], tint) > 4.5


def test_nobody_listens_or_is_told(config: dict) -> None:
    assert config["server"]["address"] == "localhost"
    assert config["server"]["enableXsrfProtection"] is True
    assert config["server"]["showEmailPrompt"] is False
    assert config["browser"]["gatherUsageStats"] is False


def test_lines_carry_unit_names_and_gaps() -> None:
    figure = plots.lines([1, 2, 3], {"train": [3, 2, 1], "val": [None, 2, 2]}, "nats", dashed=["val"])
    assert [t.name for t in figure.data] == ["train", "val"]
    assert [t.line.dash for t in figure.data] == ["solid", "dash"]
    assert figure.data[1].y[0] is None
    assert all("nats" in t.hovertemplate for t in figure.data)
    assert figure.layout.yaxis.title.text == "nats"


def test_one_epoch_is_still_seen() -> None:
    assert "markers" in plots.lines([1], {"train": [3]}, "nats").data[0].mode


def test_heatmap_has_first_row_on_top() -> None:
    figure = plots.heatmap([[1, 2, 3], [4, 5, 6]], [1, 2, 3], ["z0", "z1"], "nats", y_title="latent dimension")
    assert figure.data[0].z.shape == (2, 3)
    assert figure.data[0].y == ("z0", "z1") and figure.layout.yaxis.autorange == "reversed"
    assert (figure.data[0].zmin, figure.data[0].zmax) == (0, 6)


@pytest.mark.parametrize("by_class", [True, False])
def test_a_map_in_space_draws_each_point_once(by_class: bool) -> None:
    rng = np.random.default_rng(0)
    points, classes = rng.normal(size=(50, 3)), rng.integers(0, 12, 50)
    colour = {"classes": classes} if by_class else {"values": points[:, 0], "value_title": "KL (nats)"}
    figure = plots.space(points, ["a", "b", "c"], **colour, hover=[""] * 50, marks={})
    drawn = {}
    for trace in figure.data:
        places = [trace[axis] for axis in "xyz"]
        drawn |= {row: place for row, *place in zip(trace.customdata, *places, strict=True)}
    np.testing.assert_allclose([drawn[i] for i in range(50)], points)


def test_a_map_in_space_shows_names_as_text_and_flags_in_their_colours() -> None:
    figure = plots.space(
        [[0, 0, 0], [1, 1, 1]],
        ["a", "b", "c"],
        classes=[0, 7],
        class_names=["<img src=x>"],
        hover=["", ""],
        marks={"A": (0, 0, 0), "B": (1, 1, 1)},
    )
    assert [t.name for t in figure.data] == ["&lt;img src=x&gt;", "7"]
    assert {a.text: a.bgcolor for a in figure.layout.scene.annotations} == {"<b>A</b>": A, "<b>B</b>": B}


def test_grid_is_the_picture_itself_with_its_description() -> None:
    def script() -> None:
        from PIL import Image

        from pages.widgets.display.figures import show_grid

        show_grid(Image.linear_gradient("L"), 'ten "digits" <b>')

    body = AppTest.from_function(script).run().get("html")[0].proto.body
    source = re.search(r"base64,([^\"]+)", body)
    assert source is not None
    shown = Image.open(io.BytesIO(base64.b64decode(source[1])))
    assert shown.tobytes() == Image.linear_gradient("L").tobytes()
    assert 'alt="ten &quot;digits&quot; &lt;b&gt;"' in body


def test_garbage_is_not_looked_for_among_what_was_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ring:
        def __init__(self) -> None:
            self.itself = self

    monkeypatch.setattr(garbage, "_spared", 0)
    gc.unfreeze()
    garbage.spare_imports()
    spared = gc.get_freeze_count()
    assert spared > 100_000
    later = weakref.ref(Ring())
    garbage.spare_imports()  # no modules came in: what came since is looked at as ever
    assert gc.get_freeze_count() <= spared
    gc.collect()
    assert later() is None
    monkeypatch.setattr(garbage, "_spared", len(sys.modules) - garbage.WORTH)
    garbage.spare_imports()
    assert len(gc.get_objects()) < 20_000


def test_a_low_temperature_gives_average_pictures() -> None:
    """Towards the middle of the latent space, where hardly any draw of the prior lies: not typical ones."""
    spec = LatentSpec(((3,),), "gaussian", "normal", ((3,),))
    assert "below 1 the pictures are more average and more alike" in words.temperature_of(spec)
    assert "typical" not in words.temperature_of(spec)
