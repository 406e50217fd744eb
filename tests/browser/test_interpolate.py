"""Interpolate in a real browser: pictures of one's own, links, phones, both themes."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlparse

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import Locator, expect
from sklearn.datasets import load_digits

from tests import handwriting
from tests.browser.conftest import IN_ONE_BREATH, View
from tests.handwriting import Scene
from vae_core import checkpoints


@pytest.fixture
def seven(tmp_path: Path) -> Path:
    """A dark digit on unevenly lit paper, as a telephone takes it: on its side, with EXIF to say so."""
    image = Image.linear_gradient("L").resize((600, 800)).point(lambda v: 190 + v // 5).convert("RGB")
    ImageDraw.Draw(image).line([(180, 200), (420, 200), (280, 620)], fill=(40, 40, 70), width=44, joint="curve")
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "seven.jpg"
    turned = image.filter(ImageFilter.GaussianBlur(2)).rotate(90, expand=True)
    turned.save(path, quality=85, exif=exif)
    return path


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    """A blue ring on nothing."""
    image = Image.new("RGBA", (400, 300), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse([120, 60, 280, 240], outline=(20, 60, 200, 255), width=30)
    path = tmp_path / "ring.png"
    image.save(path)
    return path


def button(view: View, name: str) -> Locator:
    return view.page.get_by_role("button", name=name, exact=True)


def press(view: View, name: str, place: int = 0) -> None:
    button(view, name).nth(place).click()
    view.settle()


def give(view: View, slot: str, file: Path) -> None:
    press(view, f"Choose {slot}")
    view.page.get_by_role("radiogroup").get_by_text("Upload", exact=True).click()
    view.settle()
    view.upload(file)


def query(view: View) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlparse(view.page.url).query).items()}


def picture(view: View, alt: str) -> Locator:
    return view.page.get_by_alt_text(alt, exact=True)


def source(view: View, alt: str) -> str:
    return picture(view, alt).get_attribute("src") or ""


def test_two_pictures_of_ones_own(view: View, seven: Path, ring: Path, tmp_path: Path) -> None:
    view.open("interpolate", model="digits")
    give(view, "A", seven)
    give(view, "B", ring)
    for slot in "AB":
        expect(picture(view, f"Picture {slot} as it was given")).to_be_visible()
        expect(picture(view, f"Picture {slot} as the model sees it")).to_be_visible()
        expect(picture(view, f"Reconstruction of picture {slot}")).to_be_visible()
    box = picture(view, "Picture A as it was given").bounding_box()
    assert box and box["height"] > box["width"]  # upright again
    expect(view.page.get_by_text("turned upright")).to_be_visible()
    expect(view.page.get_by_text("Transparency filled")).to_be_visible()
    assert view.page.get_by_text("inverted").count() == 2
    assert all(query(view)[slot].startswith("upload:") for slot in "ab")
    ringed = source(view, "Picture B as the model sees it")
    view.page.go_back()  # a step that a person took, also with an upload
    view.settle()
    assert "b" not in query(view) and query(view)["a"].startswith("upload:")
    view.page.go_forward()
    view.settle()
    assert source(view, "Picture B as the model sees it") == ringed
    expect(view.page.get_by_text("kept for this visit")).to_be_attached()
    view.screenshot("interpolate-uploads")

    seen = source(view, "Picture A as the model sees it")
    press(view, "Prepare A")
    view.page.get_by_role("radiogroup", name="Dark and light").get_by_text("As it is").click()
    view.settle()
    view.page.keyboard.press("Escape")
    assert source(view, "Picture A as the model sees it") != seen
    press(view, "Undo")
    assert source(view, "Picture A as the model sees it") == seen
    for pause in (0, 40, 80):
        press(view, "Prepare A")
        view.page.get_by_role("radiogroup", name="Dark and light").get_by_text("As it is").click()
        view.settle()
        view.page.evaluate(IN_ONE_BREATH, ["Undo", "Choose B", pause])
        view.settle()
        view.page.keyboard.press("Escape")
        view.settle()
        assert source(view, "Picture A as the model sees it") == seen, f"the second {pause} ms after the first"
    press(view, "Swap A and B")
    assert source(view, "Picture B as the model sees it") == seen

    bad = tmp_path / "bad.png"
    bad.write_bytes(ring.read_bytes()[:150])
    give(view, "B", bad)
    expect(view.page.get_by_text("The earlier picture stays.")).to_be_visible()
    view.page.keyboard.press("Escape")
    assert source(view, "Picture B as the model sees it") == seen

    view.go_to("Sample")
    view.go_to("Interpolate")
    assert source(view, "Picture B as the model sees it") == seen


def test_a_photograph_becomes_picture_a(view: View) -> None:
    view.open("interpolate", model="digits", a="ref:3", b="ref:8")
    before = source(view, "Picture A as the model sees it")
    press(view, "Choose A")
    view.page.get_by_role("radiogroup").get_by_text("Camera", exact=True).click()
    view.settle()
    view.until("document.querySelector('video')?.readyState >= 2")  # a picture to be taken
    view.page.get_by_role("button", name="Take Photo").click()
    expect(picture(view, "Picture A as it was given")).to_be_visible()
    view.settle()
    view.screenshot("interpolate-camera")
    view.page.keyboard.press("Escape")
    box = picture(view, "Picture A as it was given").bounding_box()
    assert box and box["width"] > box["height"]  # as the camera has it
    assert source(view, "Picture A as the model sees it") != before
    assert query(view)["a"].startswith("upload:") and query(view)["b"] == "ref:8"


def test_a_link_opens_the_same_view(view: View) -> None:
    asked = {"model": "digits", "a": "ref:3", "b": "prior:2", "steps": "5", "path": "spherical", "t": "0.3"}
    view.page.goto(f"{view.url}/interpolate?{urlencode(asked)}")
    view.settle()
    assert query(view).items() >= asked.items()
    before = [source(view, alt) for alt in ("Reconstruction of picture A", "Picture B decoded")]
    expect(view.page.locator(".live output")).to_have_text("t = 0.30")
    view.page.reload()
    view.settle()
    assert query(view).items() >= asked.items()
    assert [source(view, alt) for alt in ("Reconstruction of picture A", "Picture B decoded")] == before
    expect(view.page.locator(".live output")).to_have_text("t = 0.30")
    expect(view.page.get_by_role("img", name="5 steps decoded from A to B")).to_be_visible()


def test_the_contact_sheet_by_mouse_and_keyboard(view: View) -> None:
    view.open("interpolate", model="digits")
    press(view, "Choose A")
    sheet = view.page.get_by_role("group", name="Reference pictures")
    fourth = sheet.get_by_role("button").nth(3)
    row = fourth.get_attribute("data-row")
    fourth.click()
    view.settle()
    assert query(view)["a"] == f"ref:{row}"
    expect(sheet).not_to_be_visible()
    press(view, "Choose B")
    sheet.get_by_role("button").first.focus()
    view.page.keyboard.press("ArrowRight")
    row = sheet.get_by_role("button").nth(1).get_attribute("data-row")
    view.page.keyboard.press("Enter")
    view.settle()
    assert query(view)["b"] == f"ref:{row}"
    press(view, "Another one")
    assert query(view)["a"] != f"ref:{row}" and query(view)["b"] == f"ref:{row}"


def test_another_model_and_back(view: View, seven: Path) -> None:
    other = next(name for name in checkpoints.shipped() if name != "digits")
    view.open("interpolate", model="digits", b="ref:3")
    give(view, "A", seven)
    before = [source(view, alt) for alt in ("Picture A as the model sees it", "Reconstruction of picture B")]
    for name in (other, "digits"):
        view.page.get_by_test_id("stSidebar").get_by_role("combobox").click()
        view.page.get_by_role("option", name=name, exact=True).click()
        view.settle()
        after = [source(view, alt) for alt in ("Picture A as the model sees it", "Reconstruction of picture B")]
        assert (after == before) is (name == "digits")
    assert query(view)["b"] == "ref:3"


def test_pictures_path_and_controls_need_no_scrolling(view: View) -> None:
    view.open("interpolate", model="digits")
    names = ("Choose A", "Choose B", "Swap A and B", "Play")
    places = [button(view, name) for name in names]
    places += [picture(view, "Reconstruction of picture A"), picture(view, "Reconstruction of picture B")]
    places += [view.page.locator("input.place"), view.page.get_by_role("spinbutton", name="Steps")]
    for place in places:
        expect(place).to_be_in_viewport(ratio=1)


def test_a_phone(new_view: Callable[..., View]) -> None:
    view = new_view(theme="dark", width=390, height=844, touch=True)
    view.open("interpolate", model="digits")
    assert view.page.evaluate("document.documentElement.scrollWidth") <= 390
    for place in (
        picture(view, "Reconstruction of picture A"),
        view.page.locator("input.place"),
        button(view, "Swap A and B"),
    ):
        place.scroll_into_view_if_needed()
        box = place.bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390
    press(view, "Choose A")
    expect(view.page.get_by_role("group", name="Reference pictures")).to_be_visible()
    view.screenshot("interpolate-phone-dark")


def height(place: Locator) -> float:
    box = place.bounding_box()
    assert box
    return box["y"]


def test_nothing_moves_when_an_upload_arrives_with_its_note(view: View, ring: Path) -> None:
    view.open("interpolate", model="digits")
    places = [view.page.get_by_role("img", name="9 steps decoded from A to B"), button(view, "Strip (PNG)")]
    before = [height(place) for place in places]
    give(view, "A", ring)
    expect(view.page.get_by_text("Transparency filled")).to_be_attached()
    assert [height(place) for place in places] == before


def test_a_long_name_leaves_the_buttons_on_one_line(view: View) -> None:
    view.open("interpolate", model="digits", a="ref:3", b="prior:123456789.3")
    for width in (1280, 1024):
        view.page.set_viewport_size({"width": width, "height": 720})
        view.settle()
        gap = [
            height(button(view, f"Choose {name}")) - height(view.page.locator(f".st-key-heading-{name.lower()}"))
            for name in "AB"
        ]
        assert gap[0] == pytest.approx(gap[1], abs=1)  # a heading is one line
    expect(view.page.get_by_text("Draw 4 of seed 123456789 from the prior.")).to_be_attached()  # the whole name


@pytest.fixture
def squared(tmp_path: Path) -> Path:
    """Two digits on squared paper, a large one and a small one, as a telephone takes them."""
    large, small = (handwriting.skeleton(load_digits().images[i] / 16) for i in (2, 5))
    line = np.zeros((len(large) + 10, 260), bool)
    line[: len(large), : large.shape[1]] = large
    small = small[::2, ::2]
    line[: len(small), 220 : 220 + small.shape[1]] = small
    scene = Scene(line, digit=40, pen=1, rules=5, squared=True, share=0.9, turn=5, size=(900, 700))
    path = tmp_path / "squared.jpg"
    path.write_bytes(handwriting.photograph(scene))
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A photograph in which a digit is small."""
    seven = handwriting.skeleton(load_digits().images[7] / 16)
    path = tmp_path / "small.jpg"
    path.write_bytes(handwriting.photograph(Scene(seven, share=0.09, size=(1200, 900))))
    return path


def sees(view: View) -> str:
    return source(view, "Picture A as the model sees it")


def sees_else(view: View, before: str) -> str:
    """What the model sees, once that is something else: keys are told when they have rested."""
    expect(picture(view, "Picture A as the model sees it")).not_to_have_attribute("src", before)
    view.settle()
    return sees(view)


def test_what_was_cut_out_of_a_photograph_is_shown_and_corrected(view: View, squared: Path) -> None:
    view.open("interpolate", model="digits")
    give(view, "A", squared)
    expect(picture(view, "Picture A as it was given")).to_be_visible()
    expect(picture(view, "Cut out for A")).to_be_visible()
    expect(view.page.get_by_text("There are several shapes; the largest was taken.")).to_be_visible()
    expect(button(view, "Reset")).to_be_disabled()
    view.screenshot("interpolate-photograph")
    found = sees(view)

    photograph = picture(view, "Picture A as it was given").bounding_box()
    frame = view.page.get_by_role("group", name="Rectangle that is cut out")
    box = frame.bounding_box()
    assert photograph and box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    drag(view, (x, y), (x + photograph["width"] * 0.56, y))
    moved = sees_else(view, found)
    expect(view.page.get_by_text("There are several shapes")).to_have_count(0)
    after = frame.bounding_box()
    assert after and after["x"] > box["x"] + photograph["width"] * 0.4

    handle = slider(view, "Turn")
    handle.focus()
    for _ in range(20):
        view.page.keyboard.press("ArrowRight")
    turned = sees_else(view, moved)
    slider(view, "Threshold").focus()
    for _ in range(60):
        view.page.keyboard.press("ArrowRight")
    sees_else(view, turned)

    press(view, "Reset")
    assert sees(view) == found
    expect(button(view, "Reset")).to_be_disabled()
    box = frame.bounding_box()
    frame.focus()
    for _ in range(12):
        view.page.keyboard.press("Shift+ArrowLeft")
    sees_else(view, found)
    after = frame.bounding_box()
    assert box and after and after["width"] < box["width"]
    press(view, "Reset")
    assert sees(view) == found
    press(view, "Undo")
    sees_else(view, found)


def test_corrections_in_quick_succession_all_count(view: View, squared: Path) -> None:
    view.open("interpolate", model="digits")
    give(view, "A", squared)
    for wait in (0, 120):
        for name, key in (("Turn", "ArrowRight"), ("Threshold", "ArrowRight"), ("Turn", "ArrowRight")):
            slider(view, name).focus()
            view.page.keyboard.press(key)
            view.page.wait_for_timeout(wait)
        view.page.wait_for_timeout(400)
        view.settle()
        at = {name: float(slider(view, name).input_value()) for name in ("Turn", "Threshold")}
        cut = query(view)["a"]
        assert f":turn={at['Turn']:.1f}" in cut and f":threshold={at['Threshold']:.2f}" in cut, wait
    entries = view.page.evaluate("history.length")
    slider(view, "Turn").focus()
    for _ in range(4):
        view.page.keyboard.press("ArrowRight")
        view.page.wait_for_timeout(300)
    view.settle()
    view.page.wait_for_timeout(400)
    assert float(slider(view, "Turn").input_value()) == at["Turn"] + 2
    assert view.page.evaluate("history.length") == entries, "a slider's release is no step"
    slider(view, "Turn").focus()
    view.page.keyboard.press("ArrowRight")
    press(view, "Swap A and B")
    asked = query(view)
    assert f":turn={at['Turn'] + 2.5:.1f}" in asked["b"] and not asked["a"].startswith("upload")


def test_zooming_in_on_a_small_rectangle(view: View, small: Path) -> None:
    """Its corners can be taken; a drag means the same place of the photograph; and what is told stays zoomed in."""
    view.open("interpolate", model="digits")
    give(view, "A", small)
    found, frame = sees(view), view.page.get_by_role("group", name="Rectangle that is cut out")
    view.screenshot("interpolate-photograph-small")
    before, photograph = frame.bounding_box(), view.page.locator(".cutout .photograph").bounding_box()
    view.page.get_by_role("button", name="Zoom in").click()
    view.screenshot("interpolate-photograph-zoomed")
    close = frame.bounding_box()
    assert before and photograph and close
    assert view.page.locator(".cutout .photograph").bounding_box() == pytest.approx(photograph, abs=0.5)
    scale = close["width"] / before["width"]
    assert scale > 2 and abs(close["height"] / before["height"] - scale) < 0.1
    corner = frame.locator("[data-x='1'][data-y='1']").bounding_box()
    assert corner
    x, y = corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] / 2
    drag(view, (x, y), (x - close["width"] / 3, y))
    sees_else(view, found)
    narrower = frame.bounding_box()
    assert narrower and abs(narrower["width"] - close["width"] * 2 / 3) < 4
    view.page.get_by_role("button", name="Zoom out").click()
    whole = frame.bounding_box()
    assert whole and abs(whole["width"] - before["width"] * 2 / 3) < 3


def test_a_finger_drags_the_rectangle(new_view: Callable[..., View], squared: Path) -> None:
    view = new_view(width=390, height=844, touch=True)
    view.open("interpolate", model="digits")
    give(view, "A", squared)
    found, frame = sees(view), view.page.get_by_role("group", name="Rectangle that is cut out")
    frame.scroll_into_view_if_needed()
    box, whole = frame.bounding_box(), picture(view, "Picture A as it was given").bounding_box()
    assert box and whole
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = view.page.context.new_cdp_session(view.page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 9):
        points = [{"x": x + whole["width"] * 0.56 * step / 8, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    sees_else(view, found)
    view.screenshot("interpolate-photograph-phone")


def slider(view: View, name: str) -> Locator:
    return view.page.get_by_role("slider", name=name, exact=True)


def drag(view: View, start: tuple[float, float], end: tuple[float, float]) -> None:
    view.page.mouse.move(*start)
    view.page.mouse.down()
    view.page.mouse.move(*end, steps=6)
    view.page.mouse.up()
    view.settle()
