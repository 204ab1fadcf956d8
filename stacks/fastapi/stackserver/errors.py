"""Errors that a person or a client must be able to act on."""


class SetupError(Exception):
    """The server cannot start. Carries what went wrong and what to do about it, a line each."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.cure = cure


class RequestError(Exception):
    """A request that is answered with an error status. The shape of the body is the contract's affair."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
