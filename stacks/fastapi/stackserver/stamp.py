"""Calls that say when they ran."""

from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")


def stamped(call: Callable[[], T]) -> tuple[T, float, float]:
    """What call returns, and its start and end by perf_counter."""
    start = perf_counter()
    return call(), start, perf_counter()
