"""ONNX Runtime on a graph whose weights lie in model.safetensors."""

import json
from ctypes.util import find_library

import numpy as np
import onnx
import onnxruntime
import pytest
from harness import CLASSES, IMAGE, SIZE, write_store
from onnx import TensorProto, helper

from stackserver.backend import open_backend
from stackserver.errors import SetupError
from stackserver.spec import parse_spec

WEIGHTS = np.arange(CLASSES * 3, dtype="<f4").reshape(CLASSES, 3)


@pytest.fixture
def folder(tmp_path):
    """A model that averages over the picture and multiplies the three channels by WEIGHTS."""
    write_store(tmp_path, IMAGE)
    model = tmp_path / "blocks"
    header = json.dumps({"fc": {"dtype": "F32", "shape": WEIGHTS.shape, "data_offsets": [0, WEIGHTS.nbytes]}}).encode()
    (model / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + WEIGHTS.tobytes())
    weights = TensorProto(name="fc", data_type=TensorProto.FLOAT, dims=WEIGHTS.shape)
    weights.data_location = TensorProto.EXTERNAL
    where = {"location": "model.safetensors", "offset": 8 + len(header), "length": WEIGHTS.nbytes}
    for key, value in where.items():
        weights.external_data.add(key=key, value=str(value))
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["pixel_values", "axes"], ["means"], keepdims=0),
            helper.make_node("Gemm", ["means", "fc"], ["logits"], transB=1),
        ],
        "blocks",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["n", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", CLASSES])],
        [weights, helper.make_tensor("axes", TensorProto.INT64, [2], [2, 3])],
    )
    onnx.save(
        helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)]), model / "model.onnx"
    )
    return model


@pytest.mark.parametrize("threads", [1, 2])
def test_it_computes_with_the_weights_of_the_store(folder, threads):
    backend = open_backend("onnxruntime", folder, parse_spec(IMAGE), "cpu", threads)
    assert backend.runtime == f"onnxruntime {onnxruntime.__version__}"
    x = np.random.default_rng(1).standard_normal((3, 3, SIZE, SIZE)).astype(np.float32)
    for batch in (x[:1], x):
        (logits,) = backend.run({"pixel_values": batch}).values()
        np.testing.assert_allclose(logits, batch.mean((2, 3)) @ WEIGHTS.T, rtol=1e-4, atol=1e-4)


def test_a_graph_that_is_none(folder):
    (folder / "model.onnx").write_bytes(b"nonsense")
    with pytest.raises(SetupError, match=r"cannot load .*model\.onnx") as failure:
        open_backend("onnxruntime", folder, parse_spec(IMAGE), "cpu", 1)
    assert "\n" not in failure.value.problem
    assert "setup" in failure.value.cure


def test_a_graph_that_is_missing(folder):
    (folder / "model.onnx").unlink()
    with pytest.raises(SetupError, match="cannot load"):
        open_backend("onnxruntime", folder, parse_spec(IMAGE), "cpu", 1)


@pytest.mark.skipif(find_library("cuda") is not None, reason="this machine has a driver")
def test_no_driver(folder, monkeypatch):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    with pytest.raises(SetupError, match="no NVIDIA driver: libcuda"):
        open_backend("onnxruntime", folder, parse_spec(IMAGE), "gpu", 1)


@pytest.mark.skipif("CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="this build has CUDA")
def test_a_build_without_cuda(folder):
    with pytest.raises(SetupError, match="has no CUDA") as failure:
        open_backend("onnxruntime", folder, parse_spec(IMAGE), "gpu", 1)
    assert "onnxruntime-gpu.txt" in failure.value.cure
