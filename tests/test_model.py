"""The contract, for every body, likelihood and variant; and probabilistic PCA, whose likelihood is known exactly."""

import math
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from vae_core import checkpoints, zoo
from vae_core.checkpoints import Checkpoint, DataInfo
from vae_core.config import (
    BODIES,
    LIKELIHOODS,
    Body,
    DataConfig,
    Latent,
    LikelihoodConfig,
    ModelConfig,
    Objective,
    Recipe,
    Schedule,
)
from vae_core.model import VAE, LatentSpec, Terms, build, parameters
from vae_core.scoring import importance_weighted_nll
from vae_core.shards import Shard, seeded

HIDDEN = {"linear": (), "mlp": (9,), "conv": (4, 5), "resnet": (4, 5)}
SHAPE, DIM = (3, 9, 8), 4


@pytest.fixture(params=list(product(BODIES, LIKELIHOODS)), ids="-".join)
def model(request: pytest.FixtureRequest) -> VAE:
    kind, likelihood = request.param
    body = Body(kind, HIDDEN[kind])
    return build(ModelConfig(SHAPE, body, body, Latent(dim=DIM), LikelihoodConfig(likelihood, 0.5))).eval()


@pytest.fixture
def x(model: VAE) -> Tensor:
    return model.observe(torch.rand(5, *SHAPE, generator=seeded(1)), seeded(2))


def test_shapes_and_ranges(model: VAE, x: Tensor) -> None:
    assert model.spec == LatentSpec(((DIM,),), "gaussian", "normal", ((DIM,),))
    assert model.spec.size == model.spec.kl_size == DIM and model.spec.factorises and model.spec.has_density
    assert model.image_shape == SHAPE
    encoding = model.encode(x)
    for group in (encoding.mean, encoding.std, encoding.kl, model.sample_prior(5)):
        assert [part.shape for part in group] == [(5, DIM)]
    assert encoding.std[0].min() > 0
    assert encoding.kl[0].min() > -1e-6
    for picture in (model.decode(encoding.mean), model.sample_pixels(encoding.mean, generator=seeded(0))):
        assert picture.shape == (5, *SHAPE)
        assert 0 <= picture.min() <= picture.max() <= 1
    terms = model.terms(x, k=3, generator=seeded(0))
    assert terms.z[0].shape == (5, 3, DIM)
    for density in (terms.log_likelihood, terms.log_prior, terms.log_posterior, terms.log_weights):
        assert density.shape == (5, 3)
    assert terms.elbo.shape == terms.kl_total.shape == (5,)


def test_terms_are_what_their_names_say(model: VAE, x: Tensor) -> None:
    encoding, terms = model.encode(x), model.terms(x, k=2, generator=seeded(0))
    flat = terms.z[0].flatten(0, 1)
    posterior = torch.distributions.Normal(encoding.mean[0][:, None], encoding.std[0][:, None])
    assert torch.allclose(terms.log_posterior, posterior.log_prob(terms.z[0]).sum(-1), atol=1e-3)
    assert torch.allclose(terms.log_prior, torch.distributions.Normal(0.0, 1.0).log_prob(terms.z[0]).sum(-1), atol=1e-4)
    scored = model.likelihood.log_prob(model.decoder(flat), x.repeat_interleave(2, 0)).view(5, 2)
    assert torch.allclose(terms.log_likelihood, scored, rtol=1e-5, atol=1e-3)
    assert torch.allclose(terms.elbo, terms.log_likelihood.mean(1) - encoding.kl[0].sum(1), atol=1e-3)


def test_rows_do_not_depend_on_the_batch(model: VAE, x: Tensor) -> None:
    whole, pictures = model.encode(x), model.decode(model.encode(x).mean)
    whole_terms = model.terms(x, k=2, generator=Shard(seeded(0), 0, 5, 5))
    for row in range(5):
        part = model.encode(x[row : row + 1])
        terms = model.terms(x[row : row + 1], k=2, generator=Shard(seeded(0), row, row + 1, 5))
        for name in ("mean", "std", "kl"):
            assert torch.allclose(getattr(part, name)[0][0], getattr(whole, name)[0][row], rtol=1e-4, atol=1e-5)
        assert torch.allclose(model.decode(part.mean)[0], pictures[row], atol=1e-5)
        assert torch.allclose(terms.log_weights[0], whole_terms.log_weights[row], rtol=1e-5, atol=1e-3)


def test_repeatable_with_a_seed_and_without_effect_on_the_global_generator(model: VAE, x: Tensor) -> None:
    before = torch.get_rng_state()
    z = model.sample_prior(5, generator=seeded(3))
    assert torch.equal(z[0], model.sample_prior(5, generator=seeded(3))[0])
    assert torch.equal(model.encode(x).mean[0], model.encode(x).mean[0])
    assert torch.equal(model.decode([*z]), model.decode([*z]))
    first, second = (model.sample_pixels([*z], generator=seeded(4)) for _ in range(2))
    assert torch.equal(first, second)
    first, second, other = (model.terms(x, generator=seeded(seed)).log_weights for seed in (5, 5, 6))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(before, torch.get_rng_state())


def test_bounds_are_in_order(model: VAE, x: Tensor) -> None:
    """ELBO <= L_4 <= L_64 <= log p(x), in expectation (Burda et al. 2016, theorem 1)."""
    weights = model.terms(x, k=4096, generator=seeded(0)).log_weights.detach().double()
    bounds = [(weights.view(5, -1, k).logsumexp(2) - math.log(k)).mean() for k in (1, 4, 64)]
    elbo = model.terms(x, k=4096, generator=seeded(1)).elbo.mean().item()
    assert elbo == pytest.approx(bounds[0].item(), abs=0.05 * weights.std(1).mean().item() + 1e-3)
    assert bounds[0] < bounds[1] < bounds[2]


def test_temperature_scales_the_prior(model: VAE) -> None:
    (cold,), (warm,) = (model.sample_prior(6, temperature=t, generator=seeded(0)) for t in (0.5, 1.0))
    assert torch.allclose(2 * cold, warm)


def test_wrong_pictures_are_refused(model: VAE) -> None:
    for shape in ((1, 1, 9, 8), (1, 3, 8, 9), (3, 9, 8)):
        for use in (model.encode, model.terms):
            with pytest.raises(ValueError, match="this model takes"):
                use(torch.zeros(shape))
    with pytest.raises(ValueError, match="this model takes"):
        model.decode([torch.zeros(2, DIM + 1)])


def test_every_weight_has_a_part_in_the_bound(model: VAE, x: Tensor) -> None:
    model.terms(x, generator=seeded(0)).elbo.sum().backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None and weight.grad.abs().max() > 0, name
    assert parameters(model) == sum(weight.numel() for weight in model.parameters())


def test_kl_adds_up_over_groups() -> None:
    zero = torch.zeros(2, 1)
    terms = Terms([], zero + 7, [torch.ones(2, 3), torch.ones(2, 2, 2)], lambda: (zero + 3, zero + 2))
    assert terms.kl_total.tolist() == [7, 7]
    assert terms.elbo.tolist() == [0, 0]
    assert terms.log_weights.tolist() == [[8], [8]]
    summed = Terms([], zero + 7, [torch.ones(2)], lambda: (zero, zero), class_kl=torch.tensor([0.0, 2.0]))
    assert summed.kl_total.tolist() == [1, 3] and summed.elbo.tolist() == [6, 4]


# --- every variant ----------------------------------------------------------------------------------------------------

CLASSES = 3


def variant_config(name: str) -> ModelConfig:
    likelihood = LikelihoodConfig("gaussian", 0.5)
    recipe = zoo.recipe(name, DataConfig("any"), SHAPE, latent_dim=DIM, classes=CLASSES, likelihood=likelihood)
    return recipe.model


def variant_model(name: str) -> VAE:
    torch.manual_seed(4)
    return build(variant_config(name)).eval()


@pytest.fixture(params=list(zoo.VARIANTS))
def variant(request: pytest.FixtureRequest) -> VAE:
    return variant_model(request.param)


@pytest.fixture
def pixels() -> Tensor:
    return torch.rand(5, *SHAPE, generator=seeded(1))


def classes_of(model: VAE) -> Tensor | None:
    """Labels for five pictures, where they mean something."""
    return torch.tensor([0, 1, 2, 0, 1]) if model.spec.classes else None


@torch.no_grad()
def test_contract_shapes_and_ranges(variant: VAE, pixels: Tensor) -> None:
    spec, y = variant.spec, classes_of(variant)
    assert spec.posterior == variant.config.latent.kind
    assert spec.classes == (variant.config.classes or None)
    assert (spec.codebook_size is None) == (spec.posterior != "quantized")
    assert spec.size == sum(math.prod(shape) for shape in spec.shapes)
    for seen in (variant.encode(pixels, y), variant.encode(pixels)):
        assert [part.shape for part in seen.mean] == [part.shape for part in seen.std] == [(5, *s) for s in spec.shapes]
        assert [part.shape for part in seen.kl] == [(5, *shape) for shape in spec.kl_shapes]
        assert all(part.min() >= 0 for part in seen.std)
        assert (seen.codes is None) == (spec.codebook_size is None)
        assert (seen.y is None) == (spec.classes is None)
        assert seen.y is None or torch.allclose(seen.y.sum(1), torch.ones(5))
        assert all(torch.isfinite(part).all() for part in [*seen.mean, *seen.std, *seen.kl])
    drawn = variant.sample_prior(5, y, generator=seeded(0))
    assert [part.shape for part in drawn] == [(5, *shape) for shape in spec.shapes]
    for z in (seen.mean, drawn):
        for picture in (variant.decode([*z]), variant.decode([*z], y), variant.sample_pixels([*z], y, seeded(0))):
            assert picture.shape == (5, *SHAPE)
            assert 0 <= picture.min() <= picture.max() <= 1


@torch.no_grad()
def test_contract_terms(variant: VAE, pixels: Tensor) -> None:
    spec, y = variant.spec, classes_of(variant)
    if not spec.has_density:
        assert spec.kl_shapes == ()
        with pytest.raises(ValueError, match="no ELBO and no likelihood"):
            variant.terms(pixels)
        return
    for terms in (variant.terms(pixels, y, 3, seeded(0)), variant.terms(pixels, None, 3, seeded(0))):
        assert [part.shape for part in terms.z] == [(5, 3, *shape) for shape in spec.shapes]
        assert [part.shape for part in terms.kl] == [(5, *shape) for shape in spec.kl_shapes]
        for density in (terms.log_likelihood, terms.log_prior, terms.log_posterior, terms.log_weights):
            assert density.shape == (5, 3) and torch.isfinite(density).all()
        assert terms.elbo.shape == terms.kl_total.shape == (5,) and torch.isfinite(terms.elbo).all()
        expected = terms.log_likelihood + terms.log_prior - terms.log_posterior
        assert torch.allclose(terms.log_weights, expected, atol=1e-3)
    assert variant.spec.spreads == (spec.posterior != "quantized")
    terms = variant.terms(pixels, y, 3, seeded(0))
    assert (terms.z[0][:, 0] == terms.z[0][:, 1]).all().item() != variant.spec.spreads


@torch.no_grad()
def test_contract_repeatable_and_without_effect_on_the_global_generator(variant: VAE, pixels: Tensor) -> None:
    before, y = torch.get_rng_state(), classes_of(variant)
    first, second = variant.encode(pixels), variant.encode(pixels)
    for name in ("mean", "std", "kl"):
        assert all(torch.equal(a, b) for a, b in zip(getattr(first, name), getattr(second, name), strict=True))
    assert torch.equal(variant.decode([*first.mean], y), variant.decode([*first.mean], y))
    drawn = [variant.sample_prior(2, generator=seeded(3))[-1] for _ in range(2)]
    assert torch.equal(*drawn)
    if variant.spec.has_density:
        one, two = (variant.terms(pixels, y, generator=seeded(5)).log_weights for _ in range(2))
        assert torch.equal(one, two)
    assert torch.equal(before, torch.get_rng_state())


@torch.no_grad()
def test_contract_rows_do_not_depend_on_the_batch(variant: VAE, pixels: Tensor) -> None:
    whole, y = variant.encode(pixels), classes_of(variant)
    pictures = variant.decode([*whole.mean], y)
    dense = variant.spec.has_density
    cases = [None, y] if variant.spec.classes else [None]
    terms = [variant.terms(pixels, case, 2, Shard(seeded(0), 0, 5, 5)) for case in cases] if dense else []
    for row in range(5):
        one = slice(row, row + 1)
        part = variant.encode(pixels[one])
        for name in ("mean", "std", "kl"):
            for a, b in zip(getattr(part, name), getattr(whole, name), strict=True):
                assert torch.allclose(a[0], b[row], rtol=1e-4, atol=1e-4)
        shown = variant.decode([group[one] for group in whole.mean], None if y is None else y[one])
        assert torch.allclose(shown[0], pictures[row], atol=1e-5)
        for case, all_rows in zip(cases, terms, strict=False):
            mine = None if case is None else case[one]
            found = variant.terms(pixels[one], mine, 2, Shard(seeded(0), row, row + 1, 5))
            assert torch.allclose(found.log_weights[0], all_rows.log_weights[row], rtol=1e-4, atol=1e-2)
            assert torch.allclose(found.elbo[0], all_rows.elbo[row], rtol=1e-4, atol=1e-2)


@torch.no_grad()
def test_contract_bounds_are_in_order(variant: VAE, pixels: Tensor) -> None:
    """ELBO <= L_4 <= L_64, in expectation; of codes, whose posterior is certain, all are one number."""
    if not variant.spec.has_density:
        return
    terms = variant.terms(pixels, classes_of(variant), 512, seeded(0))
    weights = terms.log_weights.double()
    bounds = [(weights.view(5, -1, k).logsumexp(2) - math.log(k)).mean().item() for k in (1, 4, 64)]
    error = (weights.std(1) / 512**0.5).mean().item()
    assert terms.elbo.mean().item() == pytest.approx(bounds[0], abs=5 * error + 1e-3)
    if variant.spec.spreads:
        assert bounds[0] < bounds[1] < bounds[2]
    else:
        assert bounds[2] == pytest.approx(bounds[0], abs=1e-3)


@pytest.mark.parametrize("name", list(zoo.VARIANTS))
@torch.no_grad()
def test_contract_a_fresh_model_goes_through_a_file(name: str, pixels: Tensor, tmp_path: Path) -> None:
    recipe = zoo.recipe(name, DataConfig("any"), SHAPE, latent_dim=DIM, classes=CLASSES)
    model = build(recipe.model).eval()
    checkpoints.save(Checkpoint(recipe, model, DataInfo("any")), tmp_path / "fresh.safetensors")
    loaded = checkpoints.load(tmp_path / "fresh.safetensors")
    assert loaded.recipe == recipe and loaded.model.spec == model.spec
    weights = loaded.model.state_dict()
    assert all(torch.equal(tensor, weights[key]) for key, tensor in model.state_dict().items())
    # What is computed of the same weights at another place in memory may be rounded otherwise.
    one, two = model.encode(pixels), loaded.model.encode(pixels)
    torch.testing.assert_close([*one.mean, *one.kl], [*two.mean, *two.kl])
    torch.testing.assert_close(model.decode([*one.mean]), loaded.model.decode([*one.mean]))
    torch.testing.assert_close(*(m.sample_prior(3, generator=seeded(0)) for m in (model, loaded.model)))
    if model.spec.has_density:
        torch.testing.assert_close(*(m.terms(pixels, generator=seeded(0)).log_weights for m in (model, loaded.model)))


def test_contract_no_tensor_lies_elsewhere() -> None:
    """Built without memory, every tensor of every variant follows its pictures: nothing is left on the CPU."""
    for name in zoo.VARIANTS:
        with torch.device("meta"):
            model = build(variant_config(name)).eval()
        assert all(tensor.is_meta for tensor in model.state_dict().values())
        x = torch.zeros(2, *SHAPE, device="meta")
        assert all(part.is_meta for part in model.encode(x).mean)
        if model.spec.has_density:
            assert model.terms(x, k=2).elbo.is_meta, name


@torch.no_grad()
def test_wrong_z_and_pictures_are_refused_by_every_variant(variant: VAE) -> None:
    with pytest.raises(ValueError, match="this model takes"):
        variant.encode(torch.zeros(1, 3, 8, 9))
    shape = variant.spec.shapes[0]
    for z in ([], [torch.zeros(2, *shape[:-1], shape[-1] + 1)] * len(variant.spec.shapes)):
        with pytest.raises(ValueError, match="this model takes"):
            variant.decode([*z])


# --- classes ----------------------------------------------------------------------------------------------------------

CONDITIONAL = [name for name, row in zoo.VARIANTS.items() if row.conditional]


@pytest.fixture(params=[*CONDITIONAL, "conditional flow", "conditional mixture"])
def conditional(request: pytest.FixtureRequest) -> VAE:
    if request.param in zoo.VARIANTS:
        return variant_model(request.param)
    latent = {"flow": Latent("flow", DIM, steps=2), "mixture": Latent(dim=DIM, prior="mixture")}
    torch.manual_seed(4)
    config = replace(variant_config("conditional"), latent=latent[request.param.split()[1]])
    return build(config).eval()


@torch.no_grad()
def test_an_index_and_its_weights_are_one_class(conditional: VAE, pixels: Tensor) -> None:
    index = torch.tensor([0, 1, 2, 2, 0])
    whole = torch.nn.functional.one_hot(index, CLASSES)
    for weights in (whole, whole.float(), whole.double()):
        one, two = conditional.encode(pixels, index), conditional.encode(pixels, weights)
        assert torch.equal(one.mean[0], two.mean[0]) and torch.equal(one.y, two.y)
        assert torch.equal(conditional.decode([*one.mean], index), conditional.decode([*one.mean], weights))
        a, b = (conditional.terms(pixels, y, 2, seeded(0)).log_weights for y in (index, weights))
        assert torch.equal(a, b)


@torch.no_grad()
def test_the_class_matters_and_classes_mix(conditional: VAE, pixels: Tensor) -> None:
    z = conditional.encode(pixels, torch.zeros(5)).mean
    shown = [conditional.decode([*z], torch.full((5,), label)) for label in range(CLASSES)]
    assert not torch.allclose(shown[0], shown[1]) and not torch.allclose(shown[1], shown[2])
    even = torch.full((5, CLASSES), 1 / CLASSES)
    assert torch.equal(conditional.decode([*z]), conditional.decode([*z], even))
    means = [conditional.encode(pixels, torch.full((5,), label)).mean[0] for label in range(2)]
    assert not torch.allclose(*means)


@torch.no_grad()
def test_without_a_class_it_is_inferred(conditional: VAE, pixels: Tensor) -> None:
    found = conditional.infer(pixels)
    assert found.shape == (5, CLASSES) and torch.allclose(found.sum(1), torch.ones(5))
    seen = conditional.encode(pixels)
    assert torch.equal(seen.y, found)
    assert torch.equal(seen.mean[0], conditional.encode(pixels, found).mean[0])
    if conditional.config.classifier:
        assert torch.equal(found, conditional.classifier(pixels).softmax(1))


@torch.no_grad()
def test_bayes_rule_finds_the_class_whose_pictures_are_so() -> None:
    """A decoder whose bias is another grey for each class."""
    body = Body("linear", ())
    model = build(ModelConfig(SHAPE, body, body, Latent(dim=2), LikelihoodConfig("gaussian", 0.3), CLASSES)).eval()
    for weight in model.parameters():
        weight.zero_()
    greys = torch.tensor([0.1, 0.5, 0.9])
    model.decoder[0].weight[:, 2:] = greys
    x = greys.repeat_interleave(2)[:, None, None, None].expand(6, *SHAPE)
    found = model.infer(x)
    assert found.argmax(1).tolist() == [0, 0, 1, 1, 2, 2] and found.max(1).values.min() > 0.99
    bounds = torch.stack([model.terms(x, torch.full((6,), label), 1, seeded(0)).elbo for label in range(CLASSES)], 1)
    assert torch.allclose(found, bounds.softmax(1), atol=1e-4)  # here z says nothing, so that this is exact


@torch.no_grad()
def test_without_a_class_figures_are_summed_over_it(conditional: VAE, pixels: Tensor) -> None:
    """log p(x) from log p(x | y): the log-mean over classes of exp log-weights; in the ELBO q(y | x) as inferred."""
    generator = seeded(0)
    each = [conditional.terms(pixels, torch.full((5,), label), 4, generator) for label in range(CLASSES)]
    terms = conditional.terms(pixels, None, 4, seeded(0))
    expected = torch.stack([t.log_weights for t in each]).logsumexp(0) - math.log(CLASSES)
    assert torch.allclose(terms.log_weights, expected, atol=1e-3)
    elbos, told = torch.stack([t.elbo for t in each]), conditional.infer(pixels).T
    class_kl = (told * (told * CLASSES).log()).sum(0)
    assert torch.allclose(terms.elbo, (told * elbos).sum(0) - class_kl, atol=1e-3)
    assert terms.class_kl.min() >= 0 and terms.class_kl.max() <= math.log(CLASSES) + 1e-5
    best = told.argmax(0)
    for row in range(5):
        assert torch.equal(terms.z[0][row], each[best[row]].z[0][row])


@torch.no_grad()
def test_lucky_draws_do_not_choose_the_class() -> None:
    """Where the class means nothing, the ELBO without it is the ELBO with it, on average over the draws."""
    torch.manual_seed(3)
    body = Body("linear", ())
    model = build(ModelConfig(SHAPE, body, body, Latent(dim=2), LikelihoodConfig("gaussian", 0.2), CLASSES)).eval()
    model.latent.head.weight[:, -CLASSES:] = 0
    model.decoder[0].weight[:, 2:] = 0
    x = torch.rand(1, *SHAPE, generator=seeded(1)).expand(2_000, *SHAPE)
    summed, given = (model.terms(x, y, 1, seeded(2)).elbo for y in (None, torch.zeros(2_000)))
    error = (summed.var() / 2_000 + given.var() / 2_000).sqrt()
    assert abs(summed.mean() - given.mean()) < 5 * error < 0.3 * given.std()


@torch.no_grad()
def test_summed_figures_are_in_order(conditional: VAE, pixels: Tensor) -> None:
    """ELBO <= importance bound of many draws, in expectation."""
    terms = conditional.terms(pixels, None, 1024, seeded(0))
    bound = terms.log_weights.logsumexp(1) - math.log(1024)
    assert (terms.elbo < bound + 1e-3).all()
    assert bound.mean() > terms.log_weights.mean()


def test_every_weight_of_a_conditional_model_has_a_part_in_the_bound(conditional: VAE, pixels: Tensor) -> None:
    conditional.terms(pixels, generator=seeded(0)).elbo.sum().backward()
    for name, weight in conditional.named_parameters():
        if not name.startswith("classifier"):
            assert weight.grad is not None and weight.grad.abs().max() > 0, name


def test_wrong_classes_are_refused(conditional: VAE, pixels: Tensor) -> None:
    for y in (torch.zeros(5, CLASSES + 1), torch.zeros(5, CLASSES, 1), torch.tensor(1)):
        with pytest.raises(ValueError, match=r"this model takes \(N,\) or \(N, 3\)"):
            conditional.encode(pixels, y)


def test_a_class_means_nothing_to_other_models(pixels: Tensor) -> None:
    model = variant_model("mlp")
    assert torch.equal(model.encode(pixels).mean[0], model.encode(pixels, torch.zeros(5)).mean[0])


# --- what is not defined ----------------------------------------------------------------------------------------------

CONV = Body("conv", (4, 5))
POINT, FLOW = Latent("point", prior="fitted"), Latent("flow")
MIXTURE, VAMP = Latent(prior="mixture"), Latent(prior="vamp")
CODES = Latent("quantized", groups=((2, 3),), prior="uniform")
DOWN = Latent("topdown", groups=((2, 3), (1, 2)), prior="conditional")


def recipe(latent: Latent, objective: Objective | None = None, **more: Any) -> Recipe:
    return Recipe("any", ModelConfig(SHAPE, CONV, CONV, latent, **more), objective or Objective())


REFUSED = {
    "IWAE on a point": (lambda: recipe(POINT, Objective("iwae")), "'iwae' is not defined for a point.*gaussian, flow"),
    "ELBO on a point": (lambda: recipe(POINT), "'elbo' is not defined for a point latent"),
    "ELBO on codes": (lambda: recipe(CODES), "'elbo' is not defined for a quantized latent"),
    "DReG on a flow": (lambda: recipe(FLOW, Objective("dreg")), "'dreg' is not defined for a flow.*allowed: gaussian"),
    "TC on a flow": (lambda: recipe(FLOW, Objective("tc")), "'tc' is not defined for a flow latent"),
    "GAN on maps": (lambda: recipe(DOWN, Objective("adversarial_picture")), "not defined for a topdown latent"),
    "beta on codes": (
        lambda: recipe(CODES, Objective("commitment", beta=Schedule(end=2.0))),
        "beta means nothing to the objective 'commitment'; it has: commitment",
    ),
    "commitment on a Gaussian": (lambda: Objective(commitment=1.0), "commitment means nothing to the objective 'elbo'"),
    "draws of an ELBO": (lambda: Objective(draws=3), "draws means nothing"),
    "classes on topdown": (lambda: recipe(DOWN, classes=3), "A topdown latent takes no class; allowed: gaussian, flow"),
    "classes on codes": (
        lambda: recipe(CODES, Objective("commitment"), classes=3),
        "A quantized latent takes no class",
    ),
    "classes with pseudo-inputs": (lambda: recipe(VAMP, classes=3), "prior is 'vamp'; allowed: normal, mixture"),
    "one class": (lambda: recipe(Latent(), classes=1), "at least 2 classes"),
    "a classifier alone": (
        lambda: recipe(Latent(), classes=3, classifier=CONV),
        "A classifier and the objective 'semi_supervised' need one another",
    ),
    "no classifier": (lambda: recipe(Latent(), Objective("semi_supervised"), classes=3), "need one another"),
    "a classifier of no class": (lambda: recipe(Latent(), classifier=CONV), "A classifier needs classes"),
    "free bits on a flow": (lambda: recipe(FLOW, Objective(free_bits=0.1)), "Free bits need a KL per dimension"),
    "TC with a mixture": (lambda: recipe(MIXTURE, Objective("tc")), "'tc' needs the prior 'normal', not 'mixture'"),
    "a critic with a mixture": (lambda: recipe(VAMP, Objective("factor")), "'factor' needs the prior 'normal'"),
    "a critic with a fitted prior": (
        lambda: recipe(POINT, Objective("adversarial_latent")),
        "needs the prior 'normal'",
    ),
    "a fitted Gaussian": (lambda: Latent(prior="fitted"), "allowed: normal, mixture, vamp"),
    "a mixture of codes": (lambda: Latent("quantized", groups=((2, 3),)), "allowed: uniform, autoregressive"),
    "groups of a vector": (lambda: Latent(groups=((2, 3),)), "number of latent groups of a gaussian latent"),
    "maps without groups": (lambda: Latent("topdown", prior="conditional"), "number of latent groups"),
    "fine before coarse": (lambda: replace(DOWN, groups=((1, 2), (2, 3))), "from coarse to fine"),
    "maps from a vector's body": (
        lambda: ModelConfig(SHAPE, Body("mlp", (5,)), CONV, DOWN),
        "needs conv or resnet bodies; one is mlp",
    ),
    "a group too deep": (lambda: recipe(replace(DOWN, groups=((3, 2),))), "lies 3 halvings down.*2 entries"),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_is_not_defined_is_refused_by_name(case: str) -> None:
    make, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("latent", [MIXTURE, VAMP], ids=["mixture", "vamp"])
def test_free_bits_are_refused_without_a_closed_form(latent: Latent) -> None:
    with pytest.raises(ValueError, match="Free bits need a KL per dimension"):
        recipe(latent, Objective(free_bits=0.1))


# --- probabilistic PCA ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pictures() -> Tensor:
    """300 pictures of 8 x 8 in double precision, that vary in three directions and a little in all."""
    generator = seeded(5)
    loadings = 0.08 * torch.randn(3, 64, generator=generator, dtype=torch.float64)
    noise = 0.05 * torch.randn(300, 64, generator=generator, dtype=torch.float64)
    return (0.5 + torch.randn(300, 3, generator=generator, dtype=torch.float64) @ loadings + noise).view(300, 1, 8, 8)


def best_linear(x: Tensor, dim: int) -> tuple[VAE, MultivariateNormal]:
    """The maximum-likelihood model and its marginal (Tipping and Bishop 1999, section 3.2 and appendix A)."""
    rows = x.flatten(1)
    mean, covariance = rows.mean(0), torch.cov(rows.T, correction=0)
    values, vectors = torch.linalg.eigh(covariance)
    variance, top = values[:-dim].mean(), values[-dim:]
    weights = vectors[:, -dim:] * (top - variance).sqrt()
    body = Body("linear", ())
    config = ModelConfig((1, 8, 8), body, body, Latent(dim=dim), LikelihoodConfig("gaussian", variance.sqrt().item()))
    model = build(config).eval().requires_grad_(False)
    back = (weights / top).T  # M = W'W + variance I is diag(top): the posterior is M^-1 W' (x - mean), variance M^-1
    std = (variance / top).sqrt()
    model.latent.head.weight.copy_(torch.cat([back, torch.zeros_like(back)]))
    model.latent.head.bias.copy_(torch.cat([-back @ mean, std.log()]))
    model.decoder[0].weight.copy_(weights)
    model.decoder[0].bias.copy_(mean)
    return model, MultivariateNormal(mean, weights @ weights.T + variance * torch.eye(64, dtype=torch.float64))


@pytest.mark.parametrize("dim", [1, 3, 10])
def test_linear_with_the_best_weights_is_probabilistic_pca(pictures: Tensor, dim: int) -> None:
    """With the exact posterior every importance weight is p(x) itself, whatever z is."""
    model, marginal = best_linear(pictures, dim)
    exact = marginal.log_prob(pictures.flatten(1))
    terms = model.terms(pictures.float(), k=400, generator=seeded(0))
    assert torch.allclose(terms.log_weights.double(), exact[:, None].expand(-1, 400), atol=1e-2)
    assert terms.elbo.mean().item() == pytest.approx(exact.mean().item(), abs=0.05)
    found = importance_weighted_nll(model, pictures.float(), k=7)
    assert torch.allclose(found.double(), -exact, atol=1e-2)


def test_any_other_weights_are_worse(pictures: Tensor) -> None:
    model, marginal = best_linear(pictures, 3)
    best = marginal.log_prob(pictures.flatten(1)).mean()
    for weight in (model.decoder[0].weight, model.latent.head.weight, model.decoder[0].bias):
        kept = weight.clone()
        weight += 0.02 * weight.abs().mean() * torch.randn(weight.shape, generator=seeded(1), dtype=weight.dtype)
        assert model.terms(pictures.float(), k=400, generator=seeded(0)).elbo.mean() < best
        weight.copy_(kept)


def test_the_gap_of_a_wrong_posterior_is_its_kl(pictures: Tensor) -> None:
    """log p(x) - ELBO = KL(q || p(z | x)): a posterior twice too wide costs 3/2 - log 2 a dimension."""
    model, marginal = best_linear(pictures, 3)
    model.latent.head.bias[3:] += math.log(2)
    gap = (
        marginal.log_prob(pictures.flatten(1)).mean()
        - model.terms(pictures.float(), k=2000, generator=seeded(0)).elbo.mean()
    )
    assert gap.item() == pytest.approx(3 * (1.5 - math.log(2)), abs=0.03)
