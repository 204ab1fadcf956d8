"""The Open Inference Protocol over HTTP, for a model of pictures and one of texts."""

import asyncio
import json
import struct

import numpy as np
import pytest
from harness import CLASSES, IMAGE, SIZE, TEXT, Answer, Client, expected, jpeg, pixels, serving

SHAPE = (3, SIZE, SIZE)


async def infer(client: Client, name: str, inputs: list[tuple[str, str, list[int], bytes]], **extra) -> Answer:
    """All inputs and all outputs binary."""
    described = [
        {"name": key, "datatype": datatype, "shape": shape, "parameters": {"binary_data_size": len(raw)}}
        for key, datatype, shape, raw in inputs
    ]
    header = json.dumps({"inputs": described, "parameters": {"binary_data_output": True}, **extra}).encode()
    body = header + b"".join(raw for *_, raw in inputs)
    return await client.post(f"/v2/models/{name}/infer", body, **{"Inference-Header-Content-Length": str(len(header))})


def outputs(answer: Answer, width: int) -> np.ndarray:
    assert answer.status == 200, answer.body
    length = int(answer.headers["inference-header-content-length"])
    (described,) = json.loads(answer.body[:length])["outputs"]
    assert described["parameters"]["binary_data_size"] == len(answer.body) - length
    assert described["shape"][1] == width
    return np.frombuffer(answer.body[length:], "<f4").reshape(described["shape"])


def elements(*values: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(value)) + value for value in values)


def test_tensors_json_and_binary_agree(tmp_path):
    async def run():
        async with serving(tmp_path, IMAGE) as client:
            x = np.random.default_rng(1).standard_normal((2, *SHAPE)).astype("<f4")
            want = expected(client.service.spec, {"pixel_values": x})
            raw = await infer(client, "blocks", [("pixel_values", "FP32", list(x.shape), x.tobytes())])
            np.testing.assert_array_equal(outputs(raw, CLASSES), want)
            doc = {"inputs": [{"name": "pixel_values", "datatype": "FP32", "shape": x.shape, "data": x.tolist()}]}
            answer = await client.post("/v2/models/blocks/versions/1/infer", doc)
            assert answer.status == 200
            assert answer.json["model_name"] == "blocks"
            assert answer.json["outputs"][0]["shape"] == [2, CLASSES]
            np.testing.assert_array_equal(np.array(answer.json["outputs"][0]["data"], "f4"), want.ravel())

    asyncio.run(run())


def test_jpegs_are_preprocessed_as_the_store_says(tmp_path):
    async def run():
        async with serving(tmp_path, IMAGE) as client:
            pictures = [jpeg(1), jpeg(2, 30, 61)]
            want = expected(client.service.spec, {"pixel_values": np.stack([pixels(p) for p in pictures])})
            for shape in ([2, 1], [2]):
                answer = await infer(client, "blocks_jpeg", [("IMAGE", "BYTES", shape, elements(*pictures))])
                np.testing.assert_allclose(outputs(answer, CLASSES), want, atol=1e-5)
            assert client.backend.executions[1:] == [2, 2]

    asyncio.run(run())


def test_texts_are_truncated_and_padded_to_their_own_longest(tmp_path):
    async def run():
        async with serving(tmp_path, TEXT) as client:
            texts = [b"A b", b"a b c d a b c d", "ä".encode()]
            answer = await infer(client, "words_text", [("TEXT", "BYTES", [3, 1], elements(*texts))])
            # length with [CLS] and [SEP], sum of the ids, and the width: 6 is the model's limit, not the file's.
            assert outputs(answer, 3).tolist() == [[4, 1 + 3 + 4 + 2, 6], [6, 1 + 3 + 4 + 5 + 6 + 2, 6], [3, 3, 6]]

    asyncio.run(run())


def test_token_tensors(tmp_path):
    async def run():
        async with serving(tmp_path, TEXT) as client:
            ids = np.array([[1, 3, 2]], "<i8")
            named = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
            inputs = [(name, "INT64", [1, 3], values.tobytes()) for name, values in named.items()]
            assert outputs(await infer(client, "words", inputs), 3).tolist() == [[3, 6, 3]]
            inputs[1] = ("attention_mask", "INT64", [1, 2], bytes(16))
            answer = await infer(client, "words", inputs)
            assert (answer.status, answer.json) == (400, {"error": "the inputs differ in axis 1"})

    asyncio.run(run())


ONE = np.zeros((1, *SHAPE), "<f4").tobytes()


@pytest.mark.parametrize(
    ("name", "inputs", "status", "message"),
    [
        ("nope", [("pixel_values", "FP32", [1, *SHAPE], ONE)], 404, "no model 'nope'; there are blocks, blocks_jpeg"),
        ("blocks", [("x", "FP32", [1, *SHAPE], ONE)], 400, "the inputs are x, not pixel_values"),
        ("blocks", [("pixel_values", "INT64", [1, 3, SIZE, SIZE // 2], ONE)], 400, "is FP32, not INT64"),
        ("blocks", [("pixel_values", "FP32", [1, SIZE, SIZE, 3], ONE)], 400, "has shape [1, 8, 8, 3], not [-1, 3"),
        ("blocks", [("pixel_values", "FP32", [*SHAPE], ONE)], 400, "has shape [3, 8, 8]"),
        ("blocks", [("pixel_values", "FP32", [0, *SHAPE], b"")], 400, "empty"),
        ("blocks", [("pixel_values", "BYTES", [1], elements(b"x"))], 400, "is FP32, not BYTES"),
        ("blocks_jpeg", [("IMAGE", "BYTES", [1, 1], elements(b"no picture"))], 400, "not a readable JPEG"),
        ("blocks_jpeg", [("IMAGE", "BYTES", [2, 1], elements(jpeg(1), jpeg(1)[:200]))], 400, "not a readable JPEG"),
        ("blocks_jpeg", [("IMAGE", "BYTES", [1, 2], elements(b"a", b"b"))], 400, "shape [1, 2], not [-1, 1]"),
        ("blocks_jpeg", [("IMAGE", "FP32", [1], bytes(4))], 400, "is BYTES, not FP32"),
        ("blocks_jpeg", [("IMAGE", "BYTES", [0], b"")], 400, "the request is empty"),
        ("blocks_jpeg", [("IMAGE", "BYTES", [1025], elements(*[b""] * 1025))], 413, "at most 1024"),
        ("blocks_text", [("TEXT", "BYTES", [1], elements(b"a"))], 404, "no model 'blocks_text'"),
    ],
)
def test_refusals(tmp_path, name, inputs, status, message):
    async def run():
        async with serving(tmp_path, IMAGE) as client:
            answer = await infer(client, name, inputs)
            assert answer.status == status
            assert message in answer.json["error"]
            assert len(client.backend.executions) == 1, "it reached the model"
            assert (await client.metrics())['stackbench_queue_depth{model="blocks"}'] == 0

    asyncio.run(run())


def test_a_text_that_is_no_utf8(tmp_path):
    async def run():
        async with serving(tmp_path, TEXT) as client:
            answer = await infer(client, "words_text", [("TEXT", "BYTES", [1], elements(b"\xff"))])
            assert answer.status == 400
            assert "not UTF-8" in answer.json["error"]

    asyncio.run(run())


def test_nonsense_and_other_versions(tmp_path):
    async def run():
        async with serving(tmp_path, IMAGE) as client:
            answer = await client.post("/v2/models/blocks/infer", b"{nonsense")
            assert answer.status == 400
            assert "not JSON" in answer.json["error"]
            answer = await client.post("/v2/models/blocks/versions/2/infer", b"{}")
            assert answer.status == 404
            assert "no version '2'" in answer.json["error"]

    asyncio.run(run())


def test_metadata_and_health(tmp_path):
    async def run():
        async with serving(tmp_path, IMAGE) as client:
            assert (await client.get("/v2")).json["extensions"] == ["binary_tensor_data"]
            assert (await client.get("/v2/health/live")).json == {"live": True}
            assert (await client.get("/v2/health/ready")).json == {"ready": True}
            assert (await client.get("/v2/models/blocks/ready")).json == {"name": "blocks", "ready": True}
            assert (await client.get("/v2/models/nope/ready")).status == 404
            assert (await client.get("/v2/models/blocks")).json == {
                "name": "blocks",
                "versions": ["1"],
                "platform": "fake",
                "inputs": [{"name": "pixel_values", "datatype": "FP32", "shape": [-1, *SHAPE]}],
                "outputs": [{"name": "logits", "datatype": "FP32", "shape": [-1, CLASSES]}],
            }
            assert (await client.get("/v2/models/blocks_jpeg")).json["inputs"] == [
                {"name": "IMAGE", "datatype": "BYTES", "shape": [-1, 1]}
            ]

    asyncio.run(run())
