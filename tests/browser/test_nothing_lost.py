"""No press and no page is lost: while a view moves, when it was just pressed, by mouse, key and finger, and by Back."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import DRAWN, Server

# What moves, and the button that sets it going.
MOVING = {
    "path": ({"model": "digits"}, "interpolate", "Play"),
    "pad": ({"model": "digits", "pictures": 3}, "interpolate", "Play"),
    "sliders": ({"model": "digits"}, "traverse", "Animate"),
    "columns": ({"model": "mnist"}, "compare", "Play"),
}
PAGES = {
    "Home": "Look around",
    "Sample": "Sample",
    "Interpolate": "Interpolate",
    "Traverse": "Traverse",
    "Draw": "Draw",
    "Map": "Map",
    "Compare": "Compare",
}
OPEN = """([path, title]) => location.pathname === path
  && [...document.querySelectorAll('[data-testid=stMain] h1')].some(e => e.innerText.includes(title))"""
LATER = """{  // what the browser says is on its way for `later` milliseconds
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (said) {
    if (window.later) setTimeout(() => send.call(this, said), window.later);
    else send.call(this, said);
  };
}"""
SECONDS = 3  # in which a page is there
HELD = (0, 30, 100)  # milliseconds that the button of a mouse is down
# While something moves, the name of a page is pressed in some way: each thing that moves, each page and each way.
PRESSED = {
    ("path", False): {"Home": 0, "Traverse": "Enter"},
    ("path", True): {"Draw": "finger", "Map": "finger"},
    ("pad", False): {"Sample": 30, "Draw": 100},
    ("sliders", False): {"Interpolate": 100, "Compare": 0},
    ("columns", False): {"Map": "Enter", "Home": 30},
}


def button(view, name: str, index: int = 0) -> Locator:
    return view.page.get_by_role("button", name=name, exact=True).nth(index)


def press(page: Page, target: Locator, how: int | str) -> None:
    """Press by a mouse held down for so many milliseconds, by Enter, or by a finger."""
    target.scroll_into_view_if_needed()
    if how == "Enter":
        target.focus()
        page.keyboard.press("Enter")
    elif how == "finger":
        target.tap()
    else:
        target.hover()
        page.mouse.down()
        if how:
            page.wait_for_timeout(int(how))
        page.mouse.up()


def ready(view, kind: str) -> None:
    query, path, _ = MOVING[kind]
    view.open(path, **query)
    view.until("window.drawn.length > 0", timeout=60_000)
    view.settle()


def move(view, kind: str) -> None:
    button(view, MOVING[kind][2]).click()
    view.page.wait_for_timeout(300)


def arrives(view, title: str) -> None:
    """The page is there in time, and stays."""
    path = "/" if title == "Home" else f"/{title.lower()}"
    view.until(OPEN, arg=[path, PAGES[title]], timeout=SECONDS * 1000)
    view.settle()
    assert view.page.evaluate(OPEN, [path, PAGES[title]]), title


@pytest.fixture(scope="module")
def visited(browser: Browser, live_server: Server) -> Server:
    """A server that was at each page before, so that what is measured is no first import."""
    page = browser.new_page()
    page.goto(f"{live_server.url}/?model=digits")
    for title, heading in PAGES.items():
        page.get_by_role("link", name=title, exact=True).first.click()
        page.get_by_role("heading", level=1, name=heading).wait_for(timeout=60_000)
    page.locator(".live canvas").first.wait_for(timeout=60_000)
    page.close()
    return live_server


@pytest.mark.parametrize(("kind", "touch"), PRESSED)
def test_a_page_s_name_opens_it_while_something_moves(kind: str, touch: bool, new_view, visited: Server) -> None:
    view = new_view(server=visited, script=DRAWN, touch=touch)
    ready(view, kind)
    own = MOVING[kind][1].capitalize()
    for title, how in PRESSED[kind, touch].items():
        move(view, kind)
        press(view.page, view.page.get_by_role("link", name=title, exact=True).first, how)
        arrives(view, title)
        view.page.go_back()
        view.settle()
        view.until(OPEN, arg=[f"/{own.lower()}", own])
        if button(view, "Stop").or_(button(view, "Pause")).count():
            raise AssertionError("the view moved on while its page was away")


def test_a_page_s_name_opens_it_right_after_a_slider(live, visited: Server) -> None:
    ready(live, "sliders")
    for title, to, wait in (("Sample", 0.8, 0), ("Draw", 0.6, 50), ("Map", 0.7, 150)):
        box = live.page.locator(".live input[type=range]").first.bounding_box()
        y = box["y"] + box["height"] / 2
        live.page.mouse.move(box["x"] + box["width"] * 0.3, y)
        live.page.mouse.down()
        live.page.mouse.move(box["x"] + box["width"] * to, y, steps=3)
        live.page.mouse.up()
        place = live.page.locator(".live input[type=number]").first.input_value()
        live.page.wait_for_timeout(wait)
        press(live.page, live.page.get_by_role("link", name=title, exact=True).first, 0)
        arrives(live, title)
        live.go_to("Traverse")
        assert live.page.locator(".live input[type=number]").first.input_value() == place


def heading(view, slot: str) -> str:
    return view.page.locator(f".st-key-heading-{slot}").inner_text()


def in_link(view, key: str) -> str | None:
    found = re.search(rf"[?&]{key}=([^&]*)", view.page.url)
    return found and found[1]


def _another(view) -> Callable[[], bool]:
    before = heading(view, "a")
    return lambda: heading(view, "a") != before and in_link(view, "a") is not None


def _swap(view) -> Callable[[], bool]:
    a, b = (heading(view, slot)[1:] for slot in "ab")
    return lambda: (heading(view, "a")[1:], heading(view, "b")[1:]) == (b, a)


def _steps(view) -> Callable[[], bool]:
    before = view.page.get_by_label("Steps", exact=True).input_value()
    return lambda: (
        view.page.get_by_label("Steps", exact=True).input_value() == in_link(view, "steps") == str(int(before) - 1)
        and view.page.get_by_role("img", name=f"{int(before) - 1} steps decoded").count() == 1
    )


def _three(view) -> Callable[[], bool]:
    return lambda: view.page.locator(".st-key-heading-c").count() == 1 and in_link(view, "pictures") == "3"


def _fewer_steps(view) -> Locator:
    plus = view.page.locator("[data-testid=stNumberInput]").filter(has_text="Steps").locator("button").last
    return plus.locator("xpath=preceding-sibling::button[1]")


# A control of Interpolate, how it is pressed, and what is to be seen then: the last one brings another view.
CONTROLS = (
    (lambda view: button(view, "Another one"), 0, _another),
    (lambda view: button(view, "Another one"), "Enter", _another),
    (lambda view: button(view, "Swap A and B"), 30, _swap),
    (lambda view: button(view, "Swap A and B"), "Enter", _swap),
    (_fewer_steps, 100, _steps),
    (_fewer_steps, 0, _steps),
    (lambda view: view.page.get_by_role("radio", name="3", exact=True), 30, _three),
)


def seen(view, what: Callable[[], bool]) -> None:
    for _ in range(50):
        if what():
            return
        view.page.wait_for_timeout(100)
    raise AssertionError(f"what was pressed is not seen at {view.page.url}")


def test_a_control_pressed_while_the_path_plays_does_what_it_says(live) -> None:
    ready(live, "path")
    for control, how, expected in CONTROLS:
        target, what = control(live), expected(live)
        move(live, "path")
        press(live.page, target, how)
        live.settle()
        seen(live, what)


@pytest.mark.parametrize("kind", MOVING)
def test_another_picture_comes_while_a_view_is_moved(kind: str, live) -> None:
    """Each view, while it plays, while its slider is held by the keys, and right after that."""
    ready(live, kind)
    slot = "start" if kind == "sliders" else "a"
    turn = list(MOVING).index(kind)  # another pair of when and how for each view
    for when, how in zip(("plays", "is held", "was just let go"), (*HELD[turn % 3 :], *HELD[: turn % 3]), strict=True):
        before, another = in_link(live, slot), button(live, "Another one")
        if when == "plays":
            move(live, kind)
        else:
            handle = live.page.locator(".live [role=slider], .live input[type=range]").first
            handle.focus()
            live.page.keyboard.down("ArrowRight")
            live.page.wait_for_timeout(100)
            if when == "was just let go":
                live.page.keyboard.up("ArrowRight")
        press(live.page, another, how)
        if when == "is held":
            live.page.keyboard.up("ArrowRight")
        live.settle()
        seen(live, lambda before=before: in_link(live, slot) not in (None, before))


def test_back_while_a_view_plays_undoes_the_step_before(live) -> None:
    ready(live, "path")
    first = live.page.url
    button(live, "Another one").click()
    live.settle()
    second = live.page.url
    for _ in range(3):
        move(live, "path")
        live.page.go_back()
        live.settle()
        assert live.page.url == first and button(live, "Play").count() == 1
        live.page.go_forward()
        live.settle()
        assert live.page.url == second


def test_back_right_after_a_press_undoes_that_press(live) -> None:
    """Its page has not answered yet, however late that is; no step before it is undone, and none is left."""
    live.page.add_init_script(LATER)
    live.spent = True
    ready(live, "path")
    for _ in range(2):
        button(live, "Another one").click()
        live.settle()
    second = live.page.url
    for wait, later in ((0, 0), (50, 0), (120, 0), (50, 600), (50, 600), (500, 700)):
        live.page.evaluate("ms => { window.later = ms }", later)
        button(live, "Another one").click()
        live.page.wait_for_timeout(wait)
        live.page.evaluate("history.back()")
        live.page.wait_for_timeout(500 + 2 * later)
        live.settle()
        seen(live, lambda: in_link(live, "a") in second)
        assert live.page.url == second, f"{wait} ms after the press, and {later} ms on its way"


def test_two_backs_right_after_a_press_undo_it_and_the_one_before(view) -> None:
    """No page can hold the second, of the browser's own button: the late answer to the press is not for its entry."""
    later = 400
    view.page.add_init_script(LATER)
    view.spent = True
    view.open("sample", model="digits")
    for seed in (1, 2, 3):
        button(view, "New draw").click()
        view.settle()
        assert in_link(view, "seed") == str(seed)
    view.page.evaluate("ms => { window.later = ms }", later)
    tab = view.page.context.new_cdp_session(view.page)
    for pause, seed in ((20, "2"), (100, "1")):
        button(view, "New draw").click()
        for _ in range(2):
            view.page.wait_for_timeout(pause)
            history = tab.send("Page.getNavigationHistory")
            before = history["entries"][history["currentIndex"] - 1]["id"]
            tab.send("Page.navigateToHistoryEntry", {"entryId": before})
        view.page.wait_for_timeout(1000 + 3 * later)
        view.settle()
        drawn = view.page.get_by_label("Value of the seed").input_value()
        assert in_link(view, "seed") == drawn == seed, f"{pause} ms apart"


def test_a_model_chosen_while_the_sliders_breathe_is_the_one_that_is_shown(live) -> None:
    ready(live, "sliders")
    picker = live.page.get_by_test_id("stSidebar").get_by_role("combobox")
    models = ("mnist-2d", "28 × 28"), ("digits", "8 × 8"), ("mnist-2d", "28 × 28")
    for how, (name, size) in zip(HELD, models, strict=True):
        move(live, "sliders")
        press(live.page, picker, how)
        press(live.page, live.page.get_by_role("option", name=name, exact=True), how)
        live.settle()
        expect(live.page.get_by_test_id("stSidebar").get_by_text(f"{size} grey")).to_be_visible()
        assert picker.input_value() == name and in_link(live, "model") == name


def test_two_quick_presses_on_a_contact_sheet_are_one_choice(live) -> None:
    """The second finds the sheet gone, and says nothing that matters."""
    live.open("interpolate", model="digits")
    for wait in (0, 10, 60):
        button(live, "Choose A").click()
        picture = live.page.locator(".sheet button").nth(7)
        picture.wait_for()
        live.settle()
        place = picture.bounding_box()
        for _ in range(2):
            live.page.mouse.click(place["x"] + 5, place["y"] + 5)
            live.page.wait_for_timeout(wait)
        live.settle()
        expect(live.page.get_by_text("This did not work")).to_have_count(0)
        expect(live.page.get_by_role("heading", name="Interpolate")).to_be_visible()
        assert in_link(live, "a") is not None
        live.page.keyboard.press("Escape")


def test_one_back_undoes_one_step(live) -> None:
    """A page, a model, a picture; not the release of a slider, which stays with the step that it was done in."""

    def state() -> tuple[str, str | None, str | None, str | None, str]:
        title = live.page.get_by_role("heading", level=1).inner_text()
        model = live.page.get_by_test_id("stSidebar").get_by_role("combobox").input_value()
        return title, in_link(live, "a"), in_link(live, "start"), in_link(live, "model"), model

    live.open("sample")
    before = [state()]

    def did() -> None:
        live.settle()
        assert state() != before[-1]
        before.append(state())

    live.go_to("Interpolate")
    did()
    for _ in range(2):
        button(live, "Another one").click()
        did()
    live.page.get_by_role("slider", name="Place on the path from A to B").press("ArrowRight")
    live.settle()
    live.page.get_by_test_id("stSidebar").get_by_role("combobox").click()
    live.page.get_by_role("option", name="fashion", exact=True).click()
    did()
    live.go_to("Traverse")
    did()
    button(live, "Another one").click()
    did()
    live.go_to("Map")
    did()
    for expected in reversed(before[:-1]):
        live.page.go_back()
        live.settle()
        assert state() == expected
    for expected in before[1:4]:
        live.page.go_forward()
        live.settle()
        assert state() == expected


def test_back_undoes_a_chosen_word_and_what_was_set_before_it_stays(live) -> None:
    """Number of pictures: a step; steps of the strip: no step."""
    live.open("interpolate", model="digits", steps=5)
    for count in ("3", "4"):
        live.page.get_by_role("radio", name=count, exact=True).click()
        live.settle()
        assert in_link(live, "pictures") == count
    for count in ("3", None):
        live.page.go_back()
        live.settle()
        expect(live.page.get_by_role("radio", name=count or "2", exact=True)).to_be_checked()
        assert in_link(live, "pictures") == count and live.page.locator(".st-key-heading-d").count() == 0
    assert in_link(live, "steps") == live.page.get_by_label("Steps", exact=True).input_value() == "5"
    live.page.go_forward()
    live.settle()
    assert in_link(live, "pictures") == "3" and live.page.locator(".st-key-heading-c").count() == 1
    live.page.get_by_role("radio", name="4", exact=True).click()
    live.settle()
    assert in_link(live, "pictures") == "4" and live.page.locator(".st-key-heading-d").count() == 1
