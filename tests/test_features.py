"""Features to compare pictures in: learnt from training pictures alone, the same each time, kept on disk."""

import pytest
import torch

from vae_core import features
from vae_core.config import DataConfig
from vae_core.data import Splits, load


@pytest.fixture(scope="module")
def digits() -> Splits:
    return load(DataConfig("digits"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("VAE_CACHE", str(tmp_path))


def nearest(known: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
    return torch.cdist(new, known).argmin(1)


def test_a_classifier_is_learnt_where_there_are_labels(digits, monkeypatch):
    monkeypatch.setitem(features.STEPS, "classifier", 100)
    net = features.learn(digits.train.images, digits.train.labels)
    assert net.note == f"a classifier of 10 classes trained on {len(digits.train):,} training pictures"
    known, new = net(digits.train.images), net(digits.test.images)
    assert known.mean(0).abs().max() < 1e-3 and (known.std(0) - 1).abs().max() < 1e-3
    right = (digits.train.labels[nearest(known, new)] == digits.test.labels).float().mean()
    assert right > 0.93


def test_without_labels_the_net_tells_pictures_apart_by_itself(digits, monkeypatch):
    monkeypatch.setitem(features.STEPS, "contrastive", 60)
    net = features.learn(digits.train.images)
    assert net.note.startswith("a contrastive net")
    known, new = net(digits.train.images), net(digits.test.images)
    right = (digits.train.labels[nearest(known, new)] == digits.test.labels).float().mean()
    monkeypatch.setitem(features.STEPS, "contrastive", 0)
    raw = features.learn(digits.train.images)
    unlearnt = digits.train.labels[nearest(raw(digits.train.images), raw(digits.test.images))] == digits.test.labels
    assert right > 0.8 and right > unlearnt.float().mean() + 0.02


@pytest.mark.parametrize("labels", [torch.zeros(200, dtype=torch.int64), torch.arange(200)])
def test_labels_of_one_class_or_of_classes_too_small_are_no_use(labels, digits, monkeypatch):
    monkeypatch.setitem(features.STEPS, "contrastive", 1)
    assert features.learn(digits.train.images[:200], labels).note.startswith("a contrastive net")


def test_a_net_is_trained_once_for_the_same_pictures(digits, monkeypatch):
    monkeypatch.setitem(features.STEPS, "classifier", 2)
    state = torch.get_rng_state()
    first = features.learn(digits.train.images, digits.train.labels)
    shares: list[float] = []
    again = features.learn(digits.train.images, digits.train.labels, shares.append)
    assert not shares and torch.equal(first(digits.test.images), again(digits.test.images))
    assert torch.equal(state, torch.get_rng_state())  # the global generator belongs to others
    features.learn(digits.train.images, digits.train.labels.flip(0), shares.append)
    assert shares == [0.5, 1.0]


def test_training_is_cancelled_by_its_progress_and_leaves_nothing(digits, tmp_path):
    def cancel(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        features.learn(digits.train.images, digits.train.labels, cancel)
    assert not list(tmp_path.iterdir())


def test_features_do_not_depend_on_how_many_go_through_at_once(digits, monkeypatch):
    net = features.untrained(digits.train.images)
    whole = net(digits.test.images)
    monkeypatch.setattr(features, "AT_ONCE", 7)
    assert torch.allclose(whole, net(digits.test.images.float() / 255), atol=1e-3)


def test_an_untrained_net_s_features_are_white(digits):
    found = features.untrained(digits.train.images)(digits.train.images)
    assert torch.allclose(torch.cov(found.T), torch.eye(found.shape[1]), atol=2e-2)
    assert 8 <= found.shape[1] < features.NUMBERS


def test_white_features_do_not_hang_on_the_first_pictures(digits, monkeypatch):
    monkeypatch.setattr(features, "SCALED", 400)
    order = digits.train.labels.argsort()
    found = features.untrained(digits.train.images[order])(digits.train.images)
    assert found.mean(0).abs().max() < 0.4 and (found.std(0) - 1).abs().max() < 0.4


def test_large_pictures_are_averaged_down(monkeypatch):
    large = torch.rand(4, 3, 96, 200)
    assert features._seen(large).shape == (4, 3, 64, 64)
    net = features.untrained(large)
    assert torch.allclose(net(large), net(torch.nn.functional.interpolate(large, (64, 64), mode="area")), atol=1e-4)
