"""What views are sent has its types from one source: mypy checks what Python sends, tsc what TypeScript takes."""

from __future__ import annotations

import re
from typing import get_args, get_overloads, get_type_hints

import pytest

from pages.widgets.live import typescript, views


def test_each_view_says_what_it_is_sent() -> None:
    main = (typescript.HERE / "src" / "main.ts").read_text("utf-8")
    shown = re.findall(r"^  (\w+): \w+,$", main.split("const VIEWS", 1)[1].split("}", 1)[0], re.M)
    typed = [get_args(get_type_hints(show)["view"])[0] for show in get_overloads(views.show)]
    assert sorted(shown) == sorted(typed) and len(shown) > 5


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
