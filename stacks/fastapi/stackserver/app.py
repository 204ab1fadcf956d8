"""The application: routes of the one model, its life, and the shape of its errors."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stackserver.completions_routes import completions_router
from stackserver.embeddings_routes import embeddings_router
from stackserver.errors import RequestError, SetupError, openai_error
from stackserver.generate_socket import generate_router
from stackserver.generation_service import GenerationService
from stackserver.metrics import Metrics
from stackserver.oip_routes import oip_router
from stackserver.predict_routes import predict_router
from stackserver.service import Service

Served = Service | GenerationService


def create_app(service: Served, failed: Callable[[SetupError], None]) -> FastAPI:
    """Builds the application; failed is called once if the model cannot be loaded."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Beside the server and not before it, so that /healthz answers while the model is being loaded.
        serving = asyncio.create_task(_serve(service, failed))
        yield
        serving.cancel()
        service.close()

    app = FastAPI(title="stackbench", lifespan=lifespan, openapi_url=None)
    app.add_middleware(_CountAnswers, metrics=service.metrics)
    app.add_exception_handler(RequestError, _request_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected)
    _add_routes(app, service)
    _add_operations(app, service)
    return app


def _add_routes(app: FastAPI, service: Served) -> None:
    """Routes are tried in this order: what is measured comes first."""
    if isinstance(service, GenerationService):
        app.include_router(completions_router(service))
        app.include_router(generate_router(service))
        return
    if service.image:
        app.include_router(predict_router(service))
    if service.text:
        app.include_router(embeddings_router(service))
    app.include_router(oip_router(service))


async def _serve(service: Served, failed: Callable[[SetupError], None]) -> None:
    try:
        await service.serve()
    except SetupError as err:
        failed(err)
    except Exception as err:
        logging.getLogger("uvicorn.error").exception("the queue's task ended")
        failed(SetupError(f"internal error: {type(err).__name__}", "report it with the lines above"))


def _add_operations(app: FastAPI, service: Served) -> None:
    settings, spec = service.settings, service.spec

    @app.get("/healthz")
    async def healthz() -> Response:
        if service.backend is None:
            return _json({"status": "loading", "model": spec.name}, 503)
        return _json(
            {
                "status": "ok",
                "model": spec.name,
                "runtime": service.backend.runtime,
                "device": settings.device,
                "threads": settings.threads,
                "weights_sha256": spec.weights.sha256,
                "max_batch": settings.batching.max_batch,
            }
        )

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(service.metrics.render(), headers={"content-type": CONTENT_TYPE_LATEST})


class _CountAnswers:
    """Counts the answers to inference requests by status."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.count(message["status"])
            await send(message)

        await self._app(scope, receive, counted)


async def _request_error(request: Request, err: Exception) -> Response:
    assert isinstance(err, RequestError)
    answer = _error(request, err.status, err.message)
    if err.retry_after is not None:
        answer.headers["retry-after"] = str(err.retry_after)
    return answer


async def _http_error(request: Request, err: Exception) -> Response:
    assert isinstance(err, HTTPException)
    return _error(request, err.status_code, f"{request.method} {request.url.path}: {err.detail}")


async def _unexpected(request: Request, err: Exception) -> Response:
    return _error(request, 500, f"internal error: {type(err).__name__}")


def _error(request: Request, status: int, message: str) -> Response:
    if not request.url.path.startswith("/v1/"):
        return _json({"error": message}, status)
    return _json(openai_error(status, message), status)


def _json(doc: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(doc), status, media_type="application/json")
