"""One stage for all pages: most of the window, and in a presentation all of it."""

import re

from playwright.sync_api import expect

PAGES = ("Sample", "Interpolate", "Traverse", "Draw", "Map", "Compare")
WHOLE = (
    "e => { const b = e.getBoundingClientRect(); return [b.left, b.top, innerWidth - b.right, innerHeight - b.bottom] }"
)


def stage(view):
    return view.page.locator(".st-key-stage")


def test_the_stage_has_most_of_the_window(live) -> None:
    live.open(model="mnist")
    for title in ("Interpolate", "Sample", "Traverse", "Compare"):
        live.go_to(title)
        live.is_live()
        main = live.page.get_by_test_id("stMainBlockContainer").bounding_box()
        assert stage(live).bounding_box()["width"] > 0.6 * main["width"], title
        pictures = [canvas.bounding_box() for canvas in stage(live).locator("canvas").all()]
        assert any(box["width"] >= 224 and box["y"] + box["height"] < 720 for box in pictures), title


def test_the_path_s_slider_is_as_wide_as_the_stage_and_the_strip_is_seen(live) -> None:
    live.open("interpolate", model="fashion")
    live.is_live()
    slider = live.page.get_by_label("Place on the path from A to B").bounding_box()
    assert slider["width"] > 400
    strip = live.page.get_by_role("img", name=re.compile("steps decoded from A to B")).bounding_box()
    assert strip["y"] < 700


def test_a_key_begins_and_ends_the_presentation_which_a_link_opens(live) -> None:
    live.open(model="mnist")
    for title in PAGES:
        live.go_to(title)
        live.page.keyboard.press("p")
        live.settle()
        assert "present=1" in live.page.url, title
        assert stage(live).evaluate(WHOLE) == [0, 0, 0, 0], title
        assert live.page.evaluate("getComputedStyle(document.documentElement).fontSize") == "24px"
        expect(live.page.get_by_test_id("stSidebar")).to_be_hidden()
        live.screenshot(f"present-{title.lower()}")
        if title == "Map":
            live.page.reload()
            live.settle()
            assert stage(live).evaluate(WHOLE) == [0, 0, 0, 0]
        live.page.keyboard.press("p")
        live.settle()
        assert "present" not in live.page.url, title
        expect(live.page.get_by_test_id("stSidebar")).to_be_visible()


def test_arrow_keys_move_along_the_path_at_once(live) -> None:
    live.open("interpolate", model="mnist", present=1)
    live.is_live()
    live.page.keyboard.press("ArrowRight")
    live.settle()
    assert "t=0.52" in live.page.url
    picture = live.page.locator(".live canvas").first.bounding_box()
    assert picture["height"] > 0.5 * 720
    for what in (live.page.locator(".live .screens"), live.page.get_by_role("img", name=re.compile("steps decoded"))):
        pictures = [box.bounding_box() for box in what.locator("xpath=descendant-or-self::canvas").all()]
        left, right = pictures[0]["x"], 1280 - pictures[-1]["x"] - pictures[-1]["width"]
        assert min(left, right) > 100 and pictures[-1]["y"] + pictures[-1]["height"] < 720


def test_a_presentation_ends_on_a_phone_and_from_a_switch(new_view, live_server) -> None:
    phone = new_view(server=live_server, width=390, height=844, touch=True)
    phone.open("sample", model="digits", present=1)
    phone.page.get_by_role("button", name="End presentation").click()
    phone.settle()
    assert "present" not in phone.page.url
    names = phone.page.locator(".st-key-pages").get_by_role("link")
    for name in (names.first, names.last):
        expect(name).to_be_in_viewport(ratio=1)
    names.filter(has_text="Interpolate").click()
    phone.page.wait_for_url("**/interpolate**")
    phone.settle()
    picture, slider = phone.page.locator(".live canvas").first, phone.page.get_by_label("Place on the path from A to B")
    assert picture.bounding_box()["width"] >= 256  # 8 pixels, enlarged as far as any
    expect(slider).to_be_in_viewport(ratio=1)
    view = new_view(server=live_server)
    view.open("interpolate", model="digits")
    view.page.get_by_role("switch", name="Cross-fade").focus()
    view.page.keyboard.press("p")
    view.settle()
    assert "present=1" in view.page.url
    expect(view.page.get_by_role("button", name="Swap A and B")).to_be_hidden()  # what lies under the stage


def test_codes_are_presented(live) -> None:
    live.open("traverse", model="fashion-vq", present=1)
    assert stage(live).evaluate(WHOLE) == [0, 0, 0, 0]
    expect(stage(live).get_by_role("img").first).to_be_visible()
