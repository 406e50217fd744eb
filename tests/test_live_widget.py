"""How a model gets into a browser: nothing is exported before a browser asks, and until then the server decodes."""

import gc
import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from pages.widgets.live import decoders, served, views
from pages.widgets.shell.models import Entry, Opened
from tests.test_served import get
from vae_core import checkpoints, explore, export


@pytest.fixture(autouse=True)
def visit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bare_machine: None) -> Iterator[dict[str, str]]:
    """A new visitor's, on a server that has exported nothing; what failed in the visit."""
    failures: dict[str, str] = {}
    monkeypatch.setattr(decoders, "why_not", lambda: None)
    monkeypatch.setattr(decoders, "failures", lambda: failures)
    monkeypatch.setenv("VAE_CACHE", str(tmp_path / "cache"))
    for held in ("_files", "_promises", "_decoders", "_refusals"):
        monkeypatch.setattr(served, held, type(served._files)())
    yield failures


def opened(name: str) -> Opened:
    return Opened(Entry(name, name, "shipped"), checkpoints.load(checkpoints.find(name)), name)


def run(content: bytes, z: torch.Tensor) -> torch.Tensor:
    session = onnxruntime.InferenceSession(gzip.decompress(content), providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {"z": z.numpy()})[0])


def found(model: Opened, **given: Any) -> dict[str, Any]:
    about = decoders.find(model, **given)
    assert isinstance(about, dict)
    return about


def test_export_happens_when_a_browser_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    exported, digits = [], opened("digits")
    decoder = export.decoder
    monkeypatch.setattr(export, "decoder", lambda *given: exported.append(given) or decoder(*given))
    first, again = found(digits), found(digits)
    assert first == again and not exported
    status, _, content = get(first["decoder"])
    z = explore.sample(digits.checkpoint.model, 3)
    assert status == 200 and len(exported) == 1
    assert torch.allclose(run(content, z), explore.decode(digits.checkpoint.model, z), atol=export.SHOWN)


def test_a_server_that_starts_again_reads_what_it_exported_from_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    before = get(found(opened("digits"))["decoder"])[2]
    for held in (served._files, served._promises):
        held.clear()
    monkeypatch.setattr(export, "decoder", lambda *_: pytest.fail("it was exported again"))
    assert get(found(opened("digits"))["decoder"])[2] == before


def test_halves_levels_and_models_have_addresses_of_their_own() -> None:
    digits, deep = opened("digits"), opened("digits-vdvae")
    one, two, coarse = found(digits, encodes=True), found(deep), found(deep, keep=2)
    addresses = {one["decoder"], one["encoder"], two["decoder"], coarse["decoder"]}
    assert len(addresses) == 4
    other = opened("digits")
    with torch.no_grad():
        next(other.checkpoint.model.parameters())[0] += 1e-3
    assert found(replace(other, key="other"))["decoder"] != one["decoder"]


@pytest.mark.parametrize(("name", "keep"), [("digits", None), ("digits-vdvae", 2), ("mnist-conditional", None)])
def test_server_decodes_until_the_page_does(name: str, keep: int | None) -> None:
    model = opened(name)
    z = explore.sample(model.checkpoint.model, 3, seed=1)
    classes = model.checkpoint.model.spec.classes
    y = None if classes is None else torch.rand(3, classes).softmax(1)
    asked = z.numpy().tobytes() + (b"" if y is None else y.numpy().tobytes())
    status, _, content = get(found(model, keep=keep)["pictures"], asked)
    x = np.frombuffer(content, np.uint8).reshape(3, *model.checkpoint.model.image_shape)
    wanted = export.pictures(model.checkpoint.model, z, y, keep)
    assert status == 200 and np.abs(x - 255 * wanted.numpy()).max() <= 0.5 + 1e-3
    if keep is not None:
        whole = explore.decode(model.checkpoint.model, z)
        assert not torch.allclose(wanted, whole, atol=0.05)


def test_server_decodes_no_nonsense(monkeypatch: pytest.MonkeyPatch) -> None:
    digits = opened("digits")
    address = found(digits)["pictures"]
    assert get(address, b"")[0] == get(address, b"12345")[0] == 422
    assert get(address, np.full(8, np.inf, "<f4").tobytes())[::2] == (422, b"The points are not finite.")
    two = np.zeros(16, "<f4").tobytes()
    assert get(address, two)[0] == 200
    monkeypatch.setattr(decoders, "MAX_PIXELS", 64)  # of one picture
    assert get(address, two)[0] == 422


def test_model_that_ends_with_the_visit_asks_for_a_reload() -> None:
    upload = opened("digits-linear")
    about = found(upload)
    del upload
    decoders._known.clear()
    gc.collect()
    for answer in (get(about["decoder"]), get(about["pictures"], np.zeros(8, "<f4").tobytes())):
        assert answer[0] == 404 and answer[2].decode() == served.GONE


def test_model_that_no_browser_would_run_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MAX_BYTES", 10)
    assert str(decoders.find(opened("digits"))).startswith("The weights have")
    assert not served._promises


def test_sentence_of_a_failed_export_reaches_the_page(monkeypatch: pytest.MonkeyPatch, visit: dict[str, str]) -> None:
    def refuse(*_: object) -> bytes:
        raise export.ExportError("The file would differ from the model by 2.")

    monkeypatch.setattr(export, "decoder", refuse)
    digits = opened("digits")
    address = found(digits)["decoder"]
    status, _, sentence = get(address)
    assert (status, sentence.decode()) == (422, "The file would differ from the model by 2.")
    views._failed({"file": f"http://localhost/{address}", "reason": sentence.decode()})  # as the browser tells it
    assert decoders.find(digits) == "The file would differ from the model by 2."
    assert not visit  # it is no failure of this browser, which may try other models


def test_file_that_a_browser_cannot_run_is_remembered_for_the_visit(visit: dict[str, str]) -> None:
    digits = opened("digits")
    address = found(digits)["decoder"]
    views._failed({"file": address, "reason": "no memory"})
    assert decoders.find(digits) == "no memory"
    assert isinstance(decoders.find(opened("digits-linear")), dict)
