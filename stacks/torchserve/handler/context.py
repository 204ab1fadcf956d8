"""TorchServe's context: what a worker knows, and where the answers' heads are set."""

from typing import Any, Protocol

from counters import Registry
from request import Properties


class Context(Properties, Protocol):
    """The part of TorchServe's context that the handler uses."""

    model_name: str
    model_yaml_config: dict[str, Any]
    metrics: Registry

    def set_response_status(self, code: int, phrase: str, idx: int) -> None:
        """The HTTP status of one request's answer. Over gRPC TorchServe drops it."""
        ...

    def set_response_content_type(self, idx: int, value: str) -> None:
        """The type of one request's answer."""
        ...
