"""Home in a real Chromium: cards, from a card to a page, the open model in full, uploads, links."""

import json
import re
from pathlib import Path

from playwright.sync_api import expect

from pages.widgets.shell import models
from vae_core import checkpoints

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "checkpoints" / "digits.safetensors"


def strips(view):
    return view.page.locator("[data-testid=stMain] img")


def model(view):
    return view.page.get_by_test_id("stSidebar").get_by_role("combobox", name="Model")


def test_the_first_visit_shows_pictures_of_the_usual_models_and_groups_of_all(view) -> None:
    view.open()
    names = [path.stem for path in (ROOT / "checkpoints").glob("*.safetensors")]
    headings = view.page.get_by_role("heading", level=2)
    assert headings.count() == len(models.ORDER)
    assert strips(view).count() == 2 * len(models.ORDER)
    for i in range(strips(view).count()):
        assert strips(view).nth(i).get_attribute("alt")
        sizes = strips(view).nth(i).evaluate("e => [e.clientWidth, e.naturalWidth]")
        assert sizes[0] % sizes[1] == 0  # enlarged by a whole number
    bottom = strips(view).first.bounding_box()
    assert bottom["y"] + bottom["height"] < 720  # seen without scrolling
    view.screenshot("home")
    view.page.get_by_role("radiogroup").get_by_text("One level or several?").click()
    view.settle()
    assert "group=levels" in view.page.url and headings.count() == 5
    view.screenshot("home-levels")
    view.page.get_by_role("radiogroup").get_by_text("All", exact=True).click()
    view.settle()
    assert "group=all" in view.page.url
    assert headings.count() == strips(view).count() == len(names)
    assert view.page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight") < 6_000
    view.screenshot("home-all")
    view.page.get_by_label("Search").fill("vq")
    view.page.keyboard.press("Enter")
    view.settle()
    assert headings.count() == 2
    view.page.reload()
    view.settle()
    assert headings.count() == 2 and view.page.get_by_label("Search").input_value() == "vq"


def test_open_goes_to_sample_with_the_model(view) -> None:
    view.open()
    view.page.get_by_role("button", name="Open digits", exact=True).click()
    view.page.wait_for_url(re.compile("/sample"))
    view.settle()
    assert model(view).input_value() == "digits"
    view.go_to("Home")
    assert model(view).input_value() == "digits"
    expect(view.page.get_by_role("heading", name="digits, open")).to_be_visible()


def test_the_open_model_in_full_from_its_link(view) -> None:
    view.open()
    view.page.get_by_role("button", name="About digits", exact=True).click()
    view.settle()
    expect(view.page.locator(".js-plotly-plot")).to_have_count(4)
    view.screenshot("home-about-light")
    view.page.emulate_media(color_scheme="dark")
    view.page.reload()
    expect(view.page.locator(".js-plotly-plot")).to_have_count(4)
    expect(view.page.get_by_role("heading", name="digits", exact=True)).to_be_visible()
    expect(view.page.get_by_text("vae train --like digits")).to_be_visible()
    view.screenshot("home-about-dark")


def test_a_model_is_measured_on_its_own_test_pictures(view) -> None:
    view.open(show="The open model", model="digits", eval_figures="Importance-weighted NLL")
    view.page.get_by_role("spinbutton", name="Draws of z per picture (K)").fill("20")
    view.page.keyboard.press("Enter")
    view.settle()
    assert "eval_draws=20" in view.page.url
    view.page.get_by_role("button", name="Measure", exact=True).click()
    view.page.get_by_text(re.compile(r"All 180 test pictures of digits\.")).wait_for(timeout=60_000)
    view.settle()
    row = view.page.get_by_role("row").filter(has_text="Importance-weighted NLL")
    expect(row).to_contain_text("20 draws")
    with view.page.expect_download() as given:
        view.page.get_by_role("button", name="Figures (JSON)").click()
    found = json.loads(given.value.path().read_bytes())
    assert (found["data"], found["pictures"], found["metrics"]["nll"]["k"]) == ("digits", 180, 20)
    expect(row).to_contain_text(f"{found['metrics']['nll']['value']:.2f} ± ")
    row.scroll_into_view_if_needed()
    view.screenshot("home-evaluate")


def test_an_upload_is_open_on_all_pages_and_a_reload_says_that_it_is_gone(view, tmp_path: Path) -> None:
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(DIGITS.read_bytes()[:-7])
    view.open(show="Add a model")
    view.upload(bad)
    alert = view.page.get_by_test_id("stAlert")
    expect(alert).to_contain_text("This file cannot be opened.")
    good = tmp_path / "<i>my *model*.safetensors"
    good.write_bytes(DIGITS.read_bytes())
    view.upload(good)
    expect(alert).to_contain_text("<i>my *model* is open.")
    expect(view.page.get_by_role("heading", level=2).first).to_contain_text("<i>my *model* (uploaded ")
    assert model(view).input_value().startswith("<i>my *model* (uploaded ")
    view.go_to("Sample")
    assert model(view).input_value().startswith("<i>my *model* (uploaded ")
    expect(view.page.get_by_role("img", name="64 pictures drawn from the prior")).to_be_visible()
    view.page.reload()
    view.settle()
    expect(view.page.get_by_test_id("stAlert").first).to_contain_text("kept for one visit")


def test_phone(new_view) -> None:
    view = new_view(width=390, height=844, touch=True)
    view.open()
    for part in ("All models", "The open model", "Add a model"):
        view.page.get_by_role("tab", name=part).click()
        view.settle()
        over = view.page.get_by_test_id("stMain").evaluate("e => e.scrollWidth - e.clientWidth")
        assert over <= 0, part
        view.screenshot(f"home-phone-{part}")


def test_a_prior_is_fitted_drawn_from_and_downloaded(view) -> None:
    view.open(show="The open model", model="digits")
    kinds = view.page.get_by_role("radiogroup", name="Kind")
    kinds.get_by_text("Mixture of Gaussians", exact=True).click()  # takes a moment, where a flow takes minutes
    view.settle()
    view.page.get_by_role("button", name="Fit a prior", exact=True).click()
    expect(view.page.get_by_text("This is digits with its new prior")).to_be_visible(timeout=60_000)
    view.settle()
    assert model(view).input_value().startswith("digits-mixture (fitted ")
    view.screenshot("home-prior")
    with view.page.expect_download() as given:
        view.page.get_by_role("button", name="Model with its prior").click()
    assert given.value.suggested_filename == "digits-mixture.safetensors"
    assert checkpoints.load(Path(given.value.path())).model.spec.fitted == "mixture"
    view.go_to("Sample")
    view.page.get_by_role("radio", name="Both").click()
    view.settle()
    assert "prior=both" in view.page.url
    expect(view.page.get_by_text("Below: where the encoder put the pictures.")).to_be_visible()
    view.screenshot("sample-both")
