"""Errors that a person or a client must be able to act on."""

from typing import Any


class SetupError(Exception):
    """The server cannot start. Carries what went wrong and what to do about it, a line each."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.cure = cure


class RequestError(Exception):
    """A request that is answered with an error status. The shape of the body is the contract's affair."""

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        """retry_after: seconds after which to try again, for the answer's Retry-After; None says nothing of it."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after


def first_line(err: Exception) -> str:
    """What a library's error says, without the lines of detail that some add."""
    return next(iter(str(err).splitlines()), type(err).__name__)


_OPENAI_TYPES = {400: "invalid_request_error", 404: "invalid_request_error", 429: "rate_limit_error"}


def openai_error(status: int, message: str) -> dict[str, Any]:
    """The body of an answer below /v1 with that status, in OpenAI's shape."""
    kind = _OPENAI_TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "code": status}}
