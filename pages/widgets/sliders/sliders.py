"""The sliders of a page: where they stand, in the visit and in the link, and what they were before."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from torch import Tensor

from pages.widgets.live.payloads import Slide
from pages.widgets.shell import links, steps
from pages.widgets.sliders.slider import Slider

MAX_UNDO = 50
MAX_WARNINGS = 3  # sliders of a damaged link that are told one by one
IN_LINK = re.compile(r"(L\d+-)?(z|PC|f)\d+")  # what sliders are called there

Places = dict[str, float]  # of those that are not at the start, by name


@dataclass
class _Held:
    """What a visit holds of a page's sliders, and of which sliders it is; `undo` puts back what was there before."""

    about: Hashable
    places: Places = field(default_factory=dict)
    undo: list[tuple[Places, Callable[[], None]]] = field(default_factory=list)


@dataclass(frozen=True)
class Sliders:
    """Sliders through one start.

    Attributes:
        page: whose they are.
        about: what tells them from others of the page: model and start, say.
        each: the sliders.
        point: the start (D,).
    """

    page: str
    about: Hashable
    each: list[Slider]
    point: Tensor

    @property
    def kind(self) -> str:
        """What a slider moves along."""
        return "direction" if self.each[0].axis.index is None else "dimension"

    @property
    def used(self) -> list[Slider]:
        """Those that the model uses."""
        return [slider for slider in self.each if slider.axis.active]

    @property
    def places(self) -> Places:
        """Where those stand that are not at the start."""
        return self._held.places

    @property
    def can_undo(self) -> bool:
        return bool(self._held.undo)

    @property
    def now(self) -> Tensor:
        """The point (D,) where they stand; what was not moved is as in the start."""
        point = self.point
        for slider in self.each:
            if slider.key in self.places:
                point = slider.axis.move(point, self.places[slider.key])
        return point

    def settle(self) -> None:
        """Put them where the link has them on the first visit and after Back, and others than before to the start."""
        by_link = self._key not in st.session_state or steps.went_back()
        self._hold(self._asked() if by_link else self.places, self._held.undo)

    def put(self, places: Mapping[str, float], undo: Callable[[], None] = lambda: None) -> None:
        """Move some (in a callback), and remember where all were, and what takes back all else that goes with it."""
        before, known = self.places, {slider.key: slider for slider in self.each}
        self._hold(
            before | {key: known[key].snap(place) for key, place in places.items()},
            [*self._held.undo, (before, undo)][-MAX_UNDO:],
        )

    def hear(self, said: Any) -> None:
        """Take what the view says where the slider was released: places of those that it moved, none for the start."""
        said = said if isinstance(said, dict) else {}
        self.put({slider.key: slider.heard(said[slider.key]) for slider in self.each if slider.key in said})

    def undo(self) -> None:
        """Take the last move back (in a callback)."""
        if earlier := self._held.undo:
            *others, (places, undo) = earlier
            self._hold(places, others)
            undo()

    def reset(self) -> None:
        """Put all back to the start (in a callback)."""
        self.put({slider.key: slider.start for slider in self.each})

    def write(self) -> None:
        """Write into the link where they stand."""
        links.replace(IN_LINK, {key: f"{place:g}" for key, place in self.places.items()})

    def sent(self) -> list[Slide]:
        """Give what a view takes."""
        return [slider.sent(self.point) for slider in self.each]

    @property
    def _key(self) -> str:
        return f"{self.page}_sliders"

    @property
    def _held(self) -> _Held:
        held: _Held | None = st.session_state.get(self._key)
        return held if held and held.about == self.about else _Held(self.about)

    def _hold(self, places: Places, undo: list[tuple[Places, Callable[[], None]]]) -> None:
        starts = {slider.key: slider.start for slider in self.each}
        away = {key: places[key] for key in sorted(places) if places[key] != starts[key]}
        st.session_state[self._key] = _Held(self.about, away, undo)

    def _asked(self) -> Places:
        """Read the link, and say what of it cannot be."""
        places, wrong = Places(), []
        for slider in self.each:
            if texts := st.query_params.get_all(slider.key):
                try:
                    places[slider.key] = slider.read(texts)
                except ValueError as error:
                    wrong.append((slider.key, texts[-1], str(error)))
        for refused in wrong[:MAX_WARNINGS]:
            links.refuse(*refused)
        if more := wrong[MAX_WARNINGS:]:
            st.warning(
                f"The link sets {len(more)} more sliders to what they cannot be; their usual values are used instead."
            )
        known = {slider.key for slider in self.each}
        if unknown := [key for key in st.query_params if IN_LINK.fullmatch(key) and key not in known]:
            st.warning(
                f"The link sets {links.some(unknown)}, but here this model has no such sliders; they are left out."
            )
        return places
