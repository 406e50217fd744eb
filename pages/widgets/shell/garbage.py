"""What was imported stays for good, so Streamlit's search for garbage after every run need not walk through it."""

import gc
import sys

WORTH = 50  # modules: fewer new ones are walked through

_spared = 0  # modules that were loaded when the collector was last told


def spare_imports() -> None:
    """Call at the start of a run: where modules came in since the last call, what is alive is never looked at again.

    torch and its exporter are half a million objects, and a walk through them took 0.3 s after every run, for
    everybody: meanwhile no other thread of the server goes on. The search itself stays (Streamlit could leave it out):
    it frees what visitors leave behind. Of the few other objects that live at the moment of this call, those that
    refer to one another in a ring are never freed; all others are, as ever, when nothing refers to them.
    """
    global _spared
    if len(sys.modules) >= _spared + WORTH:
        _spared = len(sys.modules)
        gc.collect()
        gc.freeze()
