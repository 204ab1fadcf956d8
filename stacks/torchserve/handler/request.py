"""One request, as TorchServe hands it over: named values, with the type of a REST body beside them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from stackserver.errors import RequestError

Transport = Literal["rest", "grpc"]
_REST = "body"  # the name that TorchServe gives to a body that is no form
_JPEG, _TENSOR = "image/jpeg", "application/octet-stream"
_GRPC = {"jpeg": _JPEG, "tensor": _TENSOR}  # by name of the input


class Properties(Protocol):
    """The part of TorchServe's context that says what came with a request."""

    def get_request_header(self, idx: int, key: str) -> Mapping[str, str | bytes] | None:
        """For the name of a value, its own headers."""
        ...


@dataclass(frozen=True, slots=True)
class Work:
    """What a request wants computed: one picture, or as many tensors as it carries."""

    transport: Transport
    jpeg: bytes | None
    tensors: np.ndarray | None  # float32 [n, 3, size, size]

    @property
    def items(self) -> int:
        """Images in it."""
        return 1 if self.tensors is None else len(self.tensors)


def read(row: Mapping[str, bytes], idx: int, context: Properties, size: int) -> Work:
    """The work of a request, by its place in the batch. Raises RequestError for what is neither JPEG nor tensors."""
    transport: Transport = "rest" if _REST in row else "grpc"
    if transport == "rest":
        name, kind = _REST, _type(context.get_request_header(idx, _REST))
    else:
        name = next((known for known in _GRPC if known in row), "")
        kind = _GRPC.get(name, "")
    if kind == _JPEG:
        return Work(transport, bytes(row[name]), None)
    if kind == _TENSOR:
        return Work(transport, None, _tensors(row[name], size))
    raise RequestError(415, f"send {_JPEG} or {_TENSOR}, and over gRPC an input called jpeg or tensor")


def _type(headers: Mapping[str, str | bytes] | None) -> str:
    value = (headers or {}).get("content-type") or ""
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
    return text.partition(";")[0].strip().lower()


def _tensors(data: bytes, size: int) -> np.ndarray:
    one = 3 * size * size * 4
    if not data or len(data) % one:
        raise RequestError(400, f"{len(data)} bytes are no float32 tensors [n, 3, {size}, {size}], of {one} bytes each")
    return np.frombuffer(bytearray(data), "<f4").reshape(-1, 3, size, size)
