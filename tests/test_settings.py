"""Settings: each stands in a recipe where it says, and says what it may be."""

from dataclasses import fields

import pytest

from vae_core import config
from vae_core.config import Objective
from vae_core.settings import SETTINGS, Setting


def test_names_are_unique_and_an_objective_has_no_field_without_one() -> None:
    names = [setting.name for setting in SETTINGS]
    assert len(set(names)) == len(names)
    assert {field.name for field in fields(Objective)} - {"kind"} <= set(names)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_setting_says_what_it_may_be_at_each_of_its_places(setting: Setting) -> None:
    found = [config.look_up(place) for place in setting.places.split()]  # raises where a recipe has no such place
    assert found == found[:1] * len(found)
    rule = found[0][1]
    assert setting.sentence.endswith(f"Default: {setting.default}.")
    if rule and not setting.values:
        assert str(rule) in setting.sentence
    assert rule is None or set(setting.values) <= set(getattr(rule, "values", setting.values))


def test_a_place_that_is_none_is_known() -> None:
    with pytest.raises(KeyError):
        config.look_up("model.latent.size")
