"""Own pictures from training to table, through the command line: each folder is itself, and every row can be traced."""

import csv
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vae_core import checkpoints
from vae_core.cli import main
from vae_core.config import DataConfig, from_dict, to_dict
from vae_core.training import Run

SMALL = ["--model", "mlp", "--hidden", "8", "--latent-dim", "2", "--epochs", "1", "--device", "cpu"]


def pictures(folder: Path, count: int, seed: int = 0, ground: int = 0, size: tuple[int, int] = (12, 12)) -> Path:
    """Random marks on a ground; width and height `size`."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(count):
        pixels = np.full(size[::-1], ground, np.uint8)
        pixels[3:9, 3:9] = rng.integers(0, 256, (6, 6))
        Image.fromarray(pixels).save(folder / f"{k}.png")
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[str, str]:
    """What a command says on standard output and standard error."""
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 0, capsys.readouterr().err
    return capsys.readouterr()


def trained(folder: Path, out: Path, *more: object) -> Path:
    assert main(["train", *SMALL, "--data", str(folder), "--out", str(out), *map(str, more)]) == 0
    return out


def test_another_folder_of_the_same_name_is_itself(tmp_path, capsys):
    own, other = pictures(tmp_path / "a" / "images", 40), pictures(tmp_path / "b" / "images", 40, seed=1)
    model = trained(own, tmp_path / "m.safetensors", "--count", 12)
    _, told = run(capsys, "encode", model, "--data", other, "--out", tmp_path / "other.npz")
    assert "images holds other pictures than the model's own data of that name." in told
    with np.load(tmp_path / "other.npz") as arrays:
        assert arrays["mean"].shape == (40, 2) and sorted(arrays["file_name"]) == sorted(f"{k}.png" for k in range(40))
    run(capsys, "encode", model, "--data", own, "--out", tmp_path / "own.npz")
    with np.load(tmp_path / "own.npz") as arrays:
        assert len(arrays["mean"]) == 40


def test_the_models_own_pictures_are_known_wherever_they_lie(tmp_path, capsys):
    model = trained(pictures(tmp_path / "a" / "images", 40), tmp_path / "m.safetensors", "--count", 12)
    shutil.move(tmp_path / "a" / "images", tmp_path / "photos")
    _, told = run(
        capsys, "encode", model, "--data", tmp_path / "photos", "--split", "test", "--out", tmp_path / "x.npz"
    )
    assert "photos holds the model's own data, split as for its training." in told
    with np.load(tmp_path / "x.npz") as arrays:
        assert len(arrays["mean"]) == 1  # a tenth of 12


def test_a_folder_called_as_a_named_set_is_taken_as_any_other(tmp_path, capsys):
    figures = {}
    for name in ("mnist", "plain"):
        folder = pictures(tmp_path / name, 30, ground=255)
        model = trained(folder, tmp_path / f"{name}.safetensors")
        header = checkpoints.load(model)
        assert header.recipe.model.likelihood.kind == "learned_gaussian"
        out, told = run(capsys, "evaluate", model, "--data", folder, "--split", "all", "--json")
        assert "prepared like an upload" not in told
        figures[name] = json.loads(out)["metrics"]
    assert figures["mnist"] == figures["plain"]
    assert checkpoints.load(tmp_path / "mnist.safetensors").recipe.data.name == "./mnist"


def test_a_file_of_before_that_calls_a_folder_mnist_is_told_by_its_credit(tmp_path):
    model = checkpoints.load(trained(pictures(tmp_path / "mnist", 20), tmp_path / "m.safetensors"))
    old = replace(
        model,
        recipe=replace(model.recipe, data=replace(model.recipe.data, name="mnist")),
        data=replace(model.data, name="mnist", source=""),
    )
    old.save(tmp_path / "old.safetensors")
    assert checkpoints.load(tmp_path / "old.safetensors").data.name == "./mnist"


def test_a_header_of_before_keeps_its_crop():
    written = {key: value for key, value in to_dict(DataConfig("x")).items() if key not in ("fit", "split_folders")}
    assert from_dict(DataConfig, written).fit == "crop"


def test_a_folder_that_a_name_shadows_is_told(tmp_path, capsys, monkeypatch):
    pictures(tmp_path / "digits", 12)
    monkeypatch.chdir(tmp_path)
    _, told = run(capsys, "train", *SMALL, "--data", "digits", "--count", "50", "--out", "a.safetensors")
    assert "digits is the named data set; for the folder or file of this name here write ./digits." in told
    run(capsys, "train", *SMALL, "--data", "./digits", "--out", "b.safetensors")
    assert checkpoints.load(Path("b.safetensors")).data.name == "./digits"


def test_a_run_that_cannot_go_on_says_which_setting_differs(tmp_path, capsys):
    folder, out = pictures(tmp_path / "before", 20), tmp_path / "m.safetensors"
    state = out.with_suffix(".state.safetensors")
    write = Run.train

    def stop(run, *arguments):
        for report in write(run, *arguments):
            yield report
            if report.row:
                raise KeyboardInterrupt

    patch = pytest.MonkeyPatch()
    patch.setattr(Run, "train", stop)
    command = ["train", *SMALL, "--epochs", "3", "--save-every", "0", "--out", str(out), "--data"]
    assert main([*command, str(folder)]) != 0 and state.exists()
    patch.undo()
    folder.rename(tmp_path / "after")
    assert main([*command, str(tmp_path / "after"), "--resume"]) == 2
    assert "data.name is before, not after" in capsys.readouterr().err
    pictures(folder, 20, seed=9)
    assert main([*command, str(folder), "--resume"]) == 2
    assert "their pixels differ" in capsys.readouterr().err
    shutil.rmtree(folder)
    (tmp_path / "after").rename(folder)
    assert main([*command, str(folder), "--resume"]) == 0


def test_rows_and_worst_pictures_name_their_files(tmp_path, capsys):
    folder = pictures(tmp_path / "set", 20)
    (folder / "notes.txt").write_text("x")
    model = trained(folder, tmp_path / "m.safetensors")
    out, told = run(capsys, "evaluate", model, "--data", folder, "--split", "all", "--worst", 3, "--json")
    worst = json.loads(out)["worst"]
    errors = [row["reconstruction"] for row in worst]
    assert len(worst) == 3 and errors == sorted(errors, reverse=True) and worst[0]["picture"].endswith(".png")
    assert "Note: files left out: 1 that are no pictures by their names (notes.txt)" in told
    out, _ = run(capsys, "evaluate", model, "--data", folder, "--split", "all")
    assert f"per image: {worst[0]['picture']} ({errors[0]:.1f})" in out
    run(capsys, "map", model, "--data", folder, "--out", tmp_path / "map.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "map.csv").read_text())))
    found = next(row for row in rows if row["file"] == worst[0]["picture"])
    assert float(found["reconstruction_nats"]) == pytest.approx(errors[0], rel=1e-4)


def test_what_pictures_lose_is_said_before_training(tmp_path, capsys):
    folder = pictures(tmp_path / "long", 12, size=(200, 40))
    out = tmp_path / "m.safetensors"
    _, told = run(capsys, "train", *SMALL, "--data", folder, "--out", out)
    lines = told.splitlines()
    place = next(k for k, line in enumerate(lines) if "40 x 200 are scaled, whole, to 32 x 160" in line)
    assert place < next(k for k, line in enumerate(lines) if line.startswith("epoch 1"))
    assert checkpoints.load(out).model.image_shape == (1, 32, 160)
    _, told = run(
        capsys, "train", *SMALL, "--data", folder, "--size", "32", "--fit", "crop", "--out", out, "--overwrite"
    )
    assert "Warning: 80% of the pictures' area is cut away" in told
    recipe = checkpoints.load(out).recipe
    assert recipe.data.fit == "crop" and recipe.model.image_shape == (1, 32, 32)


def test_a_loss_of_most_pixels_is_warned_of_before_training(tmp_path, capsys):
    folder = pictures(tmp_path / "set", 8, size=(200, 160))
    pictures(tmp_path / "more", 8, size=(160, 300))
    for k in range(4):
        shutil.move(tmp_path / "more" / f"{k}.png", folder / f"more{k}.png")
    _, told = run(capsys, "train", *SMALL, "--size", "32", "--data", folder, "--out", tmp_path / "m.safetensors")
    lines = told.splitlines()
    (place,) = (k for k, line in enumerate(lines) if line.startswith("Warning: pictures of 2 sizes"))
    assert "as many pixels" in lines[place]
    assert place < next(k for k, line in enumerate(lines) if line.startswith("epoch 1"))


def test_folders_taken_for_classes_are_told_before_training(tmp_path, capsys):
    for name in ("cat", "dog"):
        pictures(tmp_path / "pets" / name, 8)
    _, told = run(capsys, "train", *SMALL, "--data", tmp_path / "pets", "--out", tmp_path / "m.safetensors")
    lines = told.splitlines()
    (place,) = (k for k, line in enumerate(lines) if "olders are classes: cat, dog (2); --split-folders" in line)
    assert place < next(k for k, line in enumerate(lines) if line.startswith("epoch 1"))


def test_labels_come_from_a_table_and_parts_are_an_option(tmp_path, capsys):
    folder = pictures(tmp_path / "set", 20)
    table = tmp_path / "table.csv"
    table.write_text("id,label\n" + "".join(f"{k},{'odd' if k % 2 else 'even'}\n" for k in range(20)))
    out = trained(folder, tmp_path / "m.safetensors", "--labels", table)
    assert checkpoints.load(out).data.class_names == ("even", "odd")
    run(capsys, "encode", out, "--data", folder, "--labels", table, "--out", tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as arrays:
        for name, label in zip(arrays["file_name"], arrays["label"], strict=True):
            assert int(name.removesuffix(".png")) % 2 == label
    both = tmp_path / "both"
    pictures(both / "train", 10), pictures(both / "test", 10)
    out = trained(both, tmp_path / "n.safetensors", "--split-folders", "off")
    assert checkpoints.load(out).data.class_names == ("test", "train")
    assert checkpoints.load(trained(both, tmp_path / "o.safetensors")).data.sizes == (9, 1, 10)


def test_what_a_table_told_in_training_is_missed_aloud_without_it(tmp_path, capsys):
    folder, table = pictures(tmp_path / "set", 20), tmp_path / "meta.csv"
    table.write_text("id,label\n" + "".join(f"{k},{'odd' if k % 2 else 'even'}\n" for k in range(20)))
    model = trained(folder, tmp_path / "m.safetensors", "--labels", table)
    missed = "trained with the classes even, odd, which these pictures lack"
    commands = (
        ["encode", "--out", tmp_path / "x.npz"],
        ["evaluate", "--split", "all"],
        ["map", "--out", tmp_path / "m.csv"],
    )
    for command, *more in commands:
        _, told = run(capsys, command, model, "--data", folder, *more)
        assert missed in told and "--labels FILE.csv brings them back" in told
        _, told = run(capsys, command, model, "--data", folder, "--labels", table, *more)
        assert "these pictures lack" not in told
    plain = trained(folder, tmp_path / "n.safetensors")
    assert "these pictures lack" not in run(capsys, "encode", plain, "--data", folder, "--out", tmp_path / "x.npz")[1]


def test_a_table_is_known_by_its_name_and_the_parts_it_told_are_missed(tmp_path, capsys):
    folder = pictures(tmp_path / "set", 20)
    (folder / "note.txt").write_text("x")
    table = folder / "list_eval_partition.txt"
    table.write_text("".join(f"{k}.png {max(0, k - 17)}\n" for k in range(20)))
    model = tmp_path / "m.safetensors"
    _, told = run(capsys, "train", *SMALL, "--data", folder, "--labels", table, "--out", model)
    assert (
        "labels are taken from list_eval_partition.txt" in told
        and "1 that are no pictures by their names (note" in told
    )
    assert checkpoints.load(model).data.sizes == (18, 1, 1) and not checkpoints.load(model).data.class_names
    test = ["evaluate", model, "--data", folder, "--split", "test"]
    assert "trained with parts of 18, 1 and 1 pictures, which these pictures lack" in run(capsys, *test)[1]
    assert "these pictures lack" not in run(capsys, *test, "--labels", table)[1]
