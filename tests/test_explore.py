"""Moving about a latent space: what holds for every point, path, axis and sample."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from vae_core import explore, scoring, zoo
from vae_core.checkpoints import Reference
from vae_core.config import DataConfig
from vae_core.model import VAE, LatentSpec, build
from vae_core.scoring import statistics
from vae_core.shards import seeded

points = st.tuples(st.integers(2, 40), st.integers(0, 10**6), st.floats(0.05, 20), st.floats(0.05, 20))


def pair(drawn: tuple[int, int, float, float]) -> tuple[Tensor, Tensor]:
    """Two points of any size, direction and length."""
    size, seed, one, other = drawn
    a, b = torch.randn((2, size), generator=seeded(seed))
    return one * a, other * b


def vae(dim: int) -> VAE:
    torch.manual_seed(0)
    return build(zoo.recipe("mlp", DataConfig(), (1, 8, 8), latent_dim=dim, body={"hidden": (16,)}).model).eval()


@pytest.fixture(scope="module")
def model() -> VAE:
    return vae(6)


def reference_of(mean: Tensor, kl: Tensor | None = None) -> Reference:
    """Reference encodings with these means (N, D)."""
    rows = len(mean)
    kl = torch.ones_like(mean) if kl is None else kl.expand(rows, -1)
    return Reference(mean, torch.ones_like(mean), kl, torch.arange(rows).float(), torch.arange(rows))


# --- flat vectors and groups ---------------------------------------------------------------------------------------


@given(st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=3), min_size=1, max_size=4), st.integers(0, 5))
def test_flatten_and_unflatten_are_inverse(shapes: list[list[int]], rows: int) -> None:
    spec = LatentSpec(tuple(map(tuple, shapes)), "gaussian", "normal", ())
    v = torch.arange(rows * spec.size).float().reshape(rows, spec.size)
    groups = explore.unflatten(v, spec)
    assert [tuple(group.shape) for group in groups] == [(rows, *shape) for shape in shapes]
    assert torch.equal(explore.flatten(groups), v)


@pytest.mark.parametrize("shape", [(3, 5), (3, 7), (6,)])
def test_vectors_of_another_space_are_refused(model: VAE, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"this model takes \(N, 6\)"):
        explore.unflatten(torch.zeros(shape), model.spec)


@given(st.integers(1, 300), st.integers(0, 10**6))
def test_a_point_survives_a_link(size: int, seed: int) -> None:
    point = 3 * torch.randn(size, generator=seeded(seed))
    text = explore.to_text(point)
    assert text.replace("-", "").replace("_", "").isalnum()  # nothing that a link would have to escape
    spec = LatentSpec(((size,),), "gaussian", "normal", ())
    torch.testing.assert_close(explore.from_text(text, spec), point, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("text", ["", "A", "****", "é", "AAAA", "AH4AAAAAAAAAAAAA", "A" * 17])
def test_a_text_that_is_no_point_is_refused(model: VAE, text: str) -> None:
    with pytest.raises(ValueError, match="point"):
        explore.from_text(text, model.spec)


# --- the prior -----------------------------------------------------------------------------------------------------


@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 10**9 - 1))
def test_the_first_draws_do_not_depend_on_how_many_there_are(m: int, n: int, seed: int) -> None:
    few, many = (explore.sample(vae(5), count, seed=seed) for count in sorted((m, n)))
    assert torch.equal(few, many[: len(few)])


def test_draws_are_standard_normal_and_all_different(model: VAE) -> None:
    z = explore.sample(model, 2000)
    assert len(z.unique(dim=0)) == 2000
    assert z.mean(0).abs().max() < 4 / 2000**0.5
    torch.testing.assert_close(torch.cov(z.T), torch.eye(6), rtol=0, atol=0.12)
    both = torch.cat([z, explore.sample(model, 2000, seed=1)])
    assert len(both.unique(dim=0)) == 4000  # another seed, other draws


@given(st.floats(0, 2))
def test_temperature_scales_the_draws(temperature: float) -> None:
    net = vae(3)
    torch.testing.assert_close(explore.sample(net, 20, temperature, 7), temperature * explore.sample(net, 20, 1.0, 7))


def test_prior_mean_is_zero_unless_the_prior_was_learnt(model: VAE) -> None:
    reference = reference_of(torch.randn(50, 6) + 3)
    assert torch.equal(explore.prior_mean(model, reference), torch.zeros(6))
    assert torch.equal(explore.prior_mean(model, None), torch.zeros(6))

    class Fitted:
        spec = replace(model.spec, prior="fitted")

    assert torch.equal(explore.prior_mean(Fitted(), reference), reference.mean.mean(0))  # type: ignore[arg-type]


@given(st.integers(2, 30), st.floats(0.1, 2))
def test_plane_lies_on_the_quantiles_with_z0_to_the_right_and_z1_up(side: int, temperature: float) -> None:
    plane = explore.prior_plane(side, temperature)
    assert plane.shape == (side, side, 2)
    assert torch.equal(plane[:, :, 0], plane[:1, :, 0].expand(side, -1))
    assert (plane[0, 1:, 0] > plane[0, :-1, 0]).all() and (plane[1:, 0, 1] < plane[:-1, 0, 1]).all()
    steps = torch.special.ndtr(plane[0, :, 0] / temperature).diff()
    torch.testing.assert_close(steps, torch.full((side - 1,), 1 / side), rtol=0, atol=1e-5)
    torch.testing.assert_close(plane, -plane.flip(0, 1), rtol=0, atol=1e-5)  # symmetric about the prior's mean


# --- encoding and decoding -----------------------------------------------------------------------------------------


def test_decoding_does_not_depend_on_the_batch_and_pixels_follow_their_seed(model: VAE) -> None:
    z = explore.sample(model, 5)
    x = explore.decode(model, z)
    assert x.shape == (5, 1, 8, 8) and x.min() >= 0 and x.max() <= 1
    torch.testing.assert_close(torch.cat([explore.decode(model, row[None]) for row in z]), x)
    drawn = explore.draw_pixels(model, z, 3)
    assert torch.equal(drawn, explore.draw_pixels(model, z, 3)) and not torch.equal(drawn, x)
    assert not torch.equal(drawn, explore.draw_pixels(model, z, 4))


def test_decoding_many_takes_bounded_memory(model: VAE, monkeypatch: pytest.MonkeyPatch) -> None:
    v, sizes = torch.randn(50, model.spec.size), []
    whole = explore.decode(model, v)
    monkeypatch.setattr(scoring, "NUMBERS_AT_ONCE", 20 * whole[0].numel())
    model.decoder.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    assert torch.allclose(explore.decode(model, v), whole, atol=1e-6)
    assert sizes == [20, 20, 10]
    assert explore.decode(model, v[:0]).shape == (0, *model.image_shape)


def test_encoding_is_seeded_and_flat(model: VAE) -> None:
    x = torch.rand((4, 1, 8, 8), generator=seeded(0))
    mean, std = explore.encode(model, x)
    assert mean.shape == std.shape == (4, 6) and (std > 0).all()
    assert torch.equal(mean, explore.encode(model, x)[0])


def test_posterior_draws_have_the_posterior_s_moments() -> None:
    mean, std = torch.tensor([1.0, -2.0]), torch.tensor([0.5, 0.01])
    z = explore.posterior_draws(mean, std, 4000, seed=2)
    torch.testing.assert_close(z.mean(0), mean, rtol=0, atol=0.04)
    torch.testing.assert_close(z.std(0), std, rtol=0.05, atol=0)
    assert torch.equal(z, explore.posterior_draws(mean, std, 4000, seed=2))


# --- paths ---------------------------------------------------------------------------------------------------------


@given(points, st.integers(2, 30), st.sampled_from(explore.PATHS))
def test_a_path_begins_at_a_and_ends_at_b(drawn: tuple[int, int, float, float], steps: int, path: str) -> None:
    a, b = pair(drawn)
    z = explore.interpolate(a, b, steps, path)
    assert z.shape == (steps, len(a))
    torch.testing.assert_close(z[[0, -1]], torch.stack([a, b]), rtol=1e-4, atol=1e-4)
    back = explore.interpolate(b, a, steps, path).flip(0)
    torch.testing.assert_close(z, back, rtol=1e-3, atol=1e-3)


@given(points)
def test_spherical_lengths_go_evenly_from_one_to_the_other(drawn: tuple[int, int, float, float]) -> None:
    a, b = pair((max(drawn[0], 3), *drawn[1:]))
    z = explore.slerp(a, b, torch.linspace(0, 1, 9))
    cosine = (a @ b / (a.norm() * b.norm())).item()
    if abs(cosine) < 0.999:
        expected = torch.linspace(a.norm().item(), b.norm().item(), 9)
        torch.testing.assert_close(z.norm(dim=1), expected, rtol=1e-3, atol=1e-4)
        units = z / z.norm(dim=1, keepdim=True)
        angles = (units[:-1] * units[1:]).sum(1).clamp(-1, 1).acos()
        torch.testing.assert_close(angles, angles.mean().expand(8), rtol=2e-2, atol=2e-3)


def test_spherical_path_is_the_quarter_circle_between_two_unit_vectors() -> None:
    z = explore.interpolate(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), 3, "spherical")
    torch.testing.assert_close(z, torch.tensor([[1.0, 0.0], [0.5**0.5, 0.5**0.5], [0.0, 1.0]]))


@pytest.mark.parametrize("other", [[2.0, 0.0], [-2.0, 0.0], [0.0, 0.0]], ids=["parallel", "opposite", "zero"])
def test_spherical_is_straight_where_no_circle_is_defined(other: list[float]) -> None:
    a, b = torch.tensor([1.0, 0.0]), torch.tensor(other)
    torch.testing.assert_close(explore.interpolate(a, b, 5, "spherical"), explore.interpolate(a, b, 5))


def test_wrong_paths_are_refused() -> None:
    with pytest.raises(ValueError, match="'arc'; allowed: linear, spherical"):
        explore.interpolate(torch.ones(2), torch.ones(2), 5, "arc")
    with pytest.raises(ValueError, match="steps is 1"):
        explore.interpolate(torch.ones(2), torch.ones(2), 1)


@pytest.mark.parametrize("corners", [3, 4])
def test_a_pad_has_its_corners_where_they_are_said_to_be(corners: int) -> None:
    ends = torch.tensor(explore.PADS[corners])
    torch.testing.assert_close(explore.pad_weights(ends, corners), torch.eye(corners))
    middle = torch.tensor([explore.pad_centre(corners)])
    torch.testing.assert_close(explore.pad_weights(middle, corners), torch.full((1, corners), 1 / corners))
    places = explore.pad_grid(7)
    inside = explore.in_pad(places, corners)
    assert inside.sum() == {3: 25, 4: 49}[corners]
    weights = explore.pad_weights(places, corners)
    torch.testing.assert_close(weights.sum(1), torch.ones(49))
    torch.testing.assert_close(explore.blend(ends, weights), places)  # weights put a place where it is
    assert (weights[inside] > -1e-6).all()


def test_a_pad_grid_goes_row_by_row_from_a_to_the_right() -> None:
    assert explore.pad_grid(2).tolist() == [[0, 0], [1, 0], [0, 1], [1, 1]]


def test_places_beside_a_pad_are_told() -> None:
    places = torch.tensor([[0.5, 0.5], [0.0, 0.6], [0.9, 0.9], [-0.1, 0.0], [0.5, 1.1], [1.001, 0.0], [0.5, torch.nan]])
    assert explore.in_pad(places, 3).tolist() == [True, False, False, False, False, True, False]
    assert explore.in_pad(places, 4).tolist() == [True, True, True, False, False, True, False]


def test_blends_of_points() -> None:
    corners = torch.randn((4, 9), generator=seeded(0))
    assert torch.equal(explore.blend(corners, torch.eye(4)), corners)
    torch.testing.assert_close(explore.blend(corners, torch.full((1, 4), 0.25))[0], corners.mean(0))
    line = explore.pad_weights(torch.tensor([[t, 0.0] for t in (0, 0.25, 0.5, 0.75, 1)]), 4)
    torch.testing.assert_close(explore.blend(corners, line), explore.interpolate(corners[0], corners[1], 5))
    with pytest.raises(ValueError, match=r"shape \(2, 3\); 4 corners"):
        explore.blend(corners, torch.ones(2, 3))
    with pytest.raises(ValueError, match="corners is 5"):
        explore.pad_weights(torch.ones(1, 2), 5)
    with pytest.raises(ValueError, match="side is 1"):
        explore.pad_grid(1)


def test_crossfade_mixes_pixels() -> None:
    black, white = torch.zeros(3, 4, 5), torch.ones(3, 4, 5)
    mixed = explore.crossfade(black, white, 5)
    assert mixed.shape == (5, 3, 4, 5)
    torch.testing.assert_close(mixed.mean((1, 2, 3)), torch.linspace(0, 1, 5))


# --- axes ----------------------------------------------------------------------------------------------------------


def test_axes_are_the_dimensions_by_kl_with_ranges_of_the_reference(model: VAE) -> None:
    spread = torch.tensor([2.0, 0.001, 1.0, 3.0, 0.02, 0.5])
    mean = torch.randn((3000, 6), generator=seeded(1)) * spread + torch.tensor([5.0, 0, 0, 0, 0, 0])
    kl = torch.tensor([1.0, 0.001, 3.0, 2.0, 0.01, 0.5])
    found = explore.axes(model, reference_of(mean, kl))
    assert [axis.name for axis in found] == ["z2", "z3", "z0", "z5", "z4", "z1"]
    assert [axis.active for axis in found] == [True, True, True, True, False, False]
    by_name = {axis.name: axis for axis in found}
    for i, axis in enumerate(by_name[f"z{i}"] for i in range(6)):
        assert axis.kl == pytest.approx(kl[i].item()) and axis.variance == pytest.approx(spread[i].item() ** 2, rel=0.1)
        inside = ((mean[:, i] >= axis.low) & (mean[:, i] <= axis.high)).float().mean()
        assert inside >= 0.989 and axis.high - axis.low >= 1.999
    assert by_name["z0"].low > -2 and by_name["z0"].high == pytest.approx(5 + 2.576 * 2, abs=0.6)


def test_without_reference_axes_span_three_standard_deviations(model: VAE) -> None:
    found = explore.axes(model, None)
    assert [axis.name for axis in found] == [f"z{i}" for i in range(6)]
    assert all((axis.low, axis.high, axis.kl, axis.active) == (-3, 3, None, True) for axis in found)


def test_large_latents_are_slid_along_principal_directions() -> None:
    net = vae(explore.MAX_AXES + 1)
    size = net.spec.size
    mean = torch.randn((200, size), generator=seeded(0)) * 0.1
    mean[:, 7] += 5 * torch.randn(200, generator=seeded(1))
    found = explore.axes(net, reference_of(mean))
    assert len(found) == explore.PRINCIPAL and found[0].name == "PC1" and found[0].kl is None
    assert found[0].direction[7].abs() > 0.99
    variances = [axis.variance or 0.0 for axis in found]
    assert variances == sorted(variances, reverse=True)
    directions = torch.stack([axis.direction for axis in found])
    torch.testing.assert_close(directions @ directions.T, torch.eye(len(found)), rtol=0, atol=1e-4)
    assert explore.axes(net, None) == []


@given(st.integers(0, 10**6), st.floats(-5, 5), st.booleans())
def test_moving_changes_one_coordinate_only(seed: int, value: float, principal: bool) -> None:
    size = explore.MAX_AXES + 1 if principal else 6
    mean = torch.randn((80, size), generator=seeded(seed))
    along = explore.axes(vae(size), reference_of(mean))
    v = torch.randn(size, generator=seeded(seed, 1))
    moved = along[1].move(v, value)
    assert along[1].coordinate(moved).item() == pytest.approx(value, abs=1e-4)
    others = [axis for axis in along if axis is not along[1]]
    for axis in others[:10]:
        assert axis.coordinate(moved).item() == pytest.approx(axis.coordinate(v).item(), abs=1e-4)
    torch.testing.assert_close(along[1].move(moved, along[1].coordinate(v)), v, rtol=1e-4, atol=1e-4)


def test_traversal_goes_through_each_range_and_leaves_the_rest(model: VAE) -> None:
    along = explore.axes(model, reference_of(torch.randn((100, 6), generator=seeded(0))))[:4]
    start = torch.linspace(-1, 1, 6)
    grid = explore.traverse(start, along, 7)
    assert grid.shape == (4, 7, 6)
    for row, axis in zip(grid, along, strict=True):
        torch.testing.assert_close(axis.coordinate(row), torch.linspace(axis.low, axis.high, 7))
        rest = axis.direction == 0
        assert torch.equal(row[:, rest], start[rest].expand(7, -1))
    assert explore.traverse(start, [], 7).shape == (0, 7, 6)
    with pytest.raises(ValueError, match="values is 1"):
        explore.traverse(start, along, 1)


# --- neighbours ----------------------------------------------------------------------------------------------------


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 10**6))
def test_nearest_are_the_nearest(rows: int, count: int, seed: int) -> None:
    reference = torch.randn((rows, 3), generator=seeded(seed))
    found, distances = explore.nearest(reference[0], reference, count)
    assert len(found) == min(rows, count) and found[0] == 0 and distances[0] == 0
    everything = (reference - reference[0]).norm(dim=1).sort().values
    torch.testing.assert_close(distances, everything[: len(found)])


def test_unlike_pair_is_of_two_classes_or_far_apart() -> None:
    mean = torch.cat([torch.zeros(20, 2), torch.full((20, 2), 4.0)]) + 0.1 * torch.randn((40, 2), generator=seeded(0))
    plain = reference_of(mean)
    first, second = explore.unlike_pair(plain)
    assert (mean[first] - mean[second]).norm() > 4
    labelled = replace(plain, labels=torch.arange(40) // 20)
    a, b = explore.unlike_pair(labelled)
    assert a < 20 <= b


def test_the_second_pair_is_of_other_classes_or_another_dimension() -> None:
    mean = torch.randn((60, 3), generator=seeded(0)) * torch.tensor([9.0, 3.0, 1.0])
    few = replace(reference_of(mean), labels=torch.arange(60) % 3)
    for reference in (reference_of(mean), few):
        c, d = explore.second_pair(reference)
        assert mean[d, 1] - mean[c, 1] > 4  # the second largest variance
    many = replace(reference_of(mean), labels=torch.arange(60) // 6)
    rows = [*explore.unlike_pair(many), *explore.second_pair(many)]
    assert [row // 6 for row in rows] == [0, 9, 3, 6]
    explore.second_pair(reference_of(mean[:, :1]))  # one dimension is enough


def test_observed_picture_is_the_one_that_was_scored(model: VAE) -> None:
    pictures = torch.randint(0, 256, (7, 1, 8, 8), generator=seeded(0), dtype=torch.uint8)
    one = explore.observed(model, pictures, 4, seed=0)
    assert one.shape == (1, 1, 8, 8)
    torch.testing.assert_close(explore.encode(model, one)[0], statistics(model, pictures, 0).mean[4:5])


def test_what_was_observed_is_encoded_and_classified_as_it_is(model: VAE) -> None:
    x = torch.rand(3, 1, 8, 8, generator=seeded(0))
    seen = explore.observe(model, x)
    for mine, theirs in zip(explore.encode_observed(model, seen), explore.encode(model, x), strict=True):
        torch.testing.assert_close(mine, theirs)
    net = of_kind("conditional")
    torch.testing.assert_close(
        explore.classify_observed(net, explore.observe(net, x)), explore.classify(net, x), rtol=0, atol=0
    )


# --- classes, levels and codes -------------------------------------------------------------------------------------


def of_kind(variant: str) -> VAE:
    torch.manual_seed(0)
    recipe = zoo.recipe(variant, DataConfig("mnist"), (1, 8, 8), latent_dim=4, classes=3, body={"hidden": (8, 8)})
    return build(recipe.model).eval().requires_grad_(False)


def test_classes_are_indices_or_weights_and_change_the_picture() -> None:
    net, v = of_kind("conditional"), torch.randn(5, 4)
    one_hot = torch.eye(3)[[2] * 5]
    asked = explore.decode(net, v, torch.full((5,), 2))
    torch.testing.assert_close(asked, explore.decode(net, v, one_hot))
    assert not torch.allclose(asked, explore.decode(net, v, torch.zeros(5, dtype=torch.long)))
    assert not torch.equal(
        explore.draw_pixels(net, v, 0, one_hot), explore.draw_pixels(net, v, 0, torch.zeros(5).long())
    )
    x = torch.rand(2, 1, 8, 8)
    assert not torch.allclose(
        explore.encode(net, x, y=torch.tensor([0, 0]))[0], explore.encode(net, x, y=one_hot[:2])[0]
    )
    torch.testing.assert_close(explore.classify(net, x).sum(1), torch.ones(2))
    with pytest.raises(ValueError, match="no classes"):
        explore.classify(vae(2), x)


def test_a_reference_picture_is_rebuilt_as_its_own_class() -> None:
    net, known = of_kind("conditional"), torch.tensor([0, 2, 1])
    reference = replace(reference_of(torch.randn(3, 4)), labels=known)
    expected = explore.decode(net, reference.mean[[2, 1]], known[[2, 1]])
    assert torch.equal(explore.rebuild(net, reference, [2, 1]), expected)
    assert explore.classes_of(vae(4), reference, [0]) is None


@pytest.mark.parametrize("variant", ["ladder", "vq-2"])
def test_what_is_kept_stays_and_the_rest_is_drawn(variant: str) -> None:
    net = of_kind(variant)
    v, groups = explore.sample(net, 1).expand(6, -1), len(net.spec.shapes)
    torch.testing.assert_close(explore.continued(net, v, groups), explore.decode(net, v))
    drawn = explore.continued(net, v, 1, seed=3)
    assert torch.equal(drawn, explore.continued(net, v, 1, seed=3)) and not torch.equal(drawn[0], drawn[1])
    rest = v.clone()
    rest[:, math.prod(net.spec.shapes[0]) :] += 1  # what is not kept is not read
    assert torch.equal(drawn, explore.continued(net, rest, 1, seed=3))
    with pytest.raises(ValueError, match="keep is 0"):
        explore.continued(net, v, 0)


def test_axes_of_a_level_move_nothing_else() -> None:
    net = of_kind("ladder")
    sizes = [math.prod(shape) for shape in net.spec.shapes]
    mean = torch.randn(50, net.spec.size)
    found = explore.axes(net, reference_of(mean), level=1)
    inside = slice(sizes[0], sizes[0] + sizes[1])
    assert {axis.name for axis in found} == {f"z{i}" for i in range(inside.start, inside.stop)}
    for axis in found:
        shift = axis.move(mean[0], 9.0) - mean[0]
        assert shift[inside].abs().sum() == shift.abs().sum() > 0


def test_dimensions_without_a_known_scale_count_by_kl_or_beside_the_others() -> None:
    net = of_kind("ladder")
    kl = torch.zeros(net.spec.size)
    kl[3] = 0.5
    found = explore.axes(net, reference_of(1e-4 * torch.randn(50, net.spec.size), kl))
    assert [axis.name for axis in found if axis.active] == ["z3"]
    point = of_kind("autoencoder")
    spread = torch.tensor([1e-3, 1e-3, 1e-9, 1e-3])
    found = explore.axes(point, reference_of(spread * torch.randn(50, 4), torch.zeros(0)))
    assert [axis.name for axis in found if not axis.active] == ["z2"] and found[0].kl is None


def test_codes_are_read_and_written_in_one_place() -> None:
    net = of_kind("vq-2")
    v = explore.sample(net, 1)[0]
    maps = explore.codes(net, v)
    assert [tuple(codes.shape) for codes in maps] == [shape[1:] for shape in net.spec.shapes]
    changed = explore.with_codes(net, v, 1, 2, torch.tensor([5, 6]))
    assert changed.shape == (2, net.spec.size)
    for row, code in zip(changed, (5, 6), strict=True):
        found = explore.codes(net, row)
        assert found[1].flatten()[2] == code and torch.equal(found[0], maps[0])
        assert (found[1] != maps[1]).sum() <= 1


def test_draws_of_a_flow_follow_the_picture() -> None:
    net, x = of_kind("flow"), torch.rand(1, 1, 8, 8).round()
    draws = explore.draws_given(net, x, 500)
    mean, std = explore.encode(net, x)
    assert draws.shape == (500, 4) and torch.equal(draws, explore.draws_given(net, x, 500))
    torch.testing.assert_close(draws.mean(0), mean[0], rtol=0, atol=0.5)
    assert (draws.std(0) > 0.2 * std[0]).all()


def test_separation_is_what_chance_does_not_give() -> None:
    points = torch.randn(600, 4)
    lot = torch.randint(0, 30, (600,))
    assert abs(explore.separation(points, lot)) < 0.05
    apart = torch.arange(600) % 3
    assert explore.separation(points + 50 * apart[:, None], apart) > 0.95
    assert explore.separation(apart[:, None].float(), apart) == pytest.approx(1)
    assert explore.separation(torch.ones(5, 2), torch.arange(5)) == 0


def test_tenths_keep_alike_numbers_together() -> None:
    assert explore.tenths(torch.randn(1000)).bincount().tolist() == [100] * 10
    assert len(explore.tenths(torch.ones(50)).unique()) == 1
    found = explore.tenths(torch.tensor([0.0] * 30 + [1.0] * 30))
    assert len(found[:30].unique()) == len(found[30:].unique()) == 1
