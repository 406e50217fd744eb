"""The command line, run inside this process: what it writes, what it says, and what it refuses."""

import csv
import errno
import json
import math
import os
import resource
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.main import get_command

from vae_core import checkpoints, config, coverage, explore, features, files, images, realism, scoring, zoo
from vae_core.cli import app, main, shared
from vae_core.cli.latents import _prepared
from vae_core.cli.planning import plan
from vae_core.data import DataConfig, load
from vae_core.shards import seeded
from vae_core.training import Run

SMALL = shlex.split("--hidden 24 --latent-dim 3 --epochs 8 --learning-rate 0.01 --device cpu")
NASTY = "Small \x1b[31m<b>digits</b>"  # what a stranger's header may hold


@dataclass(frozen=True)
class Answer:
    status: int
    out: str
    err: str


Vae = Callable[..., Answer]


@pytest.fixture
def vae(capsys: pytest.CaptureFixture[str]) -> Vae:
    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        return Answer(status, *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of digits, Gaussian."""
    path = tmp_path_factory.mktemp("cli") / "small.safetensors"
    assert main(["train", *SMALL, "--describe", NASTY, "--out", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def on_bits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of digits, Bernoulli."""
    path = tmp_path_factory.mktemp("cli") / "bits.safetensors"
    assert main(["train", *SMALL, "--likelihood", "bernoulli", "--out", str(path)]) == 0
    return path


def weights(path: Path) -> dict[str, torch.Tensor]:
    return checkpoints.load(path).model.state_dict()


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


def same(a: Path, b: Path) -> bool:
    return all(torch.equal(t, weights(b)[name]) for name, t in weights(a).items())


# --- help -------------------------------------------------------------------------------------------------------


COMMANDS = get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_ends_with_an_example_that_the_command_takes(name: str, vae: Vae) -> None:
    answer = vae(name, "--help")
    assert answer.status == 0
    example = COMMANDS[name].epilog.removeprefix("Example: ")
    assert " ".join(example.split()[:3]) in answer.out
    words = shlex.split(example)
    assert words[:2] == ["vae", name]
    COMMANDS[name].make_context(name, words[2:])  # raises on an option that there is not


def test_help_shows_what_stands_in_brackets(vae: Vae) -> None:
    assert "(needs [lpips])" in " ".join(vae("train", "--help").out.replace("│", "").split())


def test_no_arguments_show_the_commands(vae: Vae) -> None:
    answer = vae()
    assert answer.status == 0
    assert all(f" {name} " in answer.out for name in COMMANDS)


def test_entry_points_answer_without_importing_torch(root: Path) -> None:
    code = (
        "import sys; from vae_core.cli import main; s = main(['zoo', '--json']); sys.exit(s or 'torch' in sys.modules)"
    )
    for words in (["-c", code], ["-m", "vae_core", "zoo", "--json"]):
        done = subprocess.run([sys.executable, *words], cwd=root, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert set(json.loads(done.stdout)["variants"]) == set(zoo.VARIANTS)


# --- train ------------------------------------------------------------------------------------------------------


def test_train_writes_one_file_and_tells_each_epoch(tmp_path: Path, vae: Vae) -> None:
    out = tmp_path / "m.safetensors"
    answer = vae("train", *SMALL, "--save-every", 0, "--out", out)
    assert answer.status == 0
    assert answer.out == ""
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]
    found = checkpoints.load(out)
    for row in found.history:
        (line,) = (text for text in answer.err.splitlines() if text.startswith(f"epoch {row['epoch']}/8 "))
        assert f"ELBO {row['val']['elbo']:.2f}, KL {row['val']['kl']:.2f}" in line
        assert "images/s" in line
        assert "left" in line
    assert f"{found.metrics['elbo']:.2f} nats" in answer.err


def test_options_reach_the_recipe(tmp_path: Path, vae: Vae) -> None:
    out = tmp_path / "m.safetensors"
    options = (
        "--model conv --body mlp --hidden 12,6 --latent-dim 2 --activation tanh --norm group --dropout 0.1 "
        "--likelihood gaussian --std 0.3 --size 9x10 --channels 3 --count 200 --val-fraction 0.2 --beta 3 "
        "--beta-schedule linear --beta-start 0.5 --beta-length 0.25 --free-bits 0.1 --epochs 2 --batch-size 50 "
        "--learning-rate 0.002 --lr-schedule constant --weight-decay 0.01 --clip 5 --patience 7 --precision float32 "
        "--weights float16 --seed 9"
    )
    assert vae("train", *options.split(), "--device", "cpu", "--out", out).status == 0
    body = config.Body("mlp", (12, 6), "tanh", "group", 0.1)
    assert checkpoints.load(out).recipe == config.Recipe(
        "conv",
        config.ModelConfig((3, 9, 10), body, body, config.Latent(dim=2), config.LikelihoodConfig("gaussian", 0.3)),
        config.Objective(beta=config.Schedule("linear", 0.5, 3.0, 0.25), free_bits=0.1),
        config.Training(2, 50, config.Schedule("constant", 0.002, 0.002), 0.01, 5.0, 7, "float32", "float16", 9),
        config.DataConfig("digits", (9, 10), 3, 200, 0.2),
    )


@pytest.mark.parametrize(
    ("options", "place", "value"),
    [
        ("--model conv --beta-schedule cyclical --beta-cycles 7", "objective.beta.cycles", 7),
        ("--model ladder --groups 2:3,1:2", "model.latent.groups", ((2, 3), (1, 2))),
        ("--model vq --prior uniform", "model.latent.prior", "uniform"),
        ("--model conditional --conditioning film", "model.conditioning", "film"),
        ("--model conv --capacity 3", "objective.capacity", config.Schedule("linear", 0.0, 3.0, 0.8)),
        ("--model capacity --capacity 3 --beta 7", "objective.capacity.end", 3.0),
        ("--model conv --likelihood bernoulli --focal 2", "objective.focal", 2.0),
        ("--model conv --body linear --hidden ''", "model.encoder.kind", "linear"),
    ],
)
def test_options_that_hang_together_are_checked_together(options: str, place: str, value: object) -> None:
    context = get_command(app).commands["train"].make_context("train", shlex.split(f"--size 28 {options}"))
    found: object = plan({name: value for name, value in context.params.items() if value is not None})[0]
    for name in place.split("."):
        found = getattr(found, name)
    assert found == value


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--likelihood gaussian", ("gaussian", config.LikelihoodConfig.std)),
        ("--likelihood gaussian --std 0.4", ("gaussian", 0.4)),
        ("--std 0.4", ("learned_gaussian", 0.4)),
    ],
)
def test_another_likelihood_takes_its_own_standard_deviation(
    options: str, expected: tuple[str, float], trained: Path, tmp_path: Path, vae: Vae
) -> None:
    first, out = tmp_path / "first.safetensors", tmp_path / "m.safetensors"
    short = shlex.split("--epochs 1 --count 30 --device cpu")
    assert vae("train", *SMALL, *short, "--std", 0.7, "--out", first).status == 0
    assert vae("train", "--like", first, *short, *options.split(), "--out", out).status == 0
    found = checkpoints.load(out).recipe.model.likelihood
    assert (found.kind, found.std) == expected


def test_like_trains_the_same_model_from_the_header_alone(trained: Path, tmp_path: Path, vae: Vae) -> None:
    again, shorter = tmp_path / "again.safetensors", tmp_path / "shorter.safetensors"
    assert vae("train", "--like", trained, "--device", "cpu", "--out", again).status == 0
    assert same(again, trained)
    assert checkpoints.load(again).description == NASTY
    assert vae("train", "--like", trained, "--epochs", 1, "--device", "cpu", "--out", shorter).status == 0
    assert len(checkpoints.load(shorter).history) == 1
    assert not same(shorter, trained)


def test_a_description_stays_with_what_it_describes(trained: Path) -> None:
    for options, kept in (("--epochs 2", NASTY), ("--beta 2", ""), ("--size 12", ""), ("--count 90", "")):
        words = ["--like", str(trained), *options.split()]
        context = get_command(app).commands["train"].make_context("train", words)  # type: ignore[attr-defined]
        given = {name: value for name, value in context.params.items() if value is not None}
        assert plan(given)[2] == kept, options


def test_an_earlier_result_is_never_lost_silently(trained: Path, tmp_path: Path, vae: Vae) -> None:
    out, state = tmp_path / "m.safetensors", tmp_path / "m.state.safetensors"
    out.write_bytes(trained.read_bytes())
    refused = vae("train", *SMALL, "--out", out)
    assert refused.status == 2
    assert "--overwrite" in refused.err
    done = vae("train", *SMALL, "--out", out, "--resume")
    assert done.status == 0
    assert "finished already" in done.err
    other = vae("train", *SMALL, "--beta", 2, "--out", out, "--resume")
    assert other.status == 2
    assert "objective.beta.end is 1.0, not 2.0" in other.err
    assert out.read_bytes() == trained.read_bytes()
    out.unlink()
    state.write_bytes(b"hours of work")
    refused = vae("train", *SMALL, "--out", out)
    assert refused.status == 2
    assert "--resume" in refused.err
    assert state.read_bytes() == b"hours of work"
    assert vae("train", *SMALL, "--out", out, "--overwrite").status == 0
    assert same(out, trained)


def test_a_folder_of_pictures_becomes_a_model(tmp_path: Path, vae: Vae) -> None:
    noise = np.random.default_rng(0)
    for k in range(24):
        folder = tmp_path / "shapes" / ("dark", "light")[k % 2]
        folder.mkdir(parents=True, exist_ok=True)
        drawn = noise.integers(0, 128, (8, 12, 3)) + 127 * (k % 2)
        Image.fromarray(drawn.astype(np.uint8)).save(folder / f"{k}.png")
    out, latents = tmp_path / "m.safetensors", tmp_path / "latents.npz"
    assert vae("train", *SMALL, "--data", tmp_path / "shapes", "--out", out).status == 0
    found = checkpoints.load(out)
    assert found.data.name == "shapes"
    assert found.data.class_names == ("dark", "light")
    assert found.model.image_shape == (3, 8, 12)
    refused = vae("evaluate", out)
    assert refused.status == 2
    assert "--data" in refused.err
    assert vae("evaluate", out, "--data", tmp_path / "shapes").status == 0
    assert vae("encode", out, "--data", tmp_path / "shapes", "--out", latents).status == 0
    with np.load(latents) as arrays:
        assert sorted(arrays["label"]) == [0] * 12 + [1] * 12


def test_one_picture_is_too_few_to_train_on(tmp_path: Path, vae: Vae) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "one.png")
    answer = vae("train", *SMALL, "--data", tmp_path, "--out", tmp_path / "m.safetensors")
    assert answer.status == 2
    assert "at least 3 pictures" in answer.err


# --- info, evaluate ---------------------------------------------------------------------------------------------


def test_info_is_one_json_object_with_the_recipe(trained: Path, vae: Vae) -> None:
    about = json.loads(vae("info", trained, "--json").out)
    found = checkpoints.load(trained)
    assert config.from_dict(config.Recipe, about["recipe"]) == found.recipe
    assert about["metrics"] == found.metrics
    assert about["history"] == found.history
    assert about["description"] == NASTY


def test_info_without_a_file_is_a_table_of_the_shipped_models(vae: Vae, root: Path) -> None:
    rows = vae("info").out.splitlines()
    assert [row.split("|")[1].strip() for row in rows[2:]] == checkpoints.shipped()
    assert len({row.count("|") for row in rows}) == 1
    for row, name in zip(rows[2:], checkpoints.shipped(), strict=True):
        found = checkpoints.load(checkpoints.find(name))
        cells = [cell.strip() for cell in row.split("|")[1:-1]]
        assert cells[3:5] == [found.data.name, f"{found.metrics['parameters']:,}"]
        assert (
            cells[1].split(",")[0] == found.recipe.name
            and cells[2].split()[0] in zoo.VARIANTS[cells[1].split(",")[0]].paper
        )
        assert cells[-1] == f"`vae train --like {name}`"
    assert list(json.loads(vae("info", "--json").out)) == checkpoints.shipped()
    assert "\n".join(rows) in (root / "README.md").read_text("utf-8")


def test_the_table_copes_with_models_without_a_density_and_headers_without_figures(
    points: Path, tmp_path: Path, vae: Vae, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = checkpoints.load(points)
    checkpoints.save(found, tmp_path / "points.safetensors")
    bare = replace(found, metrics={}, recipe=replace(found.recipe, name="foreign"))
    checkpoints.save(bare, tmp_path / "bare.safetensors")
    monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path)
    rows = {row.split("|")[1].strip(): row for row in vae("info").out.splitlines()[2:]}
    assert f"reconstruction {found.metrics['reconstruction']:,.1f}" in rows["points"]
    assert "Hinton and Salakhutdinov 2006 |" in rows["points"]
    assert "| foreign | - | digits | - | - | - | - |" in rows["bare"]
    assert vae("info", tmp_path / "points.safetensors").status == 0


def test_the_zoo_lists_every_variant(vae: Vae) -> None:
    text, rows = vae("zoo").out, json.loads(vae("zoo", "--json").out)["variants"]
    lines = text.splitlines()
    for name, row in zoo.VARIANTS.items():
        (line,) = (line for line in lines if line.startswith(f"{name} "))
        assert f" {row.cost:g} " in line and row.latent.kind in line and row.objective.kind in line
        assert rows[name]["paper"] == row.paper and rows[name]["purpose"] == row.purpose
        assert rows[name]["cost"] == row.cost
        assert rows[name]["latent"]["kind"] == row.latent.kind
        assert rows[name]["objective"]["kind"] == row.objective.kind


def test_info_tells_figures_and_credit_without_obeying_a_header(trained: Path, vae: Vae) -> None:
    answer = vae("info", trained)
    found = checkpoints.load(trained)
    for text in (f"{found.metrics['elbo']:.2f} nats", found.data.credit, found.data.licence, "Gaussian, learned"):
        assert text in answer.out
    assert "\x1b" not in answer.out


@pytest.mark.parametrize(
    ("figures", "line"),
    [
        ({"kl": None}, "test ELBO -1.50 nats per image, 2 of 3 units active"),
        ({"elbo": None}, "test reconstruction error 2.50 nats per image, KL 0.25 nats per image, 2 of 3 units active"),
        ({"elbo": None, "reconstruction": None, "kl": None}, "2 of 3 units active"),
        ({"elbo": None, "reconstruction": None, "kl": None, "active_units": None}, "none"),
    ],
)
def test_info_prints_the_figures_that_there_are(
    figures: dict[str, float | None], line: str, trained: Path, tmp_path: Path, vae: Vae
) -> None:
    path, whole = tmp_path / "m.safetensors", {"elbo": -1.5, "reconstruction": 2.5, "kl": 0.25, "active_units": 2}
    for kept in (whole | figures, {name: value for name, value in (whole | figures).items() if value is not None}):
        replace(checkpoints.load(trained), metrics=kept).save(path)
        assert f"test figures  {line}\n" in vae("info", path).out


def written_before(name: str, path: Path) -> checkpoints.Checkpoint:
    """A shipped model's file with active units by the variance, as every model had them."""
    header, tensors = checkpoints.read_file(checkpoints.find(name))
    for figures in (header["metrics"], *(row[part] for row in header["history"] for part in ("train", "val"))):
        figures["active_units"] = 53
    checkpoints.write_file(path, header, tensors)
    return checkpoints.load(checkpoints.find(name))


@pytest.mark.parametrize("name", ["digits-vdvae", "digits-mixture"])
def test_a_file_written_before_opens_with_todays_figures_and_can_be_updated(
    name: str, tmp_path: Path, vae: Vae
) -> None:
    path = tmp_path / "old.safetensors"
    today = written_before(name, path)
    opened = checkpoints.load(path)
    assert (opened.metrics, opened.history) == (today.metrics, today.history)
    assert f"active_units 53 -> {today.metrics['active_units']}" in vae("update", path).err
    header, tensors = checkpoints.read_file(path)
    assert header["metrics"] == today.metrics
    before = checkpoints.read_file(checkpoints.find(name))[1]
    assert all(torch.equal(tensors[key], before[key]) for key in before)
    assert "nothing changes" in vae("update", path).err


def test_info_tells_whether_the_prior_is_fit_for_a_generator(vae: Vae) -> None:
    found = coverage.measure(checkpoints.load(checkpoints.find("digits")))
    text = vae("info", "digits").out
    assert f"prior         {found.verdict}\n" in text and f"  holes       {found.rows()['Holes']}\n" in text
    assert json.loads(vae("info", "digits", "--json").out)["prior"] == found.summary()
    assert "level by level" in json.loads(vae("info", "digits-vdvae", "--json").out)["prior"]["not_measured"]


def test_evaluate_compares_draws_with_pictures(
    trained: Path, vae: Vae, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_CACHE", str(tmp_path))
    monkeypatch.setitem(features.STEPS, "classifier", 20)
    options = ("--metrics", "kid,precision,recall", "--device", "cpu")
    rows = json.loads(vae("evaluate", trained, *options, "--json").out)["metrics"]
    sides = ["own_prior", "fitted_prior", "reconstructions", "real"]
    assert [list(row["value"]) for row in rows.values()] == [sides] * 3
    text = vae("evaluate", trained, *options).out
    assert f"fitted prior {rows['kid']['value']['fitted_prior']:.3f} ± " in text
    refused = vae("evaluate", trained, *options, "--limit", 99)
    assert refused.status == 2 and "kid needs at least 100 pictures" in refused.err


def test_a_run_ends_with_a_comparison_of_its_samples(tmp_path: Path, vae: Vae) -> None:
    out = tmp_path / "m.safetensors"
    answer = vae("train", *SMALL, "--epochs", 1, "--out", out)
    found = checkpoints.load(out)
    told = realism.describe(found.metrics, found.model.spec)
    assert told in answer.err and "draws from N(0, I)" in told
    assert f"samples       {told}\n" in vae("info", out).out
    few = tmp_path / "few.safetensors"
    answer = vae("train", *SMALL, "--epochs", 1, "--count", 60, "--out", few)
    assert "Samples were not compared with real pictures" in answer.err
    assert "samples " not in vae("info", few).out


def test_info_tells_the_kl_of_each_level_and_the_dead(vae: Vae) -> None:
    answer = vae("info", "mnist-ladder").out
    assert "149 of 464 units active by their KL" in answer
    assert "KL of levels  11.27, 0.00025, 26.01 nats, coarse to fine; level 2 of 3 is dead" in answer
    assert "KL of levels" not in vae("info", "digits").out


def test_evaluate_gives_the_figures_of_the_header_again(trained: Path, vae: Vae) -> None:
    answer = vae("evaluate", trained, "--metrics", "elbo,kl,kl_per_dim,active_units", "--device", "cpu", "--json")
    found, header = json.loads(answer.out), checkpoints.load(trained).metrics
    assert found["split"] == "test"
    assert found["pictures"] == header["test_pictures"]
    assert found["bits"] is None
    assert list(found["metrics"]) == ["elbo", "kl", "kl_per_dim", "active_units"]
    for name, row in found["metrics"].items():
        assert row["value"] == pytest.approx(header[name], rel=1e-6)
    assert sum(found["metrics"]["kl_per_dim"]["value"]) == pytest.approx(header["kl"], rel=1e-5)


def test_evaluate_on_bits_says_so_and_gives_bits_per_dimension(on_bits: Path, vae: Vae) -> None:
    options = shlex.split("--metrics elbo,nll,bits_per_dimension --k 40 --limit 60 --seed 3 --device cpu")
    found = json.loads(vae("evaluate", on_bits, *options, "--json").out)
    assert "seed 3" in found["bits"]
    assert found["pictures"] == 60
    rows = found["metrics"]
    assert rows["nll"]["value"] < -rows["elbo"]["value"]  # the tighter bound
    assert rows["nll"]["k"] == 40
    assert rows["bits_per_dimension"]["value"] == pytest.approx(rows["nll"]["value"] / (64 * math.log(2)))
    text = vae("evaluate", on_bits, *options).out
    assert "bits drawn from the grey values with seed 3" in text
    assert f"{rows['nll']['value']:.4f} ± {rows['nll']['standard_error']:.4f}" in text


def test_standard_error_is_that_of_the_mean_over_pictures(trained: Path, vae: Vae) -> None:
    row = json.loads(vae("evaluate", trained, "--metrics", "elbo", "--json").out)["metrics"]["elbo"]
    elbo = scoring.statistics(checkpoints.load(trained).model, load(DataConfig()).test.images).elbo
    assert row["standard_error"] == pytest.approx(elbo.std().item() / math.sqrt(len(elbo)), rel=1e-4)


# --- encode, sample, interpolate, traverse, map -------------------------------------------------------------------


def test_encode_keeps_the_order_of_the_data(trained: Path, tmp_path: Path, vae: Vae) -> None:
    from sklearn.datasets import load_digits

    out, digits = tmp_path / "latents.npz", load_digits()
    assert vae("encode", trained, "--out", out, "--device", "cpu").status == 0
    x = torch.from_numpy(digits.images)[:, None].float() / 16
    expected = checkpoints.load(trained).model.encode(x)
    with np.load(out) as arrays:
        assert (arrays["label"] == digits.target).all()
        assert list(arrays["class_names"]) == [str(k) for k in range(10)]
        # The data are kept as uint8, a fifth of a percent coarser than these.
        assert arrays["mean"] == pytest.approx(expected.mean[0].numpy(), abs=0.05)
        assert arrays["std"] == pytest.approx(expected.std[0].numpy(), abs=0.05)


def test_sample_is_the_decoded_prior_and_follows_the_seed(trained: Path, tmp_path: Path, vae: Vae) -> None:
    paths = [tmp_path / f"{k}.png" for k in range(3)]
    for path, seed in zip(paths, (0, 0, 1), strict=True):
        assert vae("sample", trained, "-n", 9, "--seed", seed, "--device", "cpu", "--out", path).status == 0
    first, second, third = (path.read_bytes() for path in paths)
    assert first == second != third
    model = checkpoints.load(trained).model
    x = images.to_uint8(explore.decode(model, explore.sample(model, 9)))
    first_grid = pixels(paths[0])
    scale = (first_grid.shape[1] - 4 * 2) // (3 * 8)  # three columns of 8 pixels with gutters of 2
    assert (first_grid[2 : 2 + 8 * scale : scale, 2 : 2 + 8 * scale : scale] == x[0, ..., 0]).all()


@pytest.mark.usefixtures("rough_flows")
def test_a_prior_is_fitted_of_either_kind_and_drawn_from_by_class(trained: Path, tmp_path: Path, vae: Vae) -> None:
    before = trained.read_bytes()
    for kind, source in (("mixture", "--references"), ("flow", "--limit=300")):
        made, grid = tmp_path / f"{kind}.safetensors", tmp_path / f"{kind}.png"
        answer = vae("prior", trained, "--kind", kind, source, "--out", made, "--device", "cpu")
        assert answer.status == 0 and "own prior" in answer.out and "nats a held-out picture" in answer.out
        model = (found := checkpoints.load(made)).model
        assert model.spec.fitted == kind and model.spec.fitted_classes == 10
        assert found.metrics["prior_references"] == (kind == "mixture")
        told = realism.describe(found.metrics, model.spec)  # without pictures nothing is known of the new prior's draws
        assert ("fitted prior" in told) == (told in answer.err) == (kind == "flow")
        again = vae("sample", made, "-n", 9, "--prior", "fitted", "--class", 3, "--device", "cpu", "--out", grid)
        assert again.status == 0
        points = explore.sample(model, 9, fitted=True, label=3)
        shown = np.asarray(images.grid(explore.decode(model, points), columns=3, scale=14))
        assert (pixels(grid) == shown).all()
    assert trained.read_bytes() == before


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("prior {trained} --references --kind spline --out {new}", "--kind is 'spline'; allowed: best, mixture, flow"),
        ("export {trained} --flow --onnx {new}", "vae prior FILE --kind flow"),
        ("interpolate {trained} {a} {b} --path flow --out {new}", "vae prior FILE --kind flow"),
    ],
)
def test_what_a_prior_cannot_do_is_told(command, words, trained, drawings, tmp_path: Path, vae: Vae) -> None:
    new = tmp_path / ("x.onnx" if "export" in command else "x.gif" if "interpolate" in command else "x.safetensors")
    places = {"trained": trained, "new": new, "a": drawings[0], "b": drawings[1]}
    answer = vae(*(word.format(**places) for word in command.split()))
    assert answer.status == 2 and words in answer.err and not new.exists()


def test_many_pictures_are_enlarged_less(trained: Path, tmp_path: Path, vae: Vae) -> None:
    out = tmp_path / "x.png"
    assert vae("sample", trained, "-n", 10_000, "--out", out).status == 0
    assert pixels(out).shape == (100 * (8 * 9 + 2) + 2,) * 2


def test_more_pictures_than_fit_are_refused_before_they_are_decoded(
    trained: Path, tmp_path: Path, vae: Vae, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "MAX_CANVAS", 1_000)
    monkeypatch.delattr(explore, "decode")
    answer = vae("sample", trained, "-n", 16, "--out", tmp_path / "x.png")
    assert answer.status == 2
    assert "at most 1,000 are allowed" in answer.err


def test_a_run_that_breaks_keeps_its_best_weights_and_says_how_to_go_on(
    tmp_path: Path, vae: Vae, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, close = tmp_path / "m.safetensors", Run.close_epoch

    def breaking(run: Run, epoch: int, loss: float, seconds: float) -> dict[str, object]:
        return close(run, epoch, math.nan if epoch == 5 else loss, seconds)

    monkeypatch.setattr(Run, "close_epoch", breaking)
    answer = vae("train", *SMALL, "--out", out)
    assert answer.status == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.best.safetensors", "m.state.safetensors"]
    last = answer.err.splitlines()[-1]
    assert "not finite after epoch 6" in last
    assert "m.best.safetensors" in last and "--overwrite" in last
    kept = checkpoints.load(tmp_path / "m.best.safetensors")
    assert len(kept.history) == 5
    assert math.isfinite(kept.metrics["elbo"])
    tmp_path.joinpath("m.state.safetensors").unlink()
    monkeypatch.setattr(Run, "close_epoch", lambda run, epoch, loss, seconds: close(run, epoch, math.nan, seconds))
    answer = vae("train", *SMALL, "--out", out)
    assert "No epoch was good" in answer.err
    assert not out.exists()


@pytest.fixture(scope="module")
def by_class(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A conditional model of digits."""
    path = tmp_path_factory.mktemp("cli") / "class.safetensors"
    assert (
        main(["train", "--model", "conditional", "--size", "8", *SMALL[2:], "--epochs", "5", "--out", str(path)]) == 0
    )
    return path


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An autoencoder of digits."""
    path = tmp_path_factory.mktemp("cli") / "points.safetensors"
    assert main(["train", "--model", "autoencoder", *SMALL[2:], "--epochs", "2", "--out", str(path)]) == 0
    return path


def test_the_figures_that_are_usual_are_those_of_the_model(
    trained: Path, points: Path, by_class: Path, vae: Vae
) -> None:
    usual = {trained: ["elbo", "reconstruction", "kl", "active_units"], points: ["reconstruction"]}
    usual[by_class] = [*usual[trained], "accuracy"]
    for path, names in usual.items():
        assert list(json.loads(vae("evaluate", path, "--json").out)["metrics"]) == names


def test_figures_of_a_conditional_model_say_of_which_density(by_class: Path, vae: Vae) -> None:
    words = "evaluate", by_class, "--metrics", "elbo,nll", "--k", 20, "--limit", 40, "--device", "cpu"
    told, summed = (json.loads(vae(*words, *more, "--json").out) for more in ([], ["--without-labels"]))
    assert "p(x | y)" in told["density"] and "summed" in summed["density"]
    assert "p(x | y)" in told["metrics"]["nll"]["unit"] and "summed" in summed["metrics"]["nll"]["unit"]
    checkpoint, test = checkpoints.load(by_class), load(DataConfig(size=(8, 8))).test
    rows = torch.randperm(len(test), generator=seeded(0))[:40].sort().values
    assert test.labels is not None
    for found, labels in ((told, test.labels[rows]), (summed, None)):
        elbo = scoring.statistics(checkpoint.model, test.images[rows], labels=labels).elbo.mean().item()
        assert found["metrics"]["elbo"]["value"] == pytest.approx(elbo, rel=1e-5)
    assert "log p(x | y)" in vae(*words).out.splitlines()[0]


def test_labels_of_a_folder_are_read_by_their_names(by_class: Path, tmp_path: Path, vae: Vae) -> None:
    """Folders 3 and 8 are the classes 3 and 8, not 0 and 1; other names are not the model's classes."""
    test = load(DataConfig()).test
    assert test.labels is not None
    kept = [i for i, label in enumerate(test.labels.tolist()) if label in (3, 8)]
    for names in (("3", "8"), ("cat", "dog")):
        for i in kept:
            folder = tmp_path / names[0] / names[int(test.labels[i] == 8)]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(test.images[i, 0].numpy()).save(folder / f"{i}.png")
    words = "--as-is", "--split", "all", "--metrics", "accuracy,elbo", "--json"
    found = json.loads(vae("evaluate", by_class, "--data", tmp_path / "3", *words).out)
    model = checkpoints.load(by_class).model
    told = model.infer(test.float(kept)).argmax(1)
    assert found["metrics"]["accuracy"]["value"] == pytest.approx((told == test.labels[kept]).float().mean().item())
    assert "p(x | y)" in found["density"]
    refused = vae("evaluate", by_class, "--data", tmp_path / "cat", *words)
    assert refused.status == 2
    assert "model's classes: 0, 1, 2" in refused.err
    summed = json.loads(vae("evaluate", by_class, "--data", tmp_path / "cat", "--split", "all", "--json").out)
    assert "summed" in summed["density"]


def test_three_numbers_of_dci_are_named(tmp_path: Path, vae: Vae) -> None:
    out = tmp_path / "m.safetensors"
    options = shlex.split("--data sprites --size 8 --count 400 --epochs 1 --model mlp --hidden 8 --latent-dim 2")
    assert vae("train", *options, "--device", "cpu", "--out", out).status == 0
    words = "evaluate", out, "--metrics", "dci,mig_histogram", "--split", "all"
    row = json.loads(vae(*words, "--json").out)["metrics"]["dci"]
    assert row["value"].keys() == {"disentanglement", "completeness", "informativeness"}
    assert f"informativeness {row['value']['informativeness']:.3f}" in vae(*words).out


def test_ones_own_pictures_are_prepared_as_an_upload_is(
    trained: Path, drawings: list[Path], tmp_path: Path, vae: Vae
) -> None:
    """A folder of drawings, dark on light, is inverted and centred as each of them by itself."""
    out, folder, checkpoint = tmp_path / "latents.npz", drawings[0].parent, checkpoints.load(trained)
    x = torch.cat([_prepared(checkpoint, path, None, None, None) for path in drawings])
    expected = checkpoint.model.encode(x).mean[0].numpy()
    answer = vae("encode", trained, "--data", folder, "--out", out, "--device", "cpu")
    assert "--as-is" in answer.err
    with np.load(out) as arrays:
        assert arrays["mean"] == pytest.approx(expected, abs=0.05)
        assert abs(arrays["mean"][0] - arrays["mean"][1]).max() > 0.2
    assert vae("encode", trained, "--data", folder, "--as-is", "--out", out, "--device", "cpu").status == 0
    with np.load(out) as arrays:
        assert abs(arrays["mean"] - expected).max() > 0.2
    found = [vae("map", trained, "--data", folder, "--out", tmp_path / "m.csv", *more) for more in ([], ["--as-is"])]
    assert all(answer.status == 0 for answer in found)
    alike = [scoring.statistics(checkpoint.model, x).reconstruction.sum().item()]
    vae("map", trained, "--data", folder, "--out", tmp_path / "m.csv")
    rows = list(csv.DictReader((tmp_path / "m.csv").read_text().splitlines()))
    assert sum(float(row["reconstruction_nats"]) for row in rows) == pytest.approx(alike[0], rel=0.02)


@pytest.fixture(scope="module")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two digits as a stranger would draw them: large, dark on light."""
    folder, test = tmp_path_factory.mktemp("drawings"), load(DataConfig()).test
    paths = []
    for k in (0, 1):
        drawn = 255 - np.pad(test.images[k, 0].numpy(), 4)
        paths.append(folder / f"{k}.png")
        Image.fromarray(drawn).resize((320, 320), Image.Resampling.BICUBIC).save(paths[-1])
    return paths


def test_interpolate_goes_from_a_to_b(trained: Path, drawings: list[Path], tmp_path: Path, vae: Vae) -> None:
    gif, strip, arc = tmp_path / "morph.gif", tmp_path / "morph.png", tmp_path / "arc.png"
    answer = vae("interpolate", trained, *drawings, "--steps", 7, "--out", gif, "--device", "cpu")
    assert answer.status == 0
    assert answer.err.count("inverted") == 2
    with Image.open(gif) as animation:
        assert animation.n_frames == 7
    assert vae("interpolate", trained, drawings[0], drawings[0], "--steps", 7, "--out", gif).status == 0
    with Image.open(gif) as animation:
        assert animation.n_frames == 7  # of the way from a picture to itself, too
    for path, out in (("linear", strip), ("spherical", arc)):
        assert vae("interpolate", trained, *drawings, "--steps", 7, "--path", path, "--out", out).status == 0
    tiles = [pixels(path) for path in (strip, arc)]
    width = tiles[0].shape[1] // 7
    assert (tiles[0][:, :width] == tiles[1][:, :width]).all()  # both start at A
    assert (tiles[0] != tiles[1]).any()
    back = tmp_path / "back.png"
    assert vae("interpolate", trained, *drawings[::-1], "--steps", 7, "--out", back).status == 0
    reverse = pixels(back)
    assert (reverse[:, 2:width] == tiles[0][:, 2 + 6 * width : 7 * width]).all()


def test_traverse_has_a_row_for_each_active_dimension(
    trained: Path, drawings: list[Path], tmp_path: Path, vae: Vae
) -> None:
    found = checkpoints.load(trained)
    active = sum(axis.active for axis in explore.axes(found.model, found.reference))
    pictures = []
    for extra in ([], ["--image", drawings[0]]):
        out = tmp_path / f"grid{len(extra)}.png"
        assert vae("traverse", trained, *extra, "--values", 5, "--out", out).status == 0
        pictures.append(pixels(out))
    height, width = pictures[0].shape
    side = (width - 6 * 2) // 5
    assert height == active * (side + 2) + 2
    assert (pictures[0] != pictures[1]).any()


def test_map_writes_the_reference_set_or_other_pictures(trained: Path, tmp_path: Path, vae: Vae) -> None:
    reference = checkpoints.load(trained).reference
    assert reference is not None
    assert reference.labels is not None
    assert reference.tsne is not None
    out = tmp_path / "map.csv"
    assert vae("map", trained, "--method", "tsne", "--out", out).status == 0
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [int(row["label"]) for row in rows] == reference.labels.tolist()
    assert [float(row["kl_nats"]) for row in rows] == pytest.approx(reference.kl.sum(1).tolist(), rel=1e-5)
    assert [float(row["x"]) for row in rows] == pytest.approx(reference.tsne[:, 0].tolist(), rel=1e-5)
    assert vae("map", trained, "--data", "digits", "--limit", 30, "--out", out).status == 0
    assert len(out.read_text().splitlines()) == 1 + 30
    assert vae("map", trained, "--limit", 30, "--out", out).status == 0
    some = [float(row["reconstruction_nats"]) for row in csv.DictReader(out.read_text().splitlines())]
    every = [float(row["reconstruction_nats"]) for row in rows]
    places = [every.index(error) for error in some]
    assert len(some) == 30 and places == sorted(places) and places != list(range(30))  # not the first ones
    png = tmp_path / "map.png"
    assert vae("map", trained, "--out", png).status == 0
    colours = set(map(tuple, pixels(png).reshape(-1, 3).tolist()))
    assert {(0x3F, 0x90, 0xDA), (0x92, 0xDA, 0xDD)} <= colours  # first and last class


def test_pictures_that_cannot_be_read_are_told(trained: Path, drawings: list[Path], tmp_path: Path, vae: Vae) -> None:
    folder, out = tmp_path / "mine", tmp_path / "m.csv"
    folder.mkdir()
    for path in drawings:
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "broken.png").write_bytes(b"no picture")
    words = "--data", folder, "--split", "all", "--device", "cpu"
    for command in (["encode", "--out", tmp_path / "m.npz"], ["map", "--out", out], ["evaluate"]):
        answer = vae(command[0], trained, *command[1:], *words)
        assert answer.status == 0
        assert "Note: " in answer.err and "broken.png" in answer.err
    assert len(out.read_text().splitlines()) == 1 + len(drawings)


def test_traverse_starts_at_the_middle_of_the_prior(points: Path, tmp_path: Path, vae: Vae) -> None:
    """Of a fitted prior that is the mean of the reference encodings, and not zero."""
    found, out = checkpoints.load(points), tmp_path / "grid.png"
    assert vae("traverse", points, "--values", 3, "--rows", 1, "--out", out, "--device", "cpu").status == 0
    axis = next(axis for axis in explore.axes(found.model, found.reference) if axis.active)
    middle = explore.prior_mean(found.model, found.reference)
    pictures = explore.decode(found.model, explore.traverse(middle, [axis], 3)[0])
    assert (pixels(out) == np.asarray(images.grid(pictures, columns=3, scale=14))).all()
    assert middle.abs().max() > 0.1


def test_a_map_of_an_autoencoder_has_no_kl(points: Path, tmp_path: Path, vae: Vae) -> None:
    for more in ([], ["--data", "digits", "--limit", 20]):
        out = tmp_path / f"map{len(more)}.csv"
        assert vae("map", points, "--out", out, *more).status == 0
        head, *rows = csv.reader(out.read_text().splitlines())
        assert head == ["index", "x", "y", "label", "class", "reconstruction_nats"]
        assert all(len(row) == len(head) and float(row[-1]) for row in rows)


def test_sample_shows_one_class_or_each_in_turn(by_class: Path, tmp_path: Path, vae: Vae) -> None:
    model, out = checkpoints.load(by_class).model, tmp_path / "grid.png"
    z = explore.sample(model, 12, seed=3)
    for more, y in (([], torch.arange(12) % 10), (["--class", "7"], torch.full((12,), 7))):
        assert vae("sample", by_class, "-n", 12, "--seed", 3, "--out", out, "--device", "cpu", *more).status == 0
        assert (pixels(out) == np.asarray(images.grid(explore.decode(model, z, y), columns=4, scale=14))).all()


def test_traverse_shows_one_class(by_class: Path, drawings: list[Path], tmp_path: Path, vae: Vae) -> None:
    checkpoint, out = checkpoints.load(by_class), tmp_path / "grid.png"
    model, x = checkpoint.model, _prepared(checkpoint, drawings[1], None, None, None)
    axis = next(axis for axis in explore.axes(model, checkpoint.reference) if axis.active)
    mean, image = explore.encode(model, x)[0][0], ["--image", drawings[1]]
    one_hot, zero = torch.eye(10), torch.zeros(model.spec.size)
    cases = [([], zero, one_hot[0]), (["--class", 4], zero, one_hot[4])]
    cases += [(image, mean, explore.classify(model, x)[0]), ([*image, "--class", 4], mean, one_hot[4])]
    for more, start, y in cases:
        words = "traverse", by_class, "--values", 3, "--rows", 1, "--out", out, "--device", "cpu"
        assert vae(*words, *more).status == 0
        shown = explore.decode(model, explore.traverse(start, [axis], 3)[0], y.expand(3, -1))
        assert (pixels(out) == np.asarray(images.grid(shown, columns=3, scale=14))).all()


def test_interpolate_blends_the_classes(by_class: Path, drawings: list[Path], tmp_path: Path, vae: Vae) -> None:
    checkpoint, out = checkpoints.load(by_class), tmp_path / "strip.png"
    x = torch.cat([_prepared(checkpoint, path, None, None, None) for path in drawings])
    (a, b), y = explore.encode(checkpoint.model, x)[0], explore.classify(checkpoint.model, x)
    assert (y[0] - y[1]).abs().max() > 0.1
    assert vae("interpolate", by_class, *drawings, "--steps", 5, "--out", out, "--device", "cpu").status == 0
    shown = explore.decode(checkpoint.model, explore.interpolate(a, b, 5), explore.interpolate(y[0], y[1], 5))
    assert (pixels(out) == np.asarray(images.grid(shown, columns=5, scale=14))).all()


# --- wrong input --------------------------------------------------------------------------------------------------

MISTAKES = {
    "trian": "Did you mean 'train'",
    "train --epochs 2": "--out is missing",
    "train --epochs many --out {new}": "--epochs",
    "train --epochs 0 --out {new}": "allowed: 1 to",
    "train --out {folder}/m.pt": "must end in .safetensors",
    "train --out {folder}/nowhere/m.safetensors": "no folder",
    "train --model gan --out {new}": "allowed: linear, mlp, conv, resnet",
    "train --data nothing --out {new}": "allowed: a folder, zip or file of pictures",
    "train --data {picture} --out {new}": "zip of pictures",
    "train --likelihood poisson --out {new}": "bernoulli, gaussian, learned_gaussian, discretized_logistic.",
    "train --likelihood none --out {new}": "allowed: bernoulli, gaussian, learned_gaussian, discretized_logistic.",
    "train --beta-cycles 3 --out {new}": "--beta-cycles has no meaning for a constant beta",
    "train --beta-cycles 3 --beta-schedule linear --out {new}": "it is for --beta-schedule cyclical",
    "train --beta-cycles 0 --beta-schedule cyclical --out {new}": "schedule cycles is 0; allowed: 1 to 1,000",
    "train --size 4 --out {new}": "allowed: 8 to",
    "train --size 8x8x8 --out {new}": "32x48",
    "train --hidden 8,x --out {new}": "32,64,128",
    "train --hidden 65536,65536 --out {new}": "MB of weights",
    "train --norm layer --out {new}": "allowed: none, batch, group",
    "train --beta-length 0.5 --out {new}": "--beta-schedule",
    "train --likelihood bernoulli --std 0.5 --out {new}": "it is for gaussian and learned_gaussian",
    "train --model linear --dropout 0.5 --out {new}": "no layer for norm and dropout",
    "train --model vq --size 28 --beta 4 --out {new}": "beta means nothing to the objective 'commitment'; it has: c",
    "train --model vq --size 28 --beta 1 --out {new}": "--beta has no meaning for the objective 'commitment'",
    "train --model vq --size 28 --latent-dim 3 --out {new}": "it is for latents that are one vector",
    "train --model autoencoder --free-bits 1 --out {new}": "free_bits means nothing to the objective 'reconstruction'",
    "train --model autoencoder --beta-schedule linear --out {new}": "beta means nothing",
    "train --model iwae --alpha 1 --out {new}": "whose settings are: bounds, draws",
    "train --model flow --free-bits 0.1 --out {new}": "KL per dimension, which a flow or a learned prior does not have",
    "train --codes 12 --out {new}": "--codes has no meaning for a gaussian latent with a normal prior",
    "train --model conv --components 12 --out {new}": "the priors mixture and vamp",
    "train --model mixture --flow-steps 2 --out {new}": "it is for the latent flow",
    "train --model conv --groups 2:4 --out {new}": "latent groups of a gaussian latent is 1; allowed: 0",
    "train --model ladder --groups 2-4 --out {new}": "write 3:8,2:4",
    "train --model ladder --body linear --size 28 --out {new}": "needs conv or resnet bodies; one is linear",
    "train --model vamp --prior fitted --out {new}": "prior of a gaussian latent is 'fitted'; allowed: normal, mixture",
    "train --conditioning film --out {new}": "--conditioning has no meaning for a model without classes",
    "train --model linear --activation tanh --out {new}": "--activation has no meaning for a linear body",
    "train --beta 0 --capacity 5 --out {new}": "With a beta of 0 a capacity holds nothing",
    "train --capacity 5 --free-bits 1 --out {new}": "leave one of them out",
    "train --model info --mmd 0 --out {new}": "nothing holds the codes",
    "train --model beta-tc --latent-dim 1 --out {new}": "at least 2 latent dimensions",
    "train --model iwae --draws 100 --bounds 100 --out {new}": "draws times bounds is 10000; allowed: 1 to 1,000",
    "train --model vae-gan --likelihood learned_gaussian --out {new}": "cannot learn a variance",
    "train --model semi-supervised --labelled 3 --out {new}": "allowed: 10 (one a class) to",
    "train --model semi-supervised --labelled 5000 --out {new}": "(the training pictures)",
    "train --model conditional --data {unlabelled} --out {new}": "needs data with classes",
    "train --like {by_class} --data {unlabelled} --out {new}": "a model with 10 classes, and 'drawings",
    "evaluate {points} --metrics elbo": "elbo needs a model with a density",
    "evaluate {points} --metrics kl": "kl needs a model with a density",
    "evaluate {points} --metrics nll": "allowed: reconstruction, linear_probe, knn",
    "evaluate {model} --metrics sap": "sap needs known factors, and these pictures have none",
    "evaluate {model} --metrics perplexity": "perplexity needs codebooks",
    "evaluate {model} --metrics accuracy": "accuracy needs a model with classes",
    "train --seed -1 --out {new}": "allowed: 0 to 4,294,967,295",
    "train --count 2 --out {new}": "The 2 pictures",
    "train --like {folder}/none --model conv --out {new}": "leave one of them out",
    "train --val-fraction 0 --out {new}": "0 for validation",
    "train --precision float16 --out {new}": "allowed: float32, bf16",
    "train --like nobody --out {new}": "no checkpoint 'nobody'",
    "train --like {model} --model conv --out {new}": "leave one of them out",
    "train --resume --out {picture}": "must end in .safetensors",
    "info nobody": "no checkpoint 'nobody'",
    "info {picture}": "not a safetensors file",
    "evaluate {model} --metrics elbo,fid": "allowed: elbo, reconstruction",
    "evaluate {model} --metrics bits_per_dimension": "which is a density",
    "evaluate {model} --split half": "allowed: train, val, test, all",
    "evaluate {model} --device tpu": "usable here",
    "evaluate {model} --k 0": "--k",
    "encode {model} --out {folder}/x.csv": "must end in .npz",
    "encode {model}": "--out",
    "sample {model} -n 0 --out {folder}/x.png": "-n",
    "sample {model} --out {folder}/x.jpg": "must end in .png",
    "sample {model} --out {folder}": "must end in .png",
    "interpolate {model} {picture} {folder}/b.png --out {folder}/x.gif": "no file",
    "interpolate {model} {picture} {model} --out {folder}/x.gif": "not a picture",
    "interpolate {model} {picture} {picture} --path curved --out {folder}/x.gif": "allowed: linear, spherical",
    "interpolate {points} {picture} {picture} --path spherical --out {folder}/x.gif": "allowed for this model: linear",
    "sample {model} --class 3 --out {folder}/x.png": "this model has no classes without --prior fitted: leave it out",
    "traverse {model} --class 3 --out {folder}/x.png": "this model has no classes without --prior fitted: leave it out",
    "sample {by_class} --class ten --out {folder}/x.png": "allowed: 0 to 9, or one of: 0, 1, 2",
    "traverse {by_class} --class 10 --out {folder}/x.png": "allowed: 0 to 9, or one of: 0, 1, 2",
    "interpolate {model} {picture} {picture} --fit squeeze --out {folder}/x.gif": "allowed: crop, pad, stretch",
    "interpolate {model} {picture} {picture} --steps 1 --out {folder}/x.gif": "--steps",
    "traverse {model} --values 1 --out {folder}/x.png": "--values",
    "map {model} --method umap --out {folder}/x.csv": "allowed: pca, tsne",
    "map {model} --method tsne --perplexity 900 --out {folder}/x.csv": "900",
    "map {model} --method tsne --limit 5 --out {folder}/x.csv": "at least 7",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_wrong_input_is_one_line_and_status_2(
    words: str, trained: Path, points: Path, by_class: Path, drawings: list[Path], tmp_path: Path, vae: Vae
) -> None:
    new = tmp_path / "new.safetensors"
    places = {"model": trained, "picture": drawings[0], "folder": tmp_path, "new": new}
    places |= {"points": points, "by_class": by_class, "unlabelled": drawings[0].parent}
    answer = vae(*(word.format(**places) for word in words.split()))
    assert answer.status == 2
    assert answer.out == ""
    *before, last = answer.err.splitlines()
    assert last.startswith("error: ")
    assert MISTAKES[words] in last
    assert all(line.startswith(("0.png: ", "Training ")) for line in before)  # what was done to a picture, say
    assert list(tmp_path.iterdir()) == []


def test_a_description_that_does_not_fit_is_refused_and_not_cut(tmp_path: Path, vae: Vae) -> None:
    answer = vae("train", *SMALL, "--describe", "x" * 2_001, "--out", tmp_path / "m.safetensors")
    assert answer.status == 2
    assert answer.err.splitlines() == ["error: --describe has 2,001 characters; allowed: up to 2,000."]


# --- a file that cannot be written ----------------------------------------------------------------------------------

HOLDER = """
import sys
from pathlib import Path
from vae_core.files import reserve
with reserve(Path(sys.argv[1])):
    print(flush=True)
    sys.stdin.read()
"""
WRITERS = {
    "train --data {nothing} --out {out}": ".safetensors",
    "train --resume --data {nothing} --out {out}": ".safetensors",
    "import {nothing} {nothing} --data digits --out {out}": ".safetensors",
    "export {nothing} --onnx {out}": ".onnx",
    "export {nothing} --encoder {out}": ".onnx",
    "encode {nothing} --out {out}": ".npz",
    "sample {nothing} --out {out}": ".png",
    "interpolate {nothing} {nothing} {nothing} --out {out}": ".gif",
    "traverse {nothing} --out {out}": ".png",
    "map {nothing} --out {out}": ".csv",
}  # input that is missing would be told next: the file comes first


@contextmanager
def held_elsewhere(out: Path) -> Iterator[int]:
    """Another process that keeps a file for itself; gives its number."""
    command = [sys.executable, "-c", HOLDER, str(out)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        yield process.pid


@pytest.mark.parametrize("words", WRITERS)
def test_a_file_that_another_process_writes_is_refused_before_any_work(words: str, tmp_path: Path, vae: Vae) -> None:
    out = tmp_path / f"x{WRITERS[words]}"
    with held_elsewhere(out) as number:
        answer = vae(*(word.format(out=out, nothing=tmp_path / "nothing") for word in words.split()))
    assert (answer.status, answer.out) == (2, "")
    (line,) = answer.err.splitlines()
    assert line.startswith(f"error: {str(out)!r} is being written by process {number}: wait for it to end, or choose")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", WRITERS)
def test_a_file_that_cannot_be_replaced_is_refused_before_any_work(words: str, tmp_path: Path, vae: Vae) -> None:
    out = tmp_path / f"x{WRITERS[words]}"
    out.write_bytes(b"kept")
    out.chmod(0o444)
    answer = vae(*(word.format(out=out, nothing=tmp_path / "nothing") for word in words.split()))
    (line,) = answer.err.splitlines()
    assert answer.status == 2 and "is read-only; choose another name, or make it writable" in line
    assert [path.name for path in tmp_path.iterdir()] == [out.name] and out.read_bytes() == b"kept"


@pytest.mark.parametrize("words", WRITERS)
def test_a_disk_that_takes_no_file_is_told_before_any_work(
    words: str, tmp_path: Path, vae: Vae, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(files, "try_writing", refuse)
    out = tmp_path / f"x{WRITERS[words]}"
    answer = vae(*(word.format(out=out, nothing=tmp_path / "nothing") for word in words.split()))
    (line,) = answer.err.splitlines()
    assert answer.status == 2 and line.endswith(f"but {str(out)!r} cannot be written: Read-only file system.")


def test_a_run_whose_state_could_not_be_written_does_not_begin(tmp_path: Path, vae: Vae) -> None:
    (tmp_path / "m.state.safetensors").mkdir()
    answer = vae("train", *SMALL, "--overwrite", "--out", tmp_path / "m.safetensors")
    (line,) = answer.err.splitlines()
    assert answer.status == 2 and "m.state.safetensors' is a folder" in line
    long = tmp_path / f"{'m' * 230}.safetensors"  # its own name fits, that of a state being written does not
    (line,) = vae("train", *SMALL, "--out", long).err.splitlines()
    assert line.endswith("cannot be written: File name too long.")
    assert [path.name for path in tmp_path.iterdir()] == ["m.state.safetensors"]


def test_two_runs_started_together_leave_one_model(tmp_path: Path, root: Path) -> None:
    out = tmp_path / "m.safetensors"
    command = [sys.executable, "-m", "vae_core", "train", *SMALL, "--epochs", "60", "--out", str(out)]
    runs = [subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [run.communicate(timeout=120)[1] for run in runs]
    assert sorted(run.returncode for run in runs) == [0, 2]
    (refused,) = [text for run, text in zip(runs, told, strict=True) if run.returncode]
    (winner,) = [run.pid for run in runs if not run.returncode]
    assert refused.count("\n") == 1 and f"is being written by process {winner}" in refused
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]


def test_a_run_takes_over_the_lock_of_one_that_died_and_says_so(tmp_path: Path, vae: Vae) -> None:
    out = tmp_path / "m.safetensors"
    with held_elsewhere(out) as number:
        lock = (tmp_path / "m.safetensors.lock").read_bytes()
    (tmp_path / "m.safetensors.lock").write_bytes(lock)  # as it lies there after a SIGKILL
    answer = vae("train", *SMALL, "--out", out)
    assert answer.status == 0
    assert answer.err.splitlines()[0] == f"Took over the lock of {out}: process {number}, which held it, has ended."
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]


def test_only_the_first_process_of_a_run_keeps_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "x.npz"
    with held_elsewhere(out):  # as rank 0 does
        monkeypatch.setenv("RANK", "1")
        shared.take_out(out, ".npz")
        monkeypatch.setenv("RANK", "0")
        with pytest.raises(files.Taken):
            shared.take_out(out, ".npz")


def test_saving_waits_for_nobody_and_loses_nothing(trained: Path, tmp_path: Path) -> None:
    made, out = checkpoints.load(trained), tmp_path / "m.safetensors"
    with held_elsewhere(out), pytest.raises(files.Taken):
        made.save(out)
    made.save(out)
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]


# --- a full disk ----------------------------------------------------------------------------------------------------


@contextmanager
def small_files() -> Iterator[None]:
    """No file may grow beyond some bytes, as on a disk that is full; not for longer than needed: pytest writes too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_state_that_cannot_be_saved_is_one_sentence(tmp_path: Path, vae: Vae) -> None:
    with small_files():
        answer = vae("train", *SMALL, "--save-every", 0, "--out", tmp_path / "m.safetensors")
    assert answer.status == 2
    assert "m.state.safetensors: File too large" in answer.err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["sample", "encode", "map"])
def test_a_full_disk_leaves_the_old_file(
    command: str, trained: Path, tmp_path: Path, vae: Vae, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / {"sample": "x.png", "encode": "x.npz", "map": "x.csv"}[command]
    out.write_bytes(b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    answer = vae(command, trained, "--out", out)
    assert answer.status == 2
    assert answer.err.splitlines()[-1] == f"error: {out}: No space left on device; the file could not be written"
    assert [p.name for p in tmp_path.iterdir()] == [out.name]
    assert out.read_bytes() == b"old"


def test_a_checkpoint_that_cannot_be_saved_keeps_the_state(
    tmp_path: Path, vae: Vae, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, save = tmp_path / "m.safetensors", checkpoints.save

    def full(checkpoint: checkpoints.Checkpoint, path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(checkpoints, "save", full)
    answer = vae("train", *SMALL, "--out", out)
    assert answer.status == 2
    assert "No space left on device" in answer.err.splitlines()[-1]
    assert [p.name for p in tmp_path.iterdir()] == ["m.state.safetensors"]
    monkeypatch.setattr(checkpoints, "save", save)
    assert vae("train", *SMALL, "--out", out, "--resume").status == 0
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]


@pytest.mark.parametrize(("side", "mirrored"), [("either", True), ("left", False)])
def test_the_pictures_decide_whether_mirrored_ones_are_shown(
    side: str, mirrored: bool, tmp_path: Path, vae: Vae
) -> None:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 200, (400, 8, 8), dtype=np.uint8)
    bright = np.ones(400, bool) if side == "left" else rng.random(400) < 0.5
    pictures[bright, :, :4] += 50
    pictures[~bright, :, 4:] += 50
    np.savez(tmp_path / "own.npz", images=pictures)
    out = tmp_path / "m.safetensors"
    words = ("train", *SMALL, "--data", tmp_path / "own.npz", "--mirror", "auto", "--out", out)
    answer = vae(*words)
    assert answer.status == 0, answer.err
    assert ("half of the pictures of each step are mirrored" if mirrored else "none is mirrored") in answer.err
    assert answer.err.index("chance is 50 %") < answer.err.index("epoch 1/")
    assert checkpoints.load(out).recipe.training.mirror is mirrored
    assert "is finished already" in vae(*words, "--resume").err
    assert vae(*words[:-3], "maybe", *words[-2:], "--overwrite").status == 2


def test_own_pictures_are_trained_for_so_many_minutes(tmp_path: Path, vae: Vae) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "mine").mkdir()
    for k in range(60):
        Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(tmp_path / "mine" / f"{k}.png")
    out = tmp_path / "m.safetensors"
    words = (
        "train",
        "--data",
        tmp_path / "mine",
        "--hidden",
        "4,8",
        "--minutes",
        0.02,
        "--device",
        "cpu",
        "--out",
        out,
    )
    answer = vae(*words)
    assert answer.status == 0 and "0.02 minutes are about" in answer.err, answer.err
    made = checkpoints.load(out).recipe
    assert made.model.decoder.smooth and made.training.std is not None and made.training.epochs >= 1
    assert "is finished already" in vae(*words, "--resume").err
    answer = vae(*words, "--epochs", 2, "--overwrite")
    assert answer.status == 2 and "--minutes" in answer.err
