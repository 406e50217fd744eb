"""Map in a real Chromium: click, box, sending on, 3-D, t-SNE cancelled, stars, links, downloads, themes, a phone."""

import contextlib
import csv
import io
import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Locator, expect

# Where a row of the figure lies in the window, from Plotly's own axes.
PLACE = """([plot, row]) => {
  const {x: left, y: top} = plot.getBoundingClientRect(), {xaxis, yaxis} = plot._fullLayout;
  for (const trace of plot._fullData) {
    const i = Array.from(trace.customdata).indexOf(row);
    if (i >= 0) return [left + xaxis._offset + xaxis.d2p(trace.x[i]), top + yaxis._offset + yaxis.d2p(trace.y[i])];
  }
}"""


def chart(view) -> Locator:
    plot = view.page.locator(".js-plotly-plot")
    expect(plot).to_have_count(1, timeout=60_000)  # on the first visit the browser reads a large script
    plot.locator(".nsewdrag, canvas").first.wait_for(state="attached")
    return plot


def click_point(view, row: int) -> None:
    plot = chart(view)
    plot.scroll_into_view_if_needed()
    x, y = view.page.evaluate(PLACE, [plot.element_handle(), row])
    view.page.mouse.move(x - 2, y - 2)
    view.page.mouse.move(x, y, steps=3)
    expect(plot.locator(".hoverlayer .hovertext")).to_contain_text("nats")
    view.page.mouse.down()
    view.page.mouse.up()
    view.settle()


def draw_box(view, left: float, top: float, right: float, bottom: float) -> None:
    """Drag over a part of the map, in shares of its width and height."""
    box = chart(view).locator(".nsewdrag").bounding_box()
    corners = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in ((left, top), (right, bottom))]
    view.page.mouse.move(*corners[0])
    view.page.mouse.down()
    view.page.mouse.move(*corners[1], steps=8)
    view.page.mouse.up()
    view.settle()


def sheet(view) -> Locator:
    return view.page.get_by_role("group", name="Chosen pictures").get_by_role("button")


def button(view, name: str) -> Locator:
    return view.page.get_by_role("button", name=name, exact=True)


def option(view, name: str) -> Locator:
    """A segment of a segmented control."""
    return view.page.get_by_test_id("stButtonGroup").get_by_text(name, exact=True)


def flags(view) -> list[str]:
    return chart(view).locator(".annotation-text").all_text_contents()


def drawing(path: Path) -> Path:
    """A dark seven on white paper."""
    picture = Image.new("RGB", (200, 240), "white")
    ImageDraw.Draw(picture).line([(50, 50), (150, 50), (90, 200)], "black", 16)
    picture.save(path)
    return path


def test_a_click_on_a_point_of_the_first_map_shows_its_picture_beside_it(view) -> None:
    view.open("map", model="digits")
    plot = chart(view).bounding_box()
    assert plot["width"] > 500 and plot["y"] + plot["height"] < 720
    for name in ("Pictures", "Colour"):
        place = view.page.get_by_test_id("stMain").get_by_role("combobox", name=name).bounding_box()
        assert place["y"] < 720 and place["x"] > plot["x"] + plot["width"]
    expect(view.page.get_by_text("stored with the model")).to_be_visible()
    view.screenshot("map")
    click_point(view, 20)
    expect(view.page.get_by_text(re.compile("^Picture 20"))).to_be_visible()
    for what in ("original", "decoded"):
        place = view.page.get_by_role("img", name=re.compile(f"Picture 20.*: {what}")).bounding_box()
        assert place["y"] + place["height"] < 720 and place["width"] >= 64


def test_box_pictures_a_and_b_interpolate_and_back(view) -> None:
    view.open("map", model="digits", pointer="Box")
    draw_box(view, 0.05, 0.05, 0.5, 0.95)
    expect(view.page.get_by_text("pictures chosen")).to_be_visible()
    expect(sheet(view).nth(5)).to_be_attached()
    first = sheet(view).first.get_attribute("aria-label")
    name = sheet(view).nth(2).get_attribute("aria-label")
    sheet(view).nth(2).click()
    view.settle()
    row = int(re.search(r"picture (\d+)", name)[1])
    expect(view.page.get_by_text(re.compile(f"^Picture {row} "))).to_be_visible()
    button(view, "Use as A").click()
    view.settle()
    assert "A" in flags(view)
    view.screenshot("map-chosen")
    draw_box(view, 0.5, 0.05, 0.95, 0.95)
    expect(sheet(view).first).not_to_have_attribute("aria-label", first)
    other = int(re.search(r"picture (\d+)", sheet(view).first.get_attribute("aria-label"))[1])
    button(view, "Use as B").click()
    view.settle()
    assert {"A", "B"} <= set(flags(view)) and other != row
    count = view.page.get_by_text("pictures chosen").inner_text()
    button(view, "Go to Interpolate").click()
    view.page.wait_for_url(re.compile("/interpolate"))
    view.settle()
    assert f"a=ref%3A{row}" in view.page.url and f"b=ref%3A{other}" in view.page.url and "model=digits" in view.page.url
    expect(view.page.get_by_text(f"reference picture {row}").first).to_be_visible()
    view.go_to("Map")
    expect(view.page.get_by_text(count)).to_be_visible()
    assert {"A", "B"} <= set(flags(view))


def test_three_dimensions_from_a_link_and_traverse_from_a_point(view) -> None:
    view.open("map", model="digits", method="PCA")
    option(view, "3-D").click()
    view.settle()
    expect(view.page.get_by_text("These 3 principal components explain")).to_be_visible()
    assert "dims=3" in view.page.url
    view.page.reload()
    view.settle()
    assert chart(view).evaluate("plot => plot._fullData[0].type") == "scatter3d"
    view.screenshot("map-space")
    option(view, "2-D").click()
    view.settle()
    for _ in range(3):  # on a busy machine the drawing hears no click yet
        click_point(view, 7)
        with contextlib.suppress(AssertionError):
            expect(button(view, "Traverse from it")).to_be_visible(timeout=5_000)
            break
    button(view, "Traverse from it").click()
    view.page.wait_for_url(re.compile("/traverse"))
    view.settle()
    assert "start=ref%3A7" in view.page.url


def test_a_tsne_is_seen_forming_and_cancelled_while_the_page_answers(view) -> None:
    view.open("map", model="mnist-2d")
    option(view, "t-SNE").click()
    view.settle()
    expect(view.page.get_by_text("stored with the model")).to_be_visible()
    view.page.get_by_role("spinbutton", name="Seed").fill("5")
    view.page.keyboard.press("Enter")
    expect(view.page.get_by_text("t-SNE of 2,000 points")).to_be_visible()
    view.page.get_by_role("tab", name="Your own").click()  # the page answers meanwhile
    expect(view.page.get_by_text("Pictures to place on the map")).to_be_visible()
    button(view, "Cancel").click()
    expect(view.page.get_by_text("this map is not finished")).to_be_visible()
    expect(button(view, "Start again")).to_be_visible()
    assert "tsne_seed=5" in view.page.url and "method=t-sne" in view.page.url


def test_an_upload_gets_a_star_and_keeps_it_on_the_way_to_another_page(view, tmp_path) -> None:
    view.open("map", model="mnist-2d")
    view.page.get_by_role("tab", name="Your own").click()
    view.settle()
    view.upload(drawing(tmp_path / "seven.png"))
    expect(view.page.get_by_text("The nearest 8 in all 2 latent dimensions")).to_be_visible()
    assert "★ 1" in flags(view)
    view.screenshot("map-star")
    button(view, "Use as A").click()
    view.settle()
    assert {"★ 1", "A"} <= set(flags(view))
    view.go_to("Sample")
    view.go_to("Map")
    assert {"★ 1", "A"} <= set(flags(view))


def test_a_link_opens_the_same_view_and_the_files_hold_it(view, new_view) -> None:
    view.open("map", model="mnist-2d", method="PCA", colour="KL", points=500, pointer="Lasso")
    expect(view.page.get_by_text("500 of the 2,000 reference pictures, drawn at random")).to_be_visible()
    other = new_view()
    other.page.goto(view.page.url)
    other.settle()
    expect(other.page.get_by_text("500 of the 2,000 reference pictures, drawn at random")).to_be_visible()
    read = "plot => [plot._fullData.length, plot._fullLayout.dragmode, plot._fullData[0].marker.colorbar.title.text]"
    assert chart(other).evaluate(read) == chart(view).evaluate(read) == [1, "lasso", "KL (nats)"]
    with view.page.expect_download() as table:
        button(view, "Map (CSV)").click()
    rows = list(csv.DictReader(io.StringIO(Path(table.value.path()).read_text("utf-8"))))
    assert len(rows) == 500 and {"x", "y", "kl", "error", "z0", "z1"} <= rows[0].keys()
    with view.page.expect_download() as picture:
        button(view, "Map (PNG)").click()
    assert picture.value.suggested_filename.startswith("map-mnist-2d")
    with Image.open(picture.value.path()) as found:
        assert found.width > 800


def test_a_phone_and_the_dark_theme(new_view) -> None:
    phone = new_view(width=390, height=844, touch=True)
    phone.open("map", model="digits")
    plot = chart(phone).bounding_box()
    assert plot["x"] >= 0 and plot["x"] + plot["width"] <= 390
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    place = phone.page.get_by_role("tab", name="Settings").bounding_box()
    assert place["y"] > plot["y"] + plot["height"]
    phone.screenshot("map-phone")
    dark = new_view(theme="dark")
    dark.open("map", model="digits", method="PCA")
    title = chart(dark).locator(".g-xtitle text")
    levels = [int(v) for v in re.findall(r"\d+", title.evaluate("e => getComputedStyle(e).fill"))[:3]]
    assert min(levels) > 180  # light letters on the dark ground
    ground = np.asarray(Image.open(io.BytesIO(chart(dark).screenshot())).convert("L"))
    assert np.median(ground) < 60
    dark.screenshot("map-dark")


@pytest.mark.parametrize(
    ("model", "method", "width"), [("sprites", "t-SNE", 1280), ("fashion", "t-SNE", 390), ("fashion", "PCA", 390)]
)
def test_no_name_of_a_class_covers_another(new_view, model: str, method: str, width: int) -> None:
    view = new_view(width=width, height=844 if width < 400 else 720, touch=width < 400)
    view.open("map", model=model, method=method)
    names = chart(view).locator(".annotation-text-g rect.bg")
    expect(names.first).to_be_visible()
    boxes = [name.bounding_box() for name in names.all()]
    assert len(boxes) >= 3
    for one, other in combinations(boxes, 2):
        across = min(one["x"] + one["width"], other["x"] + other["width"]) - max(one["x"], other["x"])
        down = min(one["y"] + one["height"], other["y"] + other["height"]) - max(one["y"], other["y"])
        assert across <= 0.5 or down <= 0.5
    view.screenshot(f"map-names-{model}-{method}-{width}")
