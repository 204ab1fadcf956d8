"""POST /predict: one JPEG in, the five best classes out."""

import orjson
from fastapi import APIRouter, Request, Response

from stackserver.body import read_body
from stackserver.errors import RequestError
from stackserver.ranking import best
from stackserver.service import Service

_TYPES = ("image/jpeg", "application/octet-stream")


def predict_router(service: Service) -> APIRouter:
    """The route of an image model."""
    router = APIRouter()

    @router.post("/predict")
    async def predict(request: Request) -> Response:
        kind = request.headers.get("content-type", _TYPES[1]).partition(";")[0].strip().lower()
        if kind not in _TYPES:
            raise RequestError(415, f"the body is one JPEG, {' or '.join(_TYPES)}, not {kind}")
        jpeg = await read_body(request)
        logits, ticket = await service.classify([jpeg], request.is_disconnected)
        body = orjson.dumps({"model": service.spec.name, "top": best(logits[0])})
        service.answered(ticket)
        return Response(body, media_type="application/json")

    return router
