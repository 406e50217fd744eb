"""A table of labels (CSV, or columns of text) -> a class or several attributes of each picture."""

from __future__ import annotations

import csv
import io
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, zip_longest
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from vae_core.data import limits, splits
from vae_core.data.raw import Raw, named_some

USUAL_NAME = "labels.csv"  # of a table that is used without being asked for
NONE = "(none)"  # the class, or value, of what the table does not tell
# Names of the column of the class, in the order of preference; of that of the parts, and of those whose parts may be
# numbers.
CLASS_COLUMNS = ["class", "label", "labels", "class_name", "classname", "category", "target", "species", "breed"]
CLASS_COLUMNS += ["klasse", "y"]
PART_COLUMNS = {"split", "partition", "set", "fold", "usage", "subset", "dataset", "phase", "part"}
NUMBERED = {"split", "partition"}
PARTS = {"0": "train", "1": "val", "2": "test"}  # CelebA's list_eval_partition
PARTS_OF_WORDS = {"publictest": "val", "privatetest": "test"}  # FER2013's usage
FEW = 10  # classes that may all differ
SIGNS = {frozenset({"-1", "1"}): ("-1", "1"), frozenset({"0", "1"}): ("0", "1")}  # of no and yes
_DELIMITERS = ",;\t| "  # a blank: any number of these
_SAMPLE = 200  # rows by which the delimiter is chosen
_LOOKED_AT = 8  # columns in which the names of files are looked for


@dataclass(frozen=True, eq=False)
class Matched:
    """A table's values for N pictures.

    Attributes:
        columns: what they are called.
        values: of each picture its row, or None where the table has none.
        notes: which rows and pictures have no partner, and which contradict one another.
        various: of each column whether more than half of all rows of the table differ in it.
        note: which column names the pictures, and how many rows do.
        parts: (N,) the part of each picture, where a column gives them, which is then none of the columns.
    """

    columns: tuple[str, ...]
    values: list[tuple[str, ...] | None]
    notes: tuple[str, ...] = ()
    various: tuple[bool, ...] = ()
    note: str = ""
    parts: NDArray[np.str_] | None = None


def read(data: bytes, name: str, pictures: Sequence[str] = ()) -> list[list[str]]:
    """Return the cells of a table: CSV of any usual delimiter, or CelebA's lists, where blanks part the columns.

    Args:
        data: its content.
        name: what it is called in messages.
        pictures: paths; the delimiter is the one under which most rows name one.

    Raises:
        ValueError: where it is too large, or no text, or has no two columns.
    """
    if len(data) > limits.MAX_TABLE_BYTES:
        raise ValueError(f"{name} has {len(data):,} bytes; at most {limits.MAX_TABLE_BYTES:,} are allowed.")
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError(f"{name} is no table of labels: it is no text.")
    text, places = _text(data), _Places(pictures)
    delimiter = max(_DELIMITERS, key=lambda each: _fitness(text, each, places))
    try:
        rows = [[re.sub(r"\s*[\r\n]\s*", " ", cell.strip()) for cell in row] for row in _cells(text, delimiter)]
    except csv.Error as error:
        raise ValueError(f"{name} is no readable table: {error}.") from error
    if len(rows) > 2 and len(rows[0]) == 1 and rows[0][0].isdecimal():
        rows = rows[1:]  # CelebA's begin with the number of rows
    if not rows or max(map(len, rows)) < 2:
        raise ValueError(f"{name} has no two columns; allowed: a file and its class or attributes in each line.")
    if max(map(len, rows)) > limits.MAX_COLUMNS:
        raise ValueError(f"{name} has {max(map(len, rows)):,} columns; at most {limits.MAX_COLUMNS:,} are allowed.")
    return rows


def _cells(text: str, delimiter: str) -> Iterator[list[str]]:
    """Return the rows that are not empty; what is quoted may hold the delimiter and breaks of lines."""
    if delimiter == " ":
        rows: Iterable[list[str]] = (line.split() for line in text.splitlines())
    else:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    return (row for row in rows if any(cell.strip() for cell in row))


def _fitness(text: str, delimiter: str, places: _Places) -> tuple[int, int]:
    """Tell how many pictures the first rows of two cells or more name, and how many such rows there are."""
    try:
        rows = [row for row in islice(_cells(text, delimiter), _SAMPLE) if len(row) > 1]
    except csv.Error:
        return 0, 0
    columns = zip_longest(*(row[:_LOOKED_AT] for row in rows), fillvalue="")
    return max(map(places.count, columns), default=0), len(rows)


def _text(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def match(rows: list[list[str]], names: Sequence[str], table: str) -> Matched:
    """Find the row of each picture: by its path, the end of it or its name, with or without its ending.

    A name that is a number may lack its zeros in front, as spreadsheets have it.

    Args:
        rows: from `read`, with or without a line of names above them.
        names: paths of the pictures.
        table: what it is called in messages.

    Raises:
        ValueError: where no row names a picture.
    """
    places = _Places(names)
    width = max(map(len, rows))
    rows = [[*row, *[""] * (width - len(row))] for row in rows]
    hits = [places.count(row[column] for row in rows) for column in range(min(width, _LOOKED_AT))]
    if not any(hits):
        raise ValueError(
            f"{table} names none of the pictures: a column must hold their names, as {names[0]!r}, or with the folder "
            f"or the ending left out; its first line is {', '.join(rows[0][:4])!r}."
        )
    column = hits.index(max(hits))
    header = _header(rows, places, column)
    sole = "partition" if "partition" in table.lower() else "class"
    columns = header or [f"attribute {k}" if width > 2 else sole for k in range(width)]
    body = rows[1:] if header else rows
    others = [k for k in range(width) if k != column]
    values, strays, torn = _paired(body, column, others, places, len(names))
    notes = _unmatched(strays, names, values, len(body), table)
    if torn:
        notes += (
            f"{len(torn):,} of the pictures have rows in {table} that contradict one another; the last counts: "
            f"{named_some([names[place] for place in sorted(torn)])}",
        )
    various = tuple(len({row[k] for row in body}) > max(FEW, len(body) // 2) for k in others)
    note = f"column {repr(header[column]) if header and header[column] else column + 1} names the files"
    note += f" ({len(body) - len(strays):,} of {len(body):,} rows match)"
    return Matched(tuple(columns[k] for k in others), values, notes, various, note)


def _paired(
    body: list[list[str]], column: int, others: list[int], places: _Places, count: int
) -> tuple[list[tuple[str, ...] | None], list[str], set[int]]:
    """Return the values of `count` pictures, names that are no picture's, and pictures whose rows disagree."""
    values: list[tuple[str, ...] | None] = [None] * count
    strays, torn = [], set()
    for row in body:
        place, cells = places.find(row[column]), tuple(row[k] for k in others)
        if place is None:
            strays.append(row[column])
            continue
        if values[place] not in (None, cells):
            torn.add(place)
        values[place] = cells
    return values, strays, torn


def parted(matched: Matched) -> Matched:
    """Return the table with the parts of the pictures, where a column gives them: a picture without one is left out."""
    for k, name in enumerate(matched.columns):
        texts = ["" if row is None else row[k] for row in matched.values]
        words = set(re.split(r"[^a-z]+", name.lower())) & PART_COLUMNS
        parts = _parts_of({text for text in texts if text}, bool(words & NUMBERED)) if words else {}
        if parts:
            rest = [place for place in range(len(matched.columns)) if place != k]
            return replace(
                matched,
                columns=tuple(matched.columns[i] for i in rest),
                values=[None if row is None else tuple(row[i] for i in rest) for row in matched.values],
                various=tuple(matched.various[i] for i in rest),
                note=f"{matched.note}, {name!r} tells the parts (--split-folders off takes it for an attribute)",
                parts=np.array([parts.get(text, splits.REST) for text in texts], dtype="U10"),
            )
    return matched


def _parts_of(values: set[str], numbered: bool) -> dict[str, str]:
    """Return the part that each value of a column means; empty unless all mean one, and one is for training."""
    words = {value: PARTS_OF_WORDS.get(value.lower(), value) for value in values}
    if numbered and values <= set(PARTS):
        words = {value: PARTS[value] for value in values}
    roles = splits.parts(set(words.values()))
    known = splits.TRAIN in roles.values() and all(splits.is_part(word) for word in words.values())
    return {value: roles[word] for value, word in words.items()} if known else {}


def _header(rows: list[list[str]], places: _Places, column: int) -> list[str]:
    """Return the names of the columns, where the first line holds them; CelebA's leave that of the file out."""
    first = rows[0]
    if len(rows) < 2 or any(places.find(cell) is not None for cell in first[:_LOOKED_AT]):
        return []
    if re.search(r"\.[A-Za-z]\w{1,4}$", first[column]):  # a file that is not here
        return []
    if column == 0 and first[-1] == "" and rows[1][-1] != "":
        return ["file", *first[:-1]]
    return first


def _unmatched(
    strays: list[str], names: Sequence[str], values: list[tuple[str, ...] | None], count: int, table: str
) -> tuple[str, ...]:
    notes = []
    if strays:
        notes.append(f"{len(strays):,} of {count:,} rows of {table} name no picture here: {named_some(strays)}")
    without = [name for name, row in zip(names, values, strict=True) if row is None]
    if without:
        notes.append(f"{len(without):,} of the pictures have no row in {table}: {named_some(without)}")
    return tuple(notes)


class _Places:
    """Where a picture stands, by any end of its path that it alone has; its ending and zeros in front may lack."""

    def __init__(self, names: Sequence[str]) -> None:
        self._places: dict[str, int | None] = {}
        for place, name in enumerate(names):
            parts = _normal(name).split("/")
            for start in range(len(parts)):
                end = "/".join(parts[start:])
                for key in {end, end.removesuffix(PurePosixPath(end).suffix)}:
                    self._places[key] = place if self._places.get(key, place) == place else None
            if number := _number_of(parts[-1]):
                self._places[number] = place if self._places.get(number, place) == place else None

    def find(self, cell: str) -> int | None:
        """Return the picture that a cell names; None for none or several."""
        parts = [part for part in _normal(cell).split("/") if part not in ("", ".")]
        for start in range(len(parts)):
            if (place := self._places.get("/".join(parts[start:]))) is not None:
                return place
        short = parts and not re.match(r"0\d", parts[-1])  # what has its zeros is meant as it is
        return self._places.get(_number_of(parts[-1])) if short else None

    def count(self, cells: Iterable[str]) -> int:
        """Tell how many pictures are named: a column of classes that look like names has few different ones."""
        return len({self.find(cell) for cell in cells} - {None})


def _number_of(name: str) -> str:
    """Return a key for a name that is a number, whose zeros in front a spreadsheet drops; else empty."""
    number = re.fullmatch(r"0*(\d+)(\.[a-z]\w{1,4})?", name, re.ASCII)
    return f"\0{number[1]}" if number else ""


def _normal(path: str) -> str:
    return unicodedata.normalize("NFC", path.replace("\\", "/")).casefold()


def applied(raw: Raw, matched: Matched, source: str) -> Raw:
    """Return the pictures with the class or the attributes that a table tells of them; what was taken for what is told.

    The class is the only column, or one called class or the like, unless it holds numbers with decimals or differs in
    almost every row; columns of which each row marks one are classes as well. All other columns are factors.

    Args:
        raw: the pictures.
        matched: their rows.
        source: where the table is from, for the note.
    """
    columns, various = _columns(matched)
    chosen = _class_column(columns, various)
    marked = _one_hot(columns) if chosen is None else None
    factors = {} if marked else {name: values for name, values in columns.items() if name != chosen}
    idle = [name for name, values in factors.items() if _is_no_attribute(values)]
    factors = {name: values for name, values in factors.items() if name not in idle}
    if chosen is None and len(factors) == 1 and _class_column(factors, various):
        chosen, factors = next(iter(factors)), {}
    notes = [matched.note]
    notes += [f"{chosen!r} is the class"] if chosen else []
    notes += [f"{len(columns):,} columns mark a class each"] if marked else []
    notes += [f"attributes: {named_some([*factors])}"] if factors else []
    notes += [f"left out, since almost every row differs: {named_some(idle)}"] if idle else []
    overruled = "; a column that is to be the class must be called class" if len(columns) > 1 else ""
    raw = replace(
        raw, notes=(*raw.notes, f"labels are taken from {source}: {', '.join(notes)}{overruled}", *matched.notes)
    )
    raw = _with_factors(raw, factors) if factors else raw
    classes = columns[chosen] if chosen else marked
    return _with_classes(raw, classes) if classes else raw


def _class_column(columns: dict[str, list[str]], various: set[str]) -> str | None:
    """Return the column of the class: the only one, or one that is named so."""
    by_name = {name.lower(): name for name in reversed(columns)}
    named = [by_name[name] for name in CLASS_COLUMNS if name in by_name and not (name == "y" and "x" in by_name)]
    fit = (name for name in (columns if len(columns) == 1 else named) if name not in various)
    return next((name for name in fit if not _has_decimals(columns[name])), None)


def _has_decimals(values: list[str]) -> bool:
    """Tell whether all are numbers, of which one is not whole."""
    try:
        numbers = [float(value) for value in set(values) - {NONE}]
    except ValueError:
        return False
    return any(math.isfinite(number) and not number.is_integer() for number in numbers)


def _is_no_attribute(values: list[str]) -> bool:
    """Tell whether a column holds numbers or names of single pictures."""
    return len(set(values)) > min(limits.MAX_VALUES, max(2, len(values) // 2))


def _columns(matched: Matched) -> tuple[dict[str, list[str]], set[str]]:
    """Return name -> value of each picture, and names of those in which almost every row differs; names are unique."""
    columns: dict[str, list[str]] = {}
    various = set()
    for k, (name, differs) in enumerate(zip(matched.columns, matched.various, strict=True)):
        if not name or name.startswith("Unnamed:"):  # the numbers of rows, as pandas writes them
            continue
        name = name[: limits.MAX_NAME]
        name = name if name not in columns else f"{name} ({k + 1})"[-limits.MAX_NAME :]
        columns[name] = [NONE if row is None else row[k][: limits.MAX_NAME] or NONE for row in matched.values]
        various |= {name} if differs else set()
    return columns, various


def _one_hot(columns: dict[str, list[str]]) -> list[str] | None:
    """Return each picture's class where every row marks one of three or more columns with 1 and the others with 0."""
    if len(columns) < 3 or not all(set(map(_number, values)) <= {"0", "1", NONE} for values in columns.values()):
        return None
    names, rows = list(columns), list(zip(*columns.values(), strict=True))
    marked = [[name for name, value in zip(names, row, strict=True) if _number(value) == "1"] for row in rows]
    if not all(len(row) == 1 or NONE in values for row, values in zip(marked, rows, strict=True)):
        return None
    return [row[0] if row else NONE for row in marked]


def _number(text: str) -> str:
    """Return the whole number that `1` or `1.0` means."""
    return re.sub(r"^([01])\.0*$", r"\1", text)


def natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Return a key to sort by in which numbers count as numbers: 2 before 10."""
    parts = re.split(r"(\d+)", unicodedata.normalize("NFC", name))
    return [(int(part) if k % 2 and len(part) < 30 else 0, part.casefold()) for k, part in enumerate(parts)], name


def coded(values: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return texts as their different ones in natural order, and places in these."""
    names = tuple(sorted(set(values), key=natural))
    places = {name: k for k, name in enumerate(names)}
    return names, np.array([places[value] for value in values], np.int64)


def _with_classes(raw: Raw, values: list[str]) -> Raw:
    names, labels = coded(values)
    if len(names) > limits.MAX_NAMES:
        raise ValueError(f"The table has {len(names):,} classes; at most {limits.MAX_NAMES:,} are allowed.")
    return replace(raw, labels=labels, class_names=names)


def _with_factors(raw: Raw, columns: dict[str, list[str]]) -> Raw:
    names, factors = [], []
    for values in columns.values():
        signs = SIGNS.get(frozenset(map(_number, values)))
        words, places = (
            (("no", "yes"), np.array([v == signs[1] for v in map(_number, values)])) if signs else coded(values)
        )
        names.append(words)
        factors.append(places.astype(np.int64))
    return replace(raw, factors=np.stack(factors, 1), factor_names=tuple(columns), value_names=tuple(names))
