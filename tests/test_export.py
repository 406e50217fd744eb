import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

import vae_core
from vae_core import checkpoints, explore, export, fitting, onnx_rules
from vae_core.cli import main
from vae_core.model import VAE
from vae_core.shards import seeded


def run(content: bytes, **feeds: torch.Tensor) -> list[torch.Tensor]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    given = session.run(None, {name: part.numpy() for name, part in feeds.items()})
    return [torch.from_numpy(part) for part in given]


def shipped(name: str) -> VAE:
    return checkpoints.load(checkpoints.find(name)).model


# Of each kind of latent and conditioning; benchmarks/test_live.py tries every model that ships.
pytestmark = pytest.mark.usefixtures("registered_once")
DECODERS = ["digits-linear", "digits-resnet", "digits-vdvae", "digits-conditional-film", "fashion-vq-2", "characters"]
ENCODERS = ["digits", "digits-vamp", "mnist-flow", "mnist-semi-supervised"]


@pytest.mark.parametrize("name", DECODERS)
@torch.inference_mode()
def test_decoder_gives_the_models_pictures(name: str) -> None:
    model = shipped(name)
    content = export.decoder(model)
    for rows in (1, 5):
        z = torch.cat([explore.sample(model, rows, seed=rows), 2 * torch.randn(rows, model.spec.size)])
        feeds = {"z": z}
        if model.spec.classes:
            feeds["y"] = torch.rand(len(z), model.spec.classes).softmax(1)
        (x,) = run(content, **feeds)
        assert x.shape == (len(z), *model.image_shape)
        assert (x - explore.decode(model, z, feeds.get("y"))).abs().max() <= export.SHOWN


@pytest.mark.parametrize("name", ENCODERS)
@torch.inference_mode()
def test_encoder_gives_the_models_codes(name: str) -> None:
    model = shipped(name)
    content = export.encoder(model, half=False)
    x = model.observe(torch.rand(3, *model.image_shape), seeded(0))
    mean, std, *y = run(content, x=x)
    encoding = model.encode(x)
    assert torch.allclose(mean, explore.flatten(encoding.mean), atol=1e-3)
    assert torch.allclose(std, explore.flatten(encoding.std), atol=1e-3)
    assert len(y) == (model.spec.classes is not None)
    if y:
        assert torch.allclose(y[0], encoding.y, atol=1e-3)


@torch.inference_mode()
def test_finer_groups_follow_their_means() -> None:
    model = shipped("digits-vdvae")
    z = explore.sample(model, 4)
    (x,) = run(export.decoder(model, keep=2, half=False), z=z)
    assert torch.allclose(x, explore.continued(model, z, 2, 0.0), atol=1e-4)
    with pytest.raises(ValueError, match="keep is 9; this model takes 1 to"):
        export.decoder(model, keep=9)


@pytest.mark.parametrize("likelihood", ["bernoulli", None])
@torch.inference_mode()
def test_imported_models_go_to_the_browser_as_they_came(likelihood) -> None:
    model = shipped("digits")
    rest = {} if likelihood is None else {"likelihood": likelihood}
    # The decoder gives the mean in [0, 1]; without a spread the encoder gives a code.
    encode = (
        (lambda x: tuple(part[0] for part in _mean_and_log_var(model, x)))
        if likelihood
        else (lambda x: model.encode(x).mean[0])
    )
    own = vae_core.wrap(encode, lambda z: model.decode([z]), data="digits", **rest).model
    z, x = explore.sample(model, 5), torch.rand(5, *model.image_shape)
    assert torch.allclose(run(export.decoder(own), z=z)[0], model.decode([z]), atol=export.SHOWN)
    mean, std = run(export.encoder(own), x=x)
    assert torch.allclose(mean, model.encode(x).mean[0], atol=1e-2)
    assert torch.allclose(std, model.encode(x).std[0] if likelihood else torch.zeros_like(mean), atol=1e-2)


def _mean_and_log_var(model: VAE, x: torch.Tensor) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    found = model.encode(x)
    return found.mean, [2 * part.log() for part in found.std]


def test_half_precision_is_stored_where_the_picture_allows_it() -> None:
    model = shipped("digits")
    short, whole = export.decoder(model), export.decoder(model, half=False)
    assert len(short) < 0.6 * len(whole)
    kinds = {weight.data_type for weight in onnx.load_from_string(short).graph.initializer}
    assert onnx.TensorProto.FLOAT16 in kinds
    z = explore.sample(model, 8)
    assert torch.allclose(run(whole, z=z)[0], explore.decode(model, z), atol=export.TOLERANCE)


def test_weights_that_half_precision_would_change_stay_whole() -> None:
    model = shipped("digits-linear")
    with torch.no_grad():
        last = [module for module in model.decoder.modules() if isinstance(module, torch.nn.Linear)][-1]
        last.weight *= 3000
    z = torch.randn(4, model.spec.size, generator=seeded(0)) / 3000
    (x,) = run(export.decoder(model), z=z)
    assert (x - explore.decode(model, z)).abs().max() <= export.SHOWN


def test_file_is_self_contained_and_has_free_rows() -> None:
    graph = onnx.load_from_string(export.decoder(shipped("digits"))).graph
    assert not any(weight.external_data for weight in graph.initializer)
    assert [value.name for value in (*graph.input, *graph.output)] == ["z", "x"]
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param


def test_difference_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    written = onnx_rules.decoder

    def wrong(*given: object) -> onnx.ModelProto:
        found = written(*given)
        weight = next(w for w in found.graph.initializer if len(w.dims) == 2)
        weight.CopyFrom(numpy_helper.from_array(np.asarray(numpy_helper.to_array(weight)) * 1.5, weight.name))
        return found

    monkeypatch.setattr(onnx_rules, "decoder", wrong)
    with pytest.raises(export.ExportError, match="The file would differ from the model by"):
        export.decoder(shipped("digits"))


def test_model_that_no_exporter_follows_says_so() -> None:
    class Odd(torch.nn.Module):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return torch.special.airy_ai(z)

    model = shipped("digits")
    model.decoder = torch.nn.Sequential(Odd(), model.decoder)
    with pytest.raises(export.ExportError, match="cannot be written as ONNX"):
        export.decoder(model)


@pytest.mark.parametrize(("limit", "words"), [("MAX_BYTES", "The weights have"), ("MAX_LAYER", "A layer gives 256")])
def test_model_that_no_browser_would_run_is_refused_before_it_is_tried(limit, words, monkeypatch) -> None:
    monkeypatch.setattr(export, limit, 10)
    monkeypatch.setattr(onnx_rules, "decoder", lambda *given: pytest.fail("it was written"))
    with pytest.raises(export.ExportError, match=words):
        export.decoder(shipped("digits"))


def test_few_rows_are_tried_together(monkeypatch) -> None:
    model, seen = shipped("digits"), []
    forward = model.decoder.forward
    monkeypatch.setattr(model.decoder, "forward", lambda z: seen.append(z.shape[0]) or forward(z))
    export.decoder(model)
    assert max(int(rows) for rows in seen if isinstance(rows, int)) <= export.AT_ONCE


def test_fingerprint_tells_weights_and_recipes_apart() -> None:
    a, b = shipped("digits"), shipped("digits")
    assert export.fingerprint(a) == export.fingerprint(b)
    assert export.fingerprint(a) != export.fingerprint(shipped("digits-linear"))
    b.decoder.state_dict()["0.weight"][0, 0] += 1e-3
    assert export.fingerprint(a) != export.fingerprint(b)


def test_command_writes_both_halves(tmp_path, capsys) -> None:
    decoder, encoder = tmp_path / "d.onnx", tmp_path / "e.onnx"
    assert main(["export", "digits", "--onnx", str(decoder), "--encoder", str(encoder)]) == 0
    model = shipped("digits")
    z = explore.sample(model, 2)
    assert torch.allclose(run(decoder.read_bytes(), z=z)[0], explore.decode(model, z), atol=export.SHOWN)
    x = torch.rand(2, *model.image_shape)
    assert torch.allclose(run(encoder.read_bytes(), x=x)[0], model.encode(x).mean[0], atol=1e-2)
    assert "the decoder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "Nothing is asked for"),
        (["--onnx", "x.txt"], "must end in .onnx"),
        (["--onnx", "same.onnx", "--encoder", "same.onnx"], "two files are needed"),
        (["--onnx", "x.onnx", "--keep", "3"], "keep is 3; this model takes 1 to 1"),
    ],
)
def test_command_refuses_in_one_line(options, words, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", "digits", *options]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
    assert not list(tmp_path.iterdir())


# --- behind a fitted flow --------------------------------------------------------------------------------------------


def with_flow(model: VAE, classes: int = 0) -> VAE:
    """A model with a flow fitted to codes that are no Gaussian."""
    codes = torch.randn(300, model.spec.size, generator=seeded(0)) + 3 * (torch.arange(300) % 2)[:, None]
    labels = torch.arange(300) % 2 if classes else None
    return model.with_prior(fitting.fit(codes, codes.new_zeros(300), labels, classes, kind="flow").prior)


@pytest.mark.usefixtures("rough_flows")
@pytest.mark.parametrize(("name", "classes"), [("digits", 0), ("digits", 2), ("digits-conditional-film", 0)])
@torch.inference_mode()
def test_the_decoder_behind_a_flow_gives_the_pictures_of_points_of_its_base(name: str, classes: int) -> None:
    with torch.inference_mode(False):
        model = with_flow(shipped(name), classes)
    base, content = explore.sample_base(model, 6, seed=3), export.decoder(model, half=False, flow=True)
    given = export.classes_behind(model)
    assert given == (classes or model.spec.classes or 0)
    feeds = {"z": base} | ({"y": torch.eye(given)[torch.ones(6).long()]} if given else {})
    (x,) = run(content, **feeds)
    codes = explore.from_base(model, base, 1 if classes else None)
    assert torch.allclose(x, explore.decode(model, codes, feeds["y"] if model.spec.classes else None), atol=1e-3)
    assert torch.allclose(x, export.pictures(model, base, feeds.get("y"), flow=True), atol=1e-3)
    if classes:
        (none,) = run(content, z=base, y=torch.zeros(6, 2))
        assert torch.allclose(none, explore.decode(model, explore.from_base(model, base)), atol=1e-3)


@pytest.mark.usefixtures("rough_flows")
@torch.inference_mode()
def test_an_imported_decoder_stands_behind_a_flow_as_well() -> None:
    whole = shipped("digits")
    made = vae_core.wrap(
        lambda x: whole.encode(x).mean[0],
        lambda z: whole.decode([z]),
        data="digits",
        latent_dim=whole.spec.size,
        description="",
    ).model
    with torch.inference_mode(False):
        model = with_flow(made)
    base = explore.sample_base(model, 6, seed=3)
    (x,) = run(export.decoder(model, flow=True), z=base)
    assert (x - explore.decode(model, explore.from_base(model, base))).abs().max() <= export.SHOWN


def test_without_a_flow_nothing_stands_behind_one(tmp_path, capsys) -> None:
    with pytest.raises(ValueError, match="no fitted flow"):
        export.decoder(shipped("digits"), flow=True)
    assert main(["export", "digits", "--flow", "--onnx", str(tmp_path / "x.onnx")]) == 2
    assert "--kind flow" in capsys.readouterr().err and not (tmp_path / "x.onnx").exists()
