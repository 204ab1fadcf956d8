"""A model of several graphs, as the model store describes it: an encoder and a decoder, and int8 beside fp32."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from stackserver.errors import SetupError
from stackserver.onnx_backend import OnnxBackend
from stackserver.service import Service
from stackserver.settings import parse_settings
from stackserver.spec import load_spec

DESCRIPTIONS = Path(__file__).resolve().parents[3] / "internal" / "model" / "testdata"
WORDS, WIDTH = 10, 4
RNG = np.random.default_rng(5)
TENSORS = {
    "words": RNG.standard_normal((WORDS, WIDTH)).astype("<f4"),
    "head.weight": RNG.standard_normal((WIDTH, WORDS)).astype("<f4"),
}
IDS = np.array([[2, 4, 3], [2, 9, 3]])
MASK = np.array([[1, 1, 1], [1, 1, 0]])


def write_model(name: str, folder: Path, graphs: dict[str, onnx.GraphProto]) -> Path:
    """The model's folder: the store's own description, one file of weights, and graphs that point into it."""
    model = folder / name
    model.mkdir()
    (model / "model.json").write_bytes((DESCRIPTIONS / f"{name}.json").read_bytes())
    header, end = {}, 0
    for key, values in TENSORS.items():
        begin, end = end, end + values.nbytes
        header[key] = {"dtype": "F32", "shape": values.shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    data = b"".join(values.tobytes() for values in TENSORS.values())
    (model / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    for file, graph in graphs.items():
        for tensor in graph.initializer:
            if tensor.name not in TENSORS:
                continue
            begin, end = header[tensor.name]["data_offsets"]
            where = {"location": "model.safetensors", "offset": 8 + len(text) + begin, "length": end - begin}
            for key, value in where.items():
                tensor.external_data.add(key=key, value=str(value))
        onnx.save(helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)]), model / file)
    return model


def weights(name: str) -> TensorProto:
    """An initialiser that lies in the weights file."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=TENSORS[name].shape)
    tensor.data_location = TensorProto.EXTERNAL
    return tensor


def ids(*names: str) -> list[onnx.ValueInfoProto]:
    """Inputs of a number a token."""
    return [helper.make_tensor_value_info(name, TensorProto.INT64, ["n", f"of_{name}"]) for name in names]


def floats(name: str, *shape: str | int) -> onnx.ValueInfoProto:
    """An input or output of floats."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def masked(table: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """The rows of a table that the ids name, zeros where the mask is."""
    return [
        *table,
        helper.make_node("Gather", ["table", "input_ids"], ["found"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["column"]),
        helper.make_node("Mul", ["found", "column"], ["hidden_states"]),
    ]


def axis(name: str, value: int) -> TensorProto:
    """An axis as an initialiser."""
    return helper.make_tensor(name, TensorProto.INT64, [1], [value])


@pytest.fixture
def pair(tmp_path):
    """An encoder, and a decoder that takes what it gives."""
    hidden = floats("hidden_states", "n", "read", WIDTH)
    whole = helper.make_node("Identity", ["words"], ["table"])
    encoder = helper.make_graph(
        masked([whole]), "encoder", ids("input_ids", "attention_mask"), [hidden], [weights("words"), axis("last", 2)]
    )
    decoder = helper.make_graph(
        [
            helper.make_node("Gather", ["words", "decoder_input_ids"], ["found"]),
            helper.make_node("ReduceSum", ["hidden_states", "middle"], ["sum"], keepdims=1),
            helper.make_node("Add", ["found", "sum"], ["both"]),
            helper.make_node("MatMul", ["both", "head.weight"], ["logits"]),
        ],
        "decoder",
        [*ids("decoder_input_ids"), hidden],
        [floats("logits", "n", "written", WORDS)],
        [weights("words"), weights("head.weight"), axis("middle", 1)],
    )
    return write_model("tiny-pair", tmp_path, {"encoder.onnx": encoder, "decoder.onnx": decoder})


@pytest.fixture
def variant(tmp_path):
    """One graph twice; in the second the weights are rounded to eight bits as it is loaded."""
    rounded = [
        helper.make_node("DynamicQuantizeLinear", ["words"], ["rounded", "step", "zero"]),
        helper.make_node("DequantizeLinear", ["rounded", "step", "zero"], ["table"]),
    ]
    graphs = {}
    for file, table in {
        "model.onnx": [helper.make_node("Identity", ["words"], ["table"])],
        "model.int8.onnx": rounded,
    }.items():
        total = helper.make_node("ReduceSum", ["hidden_states", "middle"], ["sentence_embedding"], keepdims=0)
        graphs[file] = helper.make_graph(
            [*masked(table), total],
            "variant",
            ids("input_ids", "attention_mask"),
            [floats("sentence_embedding", "n", WIDTH)],
            [weights("words"), axis("last", 2), axis("middle", 1)],
        )
    return write_model("tiny-variant", tmp_path, graphs)


def test_the_parts_of_a_model(pair):
    spec = load_spec(pair)
    encoder, decoder = spec.graph("encoder"), spec.graph("decoder")
    assert [tensor.name for tensor in encoder.inputs] == ["input_ids", "attention_mask"]
    assert decoder.inputs[1] == encoder.outputs[0]
    assert (decoder.file, decoder.outputs[0].shape) == ("decoder.onnx", (-1, -1, 10))

    hidden = OnnxBackend(pair, spec, "cpu", 1, "encoder").run({"input_ids": IDS, "attention_mask": MASK})
    assert list(hidden) == ["hidden_states"]
    written = np.array([[2, 7], [2, 1]])
    got = OnnxBackend(pair, spec, "cpu", 1, "decoder").run({"decoder_input_ids": written, **hidden})
    states = TENSORS["words"][IDS] * MASK[..., None]
    want = (TENSORS["words"][written] + states.sum(1, keepdims=True)) @ TENSORS["head.weight"]
    np.testing.assert_allclose(got["logits"], want, rtol=1e-4, atol=1e-5)


def test_int8_beside_fp32(variant):
    answers = {}
    for precision in ("fp32", "int8"):
        spec = load_spec(variant, precision)
        assert spec.graph().precision == precision
        answers[precision] = OnnxBackend(variant, spec, "cpu", 1).run({"input_ids": IDS, "attention_mask": MASK})
    table = TENSORS["words"]
    low, high = min(table.min(), 0), max(table.max(), 0)
    step = (high - low) / 255
    zero = np.rint(-low / step)
    rounded = (np.clip(np.rint(table / step) + zero, 0, 255) - zero) * step
    for precision, values in {"fp32": table, "int8": rounded}.items():
        want = (values[IDS] * MASK[..., None]).sum(1)
        np.testing.assert_allclose(answers[precision]["sentence_embedding"], want, rtol=1e-4, atol=1e-5)
    assert np.abs(rounded - table).max() > 1e-3


@pytest.mark.parametrize(
    ("name", "precision", "message"),
    [
        ("tiny-pair", "fp32", "tiny-pair has no graph model in fp32"),
        ("tiny-variant", "bf16", "tiny-variant has no graph model in bf16"),
    ],
)
def test_a_model_that_it_cannot_serve(tmp_path, name, precision, message):
    model = write_model(name, tmp_path, {})
    settings = parse_settings(["--models", str(tmp_path), "--model", name, "--precision", precision])
    assert settings.precision == precision
    spec = load_spec(model, precision)
    with pytest.raises(SetupError, match=message) as failure:
        Service(settings, spec, lambda: pytest.fail("nothing is to be loaded"))
    assert failure.value.cure == "ask for one that it has: " + ", ".join(
        f"{graph.name} in {graph.precision}" for graph in spec.graphs
    )
