"""How a model gets into a browser: nothing is exported before a browser asks, and until then the server decodes."""

import gc
import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from pages.widgets.live import decoders, served
from pages.widgets.shell.models import Entry, Opened
from tests.test_served import get
from vae_core import checkpoints, explore, export


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bare_machine: None) -> None:
    """A server that has exported nothing."""
    monkeypatch.setenv("VAE_LIVE", "on")
    monkeypatch.setenv("VAE_CACHE", str(tmp_path / "cache"))
    for held in ("_files", "_promises", "_answers", "_refusals"):
        monkeypatch.setattr(served, held, type(served._files)())


def opened(name: str) -> Opened:
    return Opened(Entry(name, name, "shipped"), checkpoints.load(checkpoints.find(name)), name)


def run(content: bytes, z: torch.Tensor) -> torch.Tensor:
    session = onnxruntime.InferenceSession(gzip.decompress(content), providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {"z": z.numpy()})[0])


def test_export_happens_when_a_browser_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    exported, digits = [], opened("digits")
    decoder = export.decoder
    monkeypatch.setattr(export, "decoder", lambda *given: exported.append(given) or decoder(*given))
    first, again = decoders.graph(digits), decoders.graph(digits)
    assert first == again and not exported
    status, _, content = get(first["decoder"])
    z = explore.sample(digits.checkpoint.model, 3)
    assert status == 200 and len(exported) == 1
    assert torch.allclose(run(content, z), explore.decode(digits.checkpoint.model, z), atol=export.SHOWN)


def test_a_server_that_starts_again_reads_what_it_exported_from_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    before = get(decoders.graph(opened("digits"))["decoder"])[2]
    for held in (served._files, served._promises):
        held.clear()
    monkeypatch.setattr(export, "decoder", lambda *_: pytest.fail("it was exported again"))
    assert get(decoders.graph(opened("digits"))["decoder"])[2] == before


def test_halves_levels_and_models_have_addresses_of_their_own() -> None:
    digits, deep = opened("digits"), opened("digits-vdvae")
    one, two, coarse = decoders.graph(digits, encodes=True), decoders.graph(deep), decoders.graph(deep, keep=2)
    addresses = {one["decoder"], one["encoder"], two["decoder"], coarse["decoder"]}
    assert len(addresses) == 4
    other = opened("digits")
    with torch.no_grad():
        next(other.checkpoint.model.parameters())[0] += 1e-3
    assert decoders.graph(replace(other, key="other"))["decoder"] != one["decoder"]


@pytest.mark.parametrize(("name", "keep"), [("digits", None), ("digits-vdvae", 2), ("mnist-conditional", None)])
def test_server_decodes_until_the_page_does(name: str, keep: int | None) -> None:
    model = opened(name)
    z = explore.sample(model.checkpoint.model, 3, seed=1)
    classes = model.checkpoint.model.spec.classes
    y = None if classes is None else torch.rand(3, classes).softmax(1)
    asked = z.numpy().tobytes() + (b"" if y is None else y.numpy().tobytes())
    status, _, content = get(decoders.graph(model, keep=keep)["pictures"], asked)
    x = np.frombuffer(content, np.uint8).reshape(3, *model.checkpoint.model.image_shape)
    wanted = export.pictures(model.checkpoint.model, z, y, keep)
    assert status == 200 and np.abs(x - 255 * wanted.numpy()).max() <= 0.5 + 1e-3
    if keep is not None:
        whole = explore.decode(model.checkpoint.model, z)
        assert not torch.allclose(wanted, whole, atol=0.05)


def test_server_decodes_no_nonsense(monkeypatch: pytest.MonkeyPatch) -> None:
    digits = opened("digits")
    address = decoders.graph(digits)["pictures"]
    assert get(address, b"")[0] == get(address, b"12345")[0] == 422
    assert get(address, np.full(8, np.inf, "<f4").tobytes())[::2] == (422, b"The points are not finite.")
    two = np.zeros(16, "<f4").tobytes()
    assert get(address, two)[0] == 200
    drawn = decoders.graph(digits, drawn=decoders.Pixels(0))["pictures"]
    monkeypatch.setattr(decoders, "MAX_PIXELS", 64)  # of one picture
    assert get(address, two)[0] == 422 and get(drawn, two)[0] == 200
    monkeypatch.setattr(decoders, "MAX_DRAWN", 1)
    assert get(drawn, two)[0] == 422


def test_model_that_ends_with_the_visit_asks_for_a_reload() -> None:
    upload = opened("digits-linear")
    about = decoders.graph(upload)
    del upload
    decoders._known.clear()
    gc.collect()
    for answer in (get(about["decoder"]), get(about["pictures"], np.zeros(8, "<f4").tobytes())):
        assert answer[0] == 404 and answer[2].decode() == served.GONE


def test_model_that_no_browser_would_run_is_decoded_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MAX_BYTES", 10)
    digits = opened("digits")
    about = decoders.graph(digits)
    assert about["decoder"] == "" and about["why"].startswith("The weights have")
    assert not served._promises
    z = explore.sample(digits.checkpoint.model, 2)
    assert get(about["pictures"], z.numpy().tobytes())[0] == 200


def test_a_server_that_has_it_switched_off_promises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = decoders.graph(opened("digits"), encodes=True)
    assert before["decoder"] and before["encoder"] and not before["why"]
    monkeypatch.setenv("VAE_LIVE", "off")
    served._promises.clear()
    about = decoders.graph(opened("digits"), encodes=True)
    assert (about["decoder"], about["encoder"]) == ("", "") and "switched off" in about["why"]
    assert about["pictures"] == before["pictures"] and not served._promises


def test_sentence_of_a_failed_export_reaches_browser_and_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bytes:
        raise export.ExportError("The file would differ from the model by 2.")

    monkeypatch.setattr(export, "decoder", refuse)
    digits = opened("digits")
    status, _, sentence = get(decoders.graph(digits)["decoder"])
    assert (status, sentence.decode()) == (422, "The file would differ from the model by 2.")
    about = decoders.graph(digits)
    assert (about["decoder"], about["why"]) == ("", "The file would differ from the model by 2.")
    assert decoders.graph(opened("digits-linear"))["decoder"]


def asked_of(about: dict[str, Any], z: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """The pictures that the server gives, (N, C, H, W) in grey levels."""
    status, _, content = get(about["pictures"], z.numpy().tobytes())
    assert status == 200
    return torch.from_numpy(np.frombuffer(content, np.uint8).reshape(-1, *shape).astype("f4"))


def test_pixels_are_drawn_here_the_same_for_a_seed() -> None:
    digits = opened("digits")
    model = digits.checkpoint.model
    z = explore.sample(model, 3)
    about = decoders.graph(digits, drawn=decoders.Pixels(7))
    assert (about["decoder"], about["whole"]) == ("", True) and "Pixels are drawn" in about["why"]
    wanted = 255 * explore.draw_pixels(model, z, 7)
    assert torch.allclose(asked_of(about, z, model.image_shape), wanted.round(), atol=0.5)
    others = [decoders.graph(digits)["pictures"], decoders.graph(digits, drawn=decoders.Pixels(8))["pictures"]]
    assert about["pictures"] not in others and others[0] != others[1]


def test_finer_levels_are_drawn_here_given_the_coarser() -> None:
    deep = opened("digits-vdvae")
    model = deep.checkpoint.model
    z = explore.sample(model, 1).expand(3, -1).contiguous()
    x = asked_of(decoders.graph(deep, drawn=decoders.Rest(1, 0.7, 5)), z, model.image_shape)
    assert torch.allclose(x, (255 * explore.continued(model, z, 1, 0.7, 5)).round(), atol=1)
    assert not torch.allclose(x[0], x[1], atol=2)


def test_pixels_are_drawn_at_points_of_a_flows_base() -> None:
    digits = opened("digits")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "codes", lambda model, z, y: z + 1)
        patch.setattr(decoders, "_numbers", lambda model, flow: (model.spec.size, 0))
        z = explore.sample(digits.checkpoint.model, 2)
        x = asked_of(decoders.graph(digits, flow=True, drawn=decoders.Pixels(3)), z, (1, 8, 8))
    assert torch.allclose(x, (255 * explore.draw_pixels(digits.checkpoint.model, z + 1, 3)).round(), atol=0.5)


@pytest.mark.parametrize("name", ["digits", "mnist-conditional"])
def test_server_encodes_as_the_browser_would(name: str) -> None:
    model = opened(name)
    shape, size = model.checkpoint.model.image_shape, model.checkpoint.model.spec.size
    x = torch.rand(2, *shape).round()
    about = decoders.graph(model, encodes=True)
    status, _, content = get(about["numbers"], x.numpy().tobytes())
    values = torch.from_numpy(np.frombuffer(content, "<f4").reshape(2, -1).copy())
    encoding = model.checkpoint.model.encode(x)
    wanted = [explore.flatten(encoding.mean), explore.flatten(encoding.std)]
    wanted += [] if encoding.y is None else [encoding.y]
    assert status == 200 and values.shape[1] == 2 * size + about["classes"]
    assert torch.allclose(values, torch.cat(wanted, 1), atol=1e-5)
    assert get(about["numbers"], b"12345")[0] == get(about["numbers"], b"")[0] == 422
