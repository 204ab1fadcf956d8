"""WebSocket /v1/generate: a message asks, a message a token answers; docs/wsgen.md is the contract."""

import asyncio
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, Field
from starlette.types import Message

from stackserver.body import parse
from stackserver.errors import RequestError
from stackserver.generation.greedy import Order
from stackserver.generation_service import GenerationService


class GenerateRequest(BaseModel):
    """What a client may ask; keys that are not here are skipped."""

    type: Literal["generate"]
    model: str
    prompt: Annotated[str, Field(min_length=1)]
    max_tokens: Annotated[int, Field(ge=1)]
    exact: bool = False


def generate_router(service: GenerationService) -> APIRouter:
    """The route of a model that generates text."""
    router = APIRouter()

    @router.websocket("/v1/generate")
    async def generate(socket: WebSocket) -> None:
        await socket.accept()
        incoming = asyncio.create_task(socket.receive())
        try:
            while (message := await incoming)["type"] != "websocket.disconnect":
                # Already listening for what comes next, so as to hear the client leave.
                incoming = asyncio.create_task(socket.receive())
                await _answer(service, socket, message, incoming)
        except WebSocketDisconnect:
            return  # it left while it was being sent to
        finally:
            incoming.cancel()

    return router


async def _answer(
    service: GenerationService, socket: WebSocket, message: Message, incoming: "asyncio.Task[Message]"
) -> None:
    status = 200
    try:
        asked = parse(GenerateRequest, _text(message))
        if asked.model != service.spec.name:
            raise RequestError(404, f"there is no model {asked.model!r}; there is {service.spec.name}")
        await _generate(service, socket, asked, incoming)
    except RequestError as err:
        status = err.status
        await _send(socket, {"type": "error", "code": err.status, "message": err.message})
    finally:
        service.metrics.count(status)


def _text(message: Message) -> str:
    text: str | None = message.get("text")
    if text is None:
        raise RequestError(400, "a message is text, and this one is binary")
    return text


async def _generate(
    service: GenerationService, socket: WebSocket, asked: GenerateRequest, incoming: "asyncio.Task[Message]"
) -> None:
    tokens = 0
    order = Order((), asked.max_tokens, asked.exact, asked.max_tokens if asked.exact else 0)
    async with service.answering(asked.prompt, order) as generation:

        def heard(task: "asyncio.Task[Message]") -> None:
            if task.cancelled() or task.exception() or task.result()["type"] == "websocket.disconnect":
                generation.leave()

        incoming.add_done_callback(heard)
        try:
            async for chunk in generation.chunks():
                tokens += chunk.tokens
                if chunk.tokens or chunk.text:
                    await _send(socket, _token(chunk.text, chunk.tokens))
        finally:
            incoming.remove_done_callback(heard)
        reason, prompt = chunk.finish, len(generation.order.prompt)
        service.answered(generation)
    end = {"type": "end", "tokens": tokens, "prompt_tokens": prompt, "finish_reason": reason}
    await _send(socket, end)


def _token(text: str, tokens: int) -> dict[str, Any]:
    message: dict[str, Any] = {"type": "token"}
    if text:
        message["text"] = text
    if tokens:
        message["tokens"] = tokens
    return message


async def _send(socket: WebSocket, message: dict[str, Any]) -> None:
    await socket.send_text(orjson.dumps(message).decode())
