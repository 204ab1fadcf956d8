"""/predict and /v1/embeddings."""

import asyncio
import base64

import numpy as np
import pytest
from harness import CLASSES, IMAGE, TEXT, expected, jpeg, pixels, serving

from stackserver import body
from stackserver.ranking import best


@pytest.mark.parametrize("kind", ["image/jpeg", "application/octet-stream", "Image/JPEG; x=y", None])
def test_predict(tmp_path, kind):
    async def run():
        async with serving(tmp_path, IMAGE) as client:
            answer = await client.post("/predict", jpeg(3), **({"content_type": kind} if kind else {}))
            assert answer.status == 200
            logits = expected(client.service.spec, {"pixel_values": pixels(jpeg(3))[None]})[0]
            order = sorted(range(CLASSES), key=lambda i: -logits[i])[:5]
            assert answer.json["model"] == "blocks"
            assert [entry["index"] for entry in answer.json["top"]] == order
            np.testing.assert_allclose([entry["logit"] for entry in answer.json["top"]], logits[order], atol=1e-5)

    asyncio.run(run())


def test_best_is_ordered_and_stable():
    top = best(np.array([1, 3, 3, -2, 0.5, 2, 7.125], np.float32))
    assert [entry["index"] for entry in top] == [6, 1, 2, 5, 0]
    assert top[0]["logit"] == 7.125


@pytest.mark.parametrize(
    ("picture", "headers", "status", "message"),
    [
        (b"", {}, 400, "not a readable JPEG"),
        (b"GIF89a" + bytes(50), {}, 400, "not a readable JPEG"),
        (jpeg(1)[:-120], {}, 400, "not a readable JPEG"),
        (b"\xff\xd8\xff" + bytes(500), {}, 400, "not a readable JPEG"),
        (b"{}", {"content_type": "application/json"}, 415, "one JPEG"),
        (b"", {"content_length": str(1 << 40)}, 413, "256 MiB"),
    ],
)
def test_predict_refuses(tmp_path, picture, headers, status, message):
    async def run():
        async with serving(tmp_path, IMAGE) as client:
            answer = await client.post("/predict", picture, **headers)
            assert answer.status == status
            assert message in answer.json["error"]
            assert (await client.metrics())[f'stackbench_requests_total{{code="{status}",model="blocks"}}'] == 1

    asyncio.run(run())


def test_a_body_that_grows_past_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(body, "MAX_BODY", 100)

    async def run():
        async with serving(tmp_path, IMAGE) as client:
            assert (await client.post("/predict", bytes(101))).status == 413

    asyncio.run(run())


def test_an_image_model_has_no_embeddings(tmp_path):
    async def run():
        async with serving(tmp_path, IMAGE) as client:
            answer = await client.post("/v1/embeddings", {"model": "blocks", "input": "a"})
            assert answer.status == 404
            assert answer.json["error"]["type"] == "invalid_request_error"
            answer = await client.get("/predict")
            assert (answer.status, answer.json) == (405, {"error": "GET /predict: Method Not Allowed"})

    asyncio.run(run())


def test_embeddings_of_one_text_and_of_many(tmp_path):
    async def run():
        async with serving(tmp_path, TEXT) as client:
            answer = await client.post("/v1/embeddings", {"model": "words", "input": "a b", "user": "me"})
            assert answer.status == 200
            assert answer.json == {
                "object": "list",
                "data": [{"object": "embedding", "index": 0, "embedding": [4.0, 10.0, 4.0]}],
                "model": "words",
                "usage": {"prompt_tokens": 4, "total_tokens": 4},
            }
            asked = {"model": "words", "input": ["a", "a b c"], "encoding_format": "base64"}
            answer = await client.post("/v1/embeddings", asked)
            vectors = [np.frombuffer(base64.b64decode(d["embedding"]), "<f4").tolist() for d in answer.json["data"]]
            assert vectors == [[3, 6, 5], [5, 15, 5]]
            assert [d["index"] for d in answer.json["data"]] == [0, 1]
            assert answer.json["usage"] == {"prompt_tokens": 8, "total_tokens": 8}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("asked", "status", "message"),
    [
        (b"{nonsense", 400, "body: Invalid JSON"),
        (b"\xff\xfe", 400, "body: Invalid JSON"),
        ({"model": "words"}, 400, "input: Field required"),
        ({"input": "a"}, 400, "model: Field required"),
        ({"model": "words", "input": []}, 400, "input: "),
        ({"model": "words", "input": [1, 2]}, 400, "input: "),
        ({"model": "words", "input": "a", "encoding_format": "hex"}, 400, "encoding_format: "),
        ({"model": "other", "input": "a"}, 404, "there is no model 'other'; there is words"),
        ({"model": "words", "input": ["a"] * 1025}, 413, "at most 1024"),
    ],
)
def test_embeddings_refuse(tmp_path, asked, status, message):
    async def run():
        async with serving(tmp_path, TEXT) as client:
            answer = await client.post("/v1/embeddings", asked)
            assert answer.status == status
            assert message in answer.json["error"]["message"]
            assert answer.json["error"]["type"] == "invalid_request_error"
            assert answer.json["error"]["code"] == status

    asyncio.run(run())
