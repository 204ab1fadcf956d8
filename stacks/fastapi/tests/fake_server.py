"""`python -m stackserver` with a backend that holds each inference until its standard input says so."""

import sys
from functools import partial
from pathlib import Path

from harness import FakeBackend

from stackserver import __main__ as server
from stackserver.spec import ModelSpec


class HeldBackend(FakeBackend):
    """Says on standard output that it computes, and goes on after a line of standard input."""

    def run(self, inputs):
        if self.executions:
            print("computing", flush=True)
            sys.stdin.readline()
        self.gate.set()
        return super().run(inputs)


def open_backend(_runtime: str, _folder: Path, spec: ModelSpec, *_: object) -> FakeBackend:
    return HeldBackend(spec)


if __name__ == "__main__":
    server.open_backend = open_backend
    sys.exit(partial(server.main, sys.argv[1:])())
