"""Disentanglement, probes and the aggregate posterior: codes whose figures are known beforehand."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.metrics import mutual_info_score
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, MultivariateNormal, Normal

from vae_core import disentanglement
from vae_core.disentanglement import (
    aggregate,
    dci,
    factor_vae_score,
    knn_accuracy,
    linear_probe,
    log_aggregate,
    mig_histogram,
    mig_sampled,
    sap,
)
from vae_core.shards import seeded

SIZES = (2, 3, 4)  # values a factor
ROWS = 1_500


@pytest.fixture(scope="module")
def factors() -> Tensor:
    return torch.stack([torch.randint(0, size, (ROWS,), generator=seeded(size)) for size in SIZES], 1)


@pytest.fixture(scope="module")
def perfect(factors: Tensor) -> Tensor:
    """One dimension a factor, and one that knows nothing."""
    known = (factors - factors.double().mean(0)) / factors.double().std(0)
    codes = torch.cat([known, torch.randn(ROWS, 1, generator=seeded(7), dtype=torch.float64)], 1)
    return codes + 0.01 * torch.randn(codes.shape, generator=seeded(8))


@pytest.fixture(scope="module")
def rotated(perfect: Tensor) -> Tensor:
    """The same, turned so that each dimension holds an equal share of everything (a Hadamard matrix)."""
    pair = torch.tensor([[1.0, 1.0], [1.0, -1.0]], dtype=torch.float64)
    return perfect @ torch.kron(pair, pair) / 2


def spread(codes: Tensor, narrow: float = 0.1) -> Tensor:
    """Posteriors narrow in the dimensions of the factors and as wide as the prior elsewhere."""
    std = torch.full_like(codes, narrow)
    std[:, len(SIZES) :] = 1
    return std


def standard_normal(z: Tensor) -> Tensor:
    return Normal(0.0, 1.0).log_prob(z).sum(1)


def test_a_perfect_code_has_perfect_figures(perfect: Tensor, factors: Tensor) -> None:
    assert mig_histogram(perfect, factors) > 0.95
    assert mig_sampled(perfect, spread(perfect), factors) > 0.95
    assert factor_vae_score(perfect, factors) == 1
    found = dci(perfect, factors)
    assert min(found.disentanglement, found.completeness, found.informativeness) > 0.95
    assert sap(perfect, factors) == pytest.approx(1 - np.mean([1 / size for size in SIZES]), abs=0.06)


def test_turning_a_perfect_code_spoils_it(perfect: Tensor, rotated: Tensor, factors: Tensor) -> None:
    assert mig_histogram(rotated, factors) < 0.05
    assert mig_sampled(rotated, torch.full_like(rotated, 0.1), factors) < 0.05
    assert factor_vae_score(rotated, factors) < 0.6
    assert sap(rotated, factors) < 0.05
    found = dci(rotated, factors)
    assert found.disentanglement < 0.05 and found.completeness < 0.05
    assert found.informativeness > 0.9  # all is still there


def test_a_code_of_noise_knows_nothing(factors: Tensor) -> None:
    codes = torch.randn(ROWS, 4, generator=seeded(3))
    assert mig_histogram(codes, factors) < 0.02
    assert mig_sampled(codes, torch.ones_like(codes), factors) < 0.02
    assert factor_vae_score(codes, factors) < 0.6
    assert sap(codes, factors) < 0.05
    found = dci(codes, factors)
    assert found.disentanglement < 0.1 and found.completeness < 0.1
    assert found.informativeness == pytest.approx(np.mean([1 / size for size in SIZES]), abs=0.05)


def test_a_constant_code_has_no_gap(factors: Tensor) -> None:
    codes = torch.full((ROWS, 3), 2.5)
    assert mig_histogram(codes, factors) == pytest.approx(0, abs=1e-12)
    assert mig_sampled(codes, torch.ones_like(codes), factors) == pytest.approx(0, abs=1e-5)
    assert factor_vae_score(codes, factors) == 0
    assert sap(codes, factors) == 0
    found = dci(codes, factors)
    assert found.disentanglement == found.completeness == 0


def test_dead_dimensions_and_constant_factors_change_nothing(perfect: Tensor, factors: Tensor) -> None:
    dead = torch.cat([perfect, torch.zeros(ROWS, 1), 0.01 * perfect[:, :1]], 1)  # the last knows, but is below 0.05
    more = torch.cat([torch.full((ROWS, 1), 7), factors], 1)
    assert factor_vae_score(dead, more, seed=2) == factor_vae_score(perfect, factors, seed=2) == 1
    assert mig_histogram(dead[:, :-1], more) == mig_histogram(perfect, factors)
    assert sap(dead[:, :-1], more) == sap(perfect, factors)
    assert dci(dead[:, :-1], more).disentanglement > 0.95
    std = torch.cat([spread(perfect), torch.ones(ROWS, 1)], 1)
    assert mig_sampled(dead[:, :-1], std, more) > 0.95


@pytest.mark.parametrize("bins", [5, 20])
def test_histogram_gap_agrees_with_scikit_learn(perfect: Tensor, factors: Tensor, bins: int) -> None:
    codes = (perfect @ (torch.eye(4) + 0.3).double()).numpy()
    gaps = []
    for values in factors.numpy().T:
        informations = []
        for column in codes.T:
            low, high = column.min(), column.max()
            binned = np.minimum((column - low) / (high - low) * bins, bins - 1).astype(int)
            informations.append(mutual_info_score(values, binned))
        second, first = sorted(informations)[-2:]
        gaps.append((first - second) / mutual_info_score(values, values))
    assert mig_histogram(torch.from_numpy(codes), factors, bins) == pytest.approx(np.mean(gaps), abs=1e-9)


def test_sampled_gap_agrees_with_an_integral() -> None:
    factor = torch.arange(6_000)[:, None] % 2
    mean = torch.cat([2.0 * factor - 1, torch.zeros(6_000, 1)], 1)
    z = torch.linspace(-9, 9, 10_001)
    mixture = (Normal(-1.0, 1.0).log_prob(z).exp() + Normal(1.0, 1.0).log_prob(z).exp()) / 2
    information = torch.trapezoid(torch.special.entr(mixture), z).item() - Normal(0.0, 1.0).entropy().item()
    expected = information / math.log(2)
    assert mig_sampled(mean, torch.ones_like(mean), factor) == pytest.approx(expected, abs=0.03)
    fewer = mig_sampled(mean, torch.ones_like(mean), factor, samples=2_000, seed=1)
    assert fewer == pytest.approx(expected, abs=0.06)
    assert fewer == mig_sampled(mean, torch.ones_like(mean), factor, samples=2_000, seed=1)
    assert fewer != mig_sampled(mean, torch.ones_like(mean), factor, samples=2_000, seed=2)


def test_order_of_rows_dimensions_and_factors_does_not_matter(rotated: Tensor, factors: Tensor) -> None:
    rows, dims = torch.randperm(ROWS, generator=seeded(5)), torch.tensor([3, 0, 2, 1])
    expected = mig_histogram(rotated, factors)
    assert mig_histogram(rotated[rows][:, dims], factors[rows].flip(1)) == pytest.approx(expected, abs=1e-12)
    assert sap(rotated[:, dims], factors.flip(1)) == pytest.approx(sap(rotated, factors), abs=1e-12)
    assert factor_vae_score(rotated[:, dims], factors) == factor_vae_score(rotated, factors)
    assert dci(rotated[rows], factors[rows]).disentanglement == pytest.approx(
        dci(rotated[:, dims], factors.flip(1)).disentanglement, abs=0.05
    )


def test_units_of_the_dimensions_do_not_matter(rotated: Tensor, factors: Tensor) -> None:
    units = 4.0 ** torch.arange(4)
    assert mig_histogram(rotated * units, factors) == pytest.approx(mig_histogram(rotated, factors), abs=1e-12)
    assert factor_vae_score(rotated * units, factors) == factor_vae_score(rotated, factors)
    assert sap(rotated * units, factors) == sap(rotated, factors)


def test_copies_cost_completeness_and_mergers_disentanglement(perfect: Tensor, factors: Tensor) -> None:
    known = perfect[:, : len(SIZES)]
    copied = dci(torch.cat([known, known], 1), factors)
    assert copied.disentanglement > 0.95
    assert copied.completeness == pytest.approx(1 - math.log(2) / math.log(6), abs=0.05)  # two of six dimensions each
    merged = dci(torch.stack([factors[:, 0] + 2 * factors[:, 2], perfect[:, 3]], 1), factors[:, [0, 2]])
    assert merged.completeness > 0.95
    assert merged.disentanglement < 0.05


def test_seeds_repeat(rotated: Tensor, factors: Tensor) -> None:
    measures: list[Callable[..., object]] = [sap, dci, factor_vae_score]
    for measure in measures:
        assert measure(rotated, factors, seed=1) == measure(rotated, factors, seed=1)
        assert measure(rotated, factors, seed=1) != measure(rotated, factors, seed=2)


def test_the_vote_of_a_merged_code_is_a_majority() -> None:
    # One dimension for two factors: it can stand for one of them, and so half of the votes are right.
    factors = torch.randint(0, 2, (800, 2), generator=seeded(1))
    codes = factors.sum(1, keepdim=True).double()
    assert factor_vae_score(codes, factors) == pytest.approx(0.5, abs=0.03)


def test_a_value_of_one_row_is_never_fixed(perfect: Tensor, factors: Tensor) -> None:
    rare = factors.clone()
    rare[:100] = torch.arange(10, 110)[:, None]
    assert factor_vae_score(perfect, rare) == 1
    with pytest.raises(ValueError, match="1500 values in 1500 rows; some rows must share a value"):
        factor_vae_score(perfect, torch.arange(ROWS)[:, None])


@pytest.mark.parametrize(
    ("importance", "expected"),
    [
        ([[1, 0], [0, 1]], 1),
        ([[1, 1], [2, 2]], 0),
        ([[0, 0], [3, 1]], 1 + (0.75 * math.log2(0.75) + 0.25 * math.log2(0.25))),
        ([[3, 0], [0.5, 0.5]], 0.75),  # weights 3 and 1
        ([[1], [2]], 1),
        ([[0, 0], [0, 0]], 0),
    ],
)
def test_concentration_by_hand(importance: list[list[float]], expected: float) -> None:
    found = disentanglement._concentration(torch.tensor(importance, dtype=torch.float64))
    assert found == pytest.approx(expected)


def test_dci_takes_a_sample_of_many_rows(monkeypatch: pytest.MonkeyPatch, perfect: Tensor, factors: Tensor) -> None:
    seen = []
    original = disentanglement._split

    def split(*arguments: object) -> tuple[Tensor, ...]:
        seen.append(original(*arguments))  # type: ignore[arg-type]
        return seen[-1]

    monkeypatch.setattr(disentanglement, "_split", split)
    monkeypatch.setattr(disentanglement, "DCI_ROWS", 300)
    assert dci(perfect, factors).disentanglement > 0.9
    assert [len(part) for part in seen[0]] == [200, 200, 100, 100]


def test_probes_find_what_is_there() -> None:
    codes = torch.randn(2_000, 3, generator=seeded(1))
    halves, crossed = (codes[:, 0] > 0).long(), (codes[:, 0] * codes[:, 1] > 0).long()
    train, test = slice(0, 1_500), slice(1_500, None)
    assert linear_probe(codes[train], halves[train], codes[test], halves[test]) > 0.98
    assert linear_probe(codes[train], crossed[train], codes[test], crossed[test]) == pytest.approx(0.5, abs=0.08)
    assert knn_accuracy(codes[train], crossed[train], codes[test], crossed[test]) > 0.85
    scaled = codes * torch.tensor([1e-4, 1e4, 1]) + 5  # standardised: units do not matter
    assert linear_probe(scaled[train], halves[train], scaled[test], halves[test]) > 0.98


def test_nearest_neighbours_by_hand() -> None:
    train, labels = torch.tensor([[0.0], [1.0], [2.0], [10.0]]), torch.tensor([0, 0, 1, 1])
    test, truth = torch.tensor([[1.8], [9.0]]), torch.tensor([1, 1])
    assert knn_accuracy(train, labels, test, truth, k=1) == 1
    assert knn_accuracy(train, labels, test, truth, k=3) == 0.5  # of 0, 1, 2 two are of class 0
    with pytest.raises(ValueError, match="k is 5; among 4 training rows 1 to 4 is allowed"):
        knn_accuracy(train, labels, test, truth)


def test_log_aggregate_is_the_mixture(monkeypatch: pytest.MonkeyPatch) -> None:
    mean, std = torch.randn(30, 3, generator=seeded(1)), torch.rand(30, 3, generator=seeded(2)) + 0.1
    z = torch.randn(50, 3, generator=seeded(3))
    mixture = MixtureSameFamily(Categorical(torch.ones(30)), Independent(Normal(mean, std), 1))
    whole = log_aggregate(z, mean, std)
    assert torch.allclose(whole, mixture.log_prob(z), atol=1e-4)
    assert torch.allclose(whole, log_aggregate(z, mean.flip(0), std.flip(0)), atol=1e-5)
    before = aggregate(mean, std, 0, standard_normal)
    monkeypatch.setattr(disentanglement, "NUMBERS_AT_ONCE", 7 * 90)
    assert torch.allclose(whole, log_aggregate(z, mean, std), atol=1e-6)
    assert aggregate(mean, std, 0, standard_normal) == pytest.approx(before, abs=1e-6)


@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_aggregate_figures_agree_with_closed_forms(correlation: float) -> None:
    rows, noise = 5_000, 0.6
    centre, scale = torch.tensor([0.5, -0.3]), torch.tensor([1.3, 0.7])
    of_means = torch.tensor([[1, correlation], [correlation, 1]]) * scale[:, None] * scale
    # Low-discrepancy normal means: their mixture is closer to the Gaussian than that of random ones.
    uniform = torch.quasirandom.SobolEngine(2, scramble=True, seed=1).draw(rows)
    mean = centre + Normal(0.0, 1.0).icdf(uniform.clamp(1e-6, 1 - 1e-6)) @ torch.linalg.cholesky(of_means).T
    cov = of_means + noise**2 * torch.eye(2)
    var = cov.diagonal()
    total_correlation = (var.log().sum() - cov.logdet()).item() / 2
    dimension_wise = (var + centre**2 - 1 - var.log()).sum().item() / 2
    expected = {
        "mutual_information": (cov.logdet() - 2 * math.log(noise**2)).item() / 2,
        "mutual_information_upper": (cov.logdet() - 2 * math.log(noise**2)).item() / 2,
        "total_correlation": total_correlation,
        "dimension_wise_kl": dimension_wise,
        "aggregate_kl": total_correlation + dimension_wise,
    }
    std = torch.full_like(mean, noise)
    assert aggregate(mean, std, 0, standard_normal) == pytest.approx(expected, abs=0.04)
    # Under the aggregate's own density as the prior nothing is left.
    own = MultivariateNormal(centre, cov).log_prob
    assert aggregate(mean, std, 0, own)["aggregate_kl"] == pytest.approx(0, abs=0.02)


def test_parts_add_up_to_the_average_kl() -> None:
    mean, std = torch.randn(3_000, 4, generator=seeded(1)), torch.rand(3_000, 4, generator=seeded(2)) + 0.3
    found = aggregate(mean, std, 0, standard_normal)
    another = aggregate(mean, std, 0, lambda z: standard_normal(z) - 2)  # changes the one part that asks for it
    assert another == pytest.approx(found | {"aggregate_kl": found["aggregate_kl"] + 2}, abs=1e-5)
    kl = (mean**2 + std**2 - 1 - 2 * std.log()).sum(1).mean().item() / 2
    assert found["total_correlation"] + found["dimension_wise_kl"] == pytest.approx(found["aggregate_kl"], abs=1e-4)
    assert found["mutual_information"] + found["aggregate_kl"] == pytest.approx(kl, abs=0.1)


@pytest.mark.parametrize(("clusters", "copies"), [(8, 20), (100, 1)])
def test_separated_codes_have_the_information_of_their_number(clusters: int, copies: int) -> None:
    # A hundred pictures with codes of their own: log N, the cap, whatever lies above it.
    mean = (100.0 * torch.arange(clusters)).repeat(copies)[:, None].expand(-1, 2)
    found = aggregate(mean, torch.ones_like(mean), 0, standard_normal)
    assert found["mutual_information"] == pytest.approx(math.log(clusters), abs=1e-3)
    assert found["total_correlation"] == pytest.approx(math.log(clusters), abs=1e-3)  # one dimension tells the other


@pytest.mark.parametrize(("dim", "noise"), [(2, 0.5), (4, 0.3), (10, 0.1), (20, 0.05)])
def test_the_true_mutual_information_lies_between_its_bounds(dim: int, noise: float) -> None:
    mean = torch.randn(2_000, dim, generator=seeded(3))
    found = aggregate(mean, torch.full_like(mean, noise), 0, standard_normal)
    true = dim * math.log(1 + 1 / noise**2) / 2  # of z = mean + noise: a channel of so many dimensions
    assert found["mutual_information"] <= min(true + 0.1, math.log(2_000) + 1e-4)
    assert found["mutual_information_upper"] >= true - 0.1
    seen = found["mutual_information"] + found["total_correlation"]  # of independent dimensions: true, with no bias
    assert seen == pytest.approx(true, rel=0.05)


def test_bounds_of_the_mutual_information_are_the_plain_computation() -> None:
    mean, std = torch.randn(40, 3, generator=seeded(1)), torch.rand(40, 3, generator=seeded(2)) + 0.3
    found, z = aggregate(mean, std, 5, standard_normal), mean + std * torch.randn(40, 3, generator=seeded(5))
    own, others = [], []
    for i in range(40):
        densities = [MultivariateNormal(mean[n], std[n].square().diag()).log_prob(z[i]).exp().item() for n in range(40)]
        own.append(math.log(densities[i] / (sum(densities) / 40)))
        others.append(math.log(densities[i] / ((sum(densities) - densities[i]) / 39)))
    assert found["mutual_information"] == pytest.approx(sum(own) / 40, rel=1e-4)
    assert found["mutual_information_upper"] == pytest.approx(sum(others) / 40, rel=1e-4)


def test_a_collapsed_posterior_has_nothing() -> None:
    mean = torch.zeros(500, 3)
    found = aggregate(mean, torch.ones_like(mean), 0, standard_normal)
    assert found == pytest.approx(dict.fromkeys(found, 0.0), abs=1e-5)


ONE_DIMENSION = "There are 9 rows of 1 dimensions; at least 2 rows of 2 are needed"


@pytest.mark.parametrize("measure", [mig_histogram, factor_vae_score, dci, sap])
@pytest.mark.parametrize(
    ("codes", "factors", "message"),
    [
        (torch.zeros(4, 2), torch.zeros(5, 1).long(), r"shapes \(4, 2\) and \(5, 1\); .* with the same N are allowed"),
        (torch.zeros(4, 2), torch.zeros(4).long(), r"shapes \(4, 2\) and \(4,\)"),
        (torch.zeros(1, 2), torch.zeros(1, 1).long(), "There are 1 rows of 2 dimensions; at least 2 rows"),
        (torch.zeros(4, 2), torch.zeros(4, 1), "Factors are torch.float32; class numbers"),
        (torch.full((4, 2), math.nan), torch.zeros(4, 1).long(), "Of 4 codes 4 are not finite"),
        (torch.zeros(4, 2), torch.zeros(4, 3).long(), "All 3 factors are constant over . rows; one at least must vary"),
    ],
)
def test_wrong_codes_and_factors_are_named(
    measure: Callable[..., object], codes: Tensor, factors: Tensor, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        measure(codes, factors)


def test_wrong_posteriors_and_options_are_named(perfect: Tensor, factors: Tensor) -> None:
    std, labels = torch.ones_like(perfect), factors[:, 0]
    wrong: list[tuple[Callable[[], object], str]] = [
        (lambda: mig_sampled(perfect, std[:, :2], factors), r"shapes \(1500, 4\) and \(1500, 2\); both \(N, D\)"),
        (lambda: mig_sampled(perfect, 0 * std, factors), "std above 0; the smallest std is 0"),
        (lambda: mig_sampled(perfect, std, factors[:9]), "with the same N are allowed"),
        (lambda: mig_sampled(perfect, std, factors, samples=0), "samples is 0; it must be at least 1"),
        (lambda: mig_histogram(perfect, factors, bins=0), "bins is 0; it must be at least 1"),
        (lambda: mig_histogram(perfect[:9, :1], factors[:9]), ONE_DIMENSION),
        (lambda: sap(perfect[:9, :1], factors[:9]), ONE_DIMENSION),
        (lambda: factor_vae_score(perfect, factors, batch=1), "batch is 1; it must be at least 2"),
        (lambda: factor_vae_score(perfect, factors, test=0), "test is 0; it must be at least 1"),
        (lambda: aggregate(perfect[:1], std[:1], 0, standard_normal), r"shapes \(1, 4\).* N at least 2"),
        (lambda: log_aggregate(perfect[:, :3], perfect, std), r"z has shape \(1500, 3\); \(S, 4\) is allowed"),
        (lambda: linear_probe(perfect, factors, perfect, factors), r"Labels have shapes \(1500, 3\)"),
        (lambda: linear_probe(perfect, 0 * labels, perfect, labels), "constant over 1500 rows"),
        (lambda: linear_probe(perfect, labels, perfect[:, :2], labels), "Test codes have 2 dimensions; 4 as in"),
        (lambda: knn_accuracy(perfect, labels[:9], perfect, labels), "with the same N are allowed"),
    ]
    for call, message in wrong:
        with pytest.raises(ValueError, match=message):
            call()


def test_slow_figures_report_to_the_end(perfect: Tensor, factors: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disentanglement, "NUMBERS_AT_ONCE", 2**20)
    std, seen = spread(perfect), []  # type: ignore[var-annotated]
    for measure in (
        lambda: aggregate(perfect, std, 0, standard_normal, seen.append),
        lambda: mig_sampled(perfect, std, factors, progress=seen.append),
        lambda: dci(perfect, factors, progress=seen.append),
    ):
        seen.clear()
        measure()
        assert len(seen) > 2 and seen == sorted(set(seen)) and seen[-1] == 1
