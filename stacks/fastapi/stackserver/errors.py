"""Errors that a person or a client must be able to act on."""


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
