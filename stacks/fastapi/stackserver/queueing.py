"""The queue in front of the runtime: who is admitted, who waits, and who is taken together."""

import asyncio
import contextlib
import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from time import perf_counter
from typing import Generic, TypeVar

from stackserver.errors import RequestError
from stackserver.metrics import Metrics
from stackserver.settings import Batching


class Place(ABC):
    """One admitted request's place in the queue, and when it got what. Times are perf_counter's."""

    def __init__(self) -> None:
        self.waiting = True
        self.admitted = perf_counter()
        self.preprocessing = 0.0  # seconds; not a part of the time in the queue
        self.queued = 0.0
        self.items = 1

    @abstractmethod
    async def abandoned(self) -> bool:
        """Whether nobody waits for the answer any more."""

    @abstractmethod
    def reject(self, status: int, reason: str) -> None:
        """Says why there is no answer."""


P = TypeVar("P", bound=Place)


class Queue(Generic[P]):
    """Hands requests over in order of arrival, to a fixed number at a time, several together where that is on."""

    def __init__(self, batching: Batching, takers: int, metrics: Metrics) -> None:
        """takers: how many batches are computed at a time."""
        self._batching = batching
        self._takers = takers
        self._metrics = metrics
        self._pending: deque[P] = deque()
        self._arrived = asyncio.Event()
        self._depth = 0
        self.share = 0.0  # seconds of the last batch for each of its requests; whoever computes says so

    @contextlib.contextmanager
    def admit(self, place: P) -> Iterator[P]:
        """Takes a place in the queue, or raises RequestError 429."""
        if self._depth >= self._batching.queue:
            # What waits now is computed by then, if it goes on as it does.
            soon = max(1, math.ceil(self._depth * self.share / self._takers))
            raise RequestError(429, f"the queue is full: {self._depth} requests wait", retry_after=soon)
        self._change_depth(1)
        try:
            yield place
        finally:
            self._leave(place)

    def put(self, place: P) -> None:
        """Sets an admitted request, preprocessed, in line."""
        place.queued = perf_counter()
        self._pending.append(place)
        self._arrived.set()

    async def run(self, compute: Callable[[list[P]], Awaitable[None]]) -> None:
        """Serves the queue until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._takers):
                group.create_task(self._work(compute))

    def close(self) -> None:
        """Requests that still wait get 503."""
        for place in self._pending:
            place.reject(503, "the server stops")

    async def _work(self, compute: Callable[[list[P]], Awaitable[None]]) -> None:
        while True:
            batch = await self._next_batch()
            started = perf_counter()
            for place in batch:
                self._leave(place)
                self._metrics.queue.observe(max(0.0, started - place.admitted - place.preprocessing))
            if batch:
                await compute(batch)

    async def _next_batch(self) -> list[P]:
        while not self._pending:
            self._arrived.clear()
            await self._arrived.wait()
        if self._batching.max_batch > 1:
            await self._company(self._pending[0].queued + self._batching.max_delay)
        return await self._take()

    async def _company(self, deadline: float) -> None:
        """Returns at the deadline, or as soon as enough items wait for a full batch."""
        while self._pending and sum(place.items for place in self._pending) < self._batching.max_batch:
            left = deadline - perf_counter()
            if left <= 0:
                return
            self._arrived.clear()
            try:
                async with asyncio.timeout(left):
                    await self._arrived.wait()
            except TimeoutError:
                return  # without a look at the clock: the loop's timers round to milliseconds

    async def _take(self) -> list[P]:
        """Takes requests in order as long as they fit; a request that is larger than a batch goes alone."""
        batch: list[P] = []
        room = self._batching.max_batch
        while self._pending and (not batch or self._pending[0].items <= room):
            place = self._pending.popleft()
            if await place.abandoned():
                place.reject(499, "the client has left")
                continue
            batch.append(place)
            room -= place.items
        return batch

    def _leave(self, place: P) -> None:
        if place.waiting:
            place.waiting = False
            self._change_depth(-1)

    def _change_depth(self, change: int) -> None:
        self._depth += change
        self._metrics.queue_depth.set(self._depth)
