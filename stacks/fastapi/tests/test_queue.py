"""Who waits, who is computed together, who is refused, and what becomes of those who leave."""

import asyncio

import numpy as np
import pytest
from harness import FOREVER, IMAGE, TEXT, Client, expected, jpeg, pixels, serving, until

from stackserver import batcher
from stackserver.batcher import merge
from stackserver.settings import Batching

QUEUE = 'stackbench_queue_depth{model="blocks"}'


def post(client: Client, seed: int, left: asyncio.Event | None = None) -> asyncio.Task:
    return asyncio.create_task(client.send("POST", "/predict", jpeg(seed), left=left))


async def best_logit(client: Client, seed: int, task: asyncio.Task) -> None:
    """Each request got its own answer."""
    answer = await task
    assert answer.status == 200
    want = expected(client.service.spec, {"pixel_values": pixels(jpeg(seed))[None]})[0].max()
    assert answer.json["top"][0]["logit"] == pytest.approx(float(want), abs=1e-5)


async def waiting(client: Client, n: int) -> None:
    """Until n requests wait for the runtime, preprocessed."""
    await until(lambda: len(client.service._batcher._queue._pending) == n)


def test_without_batching_each_request_is_computed_alone(tmp_path):
    async def run():
        async with serving(tmp_path, IMAGE, closed=True) as client:
            tasks = [post(client, seed) for seed in range(5)]
            await waiting(client, 4)
            client.backend.gate.set()
            for seed, task in enumerate(tasks):
                await best_logit(client, seed, task)
            assert client.backend.executions == [1] * 6

    asyncio.run(run())


def test_a_full_batch_does_not_wait(tmp_path):
    async def run():
        async with serving(tmp_path, IMAGE, Batching(4, FOREVER, 256)) as client:
            tasks = [post(client, seed) for seed in range(4)]
            for seed, task in enumerate(tasks):
                await best_logit(client, seed, task)
            assert client.backend.executions == [1, 4]
            samples = await client.metrics()
            assert samples['stackbench_batch_size_sum{model="blocks"}'] == 4
            assert samples['stackbench_batch_size_count{model="blocks"}'] == 1
            for stage in ("queue", "preprocess", "compute", "postprocess"):
                assert samples[f'stackbench_{stage}_seconds_count{{model="blocks"}}'] == 4

    asyncio.run(run())


def test_a_lone_request_waits_no_longer_than_the_delay(tmp_path):
    async def run():
        async with serving(tmp_path, IMAGE, Batching(4, 0.001, 256)) as client:
            await best_logit(client, 1, post(client, 1))
            assert client.backend.executions == [1, 1]

    asyncio.run(run())


def test_what_waits_behind_an_execution_is_computed_together(tmp_path):
    async def run():
        async with serving(tmp_path, IMAGE, Batching(3, 0, 256), closed=True) as client:
            tasks = [post(client, seed) for seed in range(8)]
            await until(lambda: len(client.backend.executions) == 2)
            await waiting(client, 8 - client.backend.executions[1])
            client.backend.gate.set()
            for seed, task in enumerate(tasks):
                await best_logit(client, seed, task)
            assert sum(client.backend.executions[1:]) == 8
            assert max(client.backend.executions) == 3

    asyncio.run(run())


def test_texts_of_different_length_are_padded_together(tmp_path):
    async def run():
        async with serving(tmp_path, TEXT, Batching(2, FOREVER, 256)) as client:
            asked = [{"model": "words", "input": text} for text in ("a", "a b c")]
            answers = await asyncio.gather(*(client.post("/v1/embeddings", doc) for doc in asked))
            assert [a.json["data"][0]["embedding"] for a in answers] == [[3, 6, 5], [5, 15, 5]]
            assert client.backend.executions == [1, 2]

    asyncio.run(run())


def test_a_request_larger_than_a_batch_is_computed_whole(tmp_path):
    async def run():
        async with serving(tmp_path, TEXT, Batching(2, FOREVER, 256)) as client:
            answer = await client.post("/v1/embeddings", {"model": "words", "input": ["a"] * 5})
            assert len(answer.json["data"]) == 5
            assert client.backend.executions == [1, 5]

    asyncio.run(run())


def test_a_full_queue_refuses(tmp_path):
    async def run():
        async with serving(tmp_path, IMAGE, Batching(0, 0, 2), closed=True) as client:
            first = post(client, 0)
            await until(lambda: len(client.backend.executions) == 2)
            others = [post(client, seed) for seed in (1, 2)]
            await waiting(client, 2)
            assert (await client.metrics())[QUEUE] == 2
            refused = await post(client, 3)
            assert (refused.status, refused.json) == (429, {"error": "the queue is full: 2 requests wait"})
            assert refused.headers["retry-after"] == "1"
            client.backend.gate.set()
            for seed, task in enumerate([first, *others]):
                await best_logit(client, seed, task)
            samples = await client.metrics()
            assert samples[QUEUE] == 0
            assert samples['stackbench_requests_total{code="429",model="blocks"}'] == 1
            assert samples['stackbench_requests_total{code="200",model="blocks"}'] == 3
            await best_logit(client, 4, post(client, 4))

    asyncio.run(run())


def test_who_is_refused_learns_when_to_come_back(tmp_path):
    async def run():
        async with serving(tmp_path, IMAGE, Batching(0, 0, 2), closed=True) as client:
            first = post(client, 0)
            await until(lambda: len(client.backend.executions) == 2)
            others = [post(client, seed) for seed in (1, 2)]
            await waiting(client, 2)
            client.service._batcher._queue.share = 2.4  # seconds that a request took when last computed
            refused = await post(client, 3)
            assert refused.headers["retry-after"] == "5"
            client.backend.gate.set()
            await asyncio.gather(first, *others)

    asyncio.run(run())


def test_who_left_is_not_computed(tmp_path, monkeypatch):
    monkeypatch.setattr(batcher, "_ASK_AFTER", 0)

    async def run():
        async with serving(tmp_path, IMAGE, closed=True) as client:
            first = post(client, 0)
            await until(lambda: len(client.backend.executions) == 2)
            left = asyncio.Event()
            gone, stays = post(client, 1, left), post(client, 2)
            await waiting(client, 2)
            left.set()
            client.backend.gate.set()
            assert (await gone).status == 499
            await best_logit(client, 0, first)
            await best_logit(client, 2, stays)
            assert len(client.backend.executions) == 3
            assert (await client.metrics())[QUEUE] == 0

    asyncio.run(run())


def test_who_leaves_while_sending_is_not_admitted(tmp_path):
    async def run():
        async with serving(tmp_path, IMAGE) as client:
            sent = []

            async def receive():
                return {"type": "http.disconnect"}

            async def send(message):
                sent.append(message)

            scope = {"type": "http", "method": "POST", "path": "/predict", "headers": [], "query_string": b""}
            await client.app(scope, receive, send)
            assert sent[0]["status"] == 499
            assert len(client.backend.executions) == 1

    asyncio.run(run())


def test_a_cancelled_request_gives_its_place_back(tmp_path):
    async def run():
        async with serving(tmp_path, IMAGE, closed=True) as client:
            first = post(client, 0)
            await until(lambda: len(client.backend.executions) == 2)
            cancelled = post(client, 1)
            await waiting(client, 1)
            cancelled.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cancelled
            assert (await client.metrics())[QUEUE] == 0
            client.backend.gate.set()
            await best_logit(client, 0, first)
            await best_logit(client, 2, post(client, 2))
            assert len(client.backend.executions) == 3

    asyncio.run(run())


def test_one_bad_request_does_not_fail_its_neighbours(tmp_path):
    async def run():
        async with serving(tmp_path, TEXT, Batching(3, FOREVER, 256)) as client:
            client.backend.poison = 6  # the id of "d"
            asked = [{"model": "words", "input": text} for text in ("a", "d", "b")]
            answers = await asyncio.gather(*(client.post("/v1/embeddings", doc) for doc in asked))
            assert [answer.status for answer in answers] == [200, 500, 200]
            assert answers[1].json["error"] == {
                "message": "the model failed: this backend",
                "type": "server_error",
                "code": 500,
            }
            assert answers[2].json["data"][0]["embedding"][1] == 1 + 4 + 2

    asyncio.run(run())


def test_a_stopping_server_answers_those_who_wait(tmp_path):
    async def run():
        async with serving(tmp_path, IMAGE, closed=True) as client:
            first = post(client, 0)
            await until(lambda: len(client.backend.executions) == 2)
            second = post(client, 1)
            await waiting(client, 1)
        assert (await second).status == 503
        first.cancel()

    asyncio.run(run())


def test_merge_fills_with_each_tensor_s_own_padding():
    short = {"input_ids": np.array([[1, 2]]), "attention_mask": np.array([[1, 1]])}
    long = {"input_ids": np.array([[3, 4, 5]]), "attention_mask": np.array([[1, 1, 1]])}
    merged = merge([short, long], {"input_ids": 9})
    assert merged["input_ids"].tolist() == [[1, 2, 9], [3, 4, 5]]
    assert merged["attention_mask"].tolist() == [[1, 1, 0], [1, 1, 1]]
