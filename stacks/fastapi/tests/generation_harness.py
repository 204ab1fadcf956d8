"""What the tests of generated text share: a decoder that counts, and clients whose answers are seen as they grow."""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from fastapi import FastAPI
from harness import _scope, until
from tiny import describe, tokenizer

from stackserver.app import create_app
from stackserver.errors import SetupError
from stackserver.generation_service import GenerationService
from stackserver.settings import Batching, Settings
from stackserver.spec import parse_spec

MODEL = "tiny-gpt2"
ALONE = Batching(0, 0, 128)


@dataclass
class FakeGenerator:
    """Says after each token the next one of the vocabulary: after A comes B. Holds each step while it is closed."""

    runtime: str = "fake 1.0"
    platform: str = "fake"
    open: bool = True
    poison: int | None = None  # the token on which it fails
    steps: list[list[int]] = field(default_factory=list)  # the last token of each row, step by step
    _let: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def step(self, ids, mask, positions, cache, never):
        assert mask.shape == (len(ids), ids.shape[1] + (cache or 0))
        last = ids[:, -1]
        self.steps.append(last.tolist())
        if not self.open:
            assert self._let.acquire(timeout=20), "the test forgot to let it step"
        if self.poison in last:
            raise ValueError("this decoder\ncannot compute that")
        return np.asarray(last + 1), mask.shape[1]

    def let(self, n: int) -> None:
        """Lets it take n steps."""
        self._let.release(n)

    def release(self) -> None:
        self.open = True
        self._let.release(10_000)


@dataclass
class Exchange:
    """One request over HTTP, whose answer can be looked at as it comes."""

    task: asyncio.Task
    sent: list[dict]
    left: asyncio.Event

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])

    @property
    def status(self) -> int:
        return self.sent[0]["status"]

    @property
    def headers(self) -> dict[str, str]:
        return {key.decode(): value.decode() for key, value in self.sent[0]["headers"]}

    @property
    def events(self) -> list[str]:
        *events, rest = self.body.decode().split("\n\n")
        assert rest == ""
        assert all(event.startswith("data: ") and "\n" not in event for event in events)
        return [event.removeprefix("data: ") for event in events]

    @property
    def texts(self) -> list[str]:
        return [json.loads(event)["choices"][0]["text"] for event in self.events if '"text":' in event]

    async def done(self) -> "Exchange":
        await self.task
        return self


@dataclass
class Talk:
    """One WebSocket connection."""

    task: asyncio.Task
    sent: list[dict]
    inbox: asyncio.Queue

    def say(self, message: dict | str | bytes) -> None:
        if isinstance(message, bytes):
            self.inbox.put_nowait({"type": "websocket.receive", "bytes": message})
            return
        text = message if isinstance(message, str) else json.dumps(message)
        self.inbox.put_nowait({"type": "websocket.receive", "text": text})

    def leave(self) -> None:
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": 1006})

    @property
    def messages(self) -> list[str]:
        return [message["text"] for message in self.sent if message["type"] == "websocket.send"]

    async def heard(self, n: int) -> list[str]:
        await until(lambda: len(self.messages) >= n)
        return self.messages


@dataclass
class Client:
    """Asks the application over ASGI."""

    app: FastAPI
    service: GenerationService
    generator: FakeGenerator
    failures: list[SetupError]

    def ask(self, prompt: str = "A", max_tokens: int = 3, **fields: object) -> Exchange:
        """One request to /v1/completions."""
        document = {"model": MODEL, "prompt": prompt, "max_tokens": max_tokens, **fields}
        return self.request("POST", "/v1/completions", json.dumps(document).encode())

    def request(self, method: str, path: str, body: bytes = b"") -> Exchange:
        left, sent = asyncio.Event(), []
        pieces = [body]

        async def receive() -> dict:
            if pieces:
                return {"type": "http.request", "body": pieces.pop(), "more_body": False}
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict) -> None:
            sent.append(message)

        return Exchange(asyncio.create_task(self.app(_scope(method, path, {}), receive, send)), sent, left)

    def connect(self) -> Talk:
        """A connection to /v1/generate."""
        inbox: asyncio.Queue = asyncio.Queue()
        inbox.put_nowait({"type": "websocket.connect"})
        sent: list[dict] = []

        async def send(message: dict) -> None:
            sent.append(message)

        scope = {**_scope("GET", "/v1/generate", {}), "type": "websocket", "scheme": "ws", "subprotocols": []}
        return Talk(asyncio.create_task(self.app(scope, inbox.get, send)), sent, inbox)

    async def metrics(self) -> dict[str, float]:
        """Every sample by its name, without the model's label where it is the only one."""
        page = await self.request("GET", "/metrics").done()
        lines = page.body.decode().replace(f'{{model="{MODEL}"}}', "").splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


@contextlib.asynccontextmanager
async def generating(
    folder: Path, batching: Batching = ALONE, eos: int = 256, generator: FakeGenerator | None = None
) -> AsyncIterator[Client]:
    """The application over a FakeGenerator: ready and open, or as it comes if the test brings its own."""
    document = describe("gpt2", eos)
    (folder / MODEL).mkdir()
    tokenizer().save(str(folder / MODEL / "tokenizer.json"))
    wait, generator = generator is None, generator or FakeGenerator()
    settings = Settings(folder, MODEL, "127.0.0.1", 0, "cpu", "onnxruntime", 2, batching)
    service = GenerationService(settings, parse_spec(document), lambda: generator)
    failures: list[SetupError] = []
    app = create_app(service, failures.append)
    async with app.router.lifespan_context(app):
        if wait:
            await until(lambda: service.backend is not None or bool(failures))
            assert not failures, failures[0].problem
            generator.steps.clear()
        try:
            yield Client(app, service, generator, failures)
        finally:
            generator.release()
