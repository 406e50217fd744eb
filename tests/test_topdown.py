"""Groups from coarse to fine: closed-form KL against Monte Carlo, and the way down with groups given or drawn."""

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from vae_core.config import Body
from vae_core.latents import priors
from vae_core.latents.topdown import TopDown, _kl
from vae_core.shards import Shard, seeded

CPU = torch.device("cpu")
SHAPES, WIDTHS = ((2, 2, 2), (3, 2, 2), (1, 4, 5)), (6, 6, 4)


@pytest.fixture(params=["conv", "resnet"])
def latent(request: pytest.FixtureRequest) -> TopDown:
    space = TopDown(Body(request.param, (4, 6), "silu"), SHAPES, WIDTHS).eval()
    with torch.no_grad():  # it starts with a state of zeros, at which some weights have no gradient yet
        space.start.normal_(generator=seeded(3))
    return space


@pytest.fixture
def h() -> list[Tensor]:
    return [torch.randn(3, width, *shape[1:]) for width, shape in zip(WIDTHS, SHAPES, strict=True)]


def test_kl_is_that_of_torch() -> None:
    a, b = torch.randn(2, 50), torch.randn(2, 50)
    found = _kl(a[0], b[0].exp(), a[1], b[1].exp())
    expected = kl_divergence(Normal(a[0], b[0].exp()), Normal(a[1], b[1].exp()))
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert _kl(a[0], b[0].exp(), a[0], b[0].exp()).abs().max() < 1e-6


@torch.no_grad()
def test_kl_is_the_average_of_the_log_ratio(latent: TopDown, h: list[Tensor]) -> None:
    """Of the whole chain; the closed form of each group is averaged over the draws of the coarser ones."""
    draw = latent.draw(h, 4_000, seeded(0))
    log_p, log_q = draw.densities()
    assert log_p.shape == log_q.shape == (3, 4_000)
    ratio = log_q - log_p
    total = sum(part.flatten(1).sum(1) for part in draw.kl)
    assert [part.shape[1:] for part in draw.kl] == list(SHAPES)
    assert all(part.min() > -1e-5 for part in draw.kl)
    assert ((ratio.mean(1) - total).abs() < 5 * ratio.std(1) / 4_000**0.5).all()
    assert (ratio.std(1) / 4_000**0.5 < 0.1 * total).all()


@torch.no_grad()
def test_densities_are_those_of_each_group_given_the_coarser(latent: TopDown, h: list[Tensor]) -> None:
    """Followed by hand down the blocks, for a draw."""
    draw = latent.draw(h, 1, seeded(0))
    state, log_p, log_q = latent.start.expand(3, -1, -1, -1), 0.0, 0.0
    for block, features, z in zip(latent.blocks, h, draw.z, strict=True):
        state = block.enter(state)
        mean, std, skip = block.p(state)
        log_p = log_p + Normal(mean, std).log_prob(z[:, 0]).flatten(1).sum(1)
        log_q = log_q + Normal(*block.q(state, features, mean, std)).log_prob(z[:, 0]).flatten(1).sum(1)
        state = block(state, skip, z[:, 0])
    found_p, found_q = draw.densities()
    assert torch.allclose(found_p[:, 0], log_p, atol=1e-3) and torch.allclose(found_q[:, 0], log_q, atol=1e-3)
    assert torch.allclose(draw.state, state, atol=1e-4)


@torch.no_grad()
def test_encode_goes_down_by_means_and_is_deterministic(latent: TopDown, h: list[Tensor]) -> None:
    one, two = latent.encode(h), latent.encode(h)
    for name in ("mean", "std", "kl"):
        assert [part.shape for part in getattr(one, name)] == [(3, *shape) for shape in SHAPES]
        assert all(torch.equal(a, b) for a, b in zip(getattr(one, name), getattr(two, name), strict=True))
    # The first group does not depend on draws: its mean and spread are those of many of them.
    z = latent.draw(h, 4_000, seeded(0)).z[0]
    assert ((z.mean(1) - one.mean[0]).abs() < 5 * one.std[0] / 4_000**0.5).all()
    assert (z.std(1) / one.std[0] - 1).abs().max() < 0.1
    assert torch.allclose(latent.draw(h, 2, seeded(0)).kl[0], one.kl[0], atol=1e-4)


@torch.no_grad()
def test_rows_do_not_depend_on_the_batch(latent: TopDown, h: list[Tensor]) -> None:
    whole = latent.draw(h, 2, seeded(0))
    for row in range(3):
        part = latent.draw([features[row : row + 1] for features in h], 2, Shard(seeded(0), row, row + 1, 3))
        for a, b in zip([*part.z, *part.kl], [*whole.z, *whole.kl], strict=True):
            assert torch.allclose(a[0], b[row], atol=1e-4)
        for a, b in zip(part.densities(), whole.densities(), strict=True):
            assert torch.allclose(a[0], b[row], atol=1e-3)


@torch.no_grad()
def test_draws_of_one_picture_differ_and_have_its_features(latent: TopDown, h: list[Tensor]) -> None:
    """k draws of a picture are what k copies of it are."""
    many = latent.draw(h, 3, seeded(0))
    copies = latent.draw([features.repeat_interleave(3, 0) for features in h], 1, seeded(0))
    for a, b in zip(many.z, copies.z, strict=True):
        assert torch.allclose(a.flatten(0, 1), b[:, 0], atol=1e-4)
        assert not torch.allclose(a[:, 0], a[:, 1])
    assert torch.allclose(many.densities()[0].flatten(), copies.densities()[0][:, 0], atol=1e-3)
    for a, b in zip(many.kl, copies.kl, strict=True):
        assert torch.allclose(a, b.unflatten(0, (3, 3)).mean(1), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_missing_groups_are_drawn_given_the_coarser(latent: TopDown, h: list[Tensor]) -> None:
    full = latent.encode(h).mean
    given = latent.complete([*full], 1.0, None)
    assert torch.equal(given, latent.complete([*full], 0.0, seeded(1)))  # nothing is drawn
    cold = latent.complete([full[0], None, None], 0.0, None)
    assert torch.equal(cold, latent.complete([full[0], None, None], 0.0, None))
    warm = [latent.complete([full[0], None, None], 1.0, seeded(seed)) for seed in (1, 1, 2)]
    assert torch.equal(warm[0], warm[1]) and not torch.equal(warm[0], warm[2])
    # What is drawn is the prior given the group that is there: its mean, and so another one for another picture.
    state = latent.blocks[0].enter(latent.start.expand(3, -1, -1, -1))
    state = latent.blocks[0](state, latent.blocks[0].p(state)[2], full[0])
    mean, std, _ = latent.blocks[1].p(latent.blocks[1].enter(state))
    assert torch.allclose(latent.complete([full[0], mean, None], 0.0, None), cold, atol=1e-5)
    assert not torch.allclose(mean[0], mean[1])
    many = [full[0][:1].expand(2_000, -1, -1, -1), None, None]
    drawn = latent._descend(many, 2_000, 0.5, seeded(0))[1]
    assert torch.equal(drawn[0], many[0])
    assert ((drawn[1].mean(0) - mean[0]).abs() < 5 * 0.5 * std[0] / 2_000**0.5).all()
    assert (drawn[1].std(0) / (0.5 * std[0]) - 1).abs().max() < 0.15
    finer = latent.complete([None, full[1], None], 0.0, None)
    assert finer.shape == given.shape and not torch.allclose(finer, cold)


@torch.no_grad()
def test_the_prior_is_what_log_prior_scores(latent: TopDown, h: list[Tensor]) -> None:
    """Where the posterior is the prior, densities are the same and the KL is 0."""
    for block in latent.blocks:
        block.posterior[-1].weight.zero_()
        block.posterior[-1].bias.zero_()
    draw = latent.draw(h, 500, seeded(0))
    log_p, log_q = draw.densities()
    assert torch.allclose(log_p, log_q, atol=1e-4)
    assert all(part.abs().max() < 1e-5 for part in draw.kl)
    drawn = latent.sample_prior(1_500, 1.0, seeded(0), CPU)
    for a, b in zip(drawn, draw.z, strict=True):
        assert torch.allclose(a, b.flatten(0, 1), atol=1e-4)


@torch.no_grad()
def test_temperature(latent: TopDown) -> None:
    cold, still = (latent.sample_prior(2, 0.0, generator, CPU) for generator in (None, seeded(3)))
    assert all(torch.equal(a, b) and torch.allclose(a[0], a[1], atol=1e-5) for a, b in zip(cold, still, strict=True))
    half, whole = (latent.sample_prior(4_000, t, seeded(0), CPU) for t in (0.5, 1.0))
    assert torch.allclose(half[0] - cold[0][:1], 0.5 * (whole[0] - cold[0][:1]), atol=1e-5)
    assert [part.shape for part in whole] == [(4_000, *shape) for shape in SHAPES]


def test_gradients_reach_every_parameter(latent: TopDown, h: list[Tensor]) -> None:
    draw = latent.draw(h, 2, seeded(0))
    (draw.state.square().sum() + sum(part.sum() for part in draw.kl)).backward()
    for name, weight in latent.named_parameters():
        assert weight.grad is not None and weight.grad.abs().max() > 0, name


def test_a_fresh_state_of_zeros_leaves_zero_by_its_own_gradient() -> None:
    space = TopDown(Body("resnet", (4, 6), "silu"), SHAPES, WIDTHS)
    assert space.start.abs().max() == 0
    draw = space.draw([torch.randn(3, w, *s[1:]) for w, s in zip(WIDTHS, SHAPES, strict=True)], 1, seeded(0))
    sum(part.sum() for part in draw.kl).backward()
    assert space.start.grad.abs().max() > 0


def test_wrong_z_is_refused(latent: TopDown) -> None:
    for z in ([], [None] * 3, [torch.zeros(2, 2, 2, 2)], [torch.zeros(2, 2, 2, 2), torch.zeros(2, 3, 2, 1), None]):
        with pytest.raises(ValueError, match="this model takes"):
            latent.complete(z, 0.0, None)


@torch.no_grad()
def test_far_astray_it_stays_finite(latent: TopDown, h: list[Tensor]) -> None:
    far = latent.encode([1e3 * features for features in h])
    assert all(torch.isfinite(part).all() for part in [*far.mean, *far.std, *far.kl])
    assert priors.LOG_STD_RANGE[1] < 10
