"""Evaluate on Home: figures, what cannot be measured, pictures of one's own, cancelling; on small models made here."""

from __future__ import annotations

import csv
import io
import json
import math
import shlex
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.widgets.evaluate import measuring
from pages.widgets.evaluate.measuring import NAMES, Measured, Wish
from pages.widgets.evaluate.table import as_csv, as_json, table
from pages.widgets.selection import datasource
from pages.widgets.selection.datasource import OWN
from pages.widgets.shell import models
from pages.widgets.shell.models import Entry, Opened
from tests.conftest import control
from vae_core import checkpoints, data, features, metrics, scoring, zoo
from vae_core.checkpoints import Checkpoint, Reference
from vae_core.cli import main
from vae_core.config import METRICS, DataConfig, Range
from vae_core.data import Raw
from vae_core.model import build

Show = Callable[..., AppTest]
NASTY = "<img src=x> **bold** :red[x] $a$"
PICTURES = {"digits": DataConfig("digits", count=300), "sprites": DataConfig("sprites", count=300, size=(8, 8))}


def untrained(variant: str, data_name: str = "digits") -> Checkpoint:
    """A model of a variant, on data that our code makes."""
    torch.manual_seed(0)
    splits = data.load(PICTURES[data_name])
    shape, body = splits.test.image_shape, {"hidden": (8,)}
    recipe = zoo.recipe(variant, PICTURES[data_name], shape, latent_dim=3, classes=10, body=body)
    model = build(recipe.model).eval().requires_grad_(False)
    model.latent.fit_prior(scoring.statistics(model, splits.test.images, labels=splits.test.labels).mean)
    return Checkpoint(recipe, model, checkpoints.data_info(splits))


def elsewhere(name: str, credit: str) -> Checkpoint:
    """A model of pictures that are not here."""
    whole = untrained("mlp")
    recipe = replace(whole.recipe, data=DataConfig(name))
    return replace(whole, recipe=recipe, data=replace(whole.data, name=name, credit=credit))


def with_references(checkpoint: Checkpoint) -> Checkpoint:
    """The same with encodings of its pictures in the file."""
    test = data.load(PICTURES["digits"]).test
    found = scoring.statistics(checkpoint.model, test.images, checkpoint.recipe.training.seed)
    index = torch.arange(len(test))
    kept = Reference(found.mean, found.std, found.kl, found.reconstruction, index, test.labels)
    return replace(checkpoint, reference=kept)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    made = {name: untrained(name) for name in ("mlp", "vq", "autoencoder", "conditional")}
    made |= {"factors": untrained("mlp", "sprites"), "away": elsewhere("mnist", data.SETS["mnist"].credit)}
    made["foreign"] = elsewhere("faces", NASTY)
    made["kept"] = with_references(made["away"])
    of_numbers = replace(made["foreign"].recipe.data, range=Range(0, 4095, "numbers"))
    made["twelve"] = replace(made["foreign"], recipe=replace(made["foreign"].recipe, data=of_numbers))
    for name, checkpoint in made.items():
        checkpoints.save(checkpoint, folder / f"{name}.safetensors")
    return folder


@pytest.fixture
def show(root: Path, shelf: Path, bare_machine: None, monkeypatch: pytest.MonkeyPatch) -> Show:
    """The open model's tab with no data set on the machine; keywords are the link's."""
    monkeypatch.setattr(checkpoints, "SHIPPED", shelf)

    def opened(model: str, **query: Any) -> AppTest:
        app = AppTest.from_file(str(root / "pages" / "router.py"), default_timeout=60)
        app.query_params.update({"show": "The open model", "model": model} | query)
        return checked(app.run())

    return opened


def checked(app: AppTest) -> AppTest:
    assert not app.exception, [error.message for error in app.exception]
    return app


def finished(app: AppTest) -> AppTest:
    """The page after its work in the background has ended."""
    for _ in range(400):
        if not any(button.label == "Cancel" for button in app.button):
            return app
        time.sleep(0.05)
        checked(app.run())
    raise AssertionError("the work in the background does not end")


def measured(app: AppTest) -> AppTest:
    return finished(checked(app.button(key="eval_go").click().run()))


def figures(app: AppTest) -> dict[str, str]:
    """The table of figures, name -> value; empty where none is shown."""
    found = [table.value for table in app.table if "Figure" in table.value]
    if not found:
        return {}
    (table,) = found
    return {
        name.replace("\\", ""): value.replace("\\", "") for name, value in zip(table.Figure, table.Value, strict=True)
    }


def rows(app: AppTest) -> dict[str, metrics.Row]:
    (found,) = app.session_state["eval_found"].values()
    return found.rows


def said(app: AppTest) -> str:
    return "\n".join(e.value for e in [*app.caption, *app.info, *app.warning, *app.error]).replace("\\", "")


def unavailable(app: AppTest) -> str:
    """What the page says of figures that cannot be measured."""
    texts = [str(cell) for table in app.table for cell in table.value.to_numpy().flatten()]
    return "\n".join(text.replace("\\", "") for text in texts if text.startswith("Needs "))


def the_model(name: str) -> Checkpoint:
    return models.open_model(models.entries()[name]).checkpoint


def zipped(names: list[str]) -> bytes:
    """A zip of as many pictures as names, each its own."""
    buffer = io.BytesIO()
    generator = np.random.default_rng(0)
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            picture = io.BytesIO()
            Image.fromarray(generator.integers(0, 255, (8, 8), dtype=np.uint8)).save(picture, "PNG")
            archive.writestr(name, picture.getvalue())
    return buffer.getvalue()


def upload(app: AppTest, name: str, content: bytes) -> AppTest:
    return checked(app.file_uploader[0].set_value((name, content, "application/zip")).run())


# --- figures ------------------------------------------------------------------------------------------------------


def test_every_figure_has_a_name_of_its_own() -> None:
    assert sorted(NAMES) == sorted(METRICS) and len(set(NAMES.values())) == len(NAMES)


def test_the_usual_figures_of_the_models_own_test_pictures(show: Show) -> None:
    app = show("mlp")
    assert not figures(app) and control(app.selectbox, "eval_data").value == "own"
    app = measured(app)
    checkpoint, test = the_model("mlp"), data.load(PICTURES["digits"]).test
    expected = metrics.figures(checkpoint.model, test.images, ["elbo", "reconstruction", "kl", "active_units"])
    assert rows(app) == expected
    elbo = expected["elbo"]
    assert figures(app)["ELBO"] == f"{elbo['value']:,.2f} ± {elbo['standard_error']:.2f}"
    assert list(figures(app)) == ["ELBO", "Reconstruction error", "KL", "Active units"]
    assert f"All {len(test)} test pictures of digits. Likelihood: {checkpoint.model.likelihood.label}" in said(app)


def test_figures_of_a_link_with_its_draws(show: Show) -> None:
    app = show("mlp", eval_figures=[NAMES["nll"], NAMES["knn"], NAMES["kl_per_dim"]], eval_draws="7", eval_count="250")
    assert not app.warning and control(app.number_input, "eval_draws").value == 7
    app = measured(app)
    assert rows(app)["nll"]["k"] == 7 and set(rows(app)) == {"nll", "knn", "kl_per_dim"}
    kl = rows(app)["kl_per_dim"]["value"]
    first = max(range(3), key=kl.__getitem__)
    assert figures(app)["KL of each dimension"].startswith(f"z{first} {kl[first]:.2f}, z")


def test_known_factors_are_measured_and_dci_shown_in_its_parts(show: Show) -> None:
    names = ("mig_histogram", "factor_vae", "dci", "sap")
    app = measured(show("factors", eval_figures=[NAMES[name] for name in names]))
    assert set(rows(app)) == set(names)
    test = data.load(PICTURES["sprites"]).test
    expected = metrics.figures(the_model("factors").model, test.images, names, factors=test.factors)
    assert rows(app) == expected
    dci = expected["dci"]["value"]
    assert figures(app)["DCI"].startswith(f"disentanglement {dci['disentanglement']:.3f}, completeness ")


REALISM = [NAMES[name] for name in metrics.REALISM]


def test_draws_are_compared_with_pictures_beside_both_yardsticks(
    shelf: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On digits enough; the model's own test part, of a count of 300, is too small for it."""
    monkeypatch.setenv("VAE_CACHE", str(tmp_path))
    monkeypatch.setitem(features.STEPS, "classifier", 5)
    opened = Opened(Entry("x", "x", "own"), checkpoints.load(shelf / "mlp.safetensors"), "x")
    splits = data.load(DataConfig("digits"))
    drawn = datasource.Drawn("test pictures of digits", 180, np.arange(180), splits.test, splits.train)
    wish = Wish(datasource.Source("digits", "digits"), 180, metrics.REALISM, 0, True)
    found = measuring.measure(opened, wish, drawn)
    training_part = splits.train
    assert found.rows == metrics.figures(
        opened.checkpoint.model,
        splits.test.images,
        metrics.REALISM,
        labels=splits.test.labels,
        training=training_part,
    )
    shown = table(opened.checkpoint.model.spec, found.rows)
    kid, errors = found.rows["kid"]["value"], found.rows["kid"]["standard_errors"]
    assert shown["Figure"] == REALISM
    assert shown["Value"][0] == models.plain(
        f"own prior {kid['own_prior']:,.2f} ± {errors['own_prior']:,.2f}, reconstructions "
        f"{kid['reconstructions']:,.2f} ± {errors['reconstructions']:,.2f}, real {kid['real']:,.2f} ± "
        f"{errors['real']:,.2f}"
    )
    assert f"kid,own_prior,{kid['own_prior']},{errors['own_prior']}," in as_csv(found).decode()
    assert "--metrics kid,precision,recall" in found.command


def test_too_few_pictures_to_compare_draws_with_are_told(show: Show) -> None:
    app = measured(show("mlp", eval_figures=["ELBO", *REALISM]))
    assert list(figures(app)) == ["ELBO"]
    assert "KID needs at least 100 pictures, and as many of the data's training part." in said(app)


def test_the_reference_set_has_no_pictures_to_compare_draws_with(show: Show) -> None:
    app = show("kept")
    assert not set(REALISM) & set(control(app.multiselect, "eval_figures").options)


@pytest.mark.parametrize(
    ("model", "there", "reasons"),
    [
        ("mlp", ["ELBO", "Total correlation"], ["Needs known factors", "Needs codebooks"]),
        ("vq", ["ELBO", "Codebook perplexity"], ["Needs a gaussian posterior", "Needs known factors"]),
        ("autoencoder", ["Reconstruction error"], ["the codes of an autoencoder have none"]),
        ("conditional", ["ELBO", "Class found by the model"], ["Needs codebooks"]),
    ],
)
def test_what_a_model_does_not_have_is_explained(show: Show, model: str, there: list[str], reasons: list[str]) -> None:
    app = show(model)
    options = control(app.multiselect, "eval_figures").options
    told = unavailable(app)
    assert set(there) <= set(options) and all(reason in told for reason in reasons)
    assert len(options) + len([name for name in NAMES.values() if name not in options]) == len(NAMES)
    app = measured(app)
    chosen = control(app.multiselect, "eval_figures").value
    assert set(figures(app)) == {NAMES[name] for name in chosen} and not app.error


def test_a_conditional_model_is_told_the_labels_or_not(show: Show) -> None:
    app = measured(show("conditional", eval_figures=[NAMES["elbo"]]))
    told = rows(app)["elbo"]["value"]
    assert "Density: log p(x | y), the labels given." in said(app)
    app = measured(checked(control(app.toggle, "eval_labels").set_value(False).run()))
    assert "Density: log p(x), summed over the classes." in said(app)
    checkpoint, test = the_model("conditional"), data.load(PICTURES["digits"]).test
    for given, value in ((True, told), (False, rows(app)["elbo"]["value"])):
        expected = metrics.figures(checkpoint.model, test.images, ["elbo"], labels=test.labels, given=given)
        assert value == expected["elbo"]["value"]


def test_classes_counted_otherwise_are_told_as_the_model_counts_them(shelf: Path) -> None:
    checkpoint = checkpoints.load(shelf / "conditional.safetensors")
    opened = Opened(Entry("x", "x", "own"), checkpoint, "x")
    test = data.load(PICTURES["digits"]).test
    assert test.labels is not None
    names = tuple(reversed(test.class_names))
    turned = replace(test, labels=9 - test.labels, class_names=names)
    wish = Wish(datasource.Source("x", "x"), 1000, ("elbo", "accuracy"), 0, True)
    one, other = (
        measuring.measure(opened, wish, datasource.Drawn("x", len(test), np.arange(len(test)), part))
        for part in (test, turned)
    )
    assert one.rows == other.rows and not other.missing


# --- pictures -----------------------------------------------------------------------------------------------------


def test_pictures_that_are_not_here_are_missed_in_a_sentence_and_an_upload_takes_their_place(show: Show) -> None:
    app = show("away", eval_data=OWN)
    assert "For this, get mnist as told at the top of this page, put in a zip" in said(app)
    assert said(app).count("not on this machine") == 1
    assert app.button(key="eval_go").disabled and app.button(key="fetch")
    app = upload(app, f"{NASTY}.zip", zipped([f"{i}.png" for i in range(300)]))
    assert control(app.selectbox, "eval_data").value == "zip"
    app = measured(checked(control(app.select_slider, "eval_count").set_value(250).run()))
    caption = next(e.value for e in app.caption if "drawn at random" in e.value)
    assert caption.replace("\\", "").startswith(f"250 of the 300 pictures of {NASTY}, drawn at random. ")
    assert "\\<img" in caption and "\\*\\*bold" in caption
    app.selectbox(key="model").set_value("mlp")
    assert "Upload" not in said(checked(app.run())) and not figures(app)


def test_a_model_whose_pictures_are_not_here_is_measured_by_what_its_file_holds_of_them(show: Show) -> None:
    app = show("kept")
    assert control(app.selectbox, "eval_data").value == "reference"
    assert "More figures are available for pictures: for digits or sprites, say" in said(app)
    assert "Needs the pictures themselves, and the model's file holds encodings of them." in unavailable(app)
    app = measured(checked(control(app.multiselect, "eval_figures").set_value(["elbo", "knn"]).run()))
    test = data.load(PICTURES["digits"]).test
    expected = metrics.figures(the_model("kept").model, test.images, ["elbo", "knn"], labels=test.labels)
    assert rows(app)["elbo"]["value"] == pytest.approx(expected["elbo"]["value"], rel=1e-5)
    assert rows(app)["knn"] == expected["knn"]
    count = len(test)
    assert f"All {count} reference pictures, as the model's file holds them." in said(app)
    assert not [code for code in app.code if code.value.startswith("vae evaluate")]
    app = measured(checked(control(app.select_slider, "eval_count").set_value(250).run()))
    assert figures(app)


def test_pictures_of_data_that_is_not_known_are_missed(show: Show) -> None:
    app = show("foreign", eval_data=OWN)
    assert "The pictures that this model was tested on are not known here" in said(app)
    assert len(app.file_uploader) == 1 and "digits" in control(app.selectbox, "eval_data").options


def test_figures_that_the_pictures_do_not_allow_are_left_out_with_a_sentence(show: Show) -> None:
    app = show("mlp", eval_data=datasource.OWN_FILE, eval_figures=[NAMES["elbo"], NAMES["sap"], NAMES["knn"]])
    app = measured(upload(app, "plain.zip", zipped([f"{i}.png" for i in range(20)])))
    assert list(figures(app)) == ["ELBO"]
    assert "Left out: k-NN accuracy of the means needs labels of at least two classes" in said(app)
    assert "SAP needs known factors, and these pictures have none." in said(app)
    app = measured(checked(control(app.multiselect, "eval_figures").set_value(["sap"]).run()))
    assert [error.value.startswith("SAP needs known factors") for error in app.error] == [True]


def test_uploaded_arrays_are_read_in_the_range_of_the_model_and_it_is_told(show: Show) -> None:
    """Dark pictures of 12 bits: a range of their own would brighten them."""
    numbers = np.random.default_rng(0).integers(0, 800, (40, 8, 8)).astype(np.uint16)
    buffer = io.BytesIO()
    np.save(buffer, numbers)
    app = show("twelve", eval_data=datasource.OWN_FILE, eval_figures=[NAMES["elbo"]])
    app = measured(upload(app, "cells.npy", buffer.getvalue()))
    told = "Black is 0 and white 4095 (as the model was trained): the pictures hold 16-bit whole numbers"
    assert told in said(app).replace("\\", "")
    dark = torch.from_numpy(np.rint(numbers / 4095 * 255).astype(np.uint8))[:, None]
    config = DataConfig("cells")
    dark = torch.cat(
        [dark[torch.from_numpy(places)] for _, places in data.split(Raw(40, (8, 8), 1, numbers.__getitem__), config)]
    )
    expected = metrics.figures(the_model("twelve").model, dark, ["elbo"])
    assert rows(app)["elbo"]["value"] == pytest.approx(expected["elbo"]["value"], rel=1e-5)


def test_a_bad_zip_is_one_sentence(show: Show) -> None:
    app = upload(show("mlp", eval_data=datasource.OWN_FILE), "bad.zip", b"no zip")
    assert app.error[0].value.replace("\\", "") == "bad.zip is neither a zip, nor a file of arrays, nor a TIFF."
    assert len(app.error) == 1
    app = upload(app, "clone.npz", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    assert len(app.error) == 1 and "It is a pointer of Git LFS" in app.error[0].value
    app = measured(upload(app, "empty.zip", zipped([])))
    assert len(app.error) == 1 and not figures(app)
    app = upload(app, "good.zip", zipped(["a/1.png", "a/2.png", "b/3.png"]))
    assert not app.error  # it was about the other file
    app = measured(app)
    assert not app.error and figures(app)
    assert "Each was prepared like a picture that you upload" in said(app)


def test_one_picture_has_no_standard_error(show: Show) -> None:
    app = measured(upload(show("mlp", eval_data=datasource.OWN_FILE), "one.zip", zipped(["1.png"])))
    assert "The 1 picture of one." in said(app) and "±" not in said(app)


def test_the_command_below_prints_the_same_figures(show: Show, capsys: pytest.CaptureFixture[str]) -> None:
    app = measured(show("mlp", eval_count="250", eval_figures=[NAMES["elbo"], NAMES["nll"]], eval_draws="3"))
    (command,) = (code.value for code in app.code if code.value.startswith("vae evaluate"))
    assert main([*shlex.split(command)[1:], "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert {name: row["value"] for name, row in printed["metrics"].items()} == {
        name: row["value"] for name, row in rows(app).items()
    }


def test_folders_are_chosen_by_name_alone(show: Show, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "owner").mkdir()
    (tmp_path / "owner" / "pets.zip").write_bytes(zipped(["a/1.png", "a/2.png", "b/3.png"]))
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "owner"))
    app = measured(show("mlp", eval_data="folder pets.zip"))
    assert "All 3 pictures of pets." in said(app)
    app = show("mlp", eval_data=str(tmp_path / "owner" / "pets.zip"))
    assert "The link sets “Pictures” to" in said(app) and control(app.selectbox, "eval_data").value == "own"


# --- a visit ------------------------------------------------------------------------------------------------------


def test_bad_values_of_a_link_get_a_sentence_each(show: Show) -> None:
    app = show("mlp", eval_data="x", eval_count="3", eval_draws="0", eval_figures=[NAMES["nll"], NASTY])
    told = [warning.value.replace("\\", "") for warning in app.warning]
    assert len(told) == 4 and sum("the usual value is used instead" in text for text in told) == 3
    assert any("under “Figures” for" in text for text in told)
    assert control(app.multiselect, "eval_figures").value == ["nll"]


def test_nothing_is_measured_again_and_each_model_has_its_own_figures(show: Show, monkeypatch) -> None:
    calls = []
    real = metrics.figures
    monkeypatch.setattr(metrics, "figures", lambda *args: calls.append(args) or real(*args))
    app = measured(show("mlp"))
    before = figures(app)
    app.selectbox(key="model").set_value("vq")
    assert not figures(checked(app.run()))
    assert "perplexity" in control(app.multiselect, "eval_figures").value  # the usual ones of this model
    app.selectbox(key="model").set_value("mlp")
    assert figures(checked(app.run())) == before and len(calls) == 1
    assert figures(measured(show("mlp"))) == before and len(calls) == 1  # another visitor


def test_the_effective_sample_size_stands_beside_the_nll(show: Show) -> None:
    app = measured(show("mlp", eval_count="250", eval_figures=[NAMES["nll"]], eval_draws="5"))
    (unit,) = next(table.value for table in app.table if "Figure" in table.value)["Unit"]
    size = rows(app)["nll"]["effective_sample_size"]
    assert f"5 draws of which {size:.1f} count (mean effective sample size, below 10" in unit.replace("\\", "")


def test_figures_of_the_settings_before_say_so(show: Show) -> None:
    app = measured(show("mlp"))
    assert "settings before" not in said(app)
    app = checked(control(app.multiselect, "eval_figures").set_value(["elbo"]).run())
    assert "The figures below belong to the earlier settings." in said(app) and len(figures(app)) == 4
    app = measured(app)
    assert "settings before" not in said(app) and list(figures(app)) == ["ELBO"]
    app = checked(control(app.multiselect, "eval_figures").set_value([]).run())
    assert control(app.multiselect, "eval_figures").value == [] and app.button(key="eval_go").disabled


def test_what_is_chosen_is_kept_as_far_as_another_model_has_it(show: Show) -> None:
    app = show("mlp", eval_figures=[NAMES["elbo"], NAMES["total_correlation"]])
    app.selectbox(key="model").set_value("vq")
    assert control(checked(app.run()).multiselect, "eval_figures").value == ["elbo"]


def test_measuring_can_be_cancelled_and_begun_again(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*args: Any) -> None:
        for _ in range(2000):
            args[5](0.5)
            time.sleep(0.01)

    with monkeypatch.context() as patch:
        patch.setattr(metrics, "figures", endless)
        app = checked(show("mlp").button(key="eval_go").click().run())
        app = finished(checked(app.button(key="cancel_job").click().run()))
        assert "Measuring was cancelled." in said(app) and not figures(app)
    assert figures(measured(app)) and "cancelled" not in said(app)


# --- numbers and files --------------------------------------------------------------------------------------------


def some(rows: dict[str, metrics.Row]) -> Measured:
    return Measured("key", rows, {}, {"data": NASTY}, (), "vae evaluate")


def row(value: Any, error: float | None = None, unit: str = "nats") -> metrics.Row:
    return {"value": value, "standard_error": error, "unit": unit}


def test_numbers_as_words(shelf: Path) -> None:
    spec = checkpoints.load(shelf / "mlp.safetensors").model.spec
    given = {
        "elbo": row(math.nan, math.inf),
        "kl": row(-0.001, 0.0),
        "active_units": row(3),
        "kl_per_dim": row([float(i) for i in range(20)]),
        "perplexity": row([90.25, 3.5], unit="codes, from nll; not comparable with mig_sampled"),
        "knn": row(0.98765, 0.01, "share"),
        "mutual_information": row(3.5) | {"upper": 12.25},
    }
    shown = table(spec, given)
    values = dict(zip(given, (text.replace("\\", "") for text in shown["Value"]), strict=True))
    assert values["elbo"] == "not a number ± infinite" and values["kl"] == "0.00 ± 0.00"
    assert values["active_units"] == "3" and values["knn"] == "0.988 ± 0.010"
    assert values["kl_per_dim"].startswith("z19 19.00, z18 18.00, ") and values["kl_per_dim"].endswith(" and 8 more")
    assert values["mutual_information"] == "3.50 to 12.25"
    assert values["perplexity"] == "level 1 90.250, level 2 3.500"
    unit = shown["Unit"][4].replace("\\", "")
    assert unit == "codes, from Importance-weighted NLL; not comparable with MIG (sampled, Chen et al.)"


def test_downloads_hold_every_number() -> None:
    rows = {"elbo": row(math.nan, 0.5), "kl_per_dim": row([1.0, 2.0]), "dci": row({"completeness": 0.25})}
    found = some(rows | {"mutual_information": row(3.5) | {"upper": 12.25}})
    whole = json.loads(as_json(found))
    assert whole["data"] == NASTY and whole["metrics"]["elbo"] == row(None, 0.5)
    table = list(csv.reader(io.StringIO(as_csv(found).decode())))
    assert [line[:3] for line in table[1:]] == [
        ["elbo", "", "nan"],
        ["kl_per_dim", "0", "1.0"],
        ["kl_per_dim", "1", "2.0"],
        ["dci", "completeness", "0.25"],
        ["mutual_information", "lower", "3.5"],
        ["mutual_information", "upper", "12.25"],
    ]
