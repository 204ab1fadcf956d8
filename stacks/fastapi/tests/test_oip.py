"""The protocol's tensors: from bytes and back, and nothing but a RequestError for what is no request."""

import json
import math
import struct

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackserver.errors import RequestError
from stackserver.oip import InferRequest, parse_request, render_response


def binary(inputs: list[dict], raw: bytes, **extra) -> tuple[bytearray, str]:
    header = json.dumps({"inputs": inputs, **extra}).encode()
    return bytearray(header + raw), str(len(header))


def tensor(name: str, datatype: str, shape: list[int], size: int | None = None, data=None) -> dict:
    doc = {"name": name, "datatype": datatype, "shape": shape}
    if size is not None:
        doc["parameters"] = {"binary_data_size": size}
    if data is not None:
        doc["data"] = data
    return doc


def element(value: bytes) -> bytes:
    return struct.pack("<I", len(value)) + value


@pytest.mark.parametrize("data", [[1, 2.5, -3, 4], [[1, 2.5], [-3, 4]]])
def test_json_tensor_flat_and_nested(data):
    request = parse_request(bytearray(orjson.dumps({"inputs": [tensor("x", "FP32", [2, 2], data=data)]})), None)
    values = request.inputs["x"].values
    assert values.dtype == np.float32
    assert values.tolist() == [[1, 2.5], [-3, 4]]


def test_binary_tensors_in_order():
    x, y = np.arange(6, dtype="<f4"), np.arange(2, dtype="<i8")
    body, length = binary(
        [tensor("x", "FP32", [2, 3], x.nbytes), tensor("y", "INT64", [2], y.nbytes)], x.tobytes() + y.tobytes()
    )
    request = parse_request(body, length)
    assert request.inputs["x"].values.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert request.inputs["y"].values.tolist() == [0, 1]


def test_an_aligned_binary_tensor_is_a_view_of_the_body():
    x = np.arange(4, dtype="<f4")
    for padding in range(16):
        body, length = binary([tensor("x", "FP32", [4], x.nbytes)], x.tobytes(), id=" " * padding)
        values = parse_request(body, length).inputs["x"].values
        assert values.flags.aligned
        assert values.tolist() == [0, 1, 2, 3]
        at = np.frombuffer(body, np.uint8).__array_interface__["data"][0] + int(length)
        assert np.shares_memory(values, np.frombuffer(body, np.uint8)) == (at % 4 == 0)


def test_bytes_elements_binary_and_json():
    raw = element(b"\xff\xd8") + element(b"")
    body, length = binary([tensor("IMAGE", "BYTES", [2, 1], len(raw))], raw)
    assert [bytes(e) for e in parse_request(body, length).inputs["IMAGE"].values] == [b"\xff\xd8", b""]
    for data in (["ä", "b"], [["ä"], ["b"]]):
        body = bytearray(orjson.dumps({"inputs": [tensor("TEXT", "BYTES", [2, 1], data=data)]}))
        assert parse_request(body, None).inputs["TEXT"].values == ["ä".encode(), b"b"]


FP32 = tensor("x", "FP32", [1], data=[1])


@pytest.mark.parametrize(
    ("doc", "message"),
    [
        ([], "not an object"),
        ({}, "inputs"),
        ({"inputs": []}, "inputs"),
        ({"inputs": [3]}, "an input is an object"),
        ({"inputs": [FP32], "id": 3}, '"id"'),
        ({"inputs": [FP32, FP32]}, "twice"),
        ({"inputs": [tensor("x", "FP32", [2], data=[1])]}, "1 values"),
        ({"inputs": [tensor("x", "FP32", [-1], data=[1])]}, "shape [-1]"),
        ({"inputs": [tensor("x", "FP32", [True], data=[1])]}, "shape [True]"),
        ({"inputs": [tensor("x", "FP32", [2], data=[[1], [1, 2]])]}, "ragged"),
        ({"inputs": [tensor("x", "FP32", [1], data=["1"])]}, "its data is not"),
        ({"inputs": [tensor("x", "FP32", [1], data=[None])]}, "its data is not"),
        ({"inputs": [tensor("x", "FP32", [1], data=[True])]}, "its data is not"),
        ({"inputs": [tensor("x", "INT64", [1], data=[1.5])]}, "its data is not"),
        ({"inputs": [tensor("x", "INT64", [1], data=[2**64 - 1])]}, "its data is not"),
        ({"inputs": [tensor("x", "FP16", [1], data=[1])]}, "FP16"),
        ({"inputs": [tensor("x", "FP32", [1])]}, "neither"),
        ({"inputs": [tensor("x", "BYTES", [1], data=[1])]}, "strings"),
        ({"inputs": [tensor("x", "BYTES", [2], data=["a"])]}, "1 values"),
        ({"inputs": [tensor("x", "FP32", [1], 4)]}, "binary_data_size 4"),
        ({"inputs": [tensor("x", "FP32", [1], -4)]}, "binary_data_size -4"),
        ({"inputs": [{**FP32, "parameters": 3}]}, "parameters"),
        ({"inputs": [FP32], "outputs": "x"}, "outputs"),
        ({"inputs": [FP32], "outputs": [{"nome": "x"}]}, "outputs"),
    ],
)
def test_what_is_no_request(doc, message):
    with pytest.raises(RequestError) as failure:
        parse_request(bytearray(orjson.dumps(doc)), None)
    assert failure.value.status == 400
    assert message in failure.value.message


@pytest.mark.parametrize("length", ["x", "-1", "1e3", "9999", "²", ""])
def test_a_header_length_that_lies(length):
    with pytest.raises(RequestError) as failure:
        parse_request(bytearray(b"{}"), length)
    assert failure.value.status == 400


@pytest.mark.parametrize(
    ("described", "raw", "message"),
    [
        (tensor("x", "FP32", [1], 3), bytes(3), "not whole"),
        (tensor("x", "FP32", [2], 4), bytes(4), "1 values"),
        (tensor("x", "FP32", [1], 4), bytes(5), "1 bytes follow"),
        (tensor("x", "BYTES", [1], 3), bytes(3), "ends inside"),
        (tensor("x", "BYTES", [1], 6), element(b"abc")[:6], "element of 3 bytes, with 2 left"),
        (tensor("x", "BYTES", [2], 7), element(b"abc"), "1 values"),
    ],
)
def test_what_is_no_binary_tensor(described, raw, message):
    body, length = binary([described], raw)
    with pytest.raises(RequestError) as failure:
        parse_request(body, length)
    assert failure.value.status == 400
    assert message in failure.value.message


def test_render_json_and_binary():
    values = np.array([[1, 2]], np.float32)
    request = InferRequest("7", {}, {}, False)
    body, length = render_response("m", request, {"y": values}, {"y": "FP32"})
    assert length is None
    assert json.loads(body) == {
        "id": "7",
        "model_name": "m",
        "model_version": "1",
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [1, 2], "data": [1.0, 2.0]}],
    }
    body, length = render_response("m", InferRequest(None, {}, {"y": True}, False), {"y": values}, {"y": "FP32"})
    assert json.loads(body[:length])["outputs"][0]["parameters"] == {"binary_data_size": 8}
    assert body[length:] == values.tobytes()


def test_an_output_that_is_not_there():
    with pytest.raises(RequestError) as failure:
        render_response("m", InferRequest(None, {}, {"z": False}, False), {"y": np.ones(1)}, {"y": "FP32"})
    assert failure.value.status == 400
    assert "'z'" in failure.value.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["FP32", "INT64", "BYTES"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
TENSORS = st.fixed_dictionaries(
    {
        "name": st.sampled_from("xy"),
        "datatype": st.sampled_from(["FP32", "INT64", "BYTES"]) | JSON,
        "shape": st.lists(st.integers(-1, 3), max_size=3) | JSON,
    },
    optional={
        "data": JSON | st.lists(st.integers() | st.floats()) | st.lists(st.text()),
        "parameters": JSON | st.fixed_dictionaries({"binary_data_size": st.integers(-1, 40)}),
    },
)
DOCUMENTS = st.fixed_dictionaries({"inputs": st.lists(TENSORS)}, optional={"outputs": JSON, "parameters": JSON})


def parses_or_refuses(body: bytes, length: str | None) -> None:
    try:
        request = parse_request(bytearray(body), length)
    except RequestError as refusal:
        assert refusal.status == 400
    else:
        for given_tensor in request.inputs.values():
            values = given_tensor.values
            assert (len(values) if isinstance(values, list) else values.size) == math.prod(given_tensor.shape)


@given(st.binary(), st.none() | st.integers(0, 200).map(str) | st.text())
def test_any_bytes_parse_or_are_refused(body, length):
    parses_or_refuses(body, length)


@given(DOCUMENTS | JSON, st.binary(max_size=40))
def test_any_document_parses_or_is_refused(doc, raw):
    header = json.dumps(doc).encode()
    parses_or_refuses(header + raw, str(len(header)))
    parses_or_refuses(header, None)
