"""Models trained elsewhere: the same numbers as before, any layout and range, a sentence for what does not fit."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

import vae_core
from vae_core import checkpoints, data, explore, graphs, metrics, scoring, training, zoo
from vae_core.checkpoints import Checkpoint, CheckpointError
from vae_core.cli import main
from vae_core.config import DataConfig, LikelihoodConfig
from vae_core.importers import forms
from vae_core.model import VAE, build
from vae_core.shards import seeded

pytestmark = pytest.mark.usefixtures("registered_once")
DIM = 4


class Encoder(nn.Module):
    """A model's own encoder as a stranger's: mean and log variance."""

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.body, self.head = model.encoder, model.latent.head

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_std = self.head(self.body(x)).chunk(2, 1)
        return mean, 2 * log_std


def ours(variant: str = "conv", likelihood: str = "bernoulli", std: float = 0.1) -> VAE:
    """A small model of this project whose codes are not all near 0."""
    torch.manual_seed(1)
    hidden = (8, 16) if variant == "conv" else (16,)
    kind = LikelihoodConfig(likelihood, std)
    recipe = zoo.recipe(
        variant, DataConfig("digits"), (1, 8, 8), latent_dim=DIM, likelihood=kind, body={"hidden": hidden}
    )
    model = build(recipe.model).eval().requires_grad_(False)
    for weight in model.encoder.parameters():
        weight.mul_(2)
    return model


def reopened(made: Checkpoint, folder: Path) -> Checkpoint:
    """As a stranger's upload."""
    made.save(folder / "made.safetensors")
    return checkpoints.load((folder / "made.safetensors").read_bytes())


def same(a: VAE, b: VAE, x: Tensor) -> None:
    """Both say the same of pictures, and of points of the latent space."""
    one, two = a.encode(x), b.encode(x)
    z = explore.sample(a, 5, seed=3)
    pairs = [*zip((*one.mean, *one.std, *one.kl), (*two.mean, *two.std, *two.kl), strict=True)]
    pairs += [(a.decode([z]), b.decode([z]))]
    if b.spec.has_density:
        first, second = a.terms(x, k=3, generator=seeded(0)), b.terms(x, k=3, generator=seeded(0))
        names = ("log_likelihood", "log_prior", "log_posterior", "elbo", "log_weights")
        pairs += [(getattr(first, name), getattr(second, name)) for name in names]
    for wanted, found in pairs:
        assert torch.allclose(wanted, found, rtol=1e-4, atol=1e-4), (wanted - found).abs().max()


# --- from torch ----------------------------------------------------------------------------------------------------


def test_a_trained_conv_model_gives_the_same_numbers_as_before(tmp_path: Path) -> None:
    """The shipped model of MNIST, brought in as a stranger's: its decoder gives logits."""
    model = checkpoints.load(checkpoints.find("mnist")).model.with_prior(None)
    pictures = (explore.decode(model, explore.sample(model, 60, seed=1)) * 255).byte()
    made = vae_core.wrap(Encoder(model), model.decoder, data=pictures, likelihood="bernoulli", logits=True)
    opened = reopened(made, tmp_path).model
    assert opened.spec == model.spec and opened.binary
    same(model, opened, model.observe(pictures[:20].float() / 255, seeded(0)))
    a, b = (scoring.statistics(which, pictures[:40]).summary(which.spec) for which in (model, opened))
    assert a.keys() == b.keys()
    assert all(a[name] == pytest.approx(b[name], rel=1e-4, abs=1e-4) for name in a)


@pytest.mark.parametrize(
    ("spread", "change"),
    [("log_var", lambda s: 2 * s), ("log_std", lambda s: s), ("var", lambda s: (2 * s).exp()), ("std", torch.exp)],
)
def test_a_gaussian_likelihood_and_every_kind_of_spread(
    spread: str, change: Callable[[Tensor], Tensor], tmp_path: Path
) -> None:
    model = ours("mlp", "gaussian", 0.3)

    def encode(x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_std = model.latent.head(model.encoder(x)).chunk(2, 1)
        return mean, change(log_std)

    made = vae_core.wrap(encode, model.decoder, data="digits", likelihood="gaussian", std=0.3, spread=spread)
    opened = reopened(made, tmp_path)
    assert opened.recipe.model.likelihood == LikelihoodConfig("gaussian", 0.3)
    same(model, opened.model, torch.rand(9, 1, 8, 8))


def test_the_file_holds_what_a_trained_one_holds(tmp_path: Path) -> None:
    model = ours()
    made = vae_core.wrap(
        Encoder(model),
        nn.Sequential(model.decoder, nn.Sigmoid()),
        data="digits",
        likelihood="bernoulli",
        description="Mine.",
        seed=5,
    )
    opened = reopened(made, tmp_path)
    splits = data.load(DataConfig("digits", seed=5))
    assert (opened.description, opened.data, opened.history) == ("Mine.", checkpoints.data_info(splits), [])
    wanted = scoring.statistics(model, splits.test.images, 5)
    assert opened.metrics["elbo"] == pytest.approx(wanted.elbo.mean().item(), rel=1e-4)
    assert opened.metrics["bits_per_dimension"] and opened.metrics["test_pictures"] == len(splits.test)
    assert opened.metrics["parameters"] == pytest.approx(sum(p.numel() for p in model.parameters()), abs=8)
    reference = opened.reference
    assert reference is not None and reference.labels is not None and reference.tsne is not None
    assert torch.allclose(reference.mean, wanted.mean[reference.index], atol=2e-3)
    assert torch.allclose(reference.error, wanted.reconstruction[reference.index], rtol=1e-4)


def test_a_dataset_in_memory_keeps_its_labels(tmp_path: Path) -> None:
    model, digits = ours(), data.load(DataConfig("digits")).test
    made = vae_core.wrap(Encoder(model), model.decoder, data=digits, logits=True)
    assert made.data.name == "digits" and made.data.class_names == digits.class_names
    assert sum(made.data.sizes) == len(digits) and made.reference is not None and made.reference.labels is not None


def test_without_a_likelihood_there_is_a_kl_and_no_elbo(tmp_path: Path) -> None:
    model = ours()
    opened = reopened(vae_core.wrap(Encoder(model), model.decoder, data="digits", logits=True), tmp_path)
    spec, x = opened.model.spec, torch.rand(9, 1, 8, 8)
    assert not spec.has_density and spec.has_kl and spec.factorises and spec.spreads
    same(model, opened.model, x)
    with pytest.raises(ValueError, match=r"^This model came without a likelihood, so its pictures have no ELBO\.$"):
        opened.model.terms(x)
    with pytest.raises(ValueError, match="no pixels can be drawn"):
        opened.model.sample_pixels([torch.zeros(1, DIM)])
    with pytest.raises(ValueError, match="elbo needs a likelihood, and this model came without one; allowed: recon"):
        metrics.check(opened.model, ["elbo"])
    rows = metrics.figures(opened.model, x, metrics.usual(opened.model))
    assert set(rows) == {"reconstruction", "kl", "active_units"} and "summed squares" in rows["reconstruction"]["unit"]
    code = model.encode(x)
    assert rows["kl"]["value"] == pytest.approx(code.kl[0].sum(1).mean().item(), rel=1e-4)
    found = scoring.statistics(opened.model, x)
    z = opened.model.latent.draw(opened.model.encoder(x), 1, seeded(0))
    assert torch.allclose(found.mean, code.mean[0], atol=1e-4) and torch.allclose(found.std, code.std[0], atol=1e-4)
    assert found.elbo.isnan().all() and (found.reconstruction > 0).all() and z.kl
    assert opened.metrics["elbo"] is None and opened.metrics["kl"] > 0


def test_a_code_alone_is_an_autoencoder(tmp_path: Path) -> None:
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, DIM))
    decoder = nn.Sequential(nn.Linear(DIM, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))
    opened = reopened(vae_core.wrap(encoder, decoder, data="digits"), tmp_path)
    x = torch.rand(9, 1, 8, 8)
    assert (opened.model.spec.posterior, opened.model.spec.prior) == ("point", "fitted")
    assert torch.allclose(opened.model.encode(x).mean[0], encoder(x), atol=1e-5)
    assert not opened.model.spec.has_kl and opened.metrics["kl"] is None
    train = data.load(DataConfig("digits")).train.float()
    prior = opened.model.latent.prior_
    assert torch.allclose(prior.mean, encoder(train).mean(0), atol=1e-3)  # draws come from where the codes lie


def test_maps_as_codes_come_as_one_vector(tmp_path: Path) -> None:
    class Maps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Conv2d(1, 4, 4, 4)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            mean, log_var = self.net(x).chunk(2, 1)
            return mean, log_var

    encoder, decoder = Maps(), nn.Sequential(nn.ConvTranspose2d(2, 1, 4, 4), nn.Sigmoid())
    opened = reopened(vae_core.wrap(encoder, decoder, data="digits"), tmp_path).model
    x = torch.rand(3, 1, 8, 8)
    mean, _ = encoder(x)
    assert opened.spec.shapes == ((8,),)
    assert torch.allclose(opened.decode(opened.encode(x).mean), decoder(mean), atol=1e-5)


def test_the_owner_s_modules_are_left_as_they_were() -> None:
    encoder = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 2 * DIM)).train()
    decoder = nn.Sequential(nn.Linear(DIM, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8))).eval()
    vae_core.wrap(encoder, decoder, data="digits", latent_dim=DIM)
    assert encoder.training and encoder[1].training and not decoder.training
    assert all(weight.requires_grad for weight in encoder.parameters())


def test_a_method_of_a_model_is_taken_too(tmp_path: Path) -> None:
    class Whole(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down, self.up = nn.Linear(64, 2 * DIM), nn.Linear(DIM, 64)

        def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
            mean, log_var = self.down(x.flatten(1)).chunk(2, 1)
            return mean, log_var

        def decode(self, z: Tensor) -> Tensor:
            return self.up(z).sigmoid().unflatten(1, (1, 8, 8))

    whole = Whole()
    opened = reopened(vae_core.wrap(whole.encode, whole.decode, data="digits"), tmp_path).model
    x = torch.rand(3, 1, 8, 8)
    assert torch.allclose(opened.encode(x).mean[0], whole.encode(x)[0], atol=1e-5)


def test_other_ranges_of_pixels() -> None:
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, DIM))
    decoder = nn.Sequential(nn.Linear(DIM, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)))
    model = vae_core.wrap(encoder, decoder, data="digits", pixels=(-1, 1)).model
    x = torch.rand(3, 1, 8, 8)
    assert torch.allclose(model.encode(x).mean[0], encoder(2 * x - 1), atol=1e-5)
    z = torch.randn(3, DIM)
    assert torch.allclose(model.decode([z]), (decoder(z) + 1) / 2, atol=1e-5)


def test_the_file_tells_nothing_of_the_machine_where_it_was_made(tmp_path: Path) -> None:
    model = ours()
    made = vae_core.wrap(Encoder(model), model.decoder, data="digits", logits=True)
    for part in (made.model.encoder, made.model.decoder):
        assert b".py" not in part.data and str(Path(__file__).parent).encode() not in part.data


# --- what does not fit ---------------------------------------------------------------------------------------------


class Drawing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Linear(64, DIM)

    def forward(self, x: Tensor) -> Tensor:
        mean = self.net(x.flatten(1))
        return mean + torch.randn_like(mean)


ENCODER = nn.Sequential(nn.Flatten(), nn.Linear(64, 2 * DIM))
DECODER = nn.Sequential(nn.Linear(DIM, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "draws": ({"encoder": Drawing()}, "The encoder gives another result the second time; it must not draw: give the"),
    "a dictionary": ({"encoder": lambda x: {"mean": x}}, "The encoder gives dict; allowed: a tensor, or a mean and a"),
    "three tensors": ({"encoder": lambda x: (x, x + 1, x + 2)}, "The encoder has 3 outputs; allowed: 1 to 2"),
    "two pictures": ({"decoder": lambda z: (z, z + 1)}, "The decoder has 2 outputs; allowed: 1"),
    "another width": ({"latent_dim": 5}, "The decoder fails on (3, 5): "),
    "no module": ({"encoder": 5}, "The encoder is int; allowed: a torch module or function, or an ONNX file."),
    "no file": ({"encoder": "nowhere.onnx"}, "There is no file 'nowhere.onnx' for the encoder."),
    "another likelihood": ({"likelihood": "laplace"}, "likelihood is 'laplace'; allowed: bernoulli, gaussian, none."),
    "no std": ({"likelihood": "gaussian"}, "The likelihood gaussian needs its std, such as std=0.1."),
    "a std for nothing": ({"std": 0.1}, "The likelihood none has no std: leave it out."),
    "another spread": ({"spread": "sigma"}, "spread is 'sigma'; allowed: log_var, log_std, var, std."),
    "pixels that are none": ({"pixels": (1, 0)}, "pixels are 1 to 0; allowed: two finite numbers, the lower first."),
    "pixels of logits": ({"pixels": (-1, 1), "logits": True}, "A decoder of logits has pixels of 0 to 1"),
    "no data": ({"data": "nowhere"}, "data is 'nowhere', which is neither a folder nor a file; allowed: a folder, zip"),
    "other data": ({"data": 5}, "data is int; allowed: a name, a folder, a file, a Dataset, an array."),
    "two pictures of data": ({"data": torch.rand(2, 1, 8, 8)}, "The 2 pictures of 'pictures' leave none to measure"),
    "logits that nobody told": (
        {"decoder": nn.Sequential(nn.Linear(DIM, 64), nn.Unflatten(1, (1, 8, 8)), nn.Hardtanh(-9, -3))},
        "The decoder's pictures go from -3.00 to -3.00 where 0 is black and 1 is white: say with pixels",
    ),
    "pictures of another shape": (
        {"decoder": nn.Sequential(nn.Linear(DIM, 49), nn.Unflatten(1, (1, 7, 7)))},
        "The decoder gives (N, 1, 7, 7); allowed for these pictures: (N, 1, 8, 8), (N, 8, 8, 1), (N, 64).",
    ),
    "a long description": ({"description": "a" * 3000}, "The description has 3,000 characters; allowed: up to 2,000."),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_told_in_a_sentence(name: str) -> None:
    given, words = WRONG[name]
    with pytest.raises(ValueError) as error:
        vae_core.wrap(**{"encoder": ENCODER, "decoder": DECODER, "data": "digits", "latent_dim": DIM} | given)
    said = str(error.value)
    assert said.startswith(words) and "\n" not in said, said


def test_an_export_that_gives_other_numbers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from vae_core.importers import exporting

    other = exporting.export(nn.Sequential(nn.Flatten(), nn.Linear(64, 2 * DIM)), torch.rand(3, 1, 8, 8), "encoder")
    monkeypatch.setattr(exporting, "export", lambda *_: other)
    with pytest.raises(ValueError, match="The encoder as ONNX gives other numbers than in torch: they differ by up to"):
        vae_core.wrap(ENCODER, DECODER, data="digits", latent_dim=DIM)


# --- from other frameworks -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def principal(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Any]:
    """PCA of scikit-learn as a linear autoencoder: two ONNX files, and the PCA."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LinearRegression

    folder = tmp_path_factory.mktemp("sklearn")
    x = data.load(DataConfig("digits")).train.float().flatten(1).numpy()
    pca = PCA(DIM, random_state=0).fit(x)
    z = pca.transform(x)
    back = LinearRegression().fit(z, pca.inverse_transform(z))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from skl2onnx import to_onnx

        halves = to_onnx(pca, x[:1]), to_onnx(back, z[:1])
    paths = folder / "encoder.onnx", folder / "decoder.onnx"
    for path, half in zip(paths, halves, strict=True):
        path.write_bytes(half.SerializeToString())
    return *paths, pca


def test_scikit_learn_s_pca_is_a_linear_autoencoder(principal: tuple[Path, Path, Any], tmp_path: Path) -> None:
    encoder, decoder, pca = principal
    opened = reopened(vae_core.wrap(encoder, decoder, data="digits"), tmp_path).model
    x = data.load(DataConfig("digits")).test.float()
    z = pca.transform(x.flatten(1).numpy())
    assert np.allclose(opened.encode(x).mean[0].numpy(), z, atol=1e-4)
    wanted = pca.inverse_transform(z).clip(0, 1).reshape(-1, 1, 8, 8)
    assert np.allclose(opened.decode([torch.tensor(z, dtype=torch.float32)]).numpy(), wanted, atol=1e-4)


def last(net: np.ndarray) -> tuple[bytes, bytes]:
    """A linear model with channels last and double precision, as of a framework that does so; net is (64, DIM)."""

    def file(
        nodes: list[onnx.NodeProto], tensors: list[onnx.TensorProto], inputs: list[Any], outputs: list[Any]
    ) -> bytes:
        ends = [helper.make_tensor_value_info(name, 11, shape) for name, shape in (inputs, outputs)]
        graph = helper.make_graph(nodes, "graph", ends[:1], ends[1:], tensors)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7).SerializeToString()

    held = numpy_helper.from_array
    down = [
        helper.make_node("Reshape", ["in", "shape"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["mean"]),
    ]
    up = [helper.make_node("MatMul", ["in", "w"], ["f"]), helper.make_node("Reshape", ["f", "shape"], ["out"])]
    shapes = held(np.array([-1, 64]), "shape"), held(np.array([-1, 8, 8, 1]), "shape")
    return (
        file(down, [held(net, "w"), shapes[0]], ["in", [None, 8, 8, 1]], ["mean", [None, DIM]]),
        file(up, [held(net.T.copy(), "w"), shapes[1]], ["in", [None, DIM]], ["out", [None, 8, 8, 1]]),
    )


def test_channels_last_double_precision_and_0_to_255(tmp_path: Path) -> None:
    net = np.linalg.qr(np.random.default_rng(0).normal(size=(64, DIM)))[0]
    opened = reopened(vae_core.wrap(*last(net), data="digits", pixels=(0, 255)), tmp_path).model
    x = torch.rand(5, 1, 8, 8)
    z = 255 * x.flatten(1).numpy() @ net
    assert np.allclose(opened.encode(x).mean[0].numpy(), z, rtol=1e-4, atol=1e-3)
    found = opened.decode([torch.tensor(z, dtype=torch.float32)]).numpy()
    assert np.allclose(found, (z @ net.T / 255).clip(0, 1).reshape(-1, 1, 8, 8), atol=1e-4)


def test_colour_with_channels_last_is_turned() -> None:
    """Three channels: a reshape in the place of a transposition would mix colours and places."""
    sizes = (8, 10, 3)
    into, back = ("in", [None, *sizes]), ("out", [None, 240])
    held, ends = numpy_helper.from_array(np.array([-1, 240]), "shape"), []
    for (a, first), (b, second) in ((into, back), (back, into)):
        ends.append(([helper.make_tensor_value_info(a, 1, first)], [helper.make_tensor_value_info(b, 1, second)]))
    shape = numpy_helper.from_array(np.array([-1, *sizes]), "shape")
    files = []
    for (inputs, outputs), tensor in zip(ends, (held, shape), strict=True):
        one = helper.make_node("Reshape", [inputs[0].name, "shape"], [outputs[0].name])
        graph = helper.make_graph([one], "graph", inputs, outputs, [tensor])
        files.append(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8))
    x = torch.rand(12, 3, 8, 10)
    model = vae_core.wrap(*(file.SerializeToString() for file in files), data=x).model
    assert model.image_shape == (3, 8, 10)
    assert torch.allclose(model.encode(x).mean[0], x.permute(0, 2, 3, 1).flatten(1))
    assert torch.allclose(model.decode(model.encode(x).mean), x)


def test_the_graphs_that_are_kept_have_one_form(principal: tuple[Path, Path, Any]) -> None:
    made = vae_core.wrap(*principal[:2], data="digits").model
    for part, ends in ((made.encoder, ("x", "h")), (made.decoder, ("z", "x"))):
        kept = onnx.load_from_string(part.data)
        onnx.checker.check_model(kept, full_check=True)
        assert (kept.graph.input[0].name, kept.graph.output[0].name) == ends
        assert not kept.functions and {node.domain for node in kept.graph.node} == {""}


def test_the_meaning_of_numbers_is_checked() -> None:
    with pytest.raises(ValueError, match="pixels are nan to 1"):
        forms.Meaning(pixels=(float("nan"), 1.0))


# --- files that are not what they should be ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "good.safetensors"
    vae_core.wrap(ENCODER, DECODER, data="digits", latent_dim=DIM).save(path)
    return path


def forged(good: Path, folder: Path, change: Callable[[dict[str, Any], dict[str, Tensor]], None]) -> bytes:
    """The good file with a change, and a checksum that is right again."""
    header, tensors = checkpoints.read_file(good)
    change(header, tensors)
    checkpoints.write_file(folder / "forged.safetensors", header, tensors)
    return (folder / "forged.safetensors").read_bytes()


def refused(data: bytes) -> str:
    with pytest.raises(CheckpointError) as error:
        checkpoints.load(data)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_damaged_graph_is_refused(good: Path, tmp_path: Path) -> None:
    flipped = bytearray(good.read_bytes())
    flipped[len(flipped) // 2] ^= 1
    assert "checksum" in refused(bytes(flipped))

    def cut(header: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        tensors["model.encoder.graph"] = tensors["model.encoder.graph"][:100]

    assert "cannot be opened. The encoder is not an ONNX file, or is damaged" in refused(forged(good, tmp_path, cut))

    def floats(header: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        tensors["model.decoder.graph"] = tensors["model.decoder.graph"].float()

    assert "decoder.graph is" in refused(forged(good, tmp_path, floats))

    def none(header: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        del tensors["model.decoder.graph"]

    assert "'decoder.graph' is in one of them only" in refused(forged(good, tmp_path, none))


def test_a_hostile_graph_in_a_checkpoint_is_refused_before_it_runs(good: Path, tmp_path: Path) -> None:
    def put(part: str, change: Callable[[onnx.ModelProto], None]) -> Callable[[Any, dict[str, Tensor]], None]:
        def changed(header: dict[str, Any], tensors: dict[str, Tensor]) -> None:
            graph = onnx.load_from_string(tensors[f"model.{part}.graph"].numpy().tobytes())
            change(graph)
            data = np.frombuffer(graph.SerializeToString(), np.uint8).copy()
            tensors[f"model.{part}.graph"] = torch.from_numpy(data)

        return changed

    def large(graph: onnx.ModelProto) -> None:
        graph.graph.initializer.append(numpy_helper.from_array(np.array([300, 300]), "sizes"))
        graph.graph.node.append(helper.make_node("ConstantOfShape", ["sizes"], ["big"]))

    def alien(graph: onnx.ModelProto) -> None:
        graph.graph.node[0].domain = "com.microsoft"

    for part, change, words in (("encoder", large, "numbers in the tensors of one run"), ("decoder", alien, "domain")):
        hostile = forged(good, tmp_path, put(part, change))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(graphs, "MAX_NUMBERS", 2**16)
            said = refused(hostile)
        assert f"The file's model cannot be opened. The {part} " in said and words in said, said


def test_a_recipe_of_graphs_that_is_not_defined_is_refused(good: Path, tmp_path: Path) -> None:
    def put(place: str, value: Any) -> Callable[[dict[str, Any], dict[str, Tensor]], None]:
        def changed(header: dict[str, Any], tensors: dict[str, Tensor]) -> None:
            *outer, last = place.split(".")
            inner = header["recipe"]["model"]
            for name in outer:
                inner = inner[name]
            inner[last] = value

        return changed

    cases = {
        ("encoder.kind", "linear"): "onnx is for both or for none",
        ("encoder.hidden", (4,)): "An onnx body has no settings",
        ("latent.kind", "flow"): "has a flow latent with the prior normal; allowed: gaussian with normal, point",
        ("latent.prior", "mixture"): "has a gaussian latent with the prior mixture; allowed",
        ("likelihood.kind", "learned_gaussian"): "allowed: bernoulli, gaussian, none",
        ("classes", 10): "A model of onnx graphs takes no class",
        ("latent.dim", 5): "The file's model cannot be opened. The encoder gives (1, 8); needed: (1, 10).",
        ("image_shape", (1, 8, 9)): "The file's model cannot be opened. The encoder has shapes that do not fit",
    }
    for (place, value), words in cases.items():
        assert words in refused(forged(good, tmp_path, put(place, value))), place


# --- what such a model cannot do -----------------------------------------------------------------------------------


def test_it_is_not_trained_here(good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    opened = checkpoints.load(good)
    with pytest.raises(
        ValueError, match="was trained elsewhere: its ONNX graphs can be explored here, but not trained"
    ):
        training.Run(opened.recipe, data.load(DataConfig("digits")))
    out = str(tmp_path / "new.safetensors")
    cases = {
        ("--like", str(good)): "a model that was trained elsewhere: its recipe is not known",
        ("--body", "onnx"): "body kind is 'onnx'; allowed: linear, mlp, conv, resnet.",
        ("--likelihood", "none"): "likelihood kind is 'none', which is for models trained elsewhere",
    }
    for options, words in cases.items():
        assert main(["train", *options, "--data", "digits", "--out", out]) == 2
        assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


# --- the command line ----------------------------------------------------------------------------------------------


def test_two_files_on_the_command_line(
    principal: tuple[Path, Path, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder, decoder, out = (str(p) for p in (*principal[:2], tmp_path / "mine.safetensors"))
    command = ["import", encoder, decoder, "--data", "digits", "--describe", "PCA.", "--out", out]
    assert main(command) == 0
    assert "test reconstruction error" in capsys.readouterr().err
    opened = checkpoints.load(Path(out))
    assert opened.description == "PCA." and opened.model.spec.size == DIM
    assert main(command) == 2 and "exists; choose another name" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0
    for more in (["info", out], ["evaluate", out], ["evaluate", out, "--json"]):
        assert main(more) == 0
    told = capsys.readouterr().out
    assert "elsewhere; encoder and decoder are ONNX graphs" in told and "likelihood not given" in told
    assert "summed squares per image" in json.loads(told[told.index("{") :])["metrics"]["reconstruction"]["unit"]
    for command in ("encode --out l.npz", "sample --out s.png", "traverse --out t.png", "map --out m.csv"):
        name, *rest = command.split()
        assert main([name, out, *rest[:-1], str(tmp_path / rest[-1])]) == 0
    assert "reconstruction_summed_squares" in (tmp_path / "m.csv").read_text()


def test_wrong_input_is_one_line_and_leaves_no_file(
    principal: tuple[Path, Path, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder, decoder, out = (str(p) for p in (*principal[:2], tmp_path / "mine.safetensors"))
    garbage = tmp_path / "garbage.onnx"
    garbage.write_bytes(b"no graph")
    good = ["import", encoder, decoder, "--data", "digits", "--out", out]
    cases = [
        (["import", str(garbage), decoder, "--data", "digits", "--out", out], "The encoder is not an ONNX file"),
        (["import", decoder, encoder, "--data", "digits", "--out", out], "The encoder takes (N, 4); allowed for these"),
        (["import", encoder, encoder, "--data", "digits", "--out", out], "The encoder gives 4 numbers a picture, and"),
        ([*good, "--pixels", "black"], "--pixels is 'black'; write two numbers"),
        ([*good, "--size", "big"], "'big' is not a size; write 32 or 32x48"),
        ([*good, "--likelihood", "gaussian"], "needs its std"),
        ([*good[:-1], str(tmp_path / "mine.onnx")], "its name must end in .safetensors"),
        ([*good[:-4], "--out", out], "--data"),
    ]
    for command, words in cases:
        assert main(command) == 2, command
        said = capsys.readouterr().err
        assert words in said and said.count("\n") == 1, said
    assert [path.name for path in tmp_path.iterdir()] == ["garbage.onnx"]


# --- the README ----------------------------------------------------------------------------------------------------


def test_the_script_of_the_readme_runs_as_written(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (root / "README.md").read_text(), re.DOTALL)
    (script,) = [block for block in blocks if "vae_core.wrap" in block]
    monkeypatch.chdir(tmp_path)
    exec(compile(script, "README.md", "exec"), {})
    opened = checkpoints.load(tmp_path / "mine.safetensors")
    assert opened.model.spec.has_density and opened.reference is not None


def test_the_package_stays_light() -> None:
    import subprocess
    import sys

    code = "import sys, vae_core; sys.exit(bool({'torch', 'onnx', 'onnxruntime'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    code = "import sys, vae_core.checkpoints; sys.exit(bool({'onnx', 'onnxruntime', 'onnxscript'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    with pytest.raises(AttributeError, match="module 'vae_core' has no attribute 'unwrap'"):
        vae_core.unwrap  # noqa: B018
    assert graphs.MAX_BYTES * 2 < checkpoints.MAX_BYTES
