"""Home's models by the question that they answer: all have one, a link names it, words find them."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.widgets.shell import groups, models
from pages.widgets.shell.models import Entry
from tests.conftest import control
from vae_core import checkpoints

ROUTER = str(Path(__file__).parents[1] / "pages" / "router.py")
SHIPPED = [Entry(name, name, "shipped") for name in checkpoints.shipped()]


def home(**query: str) -> AppTest:
    app = AppTest.from_file(ROUTER, default_timeout=120)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def names(app: AppTest) -> list[str]:
    return [header.value.replace("\\", "").removesuffix(", open") for header in app.header]


def test_every_model_that_comes_with_the_app_answers_a_question() -> None:
    grouped = {name for group in groups.GROUPS for name in group.names}
    assert grouped == set(checkpoints.shipped())
    assert all(1 < len(group.names) <= groups.FEW for group in groups.GROUPS)


def test_ones_own_come_first_the_newest_before_the_rest() -> None:
    own = [Entry(f"{i} (own folder)", str(i), "own") for i in range(30)]
    kept = [Entry("first (upload)", "first", "upload"), Entry("second (upload)", "second", "upload")]
    found = [*SHIPPED, *own, *kept]
    assert groups.usual(found, SHIPPED[0]) == groups.OWN
    assert groups.members(groups.OWN, found) == [kept[1], kept[0], *own[: groups.MAX_OWN]]
    assert groups.members(groups.ALL, found)[-len(SHIPPED) :] == SHIPPED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("VQ", {"fashion-vq", "fashion-vq-2"}),
        ("digits bound", {"digits-dreg", "digits-miwae", "digits-piwae"}),
        ("codebook", {"fashion-vq", "fashion-vq-2"}),
        ("zebra", set()),
    ],
)
def test_a_search_finds_names_and_questions(text: str, expected: set[str]) -> None:
    assert {entry.id for entry in groups.matching(text, SHIPPED)} == expected


def test_home_opens_on_the_usual_models_and_a_question_shows_its_own(bare_machine: None) -> None:
    app = home()
    assert names(app) == list(models.ORDER) and "group" not in app.query_params
    control(app.pills, "group").set_value("levels").run()
    assert names(app) == list(next(group.names for group in groups.GROUPS if group.word == "levels"))
    assert app.query_params["group"] == "levels"
    control(app.text_input, "search").set_value("vq").run()
    assert names(app) == ["fashion-vq", "fashion-vq-2"]
    control(app.text_input, "search").set_value("zebra").run()
    assert names(app) == [] and "No model has these words" in "\n".join(each.value for each in app.caption)


@pytest.mark.parametrize("query", [{"group": "all"}, {"family": "true"}])
def test_a_link_shows_all_models_small(query: dict[str, str], bare_machine: None) -> None:
    app = home(**query)
    assert set(names(app)) == set(checkpoints.shipped())
    assert not [button for button in app.button if button.label.startswith("About")]


def test_home_opens_on_the_question_of_the_open_model(bare_machine: None) -> None:
    assert names(home(model="digits-vdvae")) == [
        "mnist-ladder",
        "fashion-ladder",
        "characters-ladder",
        "digits-vdvae",
        "digits-ladder-iwae",
    ]


def test_a_link_to_a_question_that_is_not_there_says_so(bare_machine: None) -> None:
    app = home(group="zebra")
    assert "zebra" in app.warning[0].value and names(app) == list(models.ORDER)


def test_an_upload_is_shown_though_another_question_was_looked_at(bare_machine: None) -> None:
    content = checkpoints.find("digits-linear").read_bytes()
    app = home(group="levels", show="add")
    app.file_uploader[0].set_value(("mine.safetensors", content, "")).run()
    app.run()
    assert not app.exception and len(app.header) == 1 and app.header[0].value.startswith("mine \\(uploaded ")


def test_a_search_for_nothing_is_none(bare_machine: None) -> None:
    app = home(search="  ")
    assert names(app) == list(models.ORDER)
