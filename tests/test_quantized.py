"""Codes: the nearest is taken, codebooks follow, and the prior over maps of codes is a distribution."""

import math
from itertools import product

import pytest
import torch
from torch import Tensor

from vae_core.config import Body, Latent, LikelihoodConfig, ModelConfig
from vae_core.latents.quantized import ALIVE, DECAY, Autoregressive, Codebook, Quantized, Uniform
from vae_core.model import VAE, build
from vae_core.scoring import perplexity
from vae_core.shards import seeded

CPU = torch.device("cpu")
SHAPES = ((3, 2, 2), (2, 4, 4))  # groups, coarse to fine
CODES = 5


@pytest.fixture(params=["uniform", "autoregressive"])
def latent(request: pytest.FixtureRequest) -> Quantized:
    return Quantized(SHAPES, (6, 7), CODES, request.param).eval()


@pytest.fixture
def h() -> list[Tensor]:
    return [torch.randn(4, width, *shape[1:]) for width, shape in zip((6, 7), SHAPES, strict=True)]


@pytest.fixture
def model() -> VAE:
    body = Body("conv", (6, 7))
    latent = Latent("quantized", groups=((2, 3), (1, 2)), prior="autoregressive", codes=CODES)
    return build(ModelConfig((1, 8, 8), body, body, latent, LikelihoodConfig("gaussian", 0.3))).eval()


def stir(prior: Autoregressive) -> Autoregressive:
    """Weights large enough that every path counts."""
    generator = seeded(9)
    with torch.no_grad():
        for weight in prior.parameters():
            weight.add_(0.3 * torch.randn(weight.shape, generator=generator))
    return prior.requires_grad_(False)


# --- codebooks --------------------------------------------------------------------------------------------------------


def test_the_nearest_code_is_the_nearest() -> None:
    book, z = Codebook(11, 3), torch.randn(4, 3, 5, 6)
    flat = z.movedim(1, -1).flatten(0, 2)
    expected = torch.cdist(flat, book.vectors).argmin(1).reshape(4, 5, 6)
    assert torch.equal(book.nearest(z), expected)
    codes = torch.randint(11, (4, 5, 6))
    assert torch.equal(book.nearest(book.embed(codes)), codes)
    assert torch.equal(book.embed(codes)[1, :, 2, 3], book.vectors[codes[1, 2, 3]])


def in_use(vectors: list[list[float]], count: float) -> Codebook:
    """A codebook whose codes were chosen by so many vectors a batch."""
    book = Codebook(len(vectors), len(vectors[0]))
    book.vectors.copy_(torch.tensor(vectors))
    book.counts.fill_(count)
    book.sums.copy_(book.vectors * count)
    return book


def test_codes_move_by_moving_averages_of_what_chose_them() -> None:
    book, generator = in_use([[0.0, 0.0], [5.0, 5.0], [-5.0, 5.0]], 10), seeded(1)
    counts, sums = book.counts.clone(), book.sums.clone()
    for _ in range(3):
        z = book.vectors[torch.arange(30) % 3].T.reshape(1, 2, 5, 6) + torch.randn(1, 2, 5, 6, generator=generator)
        codes, flat = book.nearest(z), z[0].flatten(1).T
        for code in range(3):
            own = flat[codes.flatten() == code]
            counts[code] = DECAY * counts[code] + (1 - DECAY) * len(own)
            sums[code] = DECAY * sums[code] + (1 - DECAY) * own.sum(0)
        book.follow(z, codes)
        assert torch.allclose(book.vectors, sums / counts[:, None], atol=1e-4)
    assert not torch.equal(book.vectors[0], torch.zeros(2))


def test_dead_codes_are_put_where_vectors_are() -> None:
    book = Codebook(4, 2)
    book.vectors.copy_(torch.tensor([[0.0, 0.0], [1.0, 1.0], [90.0, 90.0], [-90.0, 90.0]]))
    z = torch.rand(3, 2, 4, 4)
    book.follow(z, book.nearest(z))
    flat = z.movedim(1, -1).flatten(0, 2)
    assert all((flat == vector).all(1).any() for vector in book.vectors[2:])
    assert book.nearest(z).unique().numel() > 2


def test_a_code_that_few_choose_lives_for_a_while() -> None:
    book, one = in_use([[0.0], [9.0]], 1), torch.tensor([[[[0.1, -0.1]]]])
    for _ in range(100):
        one_codes = book.nearest(one)
        assert one_codes.max() == 0
        kept = book.vectors[1].clone()
        if book.counts[1] * DECAY >= ALIVE:
            book.follow(one, one_codes)
            assert torch.allclose(book.vectors[1], kept, atol=1e-4)
        else:
            book.follow(one, one_codes)
            assert book.vectors[1].abs() < 1  # taken from the batch
            return
    raise AssertionError("the code that nobody chooses was never put elsewhere")


def test_codebooks_follow_in_training_alone(latent: Quantized, h: list[Tensor]) -> None:
    before = [book.vectors.clone() for book in latent.books]
    latent.draw(h, 2, seeded(0))
    latent.train().encode(h)
    assert all(torch.equal(book.vectors, old) for book, old in zip(latent.books, before, strict=True))
    latent.draw(h, 2, seeded(0))
    assert not any(torch.equal(book.vectors, old) for book, old in zip(latent.books, before, strict=True))


def test_codebooks_follow_in_full_precision() -> None:
    """In mixed precision too: bf16 keeps three digits, and cannot be mixed into a float average."""
    plain, mixed = Codebook(4, 2), Codebook(4, 2)
    mixed.load_state_dict(plain.state_dict())
    z = torch.randn(2, 2, 4, 4)
    for book, enabled in ((plain, False), (mixed, True)):
        torch.manual_seed(0)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            codes = book.nearest(z)
            book.follow(z, codes)
    assert mixed.vectors.dtype == torch.float32
    assert torch.equal(plain.vectors, mixed.vectors)


# --- the space --------------------------------------------------------------------------------------------------------


def test_encode_gives_codes_and_their_vectors(latent: Quantized, h: list[Tensor]) -> None:
    seen = latent.encode(h)
    assert [part.shape[1:] for part in seen.mean] == list(SHAPES)
    for mean, codes, book, std in zip(seen.mean, seen.codes, latent.books, seen.std, strict=True):
        assert torch.allclose(mean, book.embed(codes), atol=1e-6)
        assert std.abs().max() == 0
    for kl, log_p in zip(seen.kl, latent.prior_.log_prob(seen.codes), strict=True):
        assert torch.equal(kl, -log_p) and kl.shape == (4,)


def test_finer_groups_see_the_coarser(h: list[Tensor]) -> None:
    latent = Quantized(SHAPES, (6, 7), 64, "uniform").eval()
    one, two = latent.encode(h), latent.encode([h[0] + 3, h[1]])
    assert not torch.equal(one.codes[0], two.codes[0])
    assert not torch.equal(one.codes[1], two.codes[1])


def test_log_q_is_zero_and_all_draws_are_alike(latent: Quantized, h: list[Tensor]) -> None:
    draw = latent.draw(h, 3, seeded(0))
    log_p, log_q = draw.densities()
    assert (log_q == 0).all() and log_q.shape == log_p.shape == (4, 3)
    assert torch.allclose(log_p, -torch.stack(latent.encode(h).kl).sum(0)[:, None].expand(-1, 3))
    for part in draw.z:
        assert (part == part[:, :1]).all()
    assert (draw.state.unflatten(0, (4, 3)) == draw.state.unflatten(0, (4, 3))[:, :1]).all()


def test_the_commitment_is_the_squared_distance(h: list[Tensor]) -> None:
    latent = Quantized(SHAPES[:1], (6,), CODES, "uniform").eval()
    head = latent.heads[0](h[0])
    nearest = torch.cdist(head.movedim(1, -1).flatten(0, 2), latent.books[0].vectors).min(1).values.square()
    found = latent.draw(h[:1], 1, None).extras["commitment"]
    assert torch.allclose(found, nearest.reshape(4, -1).sum(1), rtol=1e-4)


def test_the_gradient_goes_straight_through(latent: Quantized, h: list[Tensor]) -> None:
    """What z asks for reaches the head's output unchanged."""
    weights = torch.randn(4, *SHAPES[0])
    h = [h[0].requires_grad_(), h[1]]
    z = latent.draw(h, 1, None).z[0][:, 0]
    (found,) = torch.autograd.grad((weights * z).sum(), h[0])
    (expected,) = torch.autograd.grad((weights * latent.heads[0](h[0])).sum(), h[0])
    assert torch.allclose(found, expected, atol=1e-5)


def test_every_weight_learns(model: VAE) -> None:
    terms = model.train().terms(torch.rand(3, 1, 8, 8))
    (terms.elbo.mean() - terms.extras["commitment"].mean()).backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None and weight.grad.abs().max() > 0, name


def test_decode_snaps_to_the_nearest_code(model: VAE) -> None:
    seen = model.encode(torch.rand(3, 1, 8, 8))
    near = [part + 1e-3 * torch.randn(part.shape) for part in seen.mean]
    assert torch.equal(model.decode([*near]), model.decode([*seen.mean]))
    anywhere = [torch.randn(part.shape) for part in seen.mean]
    snapped = [book.embed(book.nearest(part)) for book, part in zip(model.latent.books, anywhere, strict=True)]
    assert torch.equal(model.decode([*anywhere]), model.decode([*snapped]))
    state = model.latent.complete([*snapped], 0.0, None)
    assert torch.equal(state[:, :3, 1, 3], snapped[0][:, :, 0, 1])
    assert torch.equal(state[:, 3:], snapped[1])


def test_missing_groups_are_drawn_given_those_that_are_there(model: VAE) -> None:
    stir(model.latent.prior_)
    coarse, fine = model.encode(torch.rand(3, 1, 8, 8)).mean
    state = model.latent.complete([coarse, None], 1.0, seeded(0))
    assert torch.allclose(state[:, :3], model.latent.complete([coarse, fine], 0.0, None)[:, :3])
    codes = model.latent.books[0].nearest(coarse)
    drawn = model.latent.prior_.sample(3, [codes, None], 1.0, seeded(0), CPU)[1]
    assert torch.equal(state[:, 3:], model.latent.books[1].embed(drawn))
    assert torch.equal(model.decode([coarse, None]), model.decode([coarse, None]))  # temperature 0
    warm = [model.decode([coarse, None], temperature=1.0, generator=seeded(seed)) for seed in (1, 2)]
    assert not torch.equal(*warm)


def test_the_elbo_is_that_of_the_codes(model: VAE) -> None:
    x = torch.rand(3, 1, 8, 8)
    seen, terms = model.encode(x), model.terms(x, k=2)
    scored = model.score(model.decoder(model.latent.complete([*seen.mean], 0.0, None)), x)[:, 0]
    log_p = torch.stack(model.latent.prior_.log_prob(seen.codes)).sum(0)
    assert torch.allclose(terms.elbo, scored + log_p, rtol=1e-5)
    assert torch.allclose(terms.log_weights, terms.elbo[:, None].expand(-1, 2), rtol=1e-5)


# --- priors over codes ------------------------------------------------------------------------------------------------


def every_map(shapes: tuple[tuple[int, int, int], ...], codes: int) -> list[Tensor]:
    """All there are: one tensor a group."""
    places = [h * w for _, h, w in shapes]
    rows = torch.tensor(list(product(range(codes), repeat=sum(places))))
    return [part.reshape(-1, *shape[1:]) for part, shape in zip(rows.split(places, 1), shapes, strict=True)]


CASES = [(((1, 2, 2),), 2), (((1, 2, 2),), 3), (((1, 1, 1), (1, 2, 2)), 2), (((1, 1, 2), (1, 1, 2), (1, 1, 3)), 2)]


@pytest.mark.parametrize(("shapes", "codes"), CASES)
@pytest.mark.parametrize("kind", [Uniform, Autoregressive])
def test_the_prior_sums_to_one(shapes: tuple, codes: int, kind: type) -> None:
    prior = kind(shapes, codes)
    if kind is Autoregressive:
        stir(prior)
    log_p = torch.stack(prior.log_prob(every_map(shapes, codes))).sum(0)
    assert log_p.double().exp().sum().item() == pytest.approx(1, abs=1e-4)
    assert kind is Uniform or log_p.std() > 0.1


@pytest.mark.parametrize(("shapes", "codes"), CASES)
def test_draws_follow_the_prior(shapes: tuple, codes: int) -> None:
    """Counts of each map, and drawing and scoring share no code: what a place may see is the same in both."""
    prior, draws = stir(Autoregressive(shapes, codes)), 20_000
    maps = every_map(shapes, codes)
    p = torch.stack(prior.log_prob(maps)).sum(0).exp()
    drawn = prior.sample(draws, [None] * len(shapes), 1.0, seeded(0), CPU)
    digits = torch.cat([part.flatten(1) for part in drawn], 1)
    number = digits @ (codes ** torch.arange(digits.shape[1]).flip(0))
    share = torch.bincount(number, minlength=len(p)) / draws
    assert ((share - p).abs() < 5 * (p / draws).sqrt() + 1 / draws).all()


def test_uniform_draws_and_figures() -> None:
    prior = Uniform(SHAPES, CODES)
    drawn = prior.sample(3_000, [None, None], 1.0, seeded(0), CPU)
    assert [part.shape for part in drawn] == [(3_000, 2, 2), (3_000, 4, 4)]
    for part, places in zip(drawn, (4, 16), strict=True):
        share = torch.bincount(part.flatten(), minlength=CODES) / part.numel()
        assert ((share - 1 / CODES).abs() < 5 * (1 / CODES / part.numel()) ** 0.5).all()
        assert prior.log_prob(drawn)[0 if places == 4 else 1].tolist() == pytest.approx(
            [-places * math.log(CODES)] * 3_000
        )


def test_a_group_does_not_see_the_finer_ones_and_sees_the_coarser() -> None:
    prior = stir(Autoregressive(SHAPES, CODES))
    coarse, fine = torch.randint(CODES, (6, 2, 2)), torch.randint(CODES, (6, 4, 4))
    first, second = prior.log_prob([coarse, fine])
    assert torch.equal(first, prior.log_prob([coarse, (fine + 1) % CODES])[0])
    assert not torch.allclose(second, prior.log_prob([(coarse + 1) % CODES, fine])[1])


@pytest.mark.parametrize("kind", [Uniform, Autoregressive])
def test_groups_given_are_kept(kind: type) -> None:
    prior = kind(SHAPES, CODES)
    coarse, fine = torch.randint(CODES, (6, 2, 2)), torch.randint(CODES, (6, 4, 4))
    for given in ([coarse, None], [None, fine], [coarse, fine]):
        drawn = prior.sample(6, given, 1.0, seeded(0), CPU)
        for part, kept, shape in zip(drawn, given, SHAPES, strict=True):
            assert part.shape == (6, *shape[1:]) and 0 <= part.min() <= part.max() < CODES
            assert kept is None or torch.equal(part, kept)


def test_temperature() -> None:
    """At 0 the likeliest code each time, whoever asks; the warmer, the less likely what is drawn."""
    prior = stir(Autoregressive(SHAPES, CODES))
    cold = prior.sample(3, [None, None], 0.0, None, CPU)
    for part in cold:
        assert (part == part[:1]).all()
    likely = [
        torch.stack(prior.log_prob(prior.sample(400, [None, None], t, seeded(0), CPU))).sum(0).mean()
        for t in (0.3, 1.0, 3.0)
    ]
    assert likely[0] > likely[1] > likely[2]


def test_at_temperature_zero_each_code_is_the_likeliest_given_those_before() -> None:
    shapes = ((1, 2, 2),)
    prior = stir(Autoregressive(shapes, 3))
    (cold,) = prior.sample(1, [None], 0.0, None, CPU)
    (maps,) = every_map(shapes, 3)
    p = prior.log_prob([maps])[0].exp()
    rows, wanted = maps.flatten(1), cold.flatten().tolist()
    for place in range(4):
        before = (rows[:, :place] == torch.tensor(wanted[:place], dtype=torch.int64)).all(1)
        marginal = torch.stack([p[before & (rows[:, place] == code)].sum() for code in range(3)])
        assert marginal.argmax() == wanted[place]


def test_the_prior_learns_a_rule() -> None:
    """Maps whose rows repeat: after a little training the second row costs less than the first."""
    torch.manual_seed(0)
    shapes = ((1, 2, 4),)
    prior, generator = Autoregressive(shapes, 4), seeded(0)
    optimizer = torch.optim.Adam(prior.parameters(), lr=0.01)
    for _ in range(60):
        row = torch.randint(4, (64, 1, 4), generator=generator)
        optimizer.zero_grad()
        loss = -prior.log_prob([row.repeat(1, 2, 1)])[0].mean()
        loss.backward()
        optimizer.step()
    assert loss.item() < 4 * math.log(4) + 1  # of 8 ln 4 = 11.1 nats; 4 ln 4 = 5.5 is the entropy
    (drawn,) = prior.sample(200, [None], 1.0, generator, CPU)
    assert (drawn[:, 0] == drawn[:, 1]).float().mean() > 0.8


def test_perplexity() -> None:
    assert perplexity(torch.zeros(7, dtype=torch.int64)) == pytest.approx(1)
    assert perplexity(torch.arange(12).reshape(3, 4) % 6) == pytest.approx(6)
    assert perplexity(torch.tensor([0, 0, 0, 5])) == pytest.approx(4 / 27**0.25)
