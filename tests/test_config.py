"""Recipes: what goes to JSON comes back, what is none is refused in one sentence, schedules have their shapes."""

import json
import math
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_core import config, zoo
from vae_core.config import (
    Body,
    DataConfig,
    Latent,
    LikelihoodConfig,
    ModelConfig,
    Objective,
    Recipe,
    Schedule,
    Training,
    from_dict,
    to_dict,
)

bodies = st.builds(
    Body,
    st.sampled_from(("mlp", "conv", "resnet")),
    st.lists(st.integers(4, 64), min_size=1, max_size=3).map(tuple),
    st.sampled_from(config.ACTIVATIONS),
    st.sampled_from(config.NORMS),
    st.floats(0.0, 0.95),
) | st.builds(Body, st.just("linear"), st.just(()))
schedules = st.builds(
    Schedule,
    st.sampled_from(config.SCHEDULES),
    st.floats(0, 1e6),
    st.floats(0, 1e6),
    st.floats(1e-6, 1),
    st.integers(1, 9),
)
sides = st.integers(config.MIN_SIDE, 128)
models = st.builds(
    ModelConfig,
    st.tuples(st.sampled_from((1, 3)), sides, sides),
    bodies,
    bodies,
    st.builds(Latent, dim=st.integers(1, 512)),
    st.builds(LikelihoodConfig, st.sampled_from(config.LIKELIHOODS), st.floats(0.01, 100)),
)
recipes = st.builds(
    Recipe,
    st.text(min_size=1, max_size=config.MAX_NAME),
    models,
    st.builds(Objective, beta=schedules.filter(lambda beta: beta.end > 0), free_bits=st.floats(0, 100)),
    st.builds(Training, st.integers(1, 1000), st.integers(1, 5000), schedules, st.floats(0, 1), st.floats(0, 100)),
    st.builds(
        DataConfig, st.text(min_size=1, max_size=20), st.none() | st.tuples(sides, sides), seed=st.integers(0, 9)
    ),
)


@given(recipes)
def test_json_round_trip(recipe: Recipe) -> None:
    assert from_dict(Recipe, json.loads(json.dumps(to_dict(recipe)))) == recipe


def test_absent_keys_take_their_defaults() -> None:
    assert from_dict(Recipe, {}) == Recipe()
    assert from_dict(Recipe, {"training": {"epochs": 3}}) == Recipe(training=Training(epochs=3))


def test_whole_numbers_stand_for_floats() -> None:
    assert type(from_dict(Objective, {"free_bits": 1}).free_bits) is float


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        (("colour",), 1, "unknown key 'colour'"),
        (("model", "latent", "size"), 1, "unknown key 'size'"),
        (("model",), [1], "must be an object"),
        (("model", "image_shape"), [1, 28], "2 entries; it must have 3"),
        (("model", "image_shape"), "128", "must be a list"),
        (("model", "image_shape"), [1, 28.0, 28], "of type int"),
        (("model", "image_shape"), [2, 28, 28], "channels are 2"),
        (("model", "image_shape"), [1, 7, 28], "height is 7"),
        (("model", "image_shape"), [1, 28, 257], "width is 257"),
        (("model", "encoder", "hidden"), [8] * 5, "5 halvings"),
        (("model", "encoder", "hidden"), [], "at least one entry"),
        (("model", "encoder", "hidden"), [0], "hidden width is 0"),
        (("model", "encoder", "hidden"), [True], "of type int"),
        (("model",), {"image_shape": [1, 64, 64], "encoder": {"hidden": [65_536, 1]}}, "has 67108864 numbers"),
        (("model", "encoder"), {"kind": "linear", "hidden": [3]}, "no hidden layers"),
        (("model", "encoder", "kind"), "transformer", "'transformer'; allowed: linear, mlp, conv, resnet"),
        (("model", "encoder", "dropout"), 0.96, "dropout is 0.96"),
        (("model", "encoder"), {"norm": "group", "hidden": [3]}, "at least 4"),
        (("model", "latent", "dim"), 0, "dim is 0"),
        (("model", "latent", "dim"), True, "of type int"),
        (("model", "latent", "kind"), "cube", "allowed: gaussian, flow"),
        (("model", "likelihood", "std"), 0.001, "std is 0.001"),
        (("objective", "beta"), 4.0, "must be an object"),
        (("objective", "beta", "end"), -1.0, "end is -1.0"),
        (("objective", "beta", "end"), math.nan, "end is nan"),
        (("objective", "beta", "end"), math.inf, "end is inf"),
        (("objective", "beta", "end"), 10**400, "of type float"),
        (("objective", "beta", "length"), 0.0, "length"),
        (("objective", "beta", "kind"), None, "of type str"),
        (("training", "epochs"), 0, "epochs is 0"),
        (("training", "epochs"), 1.5, "of type int"),
        (("training", "epochs"), 10**400, "epochs is 1000"),
        (("training", "precision"), "float16", "allowed: float32, bf16"),
        (("training", "weights"), "float8", "allowed: float32, float16"),
        (("training", "seed"), -1, "seed is -1"),
        (("data", "name"), "", "length of the data set's name is 0"),
        (("data", "channels"), 2, "channels are 2"),
        (("data", "size"), [4, 4], "side is 4"),
        (("data", "val_fraction"), 1.0, "val_fraction is 1.0"),
        (("name",), "x" * 3_000, "name is 3000"),
        (("model", "encoder", "kind"), "x" * 3_000, "allowed"),
        (("x" * 3_000,), 1, "unknown key"),
    ],
)
def test_bad_values_are_named_in_one_short_sentence(path: tuple[str, ...], value: Any, found: str) -> None:
    recipe = to_dict(Recipe())
    place = recipe
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ValueError) as caught:
        from_dict(Recipe, recipe)
    assert found in str(caught.value)
    assert len(str(caught.value)) < 300


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([f.name for f in fields(Recipe)]), inner, max_size=3)
        ),
    )
)
def test_any_json_gives_a_recipe_or_a_value_error(value: Any) -> None:
    try:
        assert isinstance(from_dict(Recipe, value), Recipe)
    except ValueError as error:
        assert "\n" not in str(error)


def test_a_required_key_is_asked_for() -> None:
    from vae_core.checkpoints import DataInfo

    with pytest.raises(ValueError, match="data has no 'name'"):
        from_dict(DataInfo, {}, "data")


RAMPS = [kind for kind in config.SCHEDULES if kind not in ("constant", "cyclical")]


@given(
    st.sampled_from(RAMPS), st.floats(0, 100), st.floats(0, 100), st.floats(0.01, 1), st.floats(0, 1), st.floats(0, 1)
)
def test_ramps_go_one_way_from_start_to_end(
    kind: str, start: float, end: float, length: float, a: float, b: float
) -> None:
    schedule = Schedule(kind, start, end, length)
    assert schedule.at(0.0) == pytest.approx(start)
    assert schedule.at(length) == pytest.approx(end)
    assert schedule.at(1.0) == pytest.approx(end)
    low, high = sorted((a, b))
    direction = 1 if end >= start else -1
    assert direction * (schedule.at(high) - schedule.at(low)) >= -1e-9 * max(start, end)


def test_shapes_of_the_ramps() -> None:
    assert Schedule("constant", start=5, end=2).at(0.0) == 2
    assert Schedule("linear").at(0.25) == pytest.approx(0.25)
    assert Schedule("linear", length=0.5).at(0.25) == pytest.approx(0.5)
    assert Schedule("cosine").at(0.25) == pytest.approx((1 - math.cos(math.pi / 4)) / 2)
    assert Schedule("sigmoid").at(0.5) == pytest.approx(0.5)
    assert Schedule("sigmoid").at(0.25) < 0.1
    assert Schedule("exponential").at(0.5) == pytest.approx(1 / (math.exp(2.5) + 1))
    assert [Schedule("exponential", 1e-3, 1e-5).at(p) for p in (0, 0.5, 1)] == pytest.approx([1e-3, 1e-4, 1e-5])
    assert Schedule("exponential", 0.25, 4, length=0.5).at(0.25) == pytest.approx(1)


def test_cyclical_ramps_and_holds_in_each_cycle() -> None:
    schedule = Schedule("cyclical", start=1, end=3, cycles=4)
    for cycle in range(4):
        assert schedule.at(cycle / 4) == pytest.approx(1)
        assert schedule.at((cycle + 0.25) / 4) == pytest.approx(2)
        assert schedule.at((cycle + 0.5) / 4) == schedule.at((cycle + 0.9) / 4) == pytest.approx(3)
    assert schedule.at(1.0) == 3


def test_a_replaced_field_is_the_only_difference() -> None:
    recipe = Recipe()
    other = zoo.adjusted(recipe, {"latent_dim": 5})
    assert config.difference(recipe, other) == "model.latent.dim is 16, not 5"
    assert zoo.adjusted(other, {"latent_dim": 16}) == recipe
    assert config.difference(recipe, recipe) == "no difference"
    with pytest.raises(ValueError, match="latent dim is 0"):
        zoo.adjusted(recipe, {"latent_dim": 0})
