"""Reading a request's body, bounded, and what it asks."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from stackserver.errors import RequestError

Asked = TypeVar("Asked", bound=BaseModel)

MAX_BODY = 256 << 20  # bytes; the gRPC servers of the other stacks have the same limit


async def read_body(request: Request) -> bytearray:
    """The whole body. Raises RequestError 413 if it is larger than MAX_BODY, 499 if the client left half-way.

    A bytearray, since tensors are views into it and runtimes want memory that could be written to.
    """
    if int(request.headers.get("content-length", 0)) > MAX_BODY:
        raise _too_large()
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                raise _too_large()
    except ClientDisconnect:
        raise RequestError(499, "the client left before the end of its request") from None
    return body


def _too_large() -> RequestError:
    return RequestError(413, f"a request has at most {MAX_BODY >> 20} MiB")


def parse(kind: type[Asked], document: bytearray | str) -> Asked:
    """What a JSON document asks. Raises RequestError 400, which names the field, if it is not of that kind."""
    try:
        return kind.model_validate_json(document)
    except ValidationError as err:
        first = err.errors(include_url=False, include_context=False)[0]
        where = str(first["loc"][0]) if first["loc"] else "body"
        raise RequestError(400, f"{where}: {first['msg']}") from None
