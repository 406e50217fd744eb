"""How like real pictures the draws of shipped models are, and whether the cheap score ranks them alike."""

import pytest
from scipy.stats import spearmanr

from vae_core import checkpoints, coverage, data, features, realism
from vae_core.checkpoints import Checkpoint

SETS = ("mnist", "fashion-mnist", "digits", "characters", "sprites")


def models_of(name: str) -> dict[str, Checkpoint]:
    """The shipped models of a set, those whose pictures have the size of the first one's."""
    opened = {one: checkpoints.load(checkpoints.find(one)) for one in checkpoints.shipped()}
    found = {one: checkpoint for one, checkpoint in opened.items() if checkpoint.data.name == name}
    shape = next(iter(found.values())).model.image_shape
    return {one: checkpoint for one, checkpoint in found.items() if checkpoint.model.image_shape == shape}


def rank(a: list[float], b: list[float]) -> str:
    return f"{spearmanr(a, b).statistic:.2f} of {len(a)} models" if len(a) > 2 else "too few models"


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", SETS)
def test_draws_of_shipped_models(name: str, data_root, capsys) -> None:
    """KID, precision and recall in learnt features; Spearman's rank correlation of what is cheap with KID."""
    models = models_of(name)
    splits = data.load(next(iter(models.values())).recipe.data, root=data_root)
    net = features.learn(splits.train.images, splits.train.labels)
    rows, scores = {}, {}
    for one, checkpoint in models.items():
        pictures = realism.sides(checkpoint.model, splits.test.images, splits.test.labels)
        found = pictures.features(net)
        rows[one] = {
            side: [measure(found.real, made) for measure in realism.MEASURES.values()]
            for side, made in found.others.items()
        }
        cheap = realism.compared(checkpoint.model, splits.test.images, splits.test.labels, splits.train.images)
        score = None if coverage.lacking(checkpoint) else coverage.measure(checkpoint).score
        scores[one] = (score, cheap["distance_own_prior"])
    with capsys.disabled():
        print(
            f"\n{name}: {len(pictures.real):,} pictures a side, features of {net.note}; KID x 1000, precision, recall"
        )
        for one, sides in rows.items():
            told = "; ".join(f"{side} {k:.1f}, {p:.2f}, {r:.2f}" for side, (k, p, r) in sides.items())
            print(f"  {one:22} {told}")
        far = {one: sides["own_prior"][0] for one, sides in rows.items()}
        scored = [one for one, (score, _) in scores.items() if score is not None]
        print("  Spearman's rank correlation with KID of own draws:")
        print(f"    score of the file alone: {rank([far[o] for o in scored], [scores[o][0] for o in scored])}")
        print(f"    distance in an untrained net's features: {rank([*far.values()], [s[1] for s in scores.values()])}")
    assert all(sides["real"][0] < sides["own_prior"][0] for sides in rows.values())
