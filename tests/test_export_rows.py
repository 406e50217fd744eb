"""Exported encoders and decoders take any number of pictures, and give what the model gives."""

import numpy as np
import onnxruntime
import pytest
import torch

from vae_core import checkpoints, explore, export

NAMES = ["digits-conditional-film", "digits-vdvae", "fashion-vq"]  # inferred class, levels, codes with a learned prior
pytestmark = pytest.mark.skipif(not set(checkpoints.shipped()).issuperset(NAMES), reason="needs the shipped models")


@pytest.mark.parametrize("name", NAMES)
def test_one_picture_or_five(name: str) -> None:
    model = checkpoints.load(checkpoints.find(name)).model
    encoder, decoder = (
        onnxruntime.InferenceSession(part(model), providers=["CPUExecutionProvider"])
        for part in (export.encoder, export.decoder)
    )
    for rows in (1, 5):
        x = model.observe(torch.rand(rows, *model.image_shape))
        mean, std, *y = encoder.run(None, {"x": x.numpy()})
        found = explore.encode(model, x)
        np.testing.assert_allclose(mean, found[0], atol=5e-3)
        np.testing.assert_allclose(std, found[1], atol=5e-3)
        feeds = dict(zip(("z", "y"), (mean, *y), strict=False))
        (again,) = decoder.run(None, feeds)
        wanted = explore.decode(model, torch.from_numpy(mean), torch.from_numpy(y[0]) if y else None)
        np.testing.assert_allclose(again, wanted, atol=export.SHOWN)
