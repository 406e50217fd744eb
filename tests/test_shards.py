"""Noise: reproducible, the same for one process and for many, and means over all processes."""

from itertools import pairwise

import pytest
import torch

from vae_core.shards import Shard, global_mean, normal, seeded, uniform

CPU = torch.device("cpu")


@pytest.mark.parametrize("draw", [normal, uniform])
@pytest.mark.parametrize("cuts", [(0, 7), (0, 3, 7), (0, 1, 2, 7)])
@pytest.mark.parametrize("shape", [(7, 5), (7, 2, 3), (14, 4)])
def test_the_shards_of_a_batch_are_the_batch(draw, cuts, shape) -> None:
    """14 rows for a batch of 7 stand for two draws a picture."""
    whole = draw(shape, seeded(3), CPU)
    multiple = shape[0] // 7
    parts = [
        draw(((stop - start) * multiple, *shape[1:]), Shard(seeded(3), start, stop, 7), CPU)
        for start, stop in pairwise(cuts)
    ]
    assert torch.equal(torch.cat(parts), whole)


def test_all_shards_leave_the_generator_in_the_same_state() -> None:
    first, second = seeded(3), seeded(3)
    normal((2, 5), Shard(first, 0, 2, 7), CPU)
    normal((5, 5), Shard(second, 2, 7, 7), CPU)
    assert torch.equal(torch.rand(3, generator=first), torch.rand(3, generator=second))


def test_draws_have_their_distributions() -> None:
    z, u = normal((20_000,), seeded(0), CPU), uniform((20_000,), seeded(0), CPU)
    assert abs(z.mean()) < 0.03
    assert abs(z.std() - 1) < 0.03
    assert abs(u.mean() - 0.5) < 0.01
    assert 0 <= u.min() <= u.max() < 1


def test_no_generator_means_the_global_one() -> None:
    torch.manual_seed(5)
    expected = torch.randn(4)
    torch.manual_seed(5)
    assert torch.equal(normal((4,), None, CPU), expected)


def test_streams_depend_on_the_whole_key_and_its_order() -> None:
    keys = [(), (0,), (1,), (0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (0, 2), (0, 0, 0), (1, 2, 3), (3, 2, 1), (0, 11, 5)]
    first = [torch.rand(4, generator=seeded(*key)).tolist() for key in keys]
    assert len({tuple(row) for row in first}) == len(keys)
    assert first == [torch.rand(4, generator=seeded(*key)).tolist() for key in keys]


def test_neighbouring_streams_are_unrelated() -> None:
    streams = torch.stack([torch.randn(500, generator=seeded(0, 12, epoch)) for epoch in range(40)])
    off_diagonal = torch.corrcoef(streams)[~torch.eye(40, dtype=torch.bool)]
    assert off_diagonal.abs().max() < 5 / 500**0.5
    firsts = torch.stack([torch.rand(1, generator=seeded(seed, 1, 0)) for seed in range(2000)])
    assert abs(firsts.mean() - 0.5) < 0.03
    assert abs(torch.corrcoef(torch.stack([firsts[1:, 0], firsts[:-1, 0]]))[0, 1]) < 0.1


def test_global_mean_of_one_process_is_the_mean_without_gradient() -> None:
    rows = torch.randn(6, 3, requires_grad=True)
    found = global_mean(rows)
    assert torch.allclose(found, rows.mean(0))
    assert not found.requires_grad


def test_global_mean_adds_up_uneven_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = torch.randn(2, 3), torch.randn(5, 3)

    def all_reduce(total: torch.Tensor) -> None:
        total += torch.cat([there.sum(0), torch.tensor([5.0])])

    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "all_reduce", all_reduce)
    assert torch.allclose(global_mean(here), torch.cat([here, there]).mean(0), atol=1e-6)
