"""Reading a request's body, bounded."""

from starlette.requests import ClientDisconnect, Request

from stackserver.errors import RequestError

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
