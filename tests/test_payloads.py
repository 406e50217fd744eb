"""What the pages send to the live view has the fields that its TypeScript declares, no more and no fewer.

The types of most are written once, in `payloads.py`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.widgets.live import payloads, typescript
from tests.shown import sent

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "pages" / "widgets" / "live" / "src"
EVERY = frozenset(payloads.Sent.__annotations__)  # what `main.ts` takes, whatever the view

PAGES: list[tuple[str, str, dict[str, str]]] = [
    ("GridData", "sample", {}),
    ("PathData", "interpolate", {}),
    ("PadData", "interpolate", {"pictures": "3"}),
    ("TraverseData", "traverse", {}),
    ("DrawData", "draw", {}),
    ("MapData", "map", {"method": "PCA"}),
    ("CompareData", "compare", {}),
    ("CompareData", "compare", {"movement": "The same z"}),
]


def declared(name: str) -> tuple[set[str], set[str]]:
    """The fields of an interface: those that there always are, and those that may be missing."""
    for file in [typescript.TARGET, *sorted(SOURCES.rglob("*.ts"))]:
        if found := re.search(rf"^(?:export )?interface {name} \{{\n(.*?)^\}}", file.read_text("utf-8"), re.M | re.S):
            fields = re.findall(r"^  (?:readonly )?(\w+)(\??):", found[1], re.M)
            return {field for field, mark in fields if not mark}, {field for field, mark in fields if mark}
    raise AssertionError(f"no interface {name}")


def check(name: str, value: dict[str, Any], more: frozenset[str] = frozenset()) -> None:
    always, perhaps = declared(name)
    assert always <= set(value) - more <= always | perhaps, name


@pytest.fixture
def payload(bare_machine: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Open a page as a browser does that decodes; what the live view is sent."""
    monkeypatch.setenv("VAE_LIVE", "on")

    def open_page(page: str, query: dict[str, str]) -> dict[str, Any]:
        app = AppTest.from_file(ROOT / "pages" / "router.py", default_timeout=120)
        for name, value in ({"model": "digits"} | query).items():
            app.query_params[name] = value
        app.switch_page(f"{page}.py").run()
        assert not app.exception
        return sent(app)

    return open_page


@pytest.mark.parametrize(("name", "page", "query"), PAGES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_view_gets_what_it_declares(payload: Any, name: str, page: str, query: dict[str, str]) -> None:
    sent = payload(page, query)
    check(name, sent, EVERY)
    for model in [sent["model"]] if "model" in sent else [column["model"] for column in sent["columns"]]:
        check("Model", model)
    parts = {"windows": "Window", "columns": "Column", "slides": "Slide", "labels": "Label", "marks": "Mark"}
    for field, part in parts.items():
        for each in found if isinstance(found := sent.get(field), list) else []:
            check(part, each)


def test_an_interface_is_read_as_it_is_written() -> None:
    always, perhaps = declared("Model")
    assert {"key", "decoder", "why", "pictures", "whole", "dim", "classes", "shape"} == always
    assert perhaps == {"encoder", "numbers"}


def test_the_typescript_is_what_is_written_from_the_one_source() -> None:
    command = "python -m pages.widgets.live.typescript"
    assert typescript.TARGET.read_text("utf-8") == typescript.written(typescript.SOURCE.read_text("utf-8")), command


def test_typed_dictionaries_become_interfaces() -> None:
    source = '''
class Model(TypedDict):
    """A model."""

    key: str  # another model has another key
    encoder: NotRequired[str]
    shape: tuple[int, float]


class Column(Model):
    """One of several."""

    kind: Literal["a", "b"]
    y: list[float] | None
    each: list[int | None]
    places: dict[str, list[Model]]
    moves: bool
'''
    assert (
        typescript.written(source).removeprefix(typescript.HEAD)
        == """

/** A model. */
export interface Model {
  key: string; // another model has another key
  encoder?: string;
  shape: [number, number];
}

/** One of several. */
export interface Column extends Model {
  kind: "a" | "b";
  y: number[] | null;
  each: (number | null)[];
  places: Record<string, Model[]>;
  moves: boolean;
}
"""
    )
    with pytest.raises(ValueError, match="set"):
        typescript.written("class Odd(TypedDict):\n    tags: set[int]")
