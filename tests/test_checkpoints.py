"""Checkpoints: bit for bit there and back; one sentence for every file that is damaged, hostile or something else."""

import copy
import errno
import json
import os
import resource
import struct
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save as write_tensors
from torch import Tensor

from vae_core import checkpoints
from vae_core.checkpoints import Checkpoint, CheckpointError, DataInfo, Reference, load, read_file, save, write_file
from vae_core.config import Body, DataConfig, Latent, ModelConfig, Recipe, to_dict
from vae_core.model import build

ROWS, DIM = 6, 3
FIGURES = {"elbo": -20.5, "reconstruction": 18.0, "kl": 2.5, "kl_per_dim": [1.0, 1.0, 0.5], "active_units": 3}
ROW = {"epoch": 1, "seconds": 0.5, "loss": 20.5, "beta": 1.0, "learning_rate": 1e-3, "score": -20.5}
HTML = "<script>alert('1')</script> & <b>"

Change = Callable[[dict[str, Any], dict[str, Tensor]], Any]


def body(kind: str = "mlp", **more: Any) -> Body:
    return Body(kind, (4,), **more)


def make(net: Body | None = None) -> Checkpoint:
    net = net or body("conv", norm="batch")
    config = ModelConfig((1, 8, 8), net, net, Latent(dim=DIM))
    places = torch.arange(ROWS)
    columns = [torch.rand(ROWS, DIM) for _ in range(3)]
    return Checkpoint(
        Recipe(model=config, data=DataConfig(name=HTML)),
        build(config).eval(),
        DataInfo(HTML, ("a", "b"), ("f", "g"), (("0", "1"), ("x", "y", HTML)), (10, 5, ROWS), HTML, "CC BY 4.0"),
        HTML,
        [{**ROW, "train": FIGURES, "val": FIGURES}, {**ROW, "epoch": 2, "train": FIGURES, "val": FIGURES}],
        {**FIGURES, "bits_per_dimension": None, "test_pictures": ROWS},
        {"torch": "2.8"},
        Reference(
            *columns,
            torch.rand(ROWS),
            places,
            places % 2,
            torch.stack([places % 2, places % 3], 1),
            torch.randn(ROWS, 2),
        ),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("good") / "model.safetensors"
    save(make(), path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def forge(good: bytes, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Change], bytes]:
    """The good file with a change, and a checksum that is right again."""
    path = tmp_path_factory.mktemp("forged") / "model.safetensors"

    def forged(change: Change) -> bytes:
        header, tensors = copy.deepcopy(read_file(good))
        change(header, tensors)
        write_file(path, header, tensors)
        return path.read_bytes()

    return forged


def refused(data: bytes | Path, *words: str) -> None:
    """The file is refused with one sentence of a readable length."""
    with pytest.raises(CheckpointError) as caught:
        load(data)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400 and message.endswith(".")
    assert all(word in message for word in words), message


def raw(outer: Any, data: bytes = b"") -> bytes:
    """A safetensors file with this JSON as its header."""
    text = outer if isinstance(outer, bytes) else json.dumps(outer).encode()
    return struct.pack("<Q", len(text)) + text + data


def with_header(text: str, tensors: str = "{}") -> bytes:
    """A safetensors file whose metadata hold this text under our key."""
    return raw({"__metadata__": {checkpoints.KEY: text}, **json.loads(tensors)})


# --- there and back --------------------------------------------------------------------------------------------------


def test_what_half_precision_holds_takes_half_the_room(path: Path) -> None:
    before = make()
    assert before.reference is not None
    long = before.reference.mean
    short = checkpoints.shortened(long)
    assert torch.allclose(short, long, rtol=2**-11) and not torch.equal(short, long)
    huge = torch.tensor([1.0, 1e6])
    assert checkpoints.shortened(huge) is huge
    save(replace(before, reference=replace(before.reference, mean=short)), path)
    stored = read_file(path)[1]
    assert stored["reference.mean"].dtype == torch.float16 and stored["reference.std"].dtype == torch.float32
    assert stored["reference.labels"].dtype == torch.uint8
    after = load(path).reference
    assert after is not None and after.mean.dtype == torch.float32
    assert torch.equal(after.mean, short) and torch.equal(after.std, before.reference.std)
    assert after.labels is not None and after.labels.dtype == torch.int64
    assert torch.equal(after.labels, before.reference.labels)


@pytest.mark.parametrize("net", [body(), body("conv"), body("resnet", norm="batch"), Body("linear", ())], ids=str)
def test_round_trip_is_bit_for_bit(net: Body, path: Path) -> None:
    before = make(net)
    save(before, path)
    for source in (path, path.read_bytes()):
        after = load(source)
        for name in ("recipe", "data", "description", "history", "metrics", "versions"):
            assert getattr(after, name) == getattr(before, name)
        for name, tensor in before.model.state_dict().items():
            assert torch.equal(after.model.state_dict()[name], tensor)
        for name, column in vars(before.reference).items():
            assert torch.equal(getattr(after.reference, name), column)
        assert len(after.reference) == ROWS
        assert not after.model.training
        assert not any(weight.requires_grad for weight in after.model.parameters())


def test_what_a_model_is_is_read_without_its_weights(path: Path, good: bytes) -> None:
    path.write_bytes(good[:-100])
    assert checkpoints.recipe_of(path) == checkpoints.load(good).recipe
    for damaged in (good[:40], b"", b"no model at all"):
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="not a safetensors file"):
            checkpoints.recipe_of(path)
    path.unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        checkpoints.recipe_of(path)


def test_html_stays_text(good: bytes) -> None:
    found = load(good)
    assert found.data.name == found.description == found.data.value_names[1][2] == found.recipe.data.name == HTML


def test_equal_content_gives_equal_bytes(good: bytes, path: Path) -> None:
    for _ in range(3):
        save(load(good), path)
        assert path.read_bytes() == good


def test_a_model_without_reference_or_figures_opens(path: Path) -> None:
    whole = make()
    save(Checkpoint(whole.recipe, whole.model, DataInfo("x")), path)
    found = load(path)
    assert found.reference is None
    assert (found.history, found.metrics, found.description) == ([], {}, "")


def test_columns_that_the_data_does_not_have_are_left_out(forge: Callable[[Change], bytes]) -> None:
    def change(header: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        for name in ("labels", "factors", "tsne"):
            del tensors[f"reference.{name}"]

    found = load(forge(change)).reference
    assert (found.labels, found.factors, found.tsne) == (None, None, None)


def test_loaded_models_do_not_share_memory(good: bytes) -> None:
    one, two = load(good), load(good)
    next(iter(one.model.parameters())).zero_()
    assert next(iter(two.model.parameters())).abs().max() > 0


# --- damage ----------------------------------------------------------------------------------------------------------


def test_every_truncation_is_noticed(good: bytes) -> None:
    for length in {*range(0, len(good), len(good) // 60), *range(12), len(good) - 1}:
        refused(good[:length])
    refused(good + b"\0")


def test_every_flipped_bit_is_noticed(good: bytes) -> None:
    """Header length, header and tensors, at places that are spread and drawn."""
    generator = torch.Generator().manual_seed(1)
    drawn = torch.randint(0, len(good), (150,), generator=generator).tolist()
    for place in {*range(8), 8, 9, *range(10, len(good), len(good) // 150), *drawn, len(good) - 1}:
        damaged = bytearray(good)
        damaged[place] ^= 1 << int(torch.randint(0, 8, (1,), generator=generator))
        refused(bytes(damaged))


def test_a_flipped_weight_is_a_checksum(good: bytes) -> None:
    refused(good[:-1] + bytes([good[-1] ^ 1]), "checksum")


@settings(max_examples=150)
@given(st.binary(max_size=200) | st.binary(max_size=100).map(raw) | st.text(max_size=50).map(with_header))
def test_noise_is_refused(data: bytes) -> None:
    refused(data)


@settings(max_examples=100)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["__metadata__", checkpoints.KEY, "dtype", "shape", "data_offsets", "format"]),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_any_json_as_header_is_refused(value: Any) -> None:
    refused(raw(value))
    refused(with_header(json.dumps(value)))


def test_files_of_something_else(tmp_path: Path) -> None:
    refused(write_tensors({"weight": torch.zeros(3)}), "not made by vae-explorer")
    refused(write_tensors({"weight": torch.zeros(3)}, {"format": "pt"}), "not made by vae-explorer")
    refused(b"\x89PNG\r\n\x1a\n" + b"\0" * 1000, "not a safetensors file")
    refused(b"PK\x03\x04" + b"\0" * 1000, "not a safetensors file")
    refused(b"", "not a safetensors file")
    refused(tmp_path / "gone.safetensors", "There is no file 'gone.safetensors'")
    refused(tmp_path, "There is no file")
    with pytest.raises(CheckpointError):
        load(tmp_path / ("x" * 1000))


def test_a_directory_of_a_file_and_unreadable_files(good: bytes, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(good)

    def fail(self: Path) -> bytes:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "read_bytes", fail)
    refused(path, "cannot be read: Permission denied")


def test_a_newer_format_says_update(forge: Callable[[Change], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "FORMAT", 2)
    newer = forge(lambda header, tensors: header.update(later=1))
    monkeypatch.undo()
    refused(newer, "format 2", "up to 1", "update vae-explorer")


@pytest.mark.parametrize("value", [None, "1", 1.0, True, 0, -1, [1], {}])
def test_a_format_is_a_positive_whole_number(value: Any) -> None:
    refused(with_header(json.dumps({"format": value})), "no format number")


# --- hostile containers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0, 0.1, 1, 2])
def test_lengths_that_lie(good: bytes, share: float) -> None:
    refused(struct.pack("<Q", int(share * len(good))) + good[8:])


@pytest.mark.parametrize("call", [0, 1])
def test_what_is_nested_too_deep_for_json(good: bytes, call: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python says so by a RecursionError, of the file's header or of ours within it."""
    loads, calls = json.loads, iter(range(9))

    def fail(text: bytes | str) -> Any:
        if next(calls) == call:
            raise RecursionError
        return loads(text)

    monkeypatch.setattr(checkpoints.json, "loads", fail)
    refused(good, ("not a safetensors file", "header is not readable")[call])


@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")])
def test_nesting_where_there_should_be_none(brackets: tuple[str, str]) -> None:
    nested = brackets[0] * 9 + "1" + brackets[1] * 9
    refused(raw(nested.encode()))
    refused(with_header(nested))
    refused(with_header('{"format": 1, "recipe": ' + nested + "}"))


def test_a_model_is_built_without_memory_before_its_weights_are_looked_at(
    good: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(config: Any) -> Any:
        assert torch.empty(1).device.type == "meta"
        raise RuntimeError("too large, say")

    monkeypatch.setattr(checkpoints, "build", fail)
    refused(good, "no model can be built from it")


def test_entries_that_lie_about_their_bytes(good: bytes) -> None:
    length = struct.unpack("<Q", good[:8])[0]
    outer, data = json.loads(good[8 : 8 + length]), good[8 + length :]
    names = [name for name in outer if name != "__metadata__"]

    def lie(**entry: Any) -> bytes:
        return raw({**outer, names[0]: {**outer[names[0]], **entry}}, data)

    start, stop = outer[names[1]]["data_offsets"]
    refused(lie(data_offsets=[start, stop]))
    refused(lie(data_offsets=[stop, start]))
    refused(lie(data_offsets=[0, len(good)]))
    refused(lie(data_offsets=[-1, 3]))
    refused(lie(data_offsets="0"))
    refused(lie(shape=[100, 100]))
    refused(lie(shape=[10_000]))
    refused(lie(shape=[-1]))
    refused(lie(shape=None))
    refused(lie(dtype="F8_E4M3"))
    refused(lie(dtype="F4"))
    refused(lie(dtype="F99"))
    refused(lie(dtype=7))
    refused(raw({**outer, "__metadata__": [1]}, data), "not made by vae-explorer")
    refused(raw({**outer, "__metadata__": None}, data), "not made by vae-explorer")
    refused(raw({**outer, "__metadata__": {checkpoints.KEY: 7}}, data), "not made by vae-explorer")


@pytest.mark.parametrize(
    "dtype",
    [
        "bfloat16",
        "float64",
        "complex64",
        "float8_e4m3fn",
        "float8_e5m2",
        "bool",
        "uint8",
        "int8",
        "int32",
        "uint16",
    ],
)
def test_weights_of_another_type(forge: Callable[[Change], bytes], dtype: str) -> None:
    def change(header: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        tensors["model.latent.head.bias"] = tensors["model.latent.head.bias"].to(getattr(torch, dtype))

    short = dtype == "uint8"  # whole numbers of a reference may be of it, weights may not
    refused(forge(change), dtype, "contradict" if short else "allowed: torch.float32, torch.int64, torch.float16")


def test_whole_numbers_as_weights_and_as_encodings(forge: Callable[[Change], bytes]) -> None:
    for name in ("model.latent.head.bias", "reference.mean"):

        def change(header: dict[str, Any], tensors: dict[str, Tensor], name: str = name) -> None:
            tensors[name] = tensors[name].long()

        refused(forge(change), "int64")


def test_files_that_are_too_large_are_not_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with path.open("wb") as file:
        file.truncate(checkpoints.MAX_BYTES + 1)  # a sparse file: takes no disk
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("was read"))
    refused(path, "256 MB")
    monkeypatch.setattr(checkpoints, "MAX_BYTES", 100)
    refused(b"x" * 200)


# --- hostile contents ------------------------------------------------------------------------------------------------


def change_at(*place: Any, to: Any) -> Change:
    def change(header: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        inner: Any = header
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = to

    return change


def tensor(name: str, to: Any) -> Change:
    """Replace a tensor by another, or by what a function makes of it."""
    return lambda header, tensors: tensors.update({name: to(tensors[name]) if callable(to) else to})


def drop(*place: Any) -> Change:
    def change(header: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        inner: Any = header
        for key in place[:-1]:
            inner = inner[key]
        del inner[place[-1]]

    return change


long = "x" * 3_000
HEADERS: list[tuple[Change, str]] = [
    (drop("recipe"), "recipe is NoneType"),
    (drop("data"), "data is NoneType"),
    (drop("data", "name"), "data has no 'name'"),
    (change_at("recipe", to=[]), "recipe is list"),
    (change_at("recipe", "colour", to=1), "unknown key 'colour'"),
    (change_at("recipe", "name", to=long), "recipe's name"),
    (change_at("recipe", "model", "encoder", "kind", to=long), "body kind"),
    (change_at("recipe", "model", "latent", "dim", to=10**6), "latent dim"),
    (change_at("recipe", "model", "likelihood", "std", to=float("nan")), "std is nan"),
    (change_at("recipe", "model", "latent", "dim", to=4), "contradict the recipe"),
    (change_at("recipe", "model", "encoder", "hidden", to=[5]), "contradict the recipe"),
    (change_at("recipe", "model", "encoder", "hidden", to=[4, 4]), "contradict the recipe"),
    (change_at("recipe", "model", "decoder", "kind", to="resnet"), "contradict the recipe"),
    (change_at("recipe", "model", "image_shape", to=[3, 8, 8]), "contradict the recipe"),
    (change_at("recipe", "model", "likelihood", "kind", to="learned_gaussian"), "contradict the recipe"),
    (change_at("recipe", "model", "encoder", to={"kind": "mlp", "hidden": [64] * 6}), "contradict the recipe"),
    (change_at("recipe", "model", "encoder", to={"kind": "conv", "hidden": [64] * 2}), "contradict the recipe"),
    (change_at("recipe", "model", "image_shape", to=[1, 256, 256]), "contradict the recipe"),
    (change_at("description", to=long), "description has 3000 characters"),
    (change_at("description", to=None), "description must be of type str"),
    (change_at("description", to="half a \ud800 pair"), "not readable"),
    (change_at("versions", to=[]), "versions must be of type dict"),
    (change_at("versions", "torch", to=2), "versions must be texts"),
    (change_at("versions", "torch", to=long), "versions must be texts"),
    (change_at("data", "credit", to=long), "more than 2000 characters"),
    (change_at("data", "class_names", 0, to=long), "more than 2000 characters"),
    (change_at("data", "value_names", 1, 0, to=long), "more than 2000 characters"),
    (change_at("data", "class_names", to="ab"), "must be a list"),
    (change_at("data", "class_names", 0, to=3), "must be of type str"),
    (change_at("data", "sizes", to=[1, 2]), "2 entries"),
    (change_at("data", "sizes", to=[-1, 2, 9]), "none may be below 0"),
    (change_at("data", "factor_names", to=["f"]), "1 factor_names and 2 value_names"),
    (change_at("metrics", to=[]), "metrics must be of type dict"),
    (change_at("metrics", "elbo", to="-20"), "'elbo' is '-20'"),
    (change_at("metrics", "elbo", to=float("nan")), "'elbo' is nan"),
    (change_at("metrics", "elbo", to=float("inf")), "'elbo' is inf"),
    (change_at("metrics", "elbo", to=10**400), "'elbo' is 1000"),
    (change_at("metrics", "active_units", to=True), "'active_units' is True"),
    (change_at("metrics", "kl_per_dim", to=[1.0]), "'kl_per_dim' is [1.0]"),
    (change_at("metrics", "kl_per_dim", to=[1.0, None, 2.0]), "'kl_per_dim'"),
    (change_at("metrics", "kl_per_dim", to=3.0), "'kl_per_dim'"),
    (change_at("metrics", long, to=long), "in the metrics"),
    (change_at("history", to={}), "history must be of type list"),
    (change_at("history", 1, to=7), "a row of the history is 7"),
    (change_at("history", 1, to=None), "a row of the history is None"),
    (change_at("history", 1, to={}), "lacks"),
    (change_at("history", 1, "train", to=[]), "lacks the figures of a split"),
    (change_at("history", 0, "train", to={}), "lacks active_units, elbo"),
    (drop("history", 0, "val", "kl_per_dim"), "lacks kl_per_dim"),
    (drop("history", 0, "epoch"), "lacks epoch"),
    (drop("history", 0, "val"), "lacks the figures of a split"),
    (change_at("history", 1, "epoch", to="two"), "'epoch' is 'two'"),
    (change_at("history", 1, "loss", to=float("-inf")), "'loss' is -inf"),
    (change_at("history", 1, "val", "kl_per_dim", to=[1.0] * 4), "'kl_per_dim'"),
    (change_at("history", 1, "val", "kl_per_dim", to=[1.0, "x", 1.0]), "'kl_per_dim'"),
    (change_at("history", 1, "val", "elbo", to={"a": [1] * 99}), "'elbo'"),
]


@pytest.mark.parametrize(("change", "words"), HEADERS, ids=[words for _, words in HEADERS])
def test_headers_that_a_page_would_stumble_over(forge: Callable[[Change], bytes], change: Change, words: str) -> None:
    refused(forge(change), words)


def test_endless_histories(forge: Callable[[Change], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "MAX_EPOCHS", 1)
    refused(forge(lambda header, tensors: None), "2 rows; allowed: up to 1")


WEIGHT, NAN = "model.latent.head.weight", float("nan")
TENSORS: list[tuple[Change, str]] = [
    (tensor(WEIGHT, lambda t: t.index_fill(0, torch.tensor([1]), NAN)), "not finite, in latent.head.weight"),
    (tensor(WEIGHT, lambda t: t + float("inf")), "not finite, in latent.head.weight"),
    (tensor(WEIGHT, lambda t: t.T.contiguous()), "contradict the recipe"),
    (tensor(WEIGHT, lambda t: t[:0]), "contradict the recipe"),
    (tensor(WEIGHT, lambda t: t[None]), "contradict the recipe"),
    (tensor(WEIGHT, lambda t: t * 1e38), "pictures that are not finite"),
    (tensor("model.encoder.1.running_var", lambda t: t - 10), "pictures that are not finite"),
    (tensor("model.extra", torch.zeros(1)), "contradict the recipe: 'extra'"),
    (lambda header, tensors: tensors.pop(WEIGHT), "contradict the recipe: 'latent.head.weight'"),
    (tensor("junk", torch.zeros(1)), "not of the model"),
    (tensor("x" * 300, torch.zeros(1)), "not of the model"),
    (tensor("", torch.zeros(1)), "not of the model"),
    (tensor("reference.extra", torch.zeros(ROWS)), "'extra'"),
    (lambda header, tensors: tensors.pop("reference.std"), "'std' is missing"),
    (lambda header, tensors: tensors.pop("reference.mean"), "'mean' is missing"),
    (tensor("reference.mean", torch.tensor(1.0)), "'mean' is ()"),
    (tensor("reference.mean", lambda t: t[:, :2].contiguous()), "'mean' is (6, 2)"),
    (tensor("reference.mean", lambda t: t[:4]), "'mean' is (4, 3)"),
    (tensor("reference.mean", lambda t: t / 0), "'mean'"),
    (tensor("reference.error", torch.tensor(1.0)), "'error' is ()"),
    (tensor("reference.error", torch.zeros(0)), "0 reference encodings; allowed: 1 to 100000"),
    (tensor("reference.error", torch.zeros(100_001)), "100001 reference encodings"),
    (tensor("reference.std", lambda t: -t), "standard deviation is below 0"),
    (tensor("reference.tsne", torch.zeros(ROWS, 3)), "'tsne' is (6, 3)"),
    (tensor("reference.tsne", torch.zeros(ROWS, 2) * NAN), "'tsne'"),
    (tensor("reference.index", lambda t: t - 1), "'index' is not within 0 to 5"),
    (tensor("reference.index", lambda t: t + 1), "'index' is not within 0 to 5"),
    (tensor("reference.index", lambda t: t.float()), "'index' is (6,) torch.float32"),
    (tensor("reference.labels", lambda t: t + 1), "'labels' is not within 0 to 1"),
    (tensor("reference.labels", lambda t: t.long() - 2**62), "'labels' is not within 0 to 1"),
    (tensor("reference.labels", lambda t: t[:, None]), "'labels' is (6, 1)"),
    (tensor("reference.factors", lambda t: t + 1), "'f' is not within 0 to 1"),
    (tensor("reference.factors", lambda t: t[:, :1].contiguous()), "'factors' is (6, 1)"),
    (tensor("reference.factors", lambda t: t[:, 0].contiguous()), "'factors' is (6,)"),
    (change_at("data", "class_names", to=[]), "'labels' is not within"),
    (change_at("data", "sizes", to=[10, 5, 3]), "'index' is not within 0 to 2"),
]


@pytest.mark.parametrize(("change", "words"), TENSORS, ids=[words for _, words in TENSORS])
def test_tensors_that_a_page_would_stumble_over(forge: Callable[[Change], bytes], change: Change, words: str) -> None:
    refused(forge(change), words)


def test_no_encodings_at_all(forge: Callable[[Change], bytes]) -> None:
    def change(header: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        tensors.update({name: t[:0] for name, t in tensors.items() if name.startswith("reference.")})

    refused(forge(change), "0 reference encodings")


def test_a_hostile_recipe_costs_no_memory(forge: Callable[[Change], bytes]) -> None:
    """Its weights would take 68 GB."""
    file = forge(change_at("recipe", "model", "decoder", to={"kind": "mlp", "hidden": [65_536] * 5}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(file, "contradict the recipe")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 50_000 * (1024 if sys.platform == "darwin" else 1)  # kilobytes; bytes on macOS


# --- writing ---------------------------------------------------------------------------------------------------------


def only(path: Path, content: bytes) -> None:
    """The folder holds this file with this content and nothing else."""
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == content


@pytest.mark.parametrize("step", ["fsync", "replace", "chmod"])
def test_a_full_disk_leaves_the_old_file(path: Path, good: bytes, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(good)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os if step == "fsync" else Path, step, full)
    with pytest.raises(OSError, match="No space left"):
        save(make(), path)
    monkeypatch.undo()
    only(path, good)


def test_a_file_that_may_not_grow_leaves_the_old_one(path: Path, good: bytes) -> None:
    """The real thing: the system stops the write half-way."""
    path.write_bytes(good)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(good) // 2, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            save(make(), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    only(path, good)


def test_an_interrupt_leaves_the_old_file(path: Path, good: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(good)

    def interrupt(number: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(make(), path)
    only(path, good)


def test_saving_replaces_whole_files(path: Path, good: bytes) -> None:
    path.write_bytes(b"old")
    reader = path.open("rb")
    save(load(good), path)
    only(path, good)
    with reader:
        assert reader.read() == b"old"  # who has the old file open keeps it


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        save(make(), tmp_path / "no" / "model.safetensors")


# --- names -----------------------------------------------------------------------------------------------------------


def test_shipped_names_and_paths_are_found(path: Path, good: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "SHIPPED", path.parent)
    assert checkpoints.shipped() == []
    with pytest.raises(CheckpointError, match="one of: none"):
        checkpoints.find("model")
    path.write_bytes(good)
    assert checkpoints.shipped() == ["model"]
    assert checkpoints.find("model") == checkpoints.find(str(path)) == path
    for name in ("other", "", "x" * 5000, "a\0b", str(path.parent)):
        with pytest.raises(CheckpointError, match="one of: model"):
            checkpoints.find(name)


def test_the_checksum_covers_names_and_header(good: bytes) -> None:
    header, tensors = read_file(good)
    kept = checkpoints.digest(header, tensors)
    assert kept == header["sha256"]
    assert kept != checkpoints.digest({**header, "description": ""}, tensors)
    assert kept != checkpoints.digest(header, {f"x{name}": t for name, t in tensors.items()})
    assert kept == checkpoints.digest(dict(reversed(header.items())), dict(reversed(tensors.items())))
    assert to_dict(load(good).recipe)["data"]["name"] == HTML
