"""/v1/completions, whole and as events, and who generates when."""

import asyncio
import json
import re

import numpy as np
import pytest
from generation_harness import MODEL, FakeGenerator, generating
from harness import FOREVER, until
from tiny import CONTEXT, tokenizer

from stackserver.settings import Batching

QUEUE = "stackbench_queue_depth"


def test_a_whole_answer(tmp_path):
    async def run():
        async with generating(tmp_path) as client:
            answer = await client.ask(
                "zA", 3, min_tokens=3, ignore_eos=True, temperature=0, seed=0, stream=False
            ).done()
            assert answer.status == 200
            assert answer.headers == {"content-type": "application/json", "content-length": str(len(answer.body))}
            document = json.loads(answer.body)
            assert re.fullmatch(r"cmpl-[0-9a-f]{32}", document.pop("id"))
            assert document.pop("created") > 1_700_000_000
            assert document == {
                "object": "text_completion",
                "model": MODEL,
                "choices": [{"index": 0, "text": "BCD", "logprobs": None, "finish_reason": "length"}],
                "usage": {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5},
            }
            assert client.generator.steps == [[32], [33], [34]]

    asyncio.run(run())


HEAD = r'"id":"cmpl-[0-9a-f]{32}","object":"text_completion","created":\d+,"model":"tiny-gpt2",'
CHOICE = r'"choices":\[\{"index":0,"text":"%s","logprobs":null,"finish_reason":%s\}\]'
USAGE = r'"usage":\{"prompt_tokens":1,"completion_tokens":%d,"total_tokens":%d\}'


def event(*parts: str) -> str:
    return r"data: \{" + HEAD + ",".join(parts) + r"\}\n\n"


@pytest.mark.parametrize(
    ("options", "events"),
    [
        (None, [event(CHOICE % ("B", "null")), event(CHOICE % ("C", '"length"'))]),
        (
            {"include_usage": True},
            [
                event(CHOICE % ("B", "null")),
                event(CHOICE % ("C", '"length"')),
                event(r'"choices":\[\]', USAGE % (2, 3)),
            ],
        ),
        (
            {"include_usage": True, "continuous_usage_stats": True},
            [
                event(CHOICE % ("B", "null"), USAGE % (1, 2)),
                event(CHOICE % ("C", '"length"'), USAGE % (2, 3)),
                event(r'"choices":\[\]', USAGE % (2, 3)),
            ],
        ),
    ],
)
def test_the_bytes_of_a_stream(tmp_path, options, events):
    async def run():
        async with generating(tmp_path) as client:
            answer = await client.ask("A", 2, stream=True, stream_options=options).done()
            assert answer.status == 200
            assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert "content-length" not in answer.headers
            assert re.fullmatch("".join(events) + r"data: \[DONE\]\n\n", answer.body.decode()), answer.body
            assert [message.get("more_body", False) for message in answer.sent[1:]] == [True, True, False]

    asyncio.run(run())


def test_a_token_is_sent_before_the_next_is_computed(tmp_path):
    async def run():
        async with generating(tmp_path) as client:
            client.generator.open = False
            answer = client.ask("A", 3, stream=True)
            await until(lambda: len(client.generator.steps) == 1)
            assert not answer.sent, "an answer without a token has begun"
            for n in (1, 2):
                client.generator.let(1)
                await until(lambda n=n: len(answer.texts if answer.sent else []) == n)
            client.generator.let(1)
            assert (await answer.done()).texts == ["B", "C", "D"]

    asyncio.run(run())


def test_the_model_ends_the_answer(tmp_path):
    eos = tokenizer().token_to_id("D")

    async def run():
        async with generating(tmp_path, eos=eos) as client:
            answer = await client.ask("A", 9, stream=True, stream_options={"include_usage": True}).done()
            *chunks, usage, done = answer.events
            assert answer.texts == ["B", "C", ""]
            reasons = [json.loads(chunk)["choices"][0]["finish_reason"] for chunk in chunks]
            assert reasons == [None, None, "stop"]
            assert json.loads(usage)["usage"]["completion_tokens"] == 2
            assert done == "[DONE]"
            exact = json.loads((await client.ask("A", 4, min_tokens=4, ignore_eos=True).done()).body)
            assert exact["choices"][0] == {"index": 0, "text": "BCDE", "logprobs": None, "finish_reason": "length"}

    asyncio.run(run())


def test_half_a_character_is_a_chunk_without_text(tmp_path):
    async def run():
        async with generating(tmp_path) as client:
            first, second = tokenizer().encode("é").ids
            client.generator.step = scripted([first, second, first])
            answer = await client.ask("A", 3, stream=True, stream_options={"continuous_usage_stats": True}).done()
            assert answer.texts == ["", "é", "\ufffd"]
            counts = [json.loads(e)["usage"]["completion_tokens"] for e in answer.events[:-1]]
            assert counts == [1, 2, 3]

    asyncio.run(run())


def scripted(tokens: list[int]):
    """A step that says these, whatever it is asked."""
    left = iter(tokens)
    return lambda ids, mask, positions, cache, never: (np.array([next(left)]), 0)


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"model": "other"}, 404, "there is no model 'other'; there is tiny-gpt2"),
        ({"prompt": ""}, 400, "prompt: "),
        ({"prompt": ["a"]}, 400, "prompt: "),
        ({"max_tokens": 0}, 400, "max_tokens: "),
        ({"max_tokens": CONTEXT}, 400, f"1 tokens of the prompt and {CONTEXT} of max_tokens are {CONTEXT + 1}"),
        ({"temperature": 0.7}, 400, "temperature: only greedy decoding, 0, not 0.7"),
        ({"min_tokens": 4, "ignore_eos": True}, 400, "min_tokens: "),
        ({"n": 2}, 400, "n: only 1"),
        ({"stop": ["x"]}, 400, "stop: only null"),
        ({"stream": True, "echo": True}, 400, "echo: only false"),
    ],
)
def test_what_is_refused(tmp_path, fields, status, message):
    async def run():
        async with generating(tmp_path) as client:
            answer = await client.ask(**fields).done()
            error = json.loads(answer.body)["error"]
            assert answer.status == error["code"] == status
            assert error["type"] == "invalid_request_error"
            assert message in error["message"]
            assert client.generator.steps == []
            samples = await client.metrics()
            assert samples[QUEUE] == 0
            assert samples[f'stackbench_requests_total{{code="{status}",model="{MODEL}"}}'] == 1

    asyncio.run(run())


def test_nulls_and_what_changes_nothing(tmp_path):
    async def run():
        async with generating(tmp_path) as client:
            fields = {"temperature": None, "stop": None, "n": 1, "user": "me", "top_p": 0.5, "stream_options": None}
            assert (await client.ask(**fields).done()).status == 200

    asyncio.run(run())


def test_a_model_that_is_not_ready(tmp_path):
    async def run():
        async with generating(tmp_path, generator=FakeGenerator(open=False)) as client:
            await until(lambda: len(client.generator.steps) == 1)
            early = await client.ask().done()
            assert early.status == 503
            assert json.loads(early.body)["error"]["type"] == "server_error"
            assert (await client.request("GET", "/healthz").done()).status == 503
            client.generator.release()
            await until(lambda: client.service.backend is not None)
            assert len(client.generator.steps) == 4, "not warmed up"
            health = json.loads((await client.request("GET", "/healthz").done()).body)
            assert (health["status"], health["runtime"], health["max_batch"]) == ("ok", "fake 1.0", 0)

    asyncio.run(run())


def test_a_model_that_cannot_generate(tmp_path):
    async def run():
        last = tokenizer().encode("t").ids[-1]
        async with generating(tmp_path, generator=FakeGenerator(poison=last)) as client:
            await until(lambda: bool(client.failures))
            assert client.failures[0].problem == "the first tokens of tiny-gpt2 failed: this decoder"

    asyncio.run(run())


def test_each_request_alone_and_so_many_at_a_time(tmp_path):
    async def run():
        async with generating(tmp_path, Batching(0, 0, 2, 2)) as client:
            generator = client.generator
            generator.open = False
            running = [client.ask(prompt, 2, stream=stream) for prompt, stream in (("A", True), ("a", False))]
            await until(lambda: len(generator.steps) == 2)
            waits = [client.ask("A", 1), client.ask("A", 1)]
            await until(lambda: len(client.service._queue._pending) == 2)
            assert (await client.metrics())[QUEUE] == 2
            refused = await client.ask("A", 1).done()
            assert refused.status == 429
            assert refused.headers["retry-after"] == "1"
            assert json.loads(refused.body)["error"] == {
                "message": "the queue is full: 2 requests wait",
                "type": "rate_limit_error",
                "code": 429,
            }
            assert len(generator.steps) == 2, "more are generated than was said"
            generator.release()
            for answer in (*running, *waits):
                assert (await answer.done()).status == 200
            assert running[0].texts == ["B", "C"]
            assert all(len(step) == 1 for step in generator.steps)
            samples = await client.metrics()
            assert samples[QUEUE] == 0
            assert samples["stackbench_batch_size_count"] == samples["stackbench_batch_size_sum"] == 6
            for stage in ("queue", "preprocess", "compute", "postprocess"):
                assert samples[f"stackbench_{stage}_seconds_count"] == 4

    asyncio.run(run())


def test_a_static_batch(tmp_path):
    """It is filled before it begins, ends with its longest answer, and who comes meanwhile waits that long."""

    async def run():
        async with generating(tmp_path, Batching(2, FOREVER, 128, 1)) as client:
            generator = client.generator
            generator.open = False
            short, long = client.ask("zzA", 1, stream=True), client.ask("a", 4, stream=True)
            await until(lambda: len(generator.steps) == 1)
            late = [client.ask("A", 1), client.ask("K", 1)]
            await until(lambda: len(client.service._queue._pending) == 2)
            generator.let(1)
            assert (await short.done()).texts == ["B"]
            assert not long.task.done()
            generator.let(3)
            assert (await long.done()).texts == ["b", "c", "d", "e"]
            generator.release()
            assert [json.loads((await answer.done()).body)["choices"][0]["text"] for answer in late] == ["B", "L"]
            assert [len(step) for step in generator.steps] == [2] * 5
            samples = await client.metrics()
            # An answer that has ended is no item, although its row is computed on.
            assert samples["stackbench_batch_size_count"] == 5
            assert samples["stackbench_batch_size_sum"] == 2 + 1 + 1 + 1 + 2

    asyncio.run(run())


@pytest.mark.parametrize("stream", [True, False])
def test_who_left_is_not_generated_for(tmp_path, stream):
    async def run():
        async with generating(tmp_path, Batching(0, 0, 128, 1)) as client:
            client.generator.open = False
            answer, waits = client.ask("A", 50, stream=stream), client.ask("a", 1)
            client.generator.let(2)
            await until(lambda: len(client.generator.steps) == 3)
            gone = client.ask("K", 1)
            await until(lambda: len(client.service._queue._pending) == 2)
            answer.left.set()
            gone.left.set()
            await answer.done()
            client.generator.release()
            assert (await gone.done()).status == 499
            assert json.loads((await waits.done()).body)["choices"][0]["text"] == "b"
            assert client.generator.steps == [[32], [33], [34], [64]]
            assert answer.status == (200 if stream else 499)

    asyncio.run(run())


def test_a_model_that_fails(tmp_path):
    async def run():
        async with generating(tmp_path) as client:
            client.generator.poison = tokenizer().token_to_id("B")
            early = await client.ask("B", 3, stream=True).done()
            assert early.status == 500
            want = {"message": "the model failed: this decoder", "type": "server_error", "code": 500}
            assert json.loads(early.body) == {"error": want}
            late = await client.ask("A", 3, stream=True).done()
            assert late.status == 200
            assert json.loads(late.events[-1]) == {"error": want}
            assert late.texts == ["B"]
            assert (await client.ask("a", 1).done()).status == 200

    asyncio.run(run())


def test_a_stopping_server_ends_what_is_generated(tmp_path):
    async def run():
        async with generating(tmp_path, Batching(0, 0, 128, 1)) as client:
            client.generator.open = False
            running, waits = client.ask("A", 50, stream=True), client.ask("a", 1)
            client.generator.let(1)
            await until(lambda: bool(running.sent))
            await until(lambda: len(client.service._queue._pending) == 1)
        assert (await waits.done()).status == 503
        assert '"code":503' in (await running.done()).events[-1]
        assert len(client.generator.steps) < 4

    asyncio.run(run())
