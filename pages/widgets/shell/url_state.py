"""Values that a visit and its link hold: a slider's place, a chosen word, a seed.

Each is read from the link once, with a sentence where the link asks for what cannot be, and is the visit's from then
on. Its controls read it, check it, take what a person says and write it back into the link. What stands there is a
word of its own, and not the label on the screen: labels may change, and links that people have kept go on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

import streamlit as st
from streamlit.elements.lib.mutable_tab_container import TabContainer

from pages.widgets.shell import control, links, steps

T = TypeVar("T")
N = TypeVar("N", int, float, int | None)
READ = "values_read"  # of the visit: names of the values that this run has read
PAGE = "values_page"  # and the page that it is of
USUAL = "\0usual"  # what a visit holds of a value that is the usual one, whichever that is for the model that is open


def begin(page: str) -> None:
    """Begin a run of a page."""
    st.session_state[READ], st.session_state[PAGE] = set(), page


def end() -> None:
    """Settle in the link what this run of the page has not read.

    A value outlives its control: while another control hides that, it stays in the link, and after Back it is the
    link's. What only other models have leaves the link.
    """
    page, texts = st.session_state[PAGE], _texts()
    known = st.session_state.setdefault("values_known", {}).setdefault((page, st.session_state.get("model")), set())
    for name in sorted((known | texts.keys()) - st.session_state[READ]):
        if not steps.went_back():
            links.put(name, texts.get(name) if name in known else None)
        elif name in known:
            st.session_state.pop(name, None)
            texts.pop(name, None)
            if asked := st.query_params.get_all(name):
                texts[name] = asked
    known |= st.session_state[READ]


def _texts() -> dict[str, str | list[str]]:
    """Return what the links of this page say: name of a value that is not the usual one -> text."""
    return st.session_state.setdefault("values_texts", {}).setdefault(st.session_state[PAGE], {})


@dataclass(frozen=True)
class Value(ABC, Generic[T]):
    """What a control sets.

    Attributes:
        name: in the link, and of the visit.
        label: of the control.
        usual: the value until a link or a person sets another one, it may differ from model to model; in no link.
    """

    name: str
    label: str
    usual: T

    @abstractmethod
    def read(self, texts: list[str]) -> T:
        """Read what stands in a link; a ValueError tells what could stand there."""

    def text(self, value: T) -> str | list[str]:
        """Give what stands in a link for a value."""
        return str(value)

    def fit(self, value: T) -> T:
        """Give the value itself, or the usual one where it was of another model."""
        return value

    @property
    def _key(self) -> str:
        """Where the visit holds it."""
        return self.name

    def get(self) -> T:
        """Give the visit's value, else the link's; after Back the link's."""
        read = st.session_state.setdefault(READ, set())
        if steps.went_back() and self.name not in read:
            st.session_state.pop(self._key, None)
        read.add(self.name)
        if self._key not in st.session_state:
            self._hold(self._asked())
        held = st.session_state[self._key]
        if held == USUAL:
            return self.usual
        if (value := self.fit(held)) != held:
            self._hold(value)
        return value

    def put(self, value: T) -> None:
        """Set it (in a callback, or before its control is drawn)."""
        st.session_state[self._key] = value

    def write(self) -> None:
        """Write it into the link, which holds no usual value."""
        text = self.text(self.get())
        usual = text == self.text(self.usual)  # a browser's numbers are as long as its own
        self._put_in_link(None if usual else text)

    def refuse(self, asked: str, allowed: str) -> None:
        """Say what the link asks for in vain, and what could be."""
        links.refuse(self.label, asked, allowed)

    def _put_in_link(self, text: str | list[str] | None) -> None:
        links.put(self.name, text)
        if text is None:
            _texts().pop(self.name, None)
        else:
            _texts()[self.name] = text

    def _hold(self, value: T) -> None:
        st.session_state[self._key] = USUAL if value == self.usual else value

    def _asked(self) -> T:
        if not (texts := st.query_params.get_all(self.name)):
            return self.usual
        try:
            return self.read(texts)
        except ValueError as error:
            self.refuse(texts[-1], str(error))
            return self.usual

    def _draw(self, make: Callable[..., Any], *args: Any, key: str | None = None, **how: Any) -> T:
        """Draw a control of Streamlit's."""
        name = key or self.name
        key = control.key(name, self.get())
        make(self.label, *args, key=key, on_change=control.hears(name, key, self.put), **how)
        self.write()
        return self.get()


@dataclass(frozen=True)
class Number(Value[N]):
    """A number from `low` to `high`, both included; a whole one where these are; none only where that is usual."""

    low: float
    high: float

    @property
    def _whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)

    def read(self, texts: list[str]) -> N:
        allowed = f"a {'whole ' * self._whole}number from {self.low:.10g} to {self.high:.10g}"
        try:
            number = float(texts[-1])
        except ValueError:
            raise ValueError(allowed) from None
        if not self.low <= number <= self.high or (self._whole and not number.is_integer()):
            raise ValueError(allowed)
        return int(number) if self._whole else number  # type: ignore[return-value]

    def text(self, value: N) -> str:
        return f"{value:g}" if isinstance(value, float) else str(value)

    def fit(self, value: N) -> N:
        held: object = value  # another page's value of this name may be no number
        known = held is None or (isinstance(held, int | float) and self.low <= held <= self.high)
        return value if known else self.usual

    def tell(self, said: Any) -> None:
        """Take what a browser says where the slider was released; what is no number in range is left out."""
        if isinstance(said, int | float) and self.low <= said <= self.high:
            self.put(int(said) if self._whole else float(said))  # type: ignore[arg-type]

    def next(self) -> None:
        """Set the next whole number, and after the last the first."""
        value = self.get()
        self.put(self.low if value is None or value >= self.high else value + 1)  # type: ignore[arg-type]

    def slider(self, step: float | None = None, **how: Any) -> N:
        return self._draw(st.slider, self.low, self.high, self.get(), step, **how)

    def field(self, **how: Any) -> N:
        return self._draw(st.number_input, self.low, self.high, self.get(), **how)


@dataclass(frozen=True)
class OneOf(Value[T]):
    """One of some options.

    Attributes:
        options: value -> what it is called on the screen; in a link stands the value itself.
        before: what stood in links of earlier times -> value. Capitals make no difference.
    """

    options: Mapping[T, str]
    before: Mapping[str, T] = field(default_factory=dict)

    def read(self, texts: list[str]) -> T:
        return _option(texts[-1], self.options, self.before)

    def fit(self, value: T) -> T:
        return value if value in self.options else self.usual

    def segmented_control(self, **how: Any) -> T:
        return self._choice(st.segmented_control, default=self.get(), required=True, **how)

    def pills(self, **how: Any) -> T:
        return self._choice(st.pills, default=self.get(), required=True, **how)

    def selectbox(self, **how: Any) -> T:
        return self._choice(st.selectbox, self._place(), **how)

    def radio(self, **how: Any) -> T:
        return self._choice(st.radio, self._place(), **how)

    def select_slider(self, **how: Any) -> T:
        return self._choice(st.select_slider, self.get(), **how)

    def _place(self) -> int:
        return list(self.options).index(self.get())

    def _choice(self, make: Callable[..., Any], *args: Any, **how: Any) -> T:
        return self._draw(partial(make, format_func=self.options.__getitem__), list(self.options), *args, **how)


def numbered(values: Sequence[int]) -> dict[int, str]:
    """Make options of numbers, which are called as they are."""
    return {value: str(value) for value in values}


@dataclass(frozen=True)
class Tab(OneOf[str]):
    """Which tab is open."""

    @property
    def _key(self) -> str:
        return f"{self.name}_tab"  # another page has a number of this name

    def refuse(self, asked: str, allowed: str) -> None:
        st.warning(f"The link opens the tab {links.quoted(asked)}, but there is only {allowed}; the first is open.")

    def tabs(self) -> Sequence[TabContainer]:
        """Draw the tabs."""
        words = {label: word for word, label in self.options.items()}
        key = control.key(self.name, self.get())
        if key not in st.session_state:
            st.session_state[key] = self.options[self.get()]

        def put(label: str) -> str:
            self.put(words[label])
            return words[label]

        drawn = st.tabs(list(words), key=key, on_change=control.hears(self.name, key, put))
        self.write()
        return drawn


@dataclass(frozen=True)
class Switch(Value[bool]):
    """On or off, in a link as `on` and `off` say."""

    on: str = "true"
    off: str = "false"

    def read(self, texts: list[str]) -> bool:
        return _option(texts[-1], {True: self.on, False: self.off}, {self.on: True, self.off: False})

    def text(self, value: bool) -> str:
        return self.on if value else self.off

    def toggle(self, **how: Any) -> bool:
        return self._draw(st.toggle, self.get(), **how)


@dataclass(frozen=True)
class Text(Value[str]):
    """A text of `most` characters."""

    most: int

    def read(self, texts: list[str]) -> str:
        if len(texts[-1]) > self.most:
            raise ValueError(f"{self.most} characters at most")
        return texts[-1]

    def field(self, **how: Any) -> str:
        return self._draw(st.text_input, self.get(), max_chars=self.most, **how)


@dataclass(frozen=True)
class ManyOf(Value[list[str]]):
    """Some of the options, as in `OneOf`."""

    options: Mapping[str, str]
    before: Mapping[str, str] = field(default_factory=dict)

    def read(self, texts: list[str]) -> list[str]:
        chosen, unknown = list[str](), list[str]()
        for text in filter(None, texts):
            try:
                chosen.append(_option(text, self.options, self.before))
            except ValueError:
                unknown.append(text)
        if unknown:
            st.warning(
                f"The link asks under “{self.label}” for {links.some(unknown)}, which is not available here; the rest "
                "is chosen."
            )
        return list(dict.fromkeys(chosen)) if chosen or not unknown else self.usual

    def text(self, value: list[str]) -> list[str]:
        return value or [""]

    def fit(self, value: list[str]) -> list[str]:
        kept = [word for word in value if word in self.options]
        return kept if kept or not value else self.usual

    def multiselect(self, **how: Any) -> list[str]:
        draw = partial(st.multiselect, format_func=self.options.__getitem__)
        return self._draw(draw, list(self.options), self.get(), **how)


def _option(text: str, options: Mapping[T, str], before: Mapping[str, T]) -> T:
    """Find the option that a link means."""
    words = {str(value): value for value in options}
    labels = {label: value for value, label in options.items()}
    known = {word.casefold(): value for word, value in [*words.items(), *before.items(), *labels.items()][::-1]}
    if text in words:
        return words[text]
    if text.casefold() in known and known[text.casefold()] in options:
        return known[text.casefold()]
    raise ValueError(links.one_of(list(options.values())))
