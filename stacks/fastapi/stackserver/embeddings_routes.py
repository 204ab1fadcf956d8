"""POST /v1/embeddings, in OpenAI's shape."""

import base64
from typing import Annotated, Literal

import numpy as np
import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from stackserver.body import parse, read_body
from stackserver.errors import RequestError
from stackserver.service import Service


class EmbeddingsRequest(BaseModel):
    """What a client may ask; fields that are not here, such as `user`, are ignored as OpenAI's servers do."""

    model: str
    input: str | Annotated[list[str], Field(min_length=1)]
    encoding_format: Literal["float", "base64"] = "float"


def embeddings_router(service: Service) -> APIRouter:
    """The route of a text model."""
    router = APIRouter()

    @router.post("/v1/embeddings")
    async def embeddings(request: Request) -> Response:
        asked = parse(EmbeddingsRequest, await read_body(request))
        if asked.model != service.spec.name:
            raise RequestError(404, f"there is no model {asked.model!r}; there is {service.spec.name}")
        texts = [asked.input] if isinstance(asked.input, str) else asked.input
        rows, tokens, ticket = await service.embed(texts, request.is_disconnected)
        body = render(service.spec.name, rows, tokens, asked.encoding_format == "base64")
        service.answered(ticket)
        return Response(body, media_type="application/json")

    return router


def render(model: str, rows: np.ndarray, tokens: int, as_base64: bool) -> bytes:
    """The answer's body; rows is float32 [n, dim], little-endian where it is base64."""
    vectors = [base64.b64encode(row.astype("<f4").tobytes()).decode() for row in rows] if as_base64 else list(rows)
    data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    doc = {"object": "list", "data": data, "model": model, "usage": usage}
    return orjson.dumps(doc, option=orjson.OPT_SERIALIZE_NUMPY)
