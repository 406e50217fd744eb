"""How typical a picture is: the p-value holds for every shipped model, and pictures that are too easy are told too."""

import functools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import betabinom, norm, rankdata
from torch import Tensor

from vae_core import checkpoints, explore, zoo
from vae_core.checkpoints import Reference
from vae_core.config import DataConfig
from vae_core.model import VAE, build
from vae_core.scoring import statistics
from vae_core.shards import seeded
from vae_core.typicality import FEWEST, Typicality, most_typical, p_values, percentile, reference_typicality, typicality

load = functools.cache(lambda name: checkpoints.load(checkpoints.find(name)))
HALVINGS = 2
ALPHA = 0.05


def vae(kind: str = "mlp") -> VAE:
    torch.manual_seed(0)
    return build(zoo.recipe(kind, DataConfig(), (1, 8, 8), latent_dim=4, body={"hidden": (16,)}).model).eval()


def reference_of(model: VAE, x: Tensor) -> Reference:
    found = statistics(model, x)
    return Reference(found.mean, found.std, found.kl, found.reconstruction, torch.arange(len(x)))


def by_hand(error: float, kl: float | None, errors: Tensor, kls: Tensor) -> float:
    """The p-value of one picture, written down plainly: one of N + 1, with numpy and scipy."""
    columns = [np.log(np.array([error, *errors.tolist()]))]
    if kl is not None:
        ranks = rankdata([kl, *kls.tolist()])
        columns.append(norm.ppf((ranks - 0.5) / len(ranks)))
    points = np.stack(columns, 1)
    away = points - points.mean(0)
    inverse = np.linalg.inv(np.cov(points.T, bias=True).reshape(len(columns), -1))
    distance = [row @ inverse @ row for row in away]
    return (1 + sum(other >= distance[0] for other in distance[1:])) / len(distance)


@pytest.mark.parametrize("with_kl", [True, False])
def test_the_p_value_is_the_plain_computation(with_kl: bool) -> None:
    draws = torch.randn(150, 2, generator=seeded(0), dtype=torch.float64)
    error, kl = (
        (3 + draws[:, 0]).exp(),
        (draws @ torch.tensor([0.7, 0.7], dtype=torch.float64)).round(decimals=1),
    )  # ties
    found = p_values(error[:30], kl[:30] if with_kl else None, error[30:], kl[30:])
    expected = [by_hand(error[i].item(), kl[i].item() if with_kl else None, error[30:], kl[30:]) for i in range(30)]
    assert found.tolist() == pytest.approx(expected, abs=1e-9)


def test_both_ends_and_what_does_not_belong_together_are_extreme() -> None:
    z = torch.randn(2000, generator=seeded(1), dtype=torch.float64)
    errors = (4 + 0.5 * z).exp()
    kls = 20 + 4 * (0.8 * z + 0.6 * torch.randn(2000, generator=seeded(2), dtype=torch.float64))
    error, kl = torch.tensor([[55.0, 20.0], [0.5, 5.0], [900.0, 40.0], [25.0, 26.0], [120.0, 14.0]]).double().T
    usual, easy, hard, *odd = p_values(error, kl, errors, kls).tolist()
    assert usual > 0.9
    assert easy < 0.001 and hard < 0.001
    assert max(odd) < 0.01  # either figure by itself is among the middle nine tenths
    assert all(5 < percentile(e, errors) < 95 for e in error[3:].tolist())
    assert all(5 < percentile(k, kls) < 95 for k in kl[3:].tolist())


def test_what_no_number_tells_apart_is_usual() -> None:
    alike = torch.full((50,), 3.0)
    assert p_values(alike[:1], alike[:1], alike, alike).item() == 1
    infinite = p_values(torch.tensor([math.inf, math.nan]), None, torch.rand(50) + 1, alike)
    assert infinite.tolist() == [1 / 51, 1 / 51]


@pytest.mark.parametrize("name", checkpoints.shipped())
def test_a_twentieth_of_the_pictures_of_every_shipped_model_is_unusual(name: str) -> None:
    """By random halvings: one half judges the other, and beta-binomial is how many it calls unusual."""
    model, reference = load(name).model, load(name).reference
    error = reference.error.double() - model.likelihood.least_error(model.image_shape)
    kl = reference.kl.sum(1)
    varies = bool(kl.min() < kl.max())
    half, shares = len(error) // 2, []
    for halving in range(HALVINGS):
        judges, judged = torch.randperm(len(error), generator=seeded(halving))[: 2 * half].split(half)
        p = p_values(error[judged], kl[judged] if varies else None, error[judges], kl[judges])
        count, rank = int((p <= ALPHA).sum()), math.floor(ALPHA * (half + 1))
        low, high = betabinom.interval(1 - 1e-4, half, rank, half + 1 - rank)
        assert low <= count <= high
        shares.append(count / half)
    # Halvings of the same pictures do not depend on one another much: one judges what another is judged by.
    assert sum(shares) / HALVINGS == pytest.approx(ALPHA, abs=3 * math.sqrt(ALPHA / half))


def sheets(shape: tuple[int, int, int]) -> dict[str, Tensor]:
    """Pictures that no data set has: (1, C, H, W) each."""
    _, height, width = shape
    down, across = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    pixel = torch.zeros(height, width)
    pixel[height // 2, width // 2] = 1
    ridge = 0.45 + 0.2 * torch.sin(7 * across) + 0.08 * torch.sin(23 * across + 1)
    mountain = torch.where(down < ridge, 0.9 - 0.35 * down, 0.25 + 0.3 * (down - ridge))
    squares = (torch.arange(height)[:, None] + torch.arange(width)) % 2
    named = {"black": torch.zeros(height, width), "pixel": pixel, "mountain": mountain, "squares": squares.float()}
    return {name: sheet.clamp(0, 1).expand(1, *shape).contiguous() for name, sheet in named.items()}


@pytest.mark.parametrize("name", ["mnist", "fashion"])
def test_sheets_that_are_no_pictures_are_very_unusual(name: str) -> None:
    found = load(name)
    for sheet, x in sheets(found.model.image_shape).items():
        told = typicality(found.model, explore.observe(found.model, x), found.reference)
        assert told.p < 0.01 and "very unusual" in told.words, sheet
    easy = typicality(found.model, torch.zeros(1, *found.model.image_shape), found.reference)
    assert easy.error_percentile < 0.1  # rebuilt better than all of them


def test_pictures_of_the_reference_set_are_judged_by_the_others() -> None:
    model, x = vae(), torch.rand((60, 1, 8, 8), generator=seeded(0))
    reference = reference_of(model, x)
    error = reference.error.double() - model.likelihood.least_error(model.image_shape)
    found = [reference_typicality(model, reference, row) for row in range(60)]
    others = torch.arange(60) != 7
    assert (
        found[7].p == p_values(error[7:8], reference.kl[7:8].sum(1), error[others], reference.kl[others].sum(1)).item()
    )
    assert found[7].pictures == 59 and "of 59 reference pictures" in found[7].words
    assert sorted(one.p for one in found) == pytest.approx([k / 60 for k in range(1, 61)])  # none ties, each one once


def test_a_picture_is_scored_as_the_reference_set_was() -> None:
    model, x = vae(), torch.rand((60, 1, 8, 8), generator=seeded(0))
    reference, found = reference_of(model, x), statistics(model, x[:1])
    told = typicality(model, x[:1], reference)
    assert told.error == found.reconstruction.item() and told.kl == pytest.approx(found.kl.sum().item(), rel=1e-3)
    assert told.pictures == 60 and 1 / 61 <= told.p <= 1
    odd = typicality(model, torch.ones_like(x[:1]), reference)
    assert odd.p == 1 / 61 and odd.error_percentile == 100
    assert odd.words == (
        "For this model it is unusual in reconstruction error and KL together: none of 60 reference pictures are at "
        f"least as extreme (p = 0.016). 100 % are reconstructed better, and {odd.kl_percentile:.0f} % need fewer nats."
    )


def test_a_picture_that_was_observed_is_not_observed_again() -> None:
    torch.manual_seed(0)
    recipe = zoo.recipe("mlp", DataConfig("mnist"), (1, 8, 8), latent_dim=4, body={"hidden": (16,)})
    model, x = build(recipe.model).eval(), torch.rand((60, 1, 8, 8), generator=seeded(0))
    assert model.likelihood.binary
    reference, bits = reference_of(model, x), model.observe(x[:1], seeded(7))
    assert typicality(model, bits, reference).error == statistics(model, bits).reconstruction.item()
    assert typicality(model, x[:1], reference).error != statistics(model, x[:1]).reconstruction.item()


def test_without_a_density_only_the_error_is_judged() -> None:
    model, x = vae("autoencoder"), torch.rand((60, 1, 8, 8), generator=seeded(0))
    reference = reference_of(model, x)
    told = typicality(model, x[:1], reference)
    assert told.kl is None and told.kl_percentile is None
    assert "in reconstruction error: " in told.words and "KL" not in told.words and "nats" not in told.words
    assert reference_typicality(model, reference, 3).words.endswith("% are reconstructed better.")


def test_where_all_kls_are_alike_none_is_said_to_be_smaller() -> None:
    model, error, kl = vae(), 100 + torch.rand(40, generator=seeded(0)), torch.full((40, 3), 0.25)
    reference = Reference(torch.rand(40, 3), torch.rand(40, 3), kl, error, torch.arange(40))
    told = reference_typicality(model, reference, 3)
    assert told.kl == 0.75 and told.kl_percentile is None and "KL" not in told.words


@pytest.mark.parametrize(
    ("p", "word"), [(0.0096, "very unusual"), (0.0104, "unusual"), (0.05, "unusual"), (0.0504, "usual")]
)
def test_words_go_with_the_p_value(p: float, word: str) -> None:
    words = Typicality(90.0, 20.0, 40.0, 30.0, p, 2499).words
    assert (
        f"it is {word} in reconstruction error and KL together: {round(2500 * p) - 1:,} of 2,499 reference pictures"
        in words
    )


@pytest.mark.parametrize("count", [1, 5, FEWEST - 1])
def test_of_a_few_reference_pictures_nothing_is_claimed(count: int) -> None:
    model, x = vae(), torch.rand((count, 1, 8, 8), generator=seeded(0))
    reference = reference_of(model, x)
    assert f"there are {count} reference pictures" in typicality(model, torch.ones(1, 1, 8, 8), reference).words
    assert "cannot be told" in reference_typicality(model, reference, 0).words


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=30), st.integers(-6, 6))
def test_percentile_is_the_share_below_with_ties_halved(values: list[int], value: int) -> None:
    found = percentile(value, torch.tensor(values).float())
    below, equal = (sum(test(v) for v in values) for test in (lambda v: v < value, lambda v: v == value))
    assert found == pytest.approx(100 * (below + equal / 2) / len(values), abs=1e-3)


def test_the_most_typical_come_first_as_their_p_values_have_it() -> None:
    error, kl = 50 + 10 * torch.randn(400), 20 + 5 * torch.randn(400)
    for known in (kl, None):
        order = most_typical(error, known)
        p = p_values(error[order], None if known is None else kl[order], error, kl)
        assert sorted(order.tolist()) == list(range(400))
        assert p[:40].mean() > 0.85 and p[-40:].mean() < 0.15
    assert len(most_typical(error, torch.ones(400))) == 400
