"""Home: cards, the open model in full, models of one's own; on small models made here, without a server."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from pages.widgets.evaluate.history import History
from pages.widgets.shell import cards, models
from pages.widgets.shell.models import Entry
from vae_core import checkpoints, coverage, data, fitting, zoo
from vae_core.checkpoints import Checkpoint, DataInfo, Reference
from vae_core.config import DataConfig
from vae_core.model import build
from vae_core.scoring import statistics

Show = Callable[..., AppTest]
NASTY = "<img src=x onerror=alert(1)> **bold** :red[x] $a$"
EPOCHS = 3
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
PAGE, GRAPH = b"<!doctype html><html></html>", b"\x08\x0a\x12\x07pytorch"


def small(data_name: str = "digits", description: str = "Small digits.") -> Checkpoint:
    """An untrained model with all that a header may hold."""
    splits = data.load(DataConfig("digits", count=100))
    recipe = zoo.recipe("mlp", DataConfig(data_name, count=100), (1, 8, 8), latent_dim=3, body={"hidden": (8,)})
    model = build(recipe.model).eval()
    found = statistics(model, splits.test.images)
    reference = Reference(
        found.mean, found.std, found.kl, found.reconstruction, torch.arange(len(found.mean)), splits.test.labels
    )
    split = found.summary(model.spec)
    rest = {"seconds": 1.0, "loss": 1.0, "beta": 1.0, "learning_rate": 1e-3, "score": 1.0}
    credit = data.SETS[data_name].credit if data_name in data.NAMES else "somebody"
    info = DataInfo(data_name, (NASTY, *"123456789"), sizes=(80, 10, 10), credit=credit, licence="CC BY 4.0")
    history = [rest | {"epoch": i + 1, "train": split, "val": split} for i in range(EPOCHS)]
    measured = split | {"active_units": 2}  # untrained, it has none
    return Checkpoint(recipe, model, info, description, history, measured, reference=reference)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three models: data made on the spot, data to fetch, and a header full of markup."""
    folder = tmp_path_factory.mktemp("shipped")
    checkpoints.save(small(), folder / "digits.safetensors")
    checkpoints.save(small("mnist"), folder / "mnist.safetensors")
    checkpoints.save(small("my pictures", NASTY), folder / "other.safetensors")
    return folder


@pytest.fixture
def show(root: Path, shelf: Path, bare_machine: None, monkeypatch: pytest.MonkeyPatch) -> Show:
    """Follow a link to a part of Home, with the shelf for the models that came with it and no data set beside it."""
    monkeypatch.setattr(checkpoints, "SHIPPED", shelf)

    def opened(part: str | None = None, model: str | None = None) -> AppTest:
        app = AppTest.from_file(str(root / "pages" / "router.py"), default_timeout=60)
        for key, value in {"show": part, "model": model}.items():
            if value:
                app.query_params[key] = value
        return checked(app.run())

    return opened


def checked(app: AppTest) -> AppTest:
    assert not app.exception, [e.message for e in app.exception]
    return app


def chosen(app: AppTest) -> str:
    return app.selectbox(key="model").value


def said(elements) -> str:
    return "\n".join(str(element.value) for element in elements)


def pictures(app: AppTest) -> list[str]:
    """The alternative texts of the strips."""
    bodies = [element.proto.body for element in app.get("html")]
    return [body.split('alt="')[1].split('"')[0] for body in bodies if "<img" in body]


def test_each_model_has_a_card_with_two_strips(show: Show) -> None:
    app = show()
    assert [e.value for e in app.header] == ["mnist, open", "digits", "other"]
    assert len(pictures(app)) == 6
    assert pictures(app).count("The model&#x27;s reconstructions of test pictures") == 2
    assert (
        pictures(app).count("Test pictures, and below them the model&#x27;s reconstructions") == 1
    )  # digits are always here
    assert "Likelihood: Bernoulli" in said(app.text) and "Test ELBO: " in said(app.text)
    assert "latent space" in said(app.markdown)
    assert "runs on the processor (CPU)" in said(app.caption)


def test_originals_that_can_never_be_here_are_not_called_missing(show: Show) -> None:
    captions = said(show().caption)
    assert captions.count("The originals of mnist are not on this machine.") == 1
    assert captions.count("The files of other hold encodings of the originals, not the originals themselves.") == 1
    captions = said(show("The open model", "other").caption)
    assert (
        "reconstructions: the model's file holds encodings" in captions and "machine" not in captions.split("This")[0]
    )


def test_a_data_set_that_cannot_be_read_is_said_so(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(*_: object, **__: object) -> None:
        raise ValueError("The file digits.npz is torn.")

    monkeypatch.setattr(data, "load_test", torn)
    assert "the originals cannot be shown: The file digits.npz is torn." in said(show().caption).replace("\\", "")


@pytest.fixture
def collapsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A model of one's own with no active unit."""
    monkeypatch.setenv("VAE_CHECKPOINTS", str(tmp_path))
    whole = small()
    checkpoints.save(replace(whole, metrics=whole.metrics | {"active_units": 0}), tmp_path / "flat.safetensors")
    return "flat (own folder)"


def test_the_open_model_says_whether_its_prior_is_fit_for_a_generator(
    show: Show, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(app: AppTest) -> str:
        cells = [str(cell) for table in app.table for cell in table.value.to_numpy().flatten()]
        return "\n".join([said(app.markdown), *cells]).replace("\\", "")

    few = "Not compared with the encodings. The file holds 10 reference encodings; at least 40 are needed."
    assert few in told(show("The open model", "digits"))
    whole = checkpoints.load(root / "checkpoints" / "digits.safetensors")
    figures = {"compared_pictures": 90, "distance_real": 0.0, "distance_own_prior": 9.0, "sharpness_own_prior": 0.5}
    figures |= {"distance_reconstructions": 3.0, "sharpness_reconstructions": 0.75, "sharpness_real": 1.0}
    whole = replace(whole, metrics=whole.metrics | figures)
    checkpoints.save(whole, tmp_path / "whole.safetensors")
    monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path)
    found, page = coverage.measure(whole), told(show("The open model", "whole"))
    assert found.verdict in page and {found.rows()["Round trip"], found.rows()["Holes"]} <= set(page.splitlines())
    assert "draws from N(0, I) 50% as sharp and 9.0 away" in page


COLLAPSE = "every picture is decoded alike; the usual fix is to train it again with a lower KL weight"


def test_the_card_of_a_collapsed_model_says_so(show: Show, collapsed: str) -> None:
    app = show()
    assert len(app.header) == 4
    assert [COLLAPSE in warning.value for warning in app.warning] == [True]
    app = show("The open model", collapsed)
    assert [COLLAPSE in warning.value for warning in app.warning] == [True]


@pytest.mark.parametrize("page", ["sample", "interpolate", "traverse", "map"])
def test_every_page_of_a_collapsed_model_says_so(show: Show, root: Path, collapsed: str, page: str) -> None:
    app = AppTest.from_file(str(root / "pages" / "router.py"), default_timeout=60)
    app.query_params["model"] = collapsed
    app.switch_page(f"{page}.py")
    assert [COLLAPSE in warning.value for warning in checked(app.run()).warning] == [True]
    app.selectbox(key="model").set_value("digits")
    assert not checked(app.run()).warning


def test_a_strangers_markup_is_only_text(show: Show) -> None:
    app = show()
    assert NASTY in [e.value for e in app.text]
    read_as_markdown = said([*app.markdown, *app.header, *app.subheader, *app.caption, *app.title])
    assert "<img" not in read_as_markdown and "**bold**" not in read_as_markdown
    app = show("The open model", "other")
    assert f"Classes: {NASTY}, 1, 2" in said(app.text)


@pytest.mark.parametrize("text", [NASTY, "a_b *c* [d](e) `f` # g", "# x\n- y"])
def test_plain_escapes_all_punctuation(text: str) -> None:
    shown = models.plain(text)
    assert shown.replace("\\", "") == " ".join(text.split())
    assert all(shown[i - 1] == "\\" for i, c in enumerate(shown) if c in "<>*_[]()`#$:!-")
    assert len(models.plain("a" * 10_000)) == models.MAX_SENTENCE


def test_open_opens_the_model(show: Show) -> None:
    app = show()
    app.button(key="open-digits").click().run()
    assert chosen(app) == "digits"


def test_about_shows_the_open_model_in_full(show: Show) -> None:
    app = show()
    checked(app.button(key="about-digits").click().run())
    assert chosen(app) == "digits"
    charts = [json.loads(chart.proto.spec)["data"] for chart in app.get("plotly_chart")]
    assert len(charts) == 4
    (heat,) = (data[0] for data in charts if data[0]["type"] == "heatmap")
    assert heat["zmin"] == 0 and heat["zmax"] > 0  # a dark row is one that is not used
    assert "vae train --like digits --out digits-again.safetensors" in said(app.code)
    assert "Credit: Optical Recognition" in said(app.text) and "Licence: CC BY 4.0" in said(app.text)
    tables = "\n".join(str(table.value) for table in app.table)
    assert "nats per image" in tables.replace("\\", "") and "bernoulli" not in tables.split("kind")[0]


def test_commands_of_other_data(show: Show) -> None:
    app = show("The open model", "mnist")
    assert said(app.code) == "vae train --like mnist --download --out mnist-again.safetensors"
    app = show("The open model", "other")
    assert said(app.code) == "vae train --like other --data FOLDER --out other-again.safetensors"


def test_the_data_set_is_fetched_only_on_a_click(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load(config: DataConfig, download: bool = False, progress=None, **_: object):
        asked.append((config.name, download))
        progress(0.5, "half")
        raise ValueError("The data set 'mnist' could not be downloaded: no <network>")

    monkeypatch.setattr(data, "load", load)
    app = show("The open model", "mnist")
    assert "is not on this machine" in said(app.info) and not asked
    checked(app.button(key="fetch").click().run())
    assert asked == [("mnist", True)]
    assert said(app.error).replace("\\", "").endswith("could not be downloaded: no <network>")
    assert len(app.error) == 1 and len(app.get("plotly_chart")) == 4


def test_an_upload_becomes_a_card_and_is_open(show: Show, shelf: Path) -> None:
    app = show("Add a model")
    content = (shelf / "other.safetensors").read_bytes()
    checked(app.file_uploader[0].set_value(("<b>mine.safetensors", content, "")).run())
    assert "(uploaded " in chosen(app)
    checked(app.run())
    assert app.header[0].value.startswith("\\<b\\>mine \\(uploaded ") and app.header[0].value.endswith(", open")
    assert len(app.header) == 4


def test_a_bad_upload_ends_in_one_sentence_and_changes_nothing(show: Show, shelf: Path) -> None:
    app = show("Add a model", "digits")
    whole = (shelf / "other.safetensors").read_bytes()
    flipped = bytearray(whole)
    flipped[-5] ^= 1
    for content in (b"", b"no checkpoint", whole[:-100], bytes(flipped)):
        checked(app.file_uploader[0].set_value(("x.safetensors", content, "")).run())
        assert len(app.error) == 1 and app.error[0].value.startswith("This file cannot be opened. ")
        assert chosen(app) == "digits"
    for content, words in ((POINTER, "pointer of Git LFS"), (PAGE, "web page \\(HTML\\)"), (GRAPH, "vae import")):
        checked(app.file_uploader[0].set_value(("model.ckpt", content, "")).run())
        assert words in app.error[0].value and "…" not in app.error[0].value
    assert len(app.selectbox(key="model").options) == 3
    app.file_uploader[0].set_value(("x.safetensors", whole, "")).run()
    assert "(uploaded " in chosen(app) and not app.error


def test_a_folder_of_ones_own_with_bad_files(show: Show, shelf: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("VAE_CHECKPOINTS", str(tmp_path))
    content = (shelf / "digits.safetensors").read_bytes()
    (tmp_path / "good.safetensors").write_bytes(content)
    (tmp_path / "cut.safetensors").write_bytes(content[:5000])
    (tmp_path / "a folder.safetensors").mkdir()
    app = show()
    assert app.header[0].value == "good \\(own folder\\)"
    lines = app.warning[0].value.replace("\\", "").splitlines()
    assert [line.split(":")[0] for line in lines[2:]] == ["- a folder (own folder)", "- cut (own folder)"]
    app = show("Add a model", "cut (own folder)")
    assert len(app.error) == 1 and "cannot be opened" in app.error[0].value
    (tmp_path / "new.safetensors").write_bytes(content)
    (tmp_path / "cut.safetensors").write_bytes(content)
    checked(app.button(key="refresh").click().run())
    assert "In the folder that VAE_CHECKPOINTS names: cut, good, new" in said(app.text).splitlines()
    assert str(tmp_path) not in said(app.text) + said(app.code) + said(app.warning)
    assert not app.error
    assert {"new \\(own folder\\)", "cut \\(own folder\\)"} <= {header.value for header in show().header}


def test_own_folder_that_is_not_there(show: Show, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("VAE_CHECKPOINTS", str(tmp_path / "nowhere"))
    app = show("Add a model")
    assert "does not exist" in app.warning[0].value
    assert len(app.selectbox(key="model").options) == 3


def test_no_model_at_all(show: Show, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path)
    app = show()
    assert "no model yet" in app.info[0].value
    app = show("Add a model")
    assert "vae train" in said(app.code) and len(app.file_uploader) == 1


def test_a_link_to_what_is_not_here_is_explained(show: Show) -> None:
    app = show("nonsense", "nonsense")
    assert "not here" in app.warning[0].value and app.warning[1].value == (
        "The link opens the tab “nonsense”, but there is only “All models”, “The open model” or “Add a model”; "
        "the first is open."
    )
    assert chosen(app) == "mnist"


def test_a_model_that_goes_away_while_it_is_open(show: Show, shelf: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("VAE_CHECKPOINTS", str(tmp_path))
    file = tmp_path / "brief.safetensors"
    file.write_bytes((shelf / "digits.safetensors").read_bytes())
    app = show("All models", "brief (own folder)")
    assert chosen(app) == "brief (own folder)"
    file.unlink()
    checked(app.run())
    assert chosen(app) == "mnist"


def test_the_original_pictures_of_another_data_set_are_not_shown(shelf: Path) -> None:
    """A folder of one's own may bear the name of a known data set, or that one may have changed."""
    opened = models.Opened(models.Entry("own:x", "x", "own"), small(), "x")
    assert models.originals_here(opened)
    other = replace(opened.checkpoint, data=replace(opened.checkpoint.data, credit="the user's own pictures"))
    assert not models.originals_here(replace(opened, checkpoint=other))
    assert not models.originals_here(replace(opened, entry=models.Entry("upload:1", "x", "upload")))
    assert opened.checkpoint.reference is not None
    far = replace(opened.checkpoint.reference, index=opened.checkpoint.reference.index + 10**6)
    with pytest.raises(ValueError, match="not the one"):
        cards.reconstructions("far", replace(opened, checkpoint=replace(opened.checkpoint, reference=far)), True)


@pytest.mark.parametrize("width", [8, 16, 28, 32, 64, 128, 256])
def test_strips_fit_a_card(width: int) -> None:
    count = cards.columns(width)
    assert 3 <= count <= 8
    if width <= 128:
        assert count * (width + cards.GUTTER) <= cards.STRIP


@pytest.mark.parametrize(("length", "kept"), [(1, 1), (2, 2), (400, 400), (401, 201), (5000, 386)])
def test_a_long_history_is_thinned_and_keeps_its_end(length: int, kept: int) -> None:
    rows = [{"epoch": i + 1, "val": {"kl": float(i)}} for i in range(length)]
    opened = models.Opened(models.Entry("own:x", "x", "own"), replace(small(), history=rows), "x")
    history = History.of(opened)
    assert (history.epochs[0], history.epochs[-1], len(history.rows)) == (1, length, kept)
    assert history.curve("val", "kl")[-1] == length - 1


def test_kl_rows_are_ordered_by_the_last_epoch() -> None:
    rows = [{"val": {"kl_per_dim": [5.0, 0.0, 1.0]}}, {"val": {"kl_per_dim": [0.5, 0.0, 2.0]}}]
    names, values = History(rows).kl_per_dimension()
    assert names == ["z2", "z0", "z1"] and values[0] == [1.0, 2.0]


def opened_shipped(name: str) -> models.Opened:
    return models.Opened(
        models.Entry(f"shipped:{name}", name, "shipped"), checkpoints.load(checkpoints.find(name)), name
    )


def test_the_card_of_a_hierarchy_has_the_kl_of_its_levels_and_names_the_dead() -> None:
    ladder = opened_shipped("mnist-ladder")
    figures = cards.figures(ladder)
    assert figures["Active units"] == "149 of 464, by KL"
    assert figures["KL of each level"].startswith("11.27, 0.00025, 26.01 nats, coarse to fine; level 2 of 3 is dead")
    assert any("level 2 of 3 is dead" in line for line in models.facts(ladder))
    names, curves = History.of(ladder).kl_per_level(ladder.checkpoint.model.spec)
    row = ladder.checkpoint.history[-1]["val"]["kl_per_dim"]
    assert names == ["level 1", "level 2", "level 3"]
    assert [curve[-1] for curve in curves] == pytest.approx([sum(row[:72]), sum(row[72:268]), sum(row[268:])])


@pytest.mark.parametrize("name", ["fashion-vq", "mnist-ae-16", "mnist-adversarial", "digits-mixture"])
def test_where_z_has_no_scale_no_unit_is_counted(name: str) -> None:
    opened = opened_shipped(name)
    assert "Active units" not in cards.figures(opened) and "KL of each level" not in cards.figures(opened)
    assert not any("units" in line for line in models.facts(opened))


def test_settings_are_words() -> None:
    recipe = small().recipe
    assert cards.settings(recipe.training)["learning rate"] == "cosine, 0.001 to 1e-05"
    assert cards.settings(recipe.model)["encoder: hidden"] == "8"
    assert cards.settings(recipe.data)["size"] == "as the data has it"
    assert cards.settings(recipe.objective)["beta"] == "1"


def test_many_class_names_are_cut_with_their_number() -> None:
    lines = cards.source(DataInfo("x", tuple(str(i) for i in range(100))))
    assert lines[1] == "Credit: not stated" and lines[2] == "Licence: not stated"
    assert lines[3].startswith("Classes: 0, 1, ") and lines[3].endswith(", 29 and 70 more")


# --- a prior fitted to the open model ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models whose files hold enough encodings: of digits, of somebody's pictures, and of codes."""
    folder = tmp_path_factory.mktemp("roomy")
    for name in ("digits", "mine"):
        made = small(name if name == "digits" else "my pictures")
        test = data.load(DataConfig("digits", count=1_000)).test
        found = statistics(made.model, test.images)
        columns = (found.mean, found.std, found.kl, found.reconstruction, torch.arange(len(test)), test.labels)
        sizes = (800, 100, len(test))
        info, recipe = replace(made.data, sizes=sizes), replace(made.recipe, data=DataConfig(name, count=1_000))
        whole = replace(made, data=info, recipe=recipe, reference=Reference(*columns))
        checkpoints.save(whole, folder / f"{name}.safetensors")
    recipe = zoo.recipe("vq", DataConfig("digits"), (1, 8, 8))
    checkpoints.save(Checkpoint(recipe, build(recipe.model).eval(), DataInfo("digits")), folder / "vq.safetensors")
    return folder


@pytest.fixture
def fitted_here(show: Show, roomy: Path, monkeypatch: pytest.MonkeyPatch) -> Show:
    monkeypatch.setattr(checkpoints, "SHIPPED", roomy)
    return show


def waited(app: AppTest) -> AppTest:
    """The page once the fitting has ended, as the browser's poll would have it."""
    for _ in range(300):
        if "prior_running" not in app.session_state:
            return app
        time.sleep(0.1)
        checked(app.run())
    raise AssertionError("The fitting does not end.")


def fit_one(app: AppTest, kind: str, source: str) -> AppTest:
    """Press the button, and wait for what comes of it."""
    checked(app.radio(key="prior_kind").set_value(kind).run())
    next(radio for radio in app.radio if radio.label == "Fitted to").set_value(source)
    return waited(checked(app.button(key="prior_go").click().run()))


@pytest.mark.parametrize(("name", "source"), [("digits", "Training pictures"), ("mine", "Reference encodings")])
def test_a_prior_is_fitted_and_the_model_with_it_opens_for_this_visit(fitted_here, roomy, name, source) -> None:
    app = fit_one(fitted_here("The open model", name), "Mixture of Gaussians", source)
    assert chosen(app).startswith(f"{name}-mixture (fitted ")
    assert f"This is {name} with its new prior" in said(app.success).replace("\\", "")
    words = said(app.markdown)
    assert ("other pictures have to measure it" in words) == (source == "Reference encodings")
    assert ("encodings of training pictures" in words) == (source == "Training pictures")
    (held,) = [opened for opened in app.session_state["uploads"].values()]
    made = held.value.checkpoint
    assert made.model.spec.fitted == "mixture" and made.metrics["prior_components"] == made.model.fitted.components
    again = checkpoints.load(checkpoints.to_bytes(made))
    assert torch.equal(again.model.fitted.weights, made.model.fitted.weights)
    assert app.get("download_button")[0].label == "Model with its prior (safetensors)"
    shared = models.open_model(Entry(name, name, "shipped")).checkpoint
    assert shared.model.spec.fitted is None and "prior_gap" not in shared.metrics
    assert models.originals_here(held.value) == (name == "digits")


def test_a_flow_says_what_it_is(fitted_here, rough_flows: None) -> None:
    app = fit_one(fitted_here("The open model", "mine"), "Flow", "Reference encodings")
    assert chosen(app).startswith("mine-flow (fitted ") and "A flow is fitted to reference encodings" in said(
        app.markdown
    )


def test_a_fit_that_is_cancelled_leaves_everything_as_it_was(fitted_here, monkeypatch) -> None:
    begun = threading.Event()

    def slow(checkpoint, seed, progress, kind):
        begun.set()
        for _ in range(3_000):
            progress(0.5)
            time.sleep(0.01)

    monkeypatch.setattr(fitting, "fit_to_references", slow)
    app = fitted_here("The open model", "mine")
    checked(app.button(key="prior_go").click().run())
    assert begun.wait(30) and app.button(key="prior_go").disabled
    app.session_state["prior_running"].job.cancel()
    app = waited(app)
    assert "cancelled" in said(app.info) and chosen(app) == "mine" and not app.button(key="prior_go").disabled


def test_where_the_own_prior_is_the_best_or_there_are_too_few_it_is_told(fitted_here, monkeypatch) -> None:
    monkeypatch.setattr(fitting, "fit_to_references", lambda *_: fitting.Fit(None, {0: -1.0, 1: -2.0}, 100, True))
    app = waited(checked(fitted_here("The open model", "mine").button(key="prior_go").click().run()))
    assert "so it stays alone" in said(app.info) and chosen(app) == "mine"
    monkeypatch.undo()


def test_a_file_with_few_encodings_is_told_how_many_are_needed(show) -> None:
    app = waited(checked(show("The open model", "other").button(key="prior_go").click().run()))
    assert "fitted to at least 20" in said(app.error)


def test_models_that_learn_their_prior_in_training_say_so(fitted_here) -> None:
    app = fitted_here("The open model", "vq")
    assert "It learns its prior in training" in said(app.caption)
    assert not [button for button in app.button if button.key == "prior_go"]


def test_a_link_to_a_model_with_a_prior_of_another_visit_says_so(fitted_here) -> None:
    app = fitted_here(model="mine-flow (fitted 0123abcd)")
    assert "a prior fitted there" in said(app.warning)
