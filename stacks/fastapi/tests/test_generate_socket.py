"""WebSocket /v1/generate, by docs/wsgen.md."""

import asyncio
import json
from pathlib import Path

import pytest
from generation_harness import MODEL, generating
from harness import until
from tiny import CONTEXT, tokenizer

from stackserver.settings import Batching

PAGE = Path(__file__).resolve().parents[3] / "docs" / "wsgen.md"


def asked(**fields: object) -> dict:
    return {"type": "generate", "model": MODEL, "prompt": "A", "max_tokens": 2, "exact": True, "seed": 0, **fields}


def test_the_page_s_request_is_understood(tmp_path):
    text = PAGE.read_text().split("<!-- request -->\n```json\n")[1].split("\n```")[0]

    async def run():
        async with generating(tmp_path) as client:
            talk = client.connect()
            talk.say(text.replace('"gpt2"', f'"{MODEL}"'))
            assert json.loads((await talk.heard(5))[-1]) == {
                "type": "end",
                "tokens": 4,
                "prompt_tokens": 4,
                "finish_reason": "length",
            }
            talk.leave()
            await talk.task

    asyncio.run(run())


def test_a_message_a_token_and_one_connection_for_many_answers(tmp_path):
    async def run():
        async with generating(tmp_path) as client:
            talk = client.connect()
            talk.say(asked())
            first = await talk.heard(3)
            assert first == [
                '{"type":"token","text":"B","tokens":1}',
                '{"type":"token","text":"C","tokens":1}',
                '{"type":"end","tokens":2,"prompt_tokens":1,"finish_reason":"length"}',
            ]
            talk.say(asked(prompt="za", max_tokens=1, what_is_this=1))
            assert (await talk.heard(5))[3:] == [
                '{"type":"token","text":"b","tokens":1}',
                '{"type":"end","tokens":1,"prompt_tokens":2,"finish_reason":"length"}',
            ]
            talk.leave()
            await talk.task
            assert talk.sent[0]["type"] == "websocket.accept"
            assert (await client.metrics())[f'stackbench_requests_total{{code="200",model="{MODEL}"}}'] == 2

    asyncio.run(run())


def test_the_model_ends_the_answer(tmp_path):
    async def run():
        async with generating(tmp_path, eos=tokenizer().token_to_id("C")) as client:
            talk = client.connect()
            talk.say(asked(exact=False, max_tokens=9))
            assert await talk.heard(2) == [
                '{"type":"token","text":"B","tokens":1}',
                '{"type":"end","tokens":1,"prompt_tokens":1,"finish_reason":"stop"}',
            ]
            talk.leave()
            await talk.task

    asyncio.run(run())


@pytest.mark.parametrize(
    ("message", "code", "text"),
    [
        ("hello", 400, "body: Invalid JSON"),
        (b"\x00", 400, "this one is binary"),
        ({**asked(), "type": "token"}, 400, "type: "),
        (asked(prompt=""), 400, "prompt: "),
        (asked(max_tokens=0), 400, "max_tokens: "),
        (asked(max_tokens=CONTEXT), 400, f"has a context of {CONTEXT}"),
        (asked(model="gpt3"), 404, "there is no model 'gpt3'"),
    ],
)
def test_an_error_ends_the_answer_and_not_the_connection(tmp_path, message, code, text):
    async def run():
        async with generating(tmp_path) as client:
            talk = client.connect()
            talk.say(message)
            error = json.loads((await talk.heard(1))[0])
            assert (error.pop("type"), error.pop("code")) == ("error", code)
            assert text in error.pop("message")
            assert not error
            talk.say(asked())
            await talk.heard(4)
            talk.leave()
            await talk.task

    asyncio.run(run())


def test_a_full_queue_and_a_failing_model(tmp_path):
    async def run():
        async with generating(tmp_path, Batching(0, 0, 1, 1)) as client:
            client.generator.open = False
            running, waits, refused = (client.connect() for _ in range(3))
            running.say(asked())
            await until(lambda: len(client.generator.steps) == 1)
            waits.say(asked(prompt="a"))
            await until(lambda: len(client.service._queue._pending) == 1)
            refused.say(asked())
            want = '{"type":"error","code":429,"message":"the queue is full: 1 requests wait"}'
            assert await refused.heard(1) == [want]
            client.generator.poison = tokenizer().token_to_id("B")
            client.generator.release()
            assert (await running.heard(2))[
                1
            ] == '{"type":"error","code":500,"message":"the model failed: this decoder"}'
            assert len(await waits.heard(3)) == 3
            for talk in (running, waits, refused):
                talk.leave()
                await talk.task

    asyncio.run(run())


def test_who_leaves_is_not_generated_for(tmp_path):
    async def run():
        async with generating(tmp_path, Batching(0, 0, 128, 1)) as client:
            client.generator.open = False
            talk = client.connect()
            talk.say(asked(max_tokens=50))
            client.generator.let(1)
            await talk.heard(1)
            await until(lambda: len(client.generator.steps) == 2)
            talk.leave()
            await talk.task
            client.generator.release()
            other = client.connect()
            other.say(asked(prompt="a", max_tokens=1))
            await other.heard(2)
            assert client.generator.steps == [[32], [33], [64]]
            other.leave()
            await other.task

    asyncio.run(run())


def test_who_asks_early_is_answered_in_turn(tmp_path):
    async def run():
        async with generating(tmp_path) as client:
            client.generator.open = False
            talk = client.connect()
            talk.say(asked(max_tokens=1))
            talk.say(asked(prompt="a", max_tokens=1))
            await until(lambda: len(client.generator.steps) == 1)
            client.generator.release()
            assert [json.loads(message).get("text") for message in await talk.heard(4)] == ["B", None, "b", None]
            talk.leave()
            await talk.task

    asyncio.run(run())
