"""Traverse in a real Chromium where the server decodes: a slider, presses in quick succession, Back."""

from playwright.sync_api import Locator, expect

from tests.browser.conftest import IN_ONE_BREATH

PIXELS = "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].join()"


def button(view, name: str) -> Locator:
    return view.page.get_by_role("button", name=name, exact=True)


def places(view) -> set[str]:
    """Where the link has sliders."""
    return {part for part in view.page.url.split("?")[1].split("&") if part.startswith("z")}


def slide(view) -> None:
    """Drag the first slider, and wait until the link has it."""
    view.drag(view.page.locator(".live input[type=range]").first, 0.95)
    view.page.wait_for_url("**/traverse?model=digits&z*=*")
    view.settle()


def becomes(picture: Locator, other: bool, than: str) -> None:
    """Wait until a canvas shows something else than these pixels, or these."""
    for _ in range(100):
        if (picture.evaluate(PIXELS) != than) == other:
            return
        picture.page.wait_for_timeout(50)
    raise AssertionError("the picture stays" if other else "the picture does not come back")


def test_what_is_slid_is_decoded_by_the_server_where_the_browser_does_not(view) -> None:
    view.open("traverse", model="digits")
    expect(view.page.get_by_text("Decoded on the server.")).to_be_visible()
    now = view.page.get_by_role("img", name="The picture decoded where the sliders stand")
    view.page.locator('.live[data-state="served"]').wait_for()
    before = now.evaluate(PIXELS)
    slide(view)
    becomes(now, other=True, than=before)
    button(view, "Undo").click()
    becomes(now, other=False, than=before)
    view.settle()
    assert view.page.url.endswith("?model=digits")


def test_a_press_right_after_undo_does_not_bring_back_what_was_undone(view) -> None:
    view.open("traverse", model="digits", z3=1.5)
    before = view.page.url
    for pause in (0, 20, 45, 90):
        button(view, "Randomize").click()
        view.settle()
        assert len(places(view)) > 2
        view.page.evaluate(IN_ONE_BREATH, ["Undo", "Use as B", pause])
        view.settle()
        assert places(view) == {"z3=1.5"}, f"the second press {pause} ms after the first, from {before}"


def test_a_press_right_after_a_draw_does_not_put_its_seed_back(view) -> None:
    view.open("traverse", model="digits")
    for count, pause in enumerate((0, 20, 60), 1):
        view.page.evaluate(IN_ONE_BREATH, ["Randomize", "Use as B", pause])
        view.settle()
        assert f"random={count}" in view.page.url, f"{pause} ms"


def test_the_link_says_what_the_sliders_say_after_two_presses_that_cancel_each_other(view) -> None:
    view.open("traverse", model="digits")
    slide(view)
    before = places(view)
    for pause in (0, 20, 60):
        view.page.evaluate(IN_ONE_BREATH, ["Reset all", "Undo", pause])
        view.settle()
        assert places(view) == before, f"the second press {pause} ms after the first"


def test_back_leaves_nothing_of_another_model_to_undo(view) -> None:
    view.open("traverse", model="digits")
    view.page.get_by_test_id("stSidebar").get_by_role("combobox", name="Model").click()
    view.page.get_by_role("option", name="mnist-2d", exact=True).click()
    view.settle()
    button(view, "Randomize").click()
    view.settle()
    expect(button(view, "Undo")).to_be_enabled()
    view.page.go_back()
    view.settle()
    assert "model=digits" in view.page.url
    expect(button(view, "Undo")).to_be_disabled()
