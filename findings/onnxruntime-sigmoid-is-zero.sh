#!/usr/bin/env bash
# onnxruntime 1.32.0, CPU: Sigmoid of float32 is exactly 0 from -18 down, where float32 itself goes on to -103.
#
# sigmoid(-18) is 1.5e-8, which float32 holds with full precision (PyTorch and numpy give it). onnxruntime's kernel gives
# 0.0. So a decoder whose pictures end in a Sigmoid, exported and scored by log p or by binary cross-entropy on what it
# gives, has an infinite negative log-likelihood as soon as one lit pixel lies where the logit is -18, which trained
# decoders of MNIST reach. On the other side the result is 1.0 from about 17 up, as rounding demands.
# Expected: 1.5e-8, or at least not 0.
#
# This script fails if onnxruntime behaves otherwise. Seen (and at -17 more than at -16):
#   logit  -16: onnxruntime 5.960e-08, float32 1.125e-07
#   logit  -17: onnxruntime 8.941e-08, float32 4.140e-08
#   logit  -18: onnxruntime 0.000e+00, float32 1.523e-08
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "onnxruntime==1.32.0" "onnx==1.23.2" "numpy==2.4.6"

"$folder/venv/bin/python" - <<'PY'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper

ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"])] for name in "xy"]
graph = helper.make_graph([helper.make_node("Sigmoid", ["x"], ["y"])], "sigmoid", *ends)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

logits = np.array([-10, -16, -17, -18, -19, -30], np.float32)
(found,) = session.run(None, {"x": logits})
wanted = 1 / (1 + np.exp(-logits))
assert wanted.dtype == np.float32
for logit, one, other in zip(logits, found, wanted):
    print(f"logit {logit:4.0f}: onnxruntime {one:.3e}, float32 {other:.3e}")
assert (wanted > 0).all()
assert (found[logits > -18] > 0).all() and (found[logits <= -18] == 0).all(), "onnxruntime's Sigmoid has changed"
PY
echo "As told: Sigmoid is exactly 0 from -18 down, where float32 holds 1.5e-8."
