"""Map: where points lie, their colours, what is chosen, placed, read and downloaded; on small models made here."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.widgets.display import plots
from pages.widgets.live import served
from pages.widgets.mapping import colouring, livemap
from pages.widgets.mapping import points as encoded
from pages.widgets.selection.choice import Choice
from pages.widgets.shell import background, models
from pages.widgets.shell.models import Opened
from tests.conftest import control
from tests.shown import sent, views
from vae_core import checkpoints, data, explore, projection, zoo
from vae_core.checkpoints import Checkpoint, DataInfo, Reference
from vae_core.config import DataConfig
from vae_core.jobs import Cancelled, Queue
from vae_core.model import build

ROWS = 60
FACTORS = (("round", "square"), tuple(map(str, range(30))))


def untrained(dim: int, rows: int = ROWS, tsne: bool = False) -> Checkpoint:
    """A model with reference encodings of two classes that lie apart."""
    torch.manual_seed(dim)
    recipe = zoo.recipe("mlp", DataConfig("somebody's"), (1, 8, 8), latent_dim=dim, body={"hidden": (16,)})
    labels = torch.arange(rows) % 2
    mean = torch.randn(rows, dim) + 3 * labels[:, None]
    reference = Reference(
        mean=mean,
        std=torch.full((rows, dim), 0.5),
        kl=torch.rand(rows, dim),
        error=torch.rand(rows) * 100,
        index=torch.arange(rows),
        labels=labels,
        factors=torch.stack([labels, torch.arange(rows) % 30], 1),
        tsne=torch.randn(rows, 2) if tsne else None,
    )
    info = DataInfo("somebody's", ("<b>even</b>", "odd"), ("shape", "x"), FACTORS, (rows, rows, rows))
    return Checkpoint(recipe, build(recipe.model).eval(), info, reference=reference)


@pytest.fixture
def app(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """The page on a shelf of models; keywords are the link's."""
    few, bare = untrained(3, rows=5), replace(untrained(4), reference=None)
    shelf = {"flat": untrained(2), "five": untrained(5, tsne=True), "few": few, "bare": bare}
    for name, checkpoint in shelf.items():
        checkpoints.save(checkpoint, tmp_path / f"{name}.safetensors")
    monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path)
    monkeypatch.setenv("VAE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("VAE_DATA", raising=False)
    st.cache_resource.clear()
    st.cache_data.clear()

    def opened(**query: object) -> AppTest:
        app = AppTest.from_file(str(root / "pages" / "router.py"), default_timeout=60)
        app.query_params.update({key: str(value) for key, value in query.items()})
        app.switch_page("map.py")
        return checked(app.run())

    return opened


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], bytes]]:
    """What the download buttons give, by label: filled while the page runs."""
    found: dict[str, Callable[[], bytes]] = {}
    real = st.download_button

    def note(label: str, data: Callable[[], bytes], *args: object, **kwargs: Any) -> bool:
        found[label] = data
        return real(label, b"", *args, **kwargs)

    monkeypatch.setattr(st, "download_button", note)
    return found


def checked(app: AppTest) -> AppTest:
    assert not app.exception, [error.message for error in app.exception]
    return app


def model(name: str) -> Opened:
    """A model of the shelf, as a page has it."""
    return models.open_model(models.entries()[name])


def charts(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(element.proto.spec) for element in app.get("plotly_chart")]


def values(found: Any) -> np.ndarray:
    """Numbers of a figure, which come as a list or as bytes."""
    if isinstance(found, dict):
        return np.frombuffer(base64.b64decode(found["bdata"]), found["dtype"])
    return np.asarray(found, float)


def places(app: AppTest) -> np.ndarray:
    """Coordinates on the flat map."""
    told = view(app)
    return np.frombuffer(file(told["points"]), "<f4", 2 * told["count"]).reshape(-1, 2)


def in_space(app: AppTest) -> np.ndarray:
    """Coordinates on the chart of three dimensions, in the order of their rows."""
    (chart,) = charts(app)
    drawn = [
        (row, *place)
        for trace in chart["data"]
        for row, *place in zip(values(trace["customdata"]), *(values(trace[axis]) for axis in "xyz"), strict=True)
    ]
    return np.array(sorted(drawn))[:, 1:]


def flags(app: AppTest) -> dict[str, dict[str, Any]]:
    """What is marked on the flat map, by name."""
    return {mark["name"]: mark for mark in view(app)["marks"]}


def classes(app: AppTest) -> set[str]:
    """The names of classes in the map or beside it."""
    return {entry["text"] for entry in (*view(app)["labels"], *view(app)["legend"])}


def view(app: AppTest) -> dict[str, Any]:
    """What the flat map is told."""
    return sent(app, "map")


def file(address: str) -> bytes:
    return gzip.decompress(served._files[address.removeprefix("live/file/")])


def unpacked(app: AppTest) -> dict[str, np.ndarray]:
    """The columns, as the browser reads them."""
    told = view(app)
    content, count, dim, at = file(told["points"]), told["count"], told["model"]["dim"], 0
    found = {}
    for name, numbers, kind in (
        ("coords", 2 * count, "<f4"),
        ("error", count, "<f4"),
        ("kl", count, "<f4"),
        ("row", count, "<i4"),
        ("label", count, "<i4"),
        ("y", count, "<i4"),
        ("paint", count, "<u4"),
        ("order", count, "<i4"),
        ("mean", dim * told["linear"], "<f4"),
        ("axes", 2 * dim * told["linear"], "<f4"),
    ):
        found[name] = np.frombuffer(content, kind, numbers, 4 * at)
        at += numbers
    assert len(content) == 4 * at
    return found


def paint(app: AppTest) -> list[tuple[int, ...]]:
    """Red, green and blue of each point."""
    return [tuple(place[:3]) for place in unpacked(app)["paint"].view("u1").reshape(-1, 4).tolist()]


def said(app: AppTest) -> str:
    return "\n".join(element.value for kind in (app.caption, app.markdown, app.text) for element in kind)


def press(app: AppTest, label: str) -> AppTest:
    return checked(next(button for button in app.button if button.label == label).click().run())


def finished(app: AppTest) -> AppTest:
    """The page after its work in the background has ended."""
    for _ in range(200):
        if not any(button.label == "Cancel" for button in app.button):
            return app
        time.sleep(0.05)
        checked(app.run())
    raise AssertionError("the work in the background does not end")


def choose(app: AppTest, name: str, chosen: list[int], count: int = ROWS) -> AppTest:
    """What the chart's callback does after a box was drawn."""
    app.session_state["map_chosen"] = (encoded.from_reference(model(name), count).key, chosen)
    app.session_state["side_tab"] = "chosen"
    return checked(app.run())


def drawing(tone: int = 255) -> bytes:
    pixels = np.zeros((8, 8), np.uint8)
    pixels[1:7, 3:5] = tone
    return png(pixels)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def zipped(count: int) -> bytes:
    buffer = io.BytesIO()
    generator = np.random.default_rng(0)
    with zipfile.ZipFile(buffer, "w") as archive:
        for i in range(count):
            pixels = generator.integers(0, 255, (8, 8), dtype=np.uint8)
            archive.writestr(f"{('cats', 'dogs')[i % 2]}/{i}.png", png(pixels))
    return buffer.getvalue()


# --- places -------------------------------------------------------------------------------------------------------


def test_the_first_visit_shows_what_has_a_picture_at_every_place(app) -> None:
    page = app(model="five")
    reference = model("five").checkpoint.reference
    np.testing.assert_allclose(places(page), projection.pca(reference.mean.numpy(), 2).coords, atol=1e-5)
    assert view(page)["linear"] and not page.warning and "".join(page.query_params["method"]) == "pca"
    page = app(model="flat")
    np.testing.assert_allclose(places(page), model("flat").checkpoint.reference.mean, atol=1e-6)
    assert view(page)["axes"] == ["z0", "z1"] and "".join(page.query_params["method"]) == "plane"


@pytest.mark.parametrize("link", [{"points": 250}, {"colour": "kl"}, {"pointer": "box"}, {"side": "own"}])
def test_a_link_with_map_s_words_that_names_no_method_is_of_before_and_opens_the_stored_tsne(app, link) -> None:
    page = app(model="five", **link)  # those of today name the method, the usual one too
    np.testing.assert_allclose(places(page), model("five").checkpoint.reference.tsne, atol=1e-6)
    assert f"All {ROWS} reference pictures. Perplexity 19.7, seed 0, stored with the model." in said(page)
    assert "job_tsne" not in page.session_state and "".join(page.query_params["method"]) == "t-sne"
    assert not view(page)["linear"] and not view(page)["equal"] and len(unpacked(page)["axes"]) == 0


def test_what_a_page_of_today_says_in_its_link_opens_the_same_again(app) -> None:
    page = app(model="five")
    checked(control(page.select_slider, "points").set_value(250).run())
    again = app(**{key: "".join(value) for key, value in page.query_params.items()})
    assert view(again)["key"] == view(page)["key"] and view(again)["linear"]


def test_principal_components_in_two_and_three_dimensions_with_their_shares(app) -> None:
    found = projection.pca(untrained(5).reference.mean.numpy(), 3)
    page = app(model="five", method="PCA")
    np.testing.assert_allclose(places(page), found.coords[:, :2], atol=1e-5)
    assert view(page)["axes"][0] == f"PC1 ({100 * found.explained[0]:.1f} %)"
    page = app(model="five", method="PCA", dims="3-D")
    np.testing.assert_allclose(in_space(page), found.coords, atol=1e-5)
    seen = 100 * found.explained.sum()
    assert f"explain {seen:.1f} % of the variance: what looks near may lie far apart in the other" in said(page)
    assert f"{100 - seen:.1f} %." in said(page)


def test_three_dimensions_outlive_a_look_at_tsne_and_at_another_page(app) -> None:
    page = app(model="five", method="pca", dims="3", thumbs="off")
    assert "".join(page.query_params["dims"]) == "3" and len(in_space(page)) == ROWS
    checked(control(page.segmented_control, "method").set_value("t-sne").run())
    assert "".join(page.query_params["dims"]) == "3" and not view(page)["thumbs"]
    page.query_params.clear()  # as when pages are switched
    checked(page.switch_page("sample.py").run())
    page.query_params.clear()
    checked(page.switch_page("map.py").run())
    assert "".join(page.query_params["dims"]) == "3"
    checked(control(page.segmented_control, "method").set_value("pca").run())
    assert len(in_space(page)) == ROWS


def test_tsne_is_computed_in_the_background_and_kept_on_disk(app) -> None:
    page = finished(app(model="five", method="t-SNE", perplexity=5, tsne_seed=3))
    mean = model("five").checkpoint.reference.mean.numpy()
    np.testing.assert_array_equal(places(page), projection.tsne(mean, 5, 3).coords)
    assert "Perplexity 5, seed 3." in said(page)
    again = app(model="five", method="t-SNE", perplexity=5, tsne_seed=3)  # another visitor
    np.testing.assert_array_equal(places(again), places(page))
    assert "job_tsne" not in again.session_state


def test_a_cancelled_tsne_leaves_what_there_is_and_can_begin_again(app, monkeypatch) -> None:
    runs = []

    def endless(vectors: np.ndarray, perplexity: float, seed: int, report: Any, cancel: Any) -> None:
        runs.append(seed)
        report(0.4, np.full((len(vectors), 2), 7.0, np.float32))
        cancel.wait(60)
        raise Cancelled("The map was cancelled.")

    monkeypatch.setattr(projection, "tsne", endless)
    page = app(model="flat", method="t-SNE")
    assert [button.label for button in page.button if button.label == "Cancel"]
    page = finished(press(page, "Cancel"))
    assert "Stopped after 40%: this map is not finished." in said(page) and (places(page) == 7).all()
    page = press(page, "Start again")
    assert any(button.label == "Cancel" for button in page.button)
    finished(press(page, "Cancel"))
    assert runs == [0, 0]


def test_another_method_or_perplexity_does_not_wait_for_the_first(app, monkeypatch) -> None:
    stopped = []

    def endless(vectors: np.ndarray, perplexity: float, seed: int, report: Any, cancel: Any) -> None:
        cancel.wait(60)
        stopped.append(perplexity)
        raise Cancelled("The map was cancelled.")

    monkeypatch.setattr(projection, "tsne", endless)
    page = app(model="flat", method="t-SNE", perplexity=4)
    checked(control(page.slider, "perplexity").set_value(6).run())
    for _ in range(48):
        if stopped:
            break
        time.sleep(0.02)
    assert stopped == [4]
    page.session_state["job_tsne"][1].cancel()


def endless(report: Any, cancel: Any) -> None:
    """Work of somebody else, until it is cancelled."""
    while not cancel.wait(0.02):
        report(0.2, np.empty((0, 2), np.float32))
    raise Cancelled


def told(app: AppTest) -> list[str]:
    return [element.proto.text for element in app.get("progress")]


def test_a_visitor_is_told_how_many_are_before(app, monkeypatch) -> None:
    monkeypatch.setattr(background, "queue", Queue())  # what other tests have begun may still go on in the shared one
    others = [background.queue.add(name, endless) for name in ("first", "second")]
    try:
        page = app(model="flat", method="t-SNE", perplexity=5)
        assert told(page) == [f"t-SNE of {ROWS} points: 2 visitors are before you."]
        others[0].cancel()
        while background.queue.before(others[1]) is not None:
            time.sleep(0.01)
        assert told(checked(page.run())) == [f"t-SNE of {ROWS} points: 1 visitor is before you."]
    finally:
        for other in others:
            other.cancel()
    assert "Perplexity 5, seed 0." in said(finished(page))


def test_work_that_takes_too_long_says_so_and_what_to_do(app, monkeypatch) -> None:
    monkeypatch.setattr(background.queue, "limit", 0.2)

    def slow(vectors: np.ndarray, perplexity: float, seed: int, report: Any, cancel: Any) -> None:
        report(0.4, np.full((len(vectors), 2), 7.0, np.float32))
        time.sleep(0.3)
        report(0.5, np.full((len(vectors), 2), 8.0, np.float32))

    monkeypatch.setattr(projection, "tsne", slow)
    page = finished(app(model="flat", method="t-SNE"))
    assert page.info[0].value == (
        "Stopped after 1 minute, the longest that one computation may take here. Take fewer points, or try again later."
    )
    assert any(button.label == "Start again" for button in page.button)


def test_the_work_of_a_visitor_who_left_ends(app, monkeypatch) -> None:
    gone = threading.Event()
    monkeypatch.setattr(background, "GRACE", 0.05)
    monkeypatch.setattr(background, "connected", lambda session: not gone.is_set())
    monkeypatch.setattr(projection, "tsne", lambda vectors, perplexity, seed, report, cancel: endless(report, cancel))
    page = app(model="flat", method="t-SNE")
    running = page.session_state["job_tsne"][1]
    time.sleep(0.3)
    assert not running.done
    gone.set()
    with pytest.raises(Cancelled):
        running.result(20)


def test_too_few_points_for_tsne_are_shown_by_pca(app) -> None:
    page = app(model="few", method="t-SNE")
    assert "at least 7 points, and here are 5: this is PCA" in page.info[0].value
    assert places(page).shape == (5, 2)


# --- colours and words --------------------------------------------------------------------------------------------


def test_colours_are_the_numbers_asked_for(app) -> None:
    reference = untrained(5).reference
    axes = explore.axes(untrained(5).model, reference)
    expected = {
        "KL": reference.kl.sum(1),
        "reconstruction error": reference.error,
        "factor x": reference.factors[:, 1],
        axes[1].name: reference.mean[:, int(axes[1].name[1:])],
    }
    for colour, numbers in expected.items():
        page = app(model="five", method="PCA", colour=colour)
        assert paint(page) == plots.shades(numbers)
        ends = [float(numbers.min()), float(numbers.max())]
        assert view(page)["scale"]["ends"] == pytest.approx(ends) and view(page)["legend"] == []
    assert control(page.selectbox, "colour").options[:5] == [
        "class",
        "factor shape",
        "factor x",
        "KL",
        "reconstruction error",
    ]


def test_classes_and_factors_have_names_that_are_text_and_points_say_what_they_are(app) -> None:
    page = app(model="five", method="PCA", dims="3-D")
    traces = charts(page)[0]["data"]
    assert [trace["name"] for trace in traces] == ["&lt;b&gt;even&lt;/b&gt;", "odd"]
    error = float(untrained(5).reference.error[1])
    assert traces[1]["text"][0].startswith(f"picture 1 (odd)<br>error {error:.1f} nats<br>KL ")
    assert classes(app(model="five", method="PCA")) == {"<b>even</b>", "odd"}
    assert classes(app(model="five", method="PCA", colour="factor shape")) == {"round", "square"}


def test_at_first_points_have_the_colours_that_tell_most_of_where_they_lie(app, monkeypatch) -> None:
    found = colouring.separations
    lone = {"class": 0.3, "factor shape": 0.2, "factor x": 0.1}
    monkeypatch.setattr(colouring, "separations", lambda *about: found(*about) | lone)
    assert control(app(model="five").selectbox, "colour").value == "class"
    monkeypatch.setattr(colouring, "separations", lambda *about: found(*about) | lone | {"factor x": 0.99})
    page = app(model="five")
    assert control(page.selectbox, "colour").value == "factor x" and "factor x tells 99% of where" in said(page)
    assert control(app(model="five", method="pca").selectbox, "colour").value == "class"  # a link of before


def test_small_pictures_come_from_the_most_typical_on_unless_they_are_switched_off(app) -> None:
    page = app(model="five")
    assert view(page)["thumbs"] and view(page)["shade"]
    order, reference = unpacked(page)["order"], untrained(5).reference
    assert sorted(order) == list(range(ROWS))
    ranks = reference.error.clamp(1e-3).log()
    middle = abs(ranks - ranks.mean())[order.tolist()]
    assert middle[: ROWS // 4].mean() < middle[-ROWS // 4 :].mean() / 2
    page = app(model="five", method="pca", colour="class", thumbs="off", density="off")
    assert not view(page)["thumbs"] and not view(page)["shade"]


def test_a_class_that_is_searched_for_stands_out(app) -> None:
    assert view(app(model="flat"))["lit"] == -1
    page = app(model="flat", highlight="odd")
    assert view(page)["lit"] == 1 and control(page.selectbox, "highlight").options == [
        "All classes",
        "<b>even</b>",
        "odd",
    ]
    checked(control(page.selectbox, "highlight").set_value("").run())
    assert view(page)["lit"] == -1


def test_a_picture_is_found_by_its_number_and_its_nearest_are_marked(app) -> None:
    page = app(model="flat", find=9)
    (tie,) = view(page)["ties"]
    mean = untrained(2).reference.mean
    nearest = explore.nearest(mean[9], mean, 9)[0].tolist()
    assert tie["rows"] == nearest[1:] and view(page)["chosen"] == [9]
    np.testing.assert_allclose((tie["x"], tie["y"]), mean[9], atol=1e-6)
    checked(control(page.number_input, "find").set_value(10).run())
    assert view(page)["chosen"] == [10] and "side" not in page.query_params  # the next number can be typed
    page = choose(page, "flat", [2])
    checked(control(page.number_input, "find").set_value(11).run())
    assert view(page)["chosen"] == [11] and "The nearest 8 in all 2 latent dimensions" in said(page)
    assert "".join(page.query_params["find"]) == "11"
    page = app(model="few", find=4000)
    assert "“Find a picture” to 4000" in page.warning[0].value and view(page)["chosen"] == []


def test_values_that_do_not_exist_are_named_and_replaced(app) -> None:
    page = app(model="five", method="magic", colour="taste", points=3, pointer="tongue", data="/etc", side="x")
    told = [warning.value.replace("\\", "") for warning in page.warning]
    assert sum("the usual value is used instead" in text for text in told) == 5 and len(told) == 6
    assert (
        "The link opens the tab “x”, but there is only “Settings”, “Chosen” or “Your own”; the first is open." in told
    )
    assert any("“Maximum points” to 3, but it can only be 250, 500, 1000, 2000, 5000 or 10000;" in t for t in told)
    assert any(
        "“Choose by” to “tongue”, but it can only be “Look”, “Path”, “Move”, “Box” or “Lasso”;" in text for text in told
    )
    assert control(page.selectbox, "data").value == "reference"
    page = app(model="five", method="t-SNE", perplexity=900, tsne_seed=-4)
    assert (
        "“Perplexity” to 900, but it can only be a whole number from 2 to 100" in page.warning[0].value
        and len(page.warning) == 2
    )
    assert control(page.slider, "perplexity").value == 30


# --- what is chosen -----------------------------------------------------------------------------------------------


def test_chosen_points_are_decoded_and_sent_to_a_b_and_the_start(app, files) -> None:
    page = choose(app(model="flat"), "flat", [2, 5, 9])
    sheet = sent(page, "sheet")
    assert sheet["rows"] == [2, 5, 9] and sheet["labels"][1] == "picture 5 (odd)" and sheet["chosen"] == 2
    assert "3 pictures chosen" in said(page) and "Picture 2 (<b>even</b>): error" in said(page)
    decoded = np.asarray(Image.open(io.BytesIO(files["These pictures (PNG)"]())))
    assert decoded.std() > 1
    page.session_state["map_picked"] = 9
    checked(page.run())
    page = press(page, "Use as :blue[**A**]")
    assert page.session_state["picture_a"] == "ref:9" and "".join(page.query_params["a"]) == "ref:9"
    assert page.toast[0].value == r"Picture 9 \(odd\) is A now; Interpolate shows it."
    place = flags(page)["A"]
    np.testing.assert_allclose((place["x"], place["y"]), places(page)[9])
    page = press(page, "Use as :orange[**B**]")
    assert set(flags(page)) == {"A", "B"}
    assert view(page)["chosen"] == [2, 5, 9]  # still


def test_many_chosen_points_are_counted_and_the_first_are_shown(app) -> None:
    page = choose(app(model="flat"), "flat", list(range(55)))
    assert "55 pictures chosen" in said(page) and "the first 48" in said(page)
    assert sent(page, "sheet")["rows"] == list(range(48))
    page = choose(app(model="flat", method="PCA", dims="3-D"), "flat", [])
    assert "take 2-D" in said(page)


def test_what_was_chosen_among_other_points_is_not_mixed_up(app) -> None:
    page = choose(app(model="flat"), "flat", [1, 2])
    checked(page.selectbox(key="model").set_value("five").run())
    assert "Click a point" in said(page) and not views(page, "sheet")


# --- pictures of one's own ----------------------------------------------------------------------------------------


def test_uploads_are_placed_as_stars_with_their_neighbours(app) -> None:
    page = app(model="flat")
    page.session_state["side_tab"] = "own"
    checked(page.run())
    uploads = [("one.png", drawing(), "image/png"), ("no.png", b"not a picture", "image/png")]
    checked(page.file_uploader[0].set_value(uploads).run())
    assert page.error[0].value.startswith("no\\.png") and len(page.error) == 1
    opened = model("flat")
    x = torch.zeros(1, 1, 8, 8)
    x[:, :, 1:7, 3:5] = 1
    mean = explore.encode(opened.checkpoint.model, x)[0][0]
    star = flags(page)["★ 1"]
    np.testing.assert_allclose((star["x"], star["y"]), mean, atol=0.2)  # bits and the frame may differ
    rows = explore.nearest(torch.tensor([star["x"], star["y"]]), opened.checkpoint.reference.mean, 8)[0]
    assert f"picture {int(rows[0])}" in said(page) and "The nearest 8 in all 2 latent dimensions" in said(page)
    for other in ("sample.py", "map.py"):
        page = checked(page.switch_page(other).run())
    assert "★ 1" in flags(page)
    page = press(page, "Use as :orange[**B**]")
    assert page.session_state["picture_b"] == page.session_state["map_stars"][0].text
    assert page.toast[0].value == "Your picture ★ 1 is B now; Interpolate shows it."
    page = press(page, "Take them off the map")
    assert set(flags(page)) == {"B"}


def test_a_named_set_is_encoded_with_its_own_labels_and_sent_on_as_an_upload(app) -> None:
    page = finished(app(model="flat", data="digits", points=250, colour="class"))
    assert "All 180 test pictures of digits" in said(page)
    assert classes(page) == set("0123456789")
    (kept,) = encoded._encoded().values()
    page.session_state["map_chosen"] = (kept.key, [3])
    page.session_state["side_tab"] = "chosen"
    page = press(checked(page.run()), "Use as :blue[**A**]")
    assert page.session_state["picture_a"].startswith("mapped:")
    place = flags(page)["A"]
    np.testing.assert_allclose((place["x"], place["y"]), kept.mean[3], atol=0.2)
    assert "job_encode" not in app(model="flat", data="digits", points=250).session_state  # read once for all


def test_a_model_without_reference_encodings_shows_a_data_set(app) -> None:
    page = finished(app(model="bare", method="PCA"))
    assert control(page.selectbox, "data").value == "digits" and places(page).shape == (180, 2)


def test_a_zip_of_one_s_own_with_classes_and_a_bad_one_with_a_sentence(app) -> None:
    page = app(model="flat", data="a zip of yours")
    assert "Upload a zip" in page.info[0].value
    checked(page.file_uploader[0].set_value(("bad.zip", b"no zip", "application/zip")).run())
    page = finished(page)
    assert len(page.error) == 1 and not views(page, "map")
    checked(page.file_uploader[0].set_value(("pets.zip", zipped(300), "application/zip")).run())
    page = finished(page)
    assert classes(page) == {"cats", "dogs"}
    assert "All 300 pictures of pets" in said(page)
    checked(control(page.select_slider, "points").set_value(250).run())
    page = finished(page)
    assert "250 of the 300 pictures of pets, drawn at random" in said(page) and places(page).shape == (250, 2)


def test_folders_are_those_that_the_owner_put_there(app, tmp_path, monkeypatch) -> None:
    for name in ("pets/cats", "pets/dogs", "empty"):
        (tmp_path / "data" / name).mkdir(parents=True)
    for i in range(10):
        (tmp_path / f"data/pets/{('cats', 'dogs')[i % 2]}/{i}.png").write_bytes(drawing(100 + i))
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "data"))
    page = app(model="flat")
    assert [name for name in control(page.selectbox, "data").options if name.startswith("folder")] == ["folder pets"]
    page = finished(app(model="flat", data="folder pets"))
    assert places(page).shape == (10, 2) and "All 10 pictures of pets" in said(page)
    page = app(model="flat", data="folder ../cache")
    assert len(page.warning) == 1 and control(page.selectbox, "data").value == "reference"


# --- files --------------------------------------------------------------------------------------------------------


def test_downloads_hold_the_map(app, files) -> None:
    page = app(model="five", method="PCA")
    rows = list(csv.DictReader(io.StringIO(files["Map (CSV)"]().decode())))
    reference = model("five").checkpoint.reference
    assert len(rows) == ROWS and rows[1]["label"] == "odd" and rows[1]["factor_shape"] == "square"
    np.testing.assert_allclose([[float(row["x"]), float(row["y"])] for row in rows], places(page), rtol=1e-5)
    np.testing.assert_allclose([float(row["kl"]) for row in rows], reference.kl.sum(1), rtol=1e-5)
    np.testing.assert_allclose([float(row["z4"]) for row in rows], reference.mean[:, 4], rtol=1e-5)
    picture = np.asarray(Image.open(io.BytesIO(files["Map (PNG)"]())))
    assert picture.ndim == 3 and picture.std() > 5
    app(model="five", method="PCA", dims="3-D")
    assert "z" in next(csv.DictReader(io.StringIO(files["Map (CSV)"]().decode())))


def test_a_draw_is_always_the_same_and_lies_in_a_larger_one() -> None:
    small, large = data.drawn(1000, 50).tolist(), data.drawn(1000, 200).tolist()
    assert len(set(small)) == 50 and set(small) <= set(large) and large == sorted(large)
    assert data.drawn(30, 50).tolist() == list(range(30))


def test_a_reference_picture_that_was_not_drawn_has_no_place() -> None:
    opened = Opened(models.Entry("m", "m", "shipped"), untrained(2), "m")
    points = encoded.from_reference(opened, 20)
    drawn = set(points.rows.tolist())
    for row in range(ROWS):
        place = points.place_of(Choice.row("ref", row))
        assert (place is None) == (row not in drawn) and (place is None or points.rows[place] == row)
    for text in ("ref:" + "9" * 5000, "mean", "ref:x"):
        assert points.place_of(Choice.parse(text)) is None


# --- what the browser draws -----------------------------------------------------------------------------------------


def test_the_map_gets_points_means_and_what_inverts_it(app) -> None:
    page = app(model="five", method="PCA")
    told, reference = view(page), untrained(5).reference
    found, expected = unpacked(page), projection.pca(reference.mean.numpy(), 2)
    coords = found["coords"].reshape(-1, 2)
    np.testing.assert_allclose(coords, expected.coords, atol=1e-5)
    inverse = coords @ found["axes"].reshape(2, 5) + found["mean"]
    np.testing.assert_allclose(inverse, expected.inverse(expected.coords), atol=1e-5)
    means = np.frombuffer(file(told["means"]), "<f4").reshape(-1, 5)
    np.testing.assert_array_equal(means, reference.mean)
    np.testing.assert_allclose(found["kl"], reference.kl.sum(1), rtol=1e-6)
    np.testing.assert_array_equal(found["label"], reference.labels)
    assert (found["y"] == -1).all() and told["names"] == ["<b>even</b>", "odd"] and told["equal"]
    blue = [int(plots.class_style(0)[0][i : i + 2], 16) for i in (1, 3, 5)]
    assert found["paint"].view("u1").reshape(-1, 4)[0].tolist() == [*blue, 0]


def test_the_plane_is_its_own_inverse(app) -> None:
    page = app(model="flat")
    np.testing.assert_array_equal(unpacked(page)["axes"].reshape(2, 2), np.eye(2))
    assert not unpacked(page)["mean"].any() and view(page)["linear"]


def test_the_map_keeps_what_is_chosen_set_and_marked(app) -> None:
    page = choose(app(model="flat", pointer="Lasso", residual="off"), "flat", [2, 5])
    told = view(page)
    assert told["chosen"] == [2, 5] and told["tool"] == "Lasso" and told["residual"] is False
    page = press(page, "Use as :blue[**A**]")
    (mark,) = view(page)["marks"]
    assert mark["name"] == "A"
    np.testing.assert_allclose((mark["x"], mark["y"]), untrained(2).reference.mean[2], atol=1e-6)
    assert ["".join(page.query_params[key]) for key in ("pointer", "residual")] == ["lasso", "off"]


def test_nothing_but_rows_of_these_points_can_be_chosen() -> None:
    told = {"of": "these", "rows": [5, 2, 2, -1, 60, True, 1.5, "3", None]}
    assert livemap.chosen_rows(told, "these", 60) == [2, 5]
    assert livemap.chosen_rows(told, "others", 60) is None
    for nonsense in (None, 3, "rows", [], {"of": "these"}, {"of": "these", "rows": 4}):
        assert livemap.chosen_rows(nonsense, "these", 60) is None


def test_encodings_that_are_too_large_for_a_browser_are_not_sent(app, monkeypatch) -> None:
    monkeypatch.setattr(livemap, "MAX_BYTES", ROWS * 5 * 4 - 1)
    assert view(app(model="five", method="PCA"))["means"] == ""
    monkeypatch.setattr(livemap, "MAX_BYTES", ROWS * 5 * 4)
    assert view(app(model="five", method="PCA"))["means"] != ""
