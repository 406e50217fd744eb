"""Values that a visit and its link hold: read once, checked, told, written as words that stay; one control a turn."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.widgets.shell import steps
from pages.widgets.shell.url_state import ManyOf, Number, OneOf, Switch, Tab
from tests.conftest import control
from tests.test_links_of_before import KEPT, bare, opened, view  # noqa: F401 (a fixture)

LABEL = re.compile("[A-Z]")  # no word that the app itself makes has a capital
RENAMED = [kept for kept in KEPT if any(map(LABEL.search, map(str, kept["link"].values())))]


def page() -> None:
    """A page with a value of each kind, and one that another control hides."""
    import streamlit as st

    from pages.widgets.shell import url_state
    from pages.widgets.shell.url_state import ManyOf, Number, OneOf, Switch

    url_state.begin(st.session_state.get("page", "one"))
    steps = Number("steps", "Steps", 9, 3, 25)
    steps.field()
    Number("heat", "Heat", 1.0, 0.0, 2.0).slider(0.05)
    options = {"straight": "Straight on", "round": "Round about"}
    OneOf("path", "Path", "straight", options, {"Arc": "round"}).segmented_control()
    Switch("fade", "Fade", True).toggle()
    ManyOf("models", "Models", ["one"], {"one": "One", "two": "Two"}).multiselect()
    if st.session_state.get("more"):
        Number("late", "Late", 0, 0, 5).field()
    st.button("Five", on_click=steps.put, args=(5,))
    st.button("Next", on_click=steps.next)
    url_state.end()


def start(**link: Any) -> AppTest:
    app = AppTest.from_function(page)
    for name, value in link.items():
        app.query_params[name] = value
    return run(app)


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception
    return app


def link_of(app: AppTest) -> dict[str, Any]:
    """The link that a page writes."""
    each = {key: [values] if isinstance(values, str) else values for key, values in app.query_params.items()}
    return {key: values if len(values) > 1 else values[0] for key, values in each.items()}


def warnings(app: AppTest) -> list[str]:
    return [warning.value.replace("\\", "") for warning in app.warning]


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    return run(app)


def test_what_is_usual_stands_in_no_link() -> None:
    assert link_of(start()) == {} and link_of(start(steps="9", path="straight", fade="true")) == {}


def test_a_link_sets_each_control_and_is_written_as_it_was() -> None:
    link = {"steps": "5", "heat": "0.25", "path": "round", "fade": "false", "models": ["two", "one"]}
    app = start(**link)
    assert link_of(app) == link and not app.warning
    assert control(app.number_input, "steps").value == 5 and control(app.slider, "heat").value == 0.25
    assert control(app.segmented_control, "path").value == "round" and not control(app.toggle, "fade").value
    assert control(app.multiselect, "models").value == ["two", "one"]


@pytest.mark.parametrize("text", ["round", "Round", "Arc"])
def test_capitals_and_words_of_before_open_the_same_and_are_written_anew(text: str) -> None:
    app = start(path=text)
    assert link_of(app) == {"path": "round"} and not app.warning


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ({"steps": "5.5"}, "“Steps” to 5.5, but it can only be a whole number from 3 to 25; the usual value is used"),
        ({"steps": "2"}, "“Steps” to 2, but it can only be a whole number from 3 to 25"),
        ({"steps": "nan"}, "“Steps” to “nan”, but"),
        ({"steps": "1e400"}, "“Steps” to “1e400”, but"),
        ({"steps": ""}, "“Steps” to “”, but"),
        ({"heat": "-0.1"}, "“Heat” to -0.1, but it can only be a number from 0 to 2"),
        ({"path": "bent"}, "“Path” to “bent”, but it can only be “Straight on” or “Round about”"),
        ({"fade": "perhaps"}, "“Fade” to “perhaps”, but it can only be “true” or “false”"),
        ({"models": "three"}, "asks under “Models” for “three”, which is not available here"),
    ],
)
def test_what_cannot_be_is_told_once_and_leaves_the_link(link: dict[str, str], sentence: str) -> None:
    app = start(**link)
    assert [sentence in told for told in warnings(app)] == [True] and link_of(app) == {}
    assert not run(app).warning


def test_what_a_person_sets_is_written_and_kept() -> None:
    app = start()
    control(app.segmented_control, "path").set_value("round")
    control(app.number_input, "steps").set_value(7)
    assert link_of(run(app)) == {"path": "round", "steps": "7"}
    control(app.multiselect, "models").set_value([])
    assert link_of(run(app)) == {"path": "round", "steps": "7", "models": ""}
    assert control(start(models="").multiselect, "models").value == []


def test_a_control_is_a_new_one_after_a_change_that_is_not_its_own() -> None:
    """What a press takes along of the old one is from before the change."""
    app = start()
    old = control(app.number_input, "steps").set_value(7)
    run(app)
    assert control(app.number_input, "steps").key == old.key
    app = press(app, "Five")
    new = control(app.number_input, "steps")
    assert (new.value, link_of(app)) == (5, {"steps": "5"}) and new.key != old.key
    app.session_state[old.key] = 7
    assert link_of(press(app, "Next")) == {"steps": "6"}


def test_the_last_number_is_followed_by_the_first() -> None:
    assert link_of(press(start(steps="25"), "Next")) == {"steps": "3"}


def test_a_value_outlives_its_control_in_the_link() -> None:
    app = start(late="4")
    assert link_of(app) == {"late": "4"}  # it may come yet
    for more in (True, False):
        app.session_state["more"] = more
        assert link_of(run(app)) == {"late": "4"}
    app.query_params.clear()  # as on a page that was left and comes back
    assert link_of(run(app)) == {"late": "4"}
    app.session_state["more"] = True
    assert control(run(app).number_input, "late").value == 4


@pytest.mark.parametrize("what", ["page", "model"])
def test_a_value_leaves_the_link_of_what_has_none(what: str) -> None:
    app = start(late="4", steps="5")
    app.session_state["more"] = True
    assert link_of(run(app)) == {"late": "4", "steps": "5"}
    app.session_state[what], app.session_state["more"] = "two", False
    if what == "page":
        app.query_params.clear()
    assert link_of(run(app)) == {"steps": "5"}
    app.session_state[what] = "one" if what == "page" else None
    assert link_of(run(app)) == {"late": "4", "steps": "5"}


def test_after_back_a_hidden_value_is_the_link_s(monkeypatch: pytest.MonkeyPatch) -> None:
    app = start()
    app.session_state["more"] = True
    control(run(app).number_input, "late").set_value(4)
    assert link_of(run(app)) == {"late": "4"}
    for link, value in ({"late": "2"}, 2), ({}, 0):
        app.session_state["more"] = False
        app.query_params.clear()
        app.query_params.update(link)
        with monkeypatch.context() as patch:
            patch.setattr(steps, "went_back", lambda: True)
            assert link_of(run(app)) == link
        app.session_state["more"] = True
        assert control(run(app).number_input, "late").value == value and link_of(app) == link


def test_what_another_model_allowed_gives_way_to_the_usual() -> None:
    st.session_state.clear()
    path, many = OneOf("path", "Path", "a", {"a": "A", "b": "B"}), ManyOf("m", "M", ["a"], {"a": "A", "b": "B"})
    path.put("c")
    many.put(["c", "b"])
    assert path.get() == "a" and many.get() == ["b"]
    number = Number("n", "N", 1, 0, 3)
    number.put(9)
    assert number.get() == 1


def test_what_a_browser_says_is_taken_where_it_is_a_number_in_range() -> None:
    st.session_state.clear()
    number = Number("n", "N", 1.0, 0.0, 3.0)
    for said in (2, "3", None, float("nan"), 9, [1]):
        number.tell(said)
    assert number.get() == 2.0 and isinstance(number.get(), float)


def test_another_page_s_value_of_the_same_name_is_none_of_this_one() -> None:
    st.session_state.clear()
    number, word = Number("side", "Side", 15, 5, 25), OneOf("side", "Side", "own", {"own": "Own", "chosen": "Chosen"})
    word.put("chosen")
    assert number.get() == 15
    number.put(20)
    assert word.get() == "own"
    Tab("side", "", "own", {"own": "Own"}).get()
    number.put(20)
    assert number.get() == 20  # a visit's tabs have names of their own


def test_what_is_usual_goes_with_the_model_until_somebody_sets_it() -> None:
    st.session_state.clear()
    one, two = (Switch("s", "S", usual) for usual in (True, False))
    assert one.get() and not two.get()
    one.put(True)
    assert two.get()


@pytest.mark.parametrize("kept", RENAMED, ids=lambda kept: "-".join([kept["page"], *kept["link"]]))
def test_a_link_of_before_is_written_in_words_that_open_the_same_view(
    kept: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_LIVE", kept["live"])
    app = opened(kept["page"], kept["link"])
    link = link_of(app)
    assert not any(map(LABEL.search, map(str, link.values())))
    again = opened(kept["page"], link)
    assert view(again) == view(app) and link_of(again) == link


def test_no_label_of_a_control_is_bound_to_the_link() -> None:
    """Streamlit's own binding writes what stands on the screen; the model's picker shows ids."""
    pages = Path(__file__).resolve().parents[1] / "pages"
    bound = [path.name for path in pages.rglob("*.py") if '"query-params"' in path.read_text("utf-8")]
    assert bound == ["models.py"]
