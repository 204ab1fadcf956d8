"""POST /v1/completions, in OpenAI's shape: whole, or as server-sent events."""

import asyncio
import time
import uuid
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import Receive, Scope, Send

from stackserver.body import parse, read_body
from stackserver.errors import RequestError, openai_error
from stackserver.generation.greedy import Chunk, Order
from stackserver.generation_service import Generation, GenerationService


class StreamOptions(BaseModel):
    """What the events of a stream count; continuous_usage_stats is vLLM's."""

    include_usage: bool = False
    continuous_usage_stats: bool = False


class CompletionRequest(BaseModel):
    """What a client may ask. Other fields, such as `user` and `top_p`, change no greedy answer and are ignored."""

    model_config = ConfigDict(extra="allow")

    model: str
    prompt: Annotated[str, Field(min_length=1)]
    max_tokens: Annotated[int, Field(ge=1)] = 16
    min_tokens: Annotated[int, Field(ge=0)] = 0
    ignore_eos: bool = False
    temperature: float | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None


# Fields that would change the answer, with the only value that this server has.
_FIXED = {
    "n": 1,
    "best_of": 1,
    "echo": False,
    "stop": None,
    "suffix": None,
    "logprobs": None,
    "logit_bias": None,
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "repetition_penalty": 1,
}


def completions_router(service: GenerationService) -> APIRouter:
    """The route of a model that generates text."""
    router = APIRouter()

    @router.post("/v1/completions")
    async def completions(request: Request) -> Response:
        asked = parse(CompletionRequest, await read_body(request))
        _check(asked, service.spec.name)
        return _Completion(service, asked)

    return router


def _check(asked: CompletionRequest, model: str) -> None:
    if asked.model != model:
        raise RequestError(404, f"there is no model {asked.model!r}; there is {model}")
    if asked.temperature:
        raise RequestError(400, f"temperature: only greedy decoding, 0, not {asked.temperature:g}")
    if asked.min_tokens > asked.max_tokens:
        raise RequestError(400, "min_tokens: at most max_tokens")
    for name, value in (asked.model_extra or {}).items():
        if name in _FIXED and value not in (None, _FIXED[name]):
            raise RequestError(400, f"{name}: only {orjson.dumps(_FIXED[name]).decode()}")


class _Completion(Response):
    """An answer that is still to be computed. What fails before its first token is answered with a status."""

    def __init__(self, service: GenerationService, asked: CompletionRequest) -> None:
        super().__init__()
        self._service = service
        self._asked = asked
        self._counts = asked.stream_options or StreamOptions()
        self._head = {
            "id": f"cmpl-{uuid.uuid4().hex}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": asked.model,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = self._asked
        order = Order((), asked.max_tokens, asked.ignore_eos, asked.min_tokens)
        async with self._service.answering(asked.prompt, order) as generation:
            watch = asyncio.create_task(_watch(receive, generation))
            try:
                await (self._stream if asked.stream else self._whole)(generation, send)
            finally:
                watch.cancel()

    async def _whole(self, generation: Generation, send: Send) -> None:
        chunks = [chunk async for chunk in generation.chunks()]
        text = "".join(chunk.text for chunk in chunks)
        usage = self._usage(generation, sum(chunk.tokens for chunk in chunks))
        body = self._document(Chunk(text, 0, chunks[-1].finish), usage)
        self._service.answered(generation)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _stream(self, generation: Generation, send: Send) -> None:
        started = False
        tokens = 0
        try:
            async for chunk in generation.chunks():
                if not started:
                    headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
                    await send({"type": "http.response.start", "status": 200, "headers": headers})
                    started = True
                tokens += chunk.tokens
                usage = self._usage(generation, tokens) if self._counts.continuous_usage_stats else None
                event = _event(self._document(chunk, usage))
                await send({"type": "http.response.body", "body": event, "more_body": True})
            end = self._end(generation, tokens)
        except RequestError as err:
            if not started:
                raise
            end = _event(orjson.dumps(openai_error(err.status, err.message)))
        await send({"type": "http.response.body", "body": end})

    def _end(self, generation: Generation, tokens: int) -> bytes:
        self._service.answered(generation)
        done = _event(b"[DONE]")
        if not self._counts.include_usage:
            return done
        return _event(orjson.dumps(self._head | {"choices": [], "usage": self._usage(generation, tokens)})) + done

    def _document(self, chunk: Chunk, usage: dict[str, int] | None) -> bytes:
        choice = {"index": 0, "text": chunk.text, "logprobs": None, "finish_reason": chunk.finish}
        document: dict[str, Any] = self._head | {"choices": [choice]}
        if usage:
            document["usage"] = usage
        return orjson.dumps(document)

    def _usage(self, generation: Generation, tokens: int) -> dict[str, int]:
        prompt = len(generation.order.prompt)
        return {"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens}


async def _watch(receive: Receive, generation: Generation) -> None:
    """Stops the generation when its client goes away."""
    while (await receive())["type"] != "http.disconnect":
        pass
    generation.leave()


def _event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"
