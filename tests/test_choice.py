"""Which picture is meant: the text in a link and the type are the same thing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.widgets.selection.choice import CUT, MEAN, Choice, Draw
from vae_core.images import Preparation

WHOLE = st.integers(0, 10**9 - 1)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "fit": st.sampled_from(["crop", "pad", "stretch"]),
        "invert": st.sampled_from(["auto", "no", "yes"]),
        "centre": st.booleans(),
        "turn": st.floats(-45, 45),
        "threshold": st.floats(0.02, 0.98),
        "crop": st.tuples(st.floats(0, 0.4), st.floats(0, 0.4), st.floats(0.6, 1), st.floats(0.6, 1)),
        "class": st.integers(0, 9),
    },
)
CHOICES = st.one_of(
    st.builds(Choice.row, st.sampled_from(["ref", "data"]), WHOLE),
    st.builds(Choice.draw, st.sampled_from(["prior", "fitted"]), WHOLE, st.none() | st.integers(0, 999)),
    st.builds(Choice, st.just("point"), st.just("0.5,-1.25")),
    st.just(MEAN),
)
KEPT = st.sampled_from(["upload", "drawing", "mapped"])
UPLOADS = st.builds(lambda kind, settings: Choice(kind, "0123456789ab").with_settings(settings), KEPT, SETTINGS)


@given(st.text() | st.text("redatpoinfuls:@=.,-0123456789²", max_size=40))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    assert Choice.parse(text).text == text


@given(CHOICES | UPLOADS, st.none() | st.integers(0, 99))
def test_what_a_link_says_is_what_was_meant(choice: Choice, index: int | None) -> None:
    asked = choice.with_class(index)
    assert Choice.parse(asked.text) == asked
    assert asked.class_of(100) == index
    assert asked.with_class(None) == choice.with_class(None)
    assert asked.is_given == (choice.is_upload or (choice.kind in ("ref", "data") and index is None))


@given(UPLOADS)
def test_settings_are_prepared_as_they_were_meant(choice: Choice) -> None:
    prepared, settings = choice.prepared(Preparation()), choice.settings
    assert prepared.fit == settings.get("fit", "crop")
    assert prepared.invert is {"auto": None, "no": False, "yes": True}[settings.get("invert", "auto")]
    assert prepared.centre is (settings.get("centre") == "yes")
    assert (prepared.turn is None) == ("turn" not in settings)
    assert choice.same_file(Choice(choice.kind, "0123456789ab")) and not choice.same_file(Choice(choice.kind, "ba"))
    uncut = choice.without(*CUT)
    assert uncut.prepared(Preparation()).crop is None and uncut.settings.keys() == settings.keys() - set(CUT)


def test_links_of_before_are_written_the_same_way() -> None:
    assert Choice.row("ref", 12).text == "ref:12"
    assert Choice.draw("prior", 7).text == "prior:7"
    assert Choice.draw("fitted", 5, 2, 0.7).with_class(1).text == "fitted:5.2.70@1"
    changes = {"fit": "stretch", "invert": False, "crop": (0.1, 0.2, 0.5, 0.75), "turn": -3.25, "threshold": 0.98}
    assert Choice("upload", "abc").with_settings(changes).with_class(3).text == (
        "upload:abc:fit=stretch:invert=no:crop=0.1000,0.2000,0.5000,0.7500:turn=-3.2:threshold=0.98:class=3"
    )


def test_a_draw_has_seed_place_and_temperature() -> None:
    assert Choice.parse("prior:7").drawn == Draw(7)
    assert Choice.parse("fitted:5.2.70@1").drawn == Draw(5, 2, 0.7)
    for text in ("prior:x", "prior:-1", "prior:1234567890", "prior:1.2.3.4", "prior:", "prior", "ref:7"):
        assert Choice.parse(text).drawn is None


@pytest.mark.parametrize("text", ["ref:-1", "ref:x", "ref:", "ref", "ref:1234567890", "ref:²", "", "<b>", "prior:1.2"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert Choice.parse(text).number is None and Choice.parse(text).own_row("ref") is None


def test_a_row_decoded_as_another_class_is_not_that_picture() -> None:
    assert Choice.parse("ref:5").own_row("ref") == 5
    assert Choice.parse("ref:5@3").own_row("ref") is None and Choice.parse("ref:5@3").number == 5


@pytest.mark.parametrize("text", ["x", "", "-1", "10", "100000"])
def test_a_class_that_the_model_has_not_is_none(text: str) -> None:
    assert Choice.parse(f"ref:5@{text}").class_of(10) is None
    assert Choice.parse(f"upload:abc:class={text}").class_of(10) is None


@pytest.mark.parametrize(
    "change",
    ["fit=round", "invert=maybe", "centre=auto", "turn=x", "turn=5,9", "crop=0.1,0.2", "crop=nan,0,1,1", "turn=90"],
)
def test_a_setting_that_is_not_allowed_is_refused(change: str) -> None:
    with pytest.raises(ValueError):
        Choice.parse(f"upload:abc:{change}").prepared(Preparation())


def test_what_is_no_setting_changes_nothing() -> None:
    choice = Choice.parse("upload:abc:junk:other=1")
    assert choice.prepared(Preparation()) == Preparation()
    assert choice.with_settings({"fit": "pad"}).text == "upload:abc:other=1:fit=pad"
