"""How a code relates to known factors and classes, and how the aggregate posterior relates to the prior.

Codes are posterior means unless a function asks for standard deviations too; factors are class numbers, one column a
factor. A factor that takes one value only says nothing about a code and is left out of every average.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Normal

from vae_core.jobs import Progress
from vae_core.shards import normal, seeded

NUMBERS_AT_ONCE = 2**20  # log densities held at a time: blocks that fit the processor's cache are the fastest
DEAD_STD = 0.05  # codes that vary less are pruned: `prune_dims.threshold` in the configurations of disentanglement_lib
TRAIN_SHARE = 2 / 3  # of the rows, in `dci` and `sap`; disentanglement_lib takes 10,000 and 5,000
DCI_ROWS = 5_000  # a random sample of more rows: bounds the time
DCI_TREES = 100
DCI_LEAF = 10  # rows a leaf: trees grown to the end split on noise, which smears the importances


@dataclass(frozen=True)
class DCI:
    """Disentanglement, completeness and informativeness, each 0 to 1 (the last: accuracy on held-out rows)."""

    disentanglement: float
    completeness: float
    informativeness: float


def mig_histogram(codes: Tensor, factors: Tensor, bins: int = 20) -> float:
    """Return mutual information gap of binned means, the protocol of disentanglement_lib (Locatello et al. 2019).

    The gap of Chen et al. 2018 (arXiv:1802.04942), equation 6: between the two dimensions that know most about a
    factor, over the factor's entropy. Not comparable with `mig_sampled`.

    Args:
        codes: means (N, D), N and D at least 2.
        factors: int64 (N, F).
        bins: of equal width from a dimension's smallest to its largest code, at least 1.

    Returns:
        Mean over the factors, 0 to 1.

    Raises:
        ValueError: codes, factors or bins are not as above, or all factors are constant.
    """
    _at_least(1, bins=bins)
    codes, factors = _checked(codes, factors, dimensions=2)
    binned = torch.stack([_binned(column, bins) for column in codes.T], 1)  # (N, D)
    factors = factors[:, _varying(factors)]
    return _gap(torch.stack([_information(binned, column) for column in factors.T], 1), factors)


@torch.inference_mode()
def mig_sampled(
    mean: Tensor,
    std: Tensor,
    factors: Tensor,
    samples: int = 10_000,
    seed: int = 0,
    progress: Progress | None = None,
) -> float:
    """Measure the mutual information gap from densities of draws, as Chen et al. 2018 (arXiv:1802.04942, section 4).

    I(z_j; v_k) = H(z_j) - H(z_j | v_k), both from the same draws under q(z_j), a mixture of the posteriors of all
    pictures or of those with the draw's value of v_k. Posteriors so narrow that they do not overlap look informative:
    use many pictures of each value. Not comparable with `mig_histogram`.

    Args:
        mean: (N, D), N and D at least 2.
        std: (N, D), above 0.
        factors: int64 (N, F).
        samples: pictures of which one z each is drawn; all N where there are fewer.
        seed: of the choice of pictures and the draws.
        progress: called with the fraction done.

    Returns:
        Mean over the factors, 0 to 1.

    Raises:
        ValueError: an argument is not as above, or all factors are constant.
    """
    _at_least(1, samples=samples)
    _check_posterior(mean, std)
    factors = _checked(mean, factors, dimensions=2)[1]
    factors = factors[:, _varying(factors)].to(mean.device)
    generator = seeded(seed)
    rows = torch.randperm(len(mean), generator=generator)[:samples].to(mean.device)
    z = mean[rows] + std[rows] * normal((len(rows), mean.shape[1]), generator, mean.device)
    log_q = _log_marginals(z, mean, std)
    information: list[Tensor] = []
    for column in factors.T:
        given = torch.empty_like(log_q)  # log q(z_j | v_k), (S, D)
        for value in column.unique():
            drawn, members = column[rows] == value, column == value
            given[drawn] = _log_marginals(z[drawn], mean[members], std[members])
        information.append((given - log_q).double().mean(0).cpu())
        if progress:
            progress(len(information) / factors.shape[1])
    return _gap(torch.stack(information, 1), factors)


def factor_vae_score(
    codes: Tensor, factors: Tensor, seed: int = 0, train: int = 10_000, test: int = 5_000, batch: int = 64
) -> float:
    """Measure how well the least varying dimension tells the fixed factor (Kim and Mnih 2018, arXiv:1802.05983).

    A vote takes rows that share one factor's value and finds the dimension whose variance shrank most; each dimension
    stands for the factor it is voted for most. Dimensions with a standard deviation below 0.05 are pruned, as
    disentanglement_lib does. Works from stored rows, so values that a single row has are never fixed.

    Args:
        codes: (N, D), N at least 2.
        factors: int64 (N, F).
        seed: of the factors, values and rows.
        train: votes that name the dimensions, at least 1.
        test: votes that are counted, at least 1.
        batch: rows a vote, drawn with replacement, at least 2.

    Returns:
        0 to 1, chance being 1 / F; 0 if no dimension is left.

    Raises:
        ValueError: an argument is not as above, all factors are constant, or one never repeats a value.
    """
    _at_least(1, train=train, test=test)
    _at_least(2, batch=batch)
    codes, factors = _checked(codes, factors)
    factors = factors[:, _varying(factors)]
    std = codes.std(0)
    live = std >= DEAD_STD
    if not live.any():
        return 0.0
    scaled, generator = codes[:, live] / std[live], seeded(seed)
    factor_of = _votes(scaled, factors, train, batch, generator).argmax(0)
    counted = _votes(scaled, factors, test, batch, generator)
    return counted.gather(0, factor_of[None]).sum().item() / test


def dci(codes: Tensor, factors: Tensor, seed: int = 0, progress: Progress | None = None) -> DCI:
    """Measure disentanglement, completeness, informativeness (Eastwood and Williams 2018, section 2) with trees.

    Importances are those of extremely randomised trees, close to the paper's random forests; measured, they give
    figures near those of disentanglement_lib's gradient boosting in a tenth of its time. Of more than 5,000 rows a
    sample is used.

    Args:
        codes: (N, D), N at least 2.
        factors: int64 (N, F).
        seed: of the sample, the split (two thirds train) and the trees.
        progress: called with the fraction done.

    Returns:
        `DCI`: 1 - entropy of a dimension's importances over the factors, of a factor's over the dimensions (each
        weighted by importance), and the mean accuracy on held-out rows.

    Raises:
        ValueError: an argument is not as above, or all factors are constant.
    """
    from sklearn.ensemble import ExtraTreesClassifier

    rows, labels, test_rows, test_labels = _split(*_checked(codes, factors), seed, DCI_ROWS)
    importances, accuracies = [], []
    for column, test_column in zip(labels.T, test_labels.T, strict=True):
        trees = ExtraTreesClassifier(DCI_TREES, max_features=None, min_samples_leaf=DCI_LEAF, random_state=seed % 2**32)
        trees.fit(rows.numpy(), column.numpy())
        importances.append(torch.from_numpy(trees.feature_importances_))
        accuracies.append(trees.score(test_rows.numpy(), test_column.numpy()))
        if progress:
            progress(len(accuracies) / labels.shape[1])
    importance = torch.stack(importances, 1)  # (D, F)
    return DCI(_concentration(importance), _concentration(importance.T), float(np.mean(accuracies)))


def sap(codes: Tensor, factors: Tensor, seed: int = 0) -> float:
    """Measure separated attribute predictability: how far the best dimension leads the next (arXiv:1711.00848).

    As Kumar et al. 2018 (section 3) define it for classes, thresholds on one dimension predict a factor; here they lie
    halfway between the means of the classes, and every class counts alike. disentanglement_lib's linear machines, one
    class against the rest, cannot tell inner values apart and so give lower figures: the two are not comparable.

    Args:
        codes: (N, D), N and D at least 2.
        factors: int64 (N, F).
        seed: of the split (two thirds train).

    Returns:
        Mean over the factors of the gap between the two best accuracies on held-out rows, 0 to 1; a perfect code has
        1 - 1 / K for K even classes.

    Raises:
        ValueError: an argument is not as above, or all factors are constant.
    """
    rows, labels, test_rows, test_labels = _split(*_checked(codes, factors, dimensions=2), seed)
    pairs = zip(labels.T, test_labels.T, strict=True)
    accuracy = torch.stack([_threshold_accuracy(rows, train, test_rows, test) for train, test in pairs])  # (F, D)
    best = accuracy.topk(2, dim=1).values
    return (best[:, 0] - best[:, 1]).mean().item()


def linear_probe(train_codes: Tensor, train_labels: Tensor, test_codes: Tensor, test_labels: Tensor) -> float:
    """Return accuracy of logistic regression (L2 with C = 1) on codes standardised by the training rows.

    Args:
        train_codes: (N, D), N at least 2.
        train_labels: int64 (N,), at least two classes.
        test_codes: (M, D).
        test_labels: int64 (M,).

    Returns:
        Share of test rows classified rightly, 0 to 1.

    Raises:
        ValueError: an argument is not as above.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, test = _probe_data(train_codes, train_labels, test_codes, test_labels)
    _varying(train_labels[:, None])
    return float(make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000)).fit(*train).score(*test))


def knn_accuracy(
    train_codes: Tensor, train_labels: Tensor, test_codes: Tensor, test_labels: Tensor, k: int = 5
) -> float:
    """Return accuracy of the majority of the k nearest training codes by Euclidean distance, as the codes are.

    Args:
        train_codes: (N, D), N at least 2.
        train_labels: int64 (N,).
        test_codes: (M, D).
        test_labels: int64 (M,).
        k: neighbours, 1 to N.

    Returns:
        Share of test rows classified rightly, 0 to 1.

    Raises:
        ValueError: an argument is not as above.
    """
    from sklearn.neighbors import KNeighborsClassifier

    train, test = _probe_data(train_codes, train_labels, test_codes, test_labels)
    if not 1 <= k <= len(train_codes):
        raise ValueError(f"k is {k}; among {len(train_codes)} training rows 1 to {len(train_codes)} is allowed.")
    return float(KNeighborsClassifier(k, algorithm="brute").fit(*train).score(*test))


@torch.inference_mode()
def log_aggregate(z: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Return log of the aggregate posterior, 1/N sum_n q(z | x_n), in bounded memory (Hoffman and Johnson 2016).

    Args:
        z: (S, D).
        mean: of the posteriors, (N, D), N at least 2.
        std: of the posteriors, (N, D), above 0.

    Returns:
        (S,) nats.

    Raises:
        ValueError: an argument is not as above.
    """
    _check_posterior(mean, std)
    if z.ndim != 2 or z.shape[1] != mean.shape[1]:
        raise ValueError(f"z has shape {tuple(z.shape)}; (S, {mean.shape[1]}) is allowed.")
    return torch.cat([block.sum(1).logsumexp(1) for block in _log_densities(z, mean, std)]) - math.log(len(mean))


@torch.inference_mode()
def aggregate(
    mean: Tensor, std: Tensor, seed: int, log_prior: Callable[[Tensor], Tensor], progress: Progress | None = None
) -> dict[str, float]:
    """Return parts of the average KL that belong to the aggregate posterior q(z) (Chen et al. 2018, equation 2).

    Estimates from one z a picture, with q(z) averaged over the same N pictures, each picture's own posterior among
    them. So log q(z) is too large; the mutual information comes out too small, never above log N, and total correlation
    and aggregate KL too large by the same amount. The average over the other N - 1 pictures is too small in
    expectation, and gives the mutual information from above (Poole et al. 2019, arXiv:1905.06922, the leave-one-out
    bound).

    Args:
        mean: (N, D), N at least 2.
        std: (N, D), above 0.
        seed: of the draws.
        log_prior: log p(z) of z (S, D), giving (S,) nats.
        progress: called with the fraction done.

    Returns:
        Nats: mutual_information I(x; z) = E log q(z | x) - E log q(z), at most log N, and mutual_information_upper from
        the other pictures; total_correlation
        E log q(z) - sum_j E log q(z_j); dimension_wise_kl sum_j KL(q(z_j) || N(0, 1)), whatever the prior; aggregate_kl
        E log q(z) - E log p(z) (Hoffman and Johnson 2016).

    Raises:
        ValueError: an argument is not as above.
    """
    _check_posterior(mean, std)
    z = mean + std * normal(tuple(mean.shape), seeded(seed), mean.device)
    blocks, done = [], 0
    for block in _log_densities(z, mean, std):
        joint, own = block.sum(1), torch.arange(len(block), device=z.device)  # (s, D, N) -> (s, N)
        others = joint.index_put((own, done + own), joint.new_tensor(-math.inf))
        blocks.append((joint.logsumexp(1), others.logsumexp(1), block.logsumexp(2)))
        done += len(block)
        if progress:
            progress(done / len(z))
    log_q, log_others, log_marginals = (torch.cat(parts) - math.log(len(mean)) for parts in zip(*blocks, strict=True))
    log_others = log_others + math.log(len(mean) / (len(mean) - 1))
    log_marginals, log_standard = log_marginals.sum(1), Normal(0.0, 1.0).log_prob(z).sum(1)
    log_own = Normal(mean, std).log_prob(z).sum(1)
    rows = {
        "mutual_information": log_own - log_q,
        "mutual_information_upper": log_own - log_others,
        "total_correlation": log_q - log_marginals,
        "dimension_wise_kl": log_marginals - log_standard,
        "aggregate_kl": log_q - log_prior(z),
    }
    return {name: row.double().mean().item() for name, row in rows.items()}


def _at_least(least: int, **values: int) -> None:
    for name, value in values.items():
        if value < least:
            raise ValueError(f"{name} is {value}; it must be at least {least}.")


def _checked(codes: Tensor, factors: Tensor, dimensions: int = 1, rows: int = 2) -> tuple[Tensor, Tensor]:
    """Return codes as float64 and factors, on the CPU."""
    if codes.ndim != 2 or factors.ndim != 2 or len(codes) != len(factors):
        shapes = f"{tuple(codes.shape)} and {tuple(factors.shape)}"
        raise ValueError(f"Codes and factors have shapes {shapes}; (N, D) and (N, F) with the same N are allowed.")
    if len(codes) < rows or codes.shape[1] < dimensions:
        shape = f"{len(codes)} rows of {codes.shape[1]} dimensions"
        raise ValueError(f"There are {shape}; at least {rows} rows of {dimensions} are needed.")
    if factors.is_floating_point():
        raise ValueError(f"Factors are {factors.dtype}; class numbers (int64) are allowed.")
    if not codes.isfinite().all():
        raise ValueError(f"Of {len(codes)} codes {int((~codes.isfinite()).any(1).sum())} are not finite; all must be.")
    return codes.detach().double().cpu(), factors.cpu()


def _check_posterior(mean: Tensor, std: Tensor) -> None:
    if mean.ndim != 2 or mean.shape != std.shape or len(mean) < 2:
        shapes = f"{tuple(mean.shape)} and {tuple(std.shape)}"
        raise ValueError(f"Mean and std have shapes {shapes}; both (N, D) with N at least 2 is allowed.")
    if not (mean.isfinite().all() and std.isfinite().all() and (std > 0).all()):
        raise ValueError(f"Mean and std must be finite and std above 0; the smallest std is {std.min().item():g}.")


def _varying(factors: Tensor) -> Tensor:
    """Tell which factors take more than one value: (F,) booleans."""
    varies = (factors != factors[0]).any(0)
    if not varies.any():
        raise ValueError(f"All {len(varies)} factors are constant over {len(factors)} rows; one at least must vary.")
    return varies


def _split(codes: Tensor, factors: Tensor, seed: int, most: int | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Draw training codes and factors, test codes and factors; without the factors that are constant in training."""
    order = torch.randperm(len(codes), generator=seeded(seed))[:most]
    train, test = order.tensor_split([round(TRAIN_SHARE * len(order))])
    varies = _varying(factors[train])
    return codes[train], factors[train][:, varies], codes[test], factors[test][:, varies]


def _binned(column: Tensor, bins: int) -> Tensor:
    """Return numbers of the bins (N,), exactly as numpy and disentanglement_lib draw their limits."""
    values = column.numpy()
    return torch.from_numpy(np.digitize(values, np.histogram_bin_edges(values, bins)[:-1]))


def _entropy(labels: Tensor) -> Tensor:
    """Return the entropy of classes (N,), nats."""
    return torch.special.entr(labels.unique(return_counts=True)[1].double() / len(labels)).sum()


def _information(binned: Tensor, factor: Tensor) -> Tensor:
    """Return I(bin; value) of each dimension (D,), nats, from (N, D) and (N,)."""
    values, labels = factor.unique(return_inverse=True)
    known = _entropy(labels)
    return torch.stack([_entropy(bins) + known - _entropy(bins * len(values) + labels) for bins in binned.T])


def _gap(information: Tensor, factors: Tensor) -> float:
    """Return mean over the factors of the gap between the two largest of (D, F), over the factor's entropy."""
    best = information.topk(2, dim=0).values
    return ((best[0] - best[1]) / torch.stack([_entropy(column).cpu() for column in factors.T])).mean().item()


def _votes(scaled: Tensor, factors: Tensor, count: int, batch: int, generator: torch.Generator) -> Tensor:
    """Tell how often each factor, fixed, left each dimension the least variance: (F, D) counts."""
    chosen = torch.randint(factors.shape[1], (count,), generator=generator).bincount(minlength=factors.shape[1])
    votes = []
    for column, times in zip(factors.T, chosen.tolist(), strict=True):
        rows = _rows_alike(column, times, batch, generator)
        parts = rows.split(max(1, NUMBERS_AT_ONCE // (batch * scaled.shape[1])))
        least = torch.cat([scaled[part].var(1).argmin(1) for part in parts])  # (n, batch, D) -> (n,)
        votes.append(least.bincount(minlength=scaled.shape[1]))
    return torch.stack(votes)


def _rows_alike(column: Tensor, times: int, batch: int, generator: torch.Generator) -> Tensor:
    """Return numbers of rows (times, batch) that share a value, the values as frequent as they are among the rows."""
    _, labels, sizes = column.unique(return_inverse=True, return_counts=True)
    shared = (sizes[labels] > 1).nonzero()[:, 0]  # a row that is alone with its value has no variance
    if not len(shared):
        raise ValueError(f"A factor has {len(column)} values in {len(column)} rows; some rows must share a value.")
    fixed = labels[shared[torch.randint(len(shared), (times,), generator=generator)]][:, None]
    draws = torch.rand(times, batch, dtype=torch.float64, generator=generator)
    order, start = labels.argsort(), sizes.cumsum(0) - sizes
    return order[start[fixed] + (draws * sizes[fixed]).long()]


def _concentration(importance: Tensor) -> float:
    """Return 1 - entropy of each row's shares (base: the columns), averaged by rows' weights; 0 if nothing matters."""
    weight = importance.sum(1)
    if not weight.any():
        return 0.0
    entropy = torch.special.entr(importance / weight.clamp_min(1e-12)[:, None]).sum(1)
    base = math.log(max(2, importance.shape[1]))  # a single column leaves nothing to confuse
    return ((1 - entropy / base) * weight).sum().item() / weight.sum().item()


def _threshold_accuracy(rows: Tensor, labels: Tensor, test_rows: Tensor, test_labels: Tensor) -> Tensor:
    """Return accuracy (D,) of the class whose mean is nearest, in each dimension by itself; each class counts alike."""
    classes = labels.unique()
    means = torch.stack([rows[labels == value].mean(0) for value in classes])  # (K, D)
    pairs = zip(test_rows.T, means.T, strict=True)
    nearest = torch.stack([(codes[:, None] - centres).abs().argmin(1) for codes, centres in pairs])  # (D, M)
    right = (classes[nearest] == test_labels).double()
    return torch.stack([right[:, test_labels == value].mean(1) for value in test_labels.unique()]).mean(0)


def _probe_data(
    train_codes: Tensor, train_labels: Tensor, test_codes: Tensor, test_labels: Tensor
) -> list[list[np.ndarray]]:
    """Check [codes, labels] of the training and of the test rows, and return them."""
    if train_labels.ndim != 1 or test_labels.ndim != 1:
        shapes = f"{tuple(train_labels.shape)} and {tuple(test_labels.shape)}"
        raise ValueError(f"Labels have shapes {shapes}; (N,) and (M,) are allowed.")
    train = _checked(train_codes, train_labels[:, None])
    test = _checked(test_codes, test_labels[:, None], rows=1)
    if train[0].shape[1] != test[0].shape[1]:
        raise ValueError(
            f"Test codes have {test[0].shape[1]} dimensions; {train[0].shape[1]} as in training is allowed."
        )
    return [[codes.numpy(), labels[:, 0].numpy()] for codes, labels in (train, test)]


def _log_densities(z: Tensor, mean: Tensor, std: Tensor) -> Iterator[Tensor]:
    """Yield the log density of each draw in each dimension under each posterior, in blocks (s, D, N)."""
    mean, std = mean.T.contiguous(), std.T.contiguous()  # (N, D) -> (D, N): sums over N run along memory
    level = -std.log() - math.log(2 * math.pi) / 2
    for part in z.split(max(1, NUMBERS_AT_ONCE // mean.numel())):
        yield level - ((part[:, :, None] - mean) / std).square() / 2


def _log_marginals(z: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Return log 1/N sum_n q(z_j | x_n), (S, D) nats."""
    return torch.cat([block.logsumexp(2) for block in _log_densities(z, mean, std)]) - math.log(len(mean))
