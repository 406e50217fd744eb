"""What all tests share: few threads, fixed seeds, the data where it lies."""

import os

# Before torch comes in: small nets are fastest, and sums the same, with one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

# The server's views, as a browser without WebAssembly has them; the tests of the live view switch it on.
os.environ["VAE_LIVE"] = "off"

import asyncio
import gc
import logging
import random
import sys
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
T = TypeVar("T")


def control(kind: Any, name: str) -> Any:
    """The control of a value among those of its kind on a page of Streamlit's AppTest, whichever of its turns it is."""
    return next(each for each in kind if (each.key or "").split(":")[0] == name)


def in_own_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a thread of its own: beside tests in a browser, this one has a loop already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


logging.getLogger("torch.__trace").disabled = True  # pytest would listen to each of its many lines

# A shared machine is slow at times: what an example costs is no property of the code.
settings.register_profile("vae", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("vae")


@pytest.fixture(scope="session", autouse=True)
def exact() -> Iterator[None]:
    """Train in float32 on every machine: which precision is faster is no property of the code."""
    from vae_core import precision

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(precision, "has_units", lambda device: False)
        yield


@pytest.fixture(scope="session", autouse=True)
def short_flows() -> Iterator[None]:
    """Train the flows of fitted priors for a tenth of their steps: what is tested is not how good they become."""
    from vae_core import fitting

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "FLOW_STEPS", (300, 1_000))
        yield


@pytest.fixture(scope="session", autouse=True)
def imported_for_good() -> None:
    """Let the collector of garbage pass by what was imported and collected: most of its time goes there."""
    gc.freeze()


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Where the original data sets lie: VAE_DATA, or shared/data beside the repository."""
    folder = Path(os.environ.get("VAE_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no data sets at {folder}: set VAE_DATA to their folder")
    return folder


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> Iterator[None]:
    """Read and compile each page, and look for installed components, once for all tests, as a server does.

    AppTest does it every time. A test that imports it has done so by now; without one there is nothing to do.
    """
    with pytest.MonkeyPatch.context() as patch:
        if runner := sys.modules.get("streamlit.testing.v1.local_script_runner"):
            from streamlit import config

            config.set_option("client.showErrorDetails", "full")  # visitors are not told what went wrong; tests are
            cache = runner.ScriptCache()
            patch.setattr(runner, "ScriptCache", lambda: cache)
            from streamlit.components.v2 import manifest_scanner

            found = manifest_scanner.scan_component_manifests()
            patch.setattr(manifest_scanner, "scan_component_manifests", lambda: found)
        yield


@pytest.fixture(scope="session")
def registered_once() -> Iterator[None]:
    """List what torch translates to ONNX once for all tests; torch does it in every export, and takes half of it."""
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    registry = ONNXRegistry.from_torchlib()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ONNXRegistry, "from_torchlib", lambda *_, **__: registry)
        yield


@pytest.fixture
def rough_flows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fit flows in few steps, where it does not matter how good they are."""
    from vae_core import fitting

    monkeypatch.setattr(fitting, "FLOW_STEPS", (30, 30))


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An app on a machine without data sets and models of one's own, that remembers nothing."""
    import streamlit as st

    monkeypatch.setenv("VAE_DATA", str(tmp_path / "no-data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("VAE_CHECKPOINTS", raising=False)
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str, Any], Any]:
    """Tell a page of Streamlit's AppTest what a hand did to its view: `hand(app, "places", {"z0": 1.5})`."""
    import streamlit as st

    from pages.widgets.live import views

    said: dict[str, Any] = {}
    show = views.show

    def with_buttons(view: str, key: str, data: dict[str, Any], **on: Callable[[Any], None]) -> None:
        show(view, key, data, **on)
        for name, act in on.items():
            st.button(name, key=f"hand_{name}", on_click=lambda name=name, act=act: act(said[name]))

    def tell(app: Any, name: str, value: Any) -> Any:
        said[name] = value
        app.button(key=f"hand_{name}").click().run()
        assert not app.exception, [error.message for error in app.exception]
        return app

    monkeypatch.setattr(views, "show", with_buttons)
    return tell


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Fix the global generators: a test that forgets its own is at least the same each time."""
    import torch

    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """All tests in three processes, browsers wait a lot; named ones in this one, so that a benchmark is alone."""
    return (
        0 if config.invocation_params.args and any(not a.startswith("-") for a in config.invocation_params.args) else 3
    )
