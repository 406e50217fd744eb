"""A page with faults that nobody foresaw, in the app's own server shell."""

from typing import Any

import streamlit as st

from app import SHELL


def fail(where: str) -> Any:
    raise RuntimeError(f"{where} fails in {__file__}")


@st.fragment
def part() -> None:
    st.write("the part stands")
    if st.button("Part"):
        fail("a part")


if __name__ == "__main__":
    st.title("Faults")
    st.button("Callback", on_click=fail, args=("a callback",))
    part()
    if st.button("Stop"):
        st.write("stopped")
        st.stop()
    if st.button("Again"):
        st.session_state["again"] = True
        st.rerun()
    if st.session_state.get("again"):
        st.write("run again")
    if st.button("Page"):
        fail("the page")
    st.write("the end")
else:
    app = st.App(__file__, **SHELL)
