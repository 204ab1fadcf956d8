"""The PyTorch models and the committed ONNX skeletons are the same functions of the same weights."""

import json
import math
import struct
from pathlib import Path

import numpy as np
import pytest

from stackserver.errors import SetupError
from stackserver.spec import GraphSpec, ModelSpec, TensorSpec, WeightsSpec

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("torchvision")
pytest.importorskip("transformers")

GRAPHS = Path(__file__).resolve().parents[3] / "internal" / "model" / "graphs"
MODELS = {
    "resnet50": ("resnet50", 0),
    "efficientnet-lite0": ("efficientnet-lite0", 0),
    "all-minilm-l6-v2": ("bert", 0),
    "all-mpnet-base-v2": ("mpnet", 1),
}


def random_tensor(name: str, shape: list[int], rng: np.random.Generator) -> np.ndarray:
    """Weights that keep activations of the order of 1 and let every tensor bear on the output."""
    if len(shape) == 1:
        centre = 0 if name.endswith(("bias", "running_mean")) else 1
        return (centre + rng.uniform(-0.3, 0.3, shape)).astype(np.float32)
    fan_in = 1 if "embedding" in name or "relative" in name else math.prod(shape[1:])
    return (rng.standard_normal(shape, np.float32) / math.sqrt(fan_in)).astype(np.float32)


def make_store(name: str, folder: Path) -> None:
    """Random weights for one skeleton, and the skeleton with the offsets of their file."""
    graph = onnx.load(GRAPHS / f"{name}.onnx", load_external_data=False)
    external = [t for t in graph.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]
    rng = np.random.default_rng(1)
    header, end = {}, 0
    for tensor in external:
        begin, end = end, end + 4 * math.prod(tensor.dims)
        header[tensor.name] = {"dtype": "F32", "shape": list(tensor.dims), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in external:
            file.write(random_tensor(tensor.name, list(tensor.dims), rng).tobytes())
    for tensor in external:
        entries = {entry.key: entry for entry in tensor.external_data}
        begin, end = header[tensor.name]["data_offsets"]
        assert entries["location"].value == "model.safetensors"
        assert int(entries["length"].value) == end - begin
        entries["offset"].value = str(8 + len(text) + begin)
    onnx.save(graph, folder / "model.onnx")


def make_inputs(session: "onnxruntime.InferenceSession", pad_id: int) -> dict[str, np.ndarray]:
    """Pictures of noise, or texts of very different length, padded together and beyond the bias table's last bucket."""
    rng = np.random.default_rng(2)
    names = [tensor.name for tensor in session.get_inputs()]
    if names == ["pixel_values"]:
        return {"pixel_values": rng.standard_normal((3, 3, 224, 224), np.float32)}
    ids = rng.integers(5, 30000, (4, 250))
    mask = np.ones_like(ids)
    for row, length in enumerate((250, 130, 17, 2)):
        ids[row, length:], mask[row, length:] = pad_id, 0
    tensors = {"input_ids": ids, "attention_mask": mask, "token_type_ids": ids % 2}
    return {name: tensors[name] for name in names}


@pytest.mark.parametrize("name", MODELS)
def test_torch_and_the_skeleton_agree(name: str, tmp_path: Path) -> None:
    from stackserver.torch_models import load

    make_store(name, tmp_path)
    architecture, pad_id = MODELS[name]
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    inputs = make_inputs(session, pad_id)
    (want,) = session.run(None, inputs)
    (tmp_path / "model.onnx").unlink()
    spec = ModelSpec(
        name=name,
        task="",
        architecture=architecture,
        weights=WeightsSpec("seeded", "", ""),
        graphs=(GraphSpec("model", "model.onnx", "fp32", tuple(TensorSpec(n, "", ()) for n in inputs), ()),),
        image=None,
        text=None,
    )
    with torch.inference_mode():
        got = load(tmp_path, spec)(*(torch.from_numpy(tensor) for tensor in inputs.values())).numpy()
    (tmp_path / "model.safetensors").unlink()
    assert got.shape == want.shape
    assert np.abs(got[0] - got[1]).max() > 1e-3, "two inputs have one answer, so agreement would prove nothing"
    # An error of one part in 10,000 of the answers' own spread.
    np.testing.assert_allclose(got, want, atol=1e-4 * want.std(), rtol=0)


def test_an_unknown_architecture_is_named(tmp_path: Path) -> None:
    from stackserver.torch_models import load

    spec = ModelSpec("m", "", "vgg", WeightsSpec("seeded", "", ""), (), None, None)
    with pytest.raises(ValueError, match="'vgg' is unknown"):
        load(tmp_path, spec)


def test_another_precision_is_refused(tmp_path: Path) -> None:
    from stackserver.torch_backend import TorchBackend

    tensor = (TensorSpec("x", "FP32", (-1, 1)),)
    graph = GraphSpec("model", "model.int8.onnx", "int8", tensor, tensor)
    spec = ModelSpec("m", "", "resnet50", WeightsSpec("seeded", "", ""), (graph,), None, None, precision="int8")
    with pytest.raises(SetupError, match="pytorch computes fp32 here, not int8"):
        TorchBackend(tmp_path, spec, "cpu", 1)
