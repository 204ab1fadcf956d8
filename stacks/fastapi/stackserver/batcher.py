"""The queue in front of the runtime: who is admitted, who waits, and who is computed together."""

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import numpy as np

from stackserver.errors import RequestError
from stackserver.metrics import Metrics
from stackserver.settings import Batching
from stackserver.tensors import Tensors

Compute = Callable[[Tensors], Tensors]
Gone = Callable[[], Awaitable[bool]]

_ASK_AFTER = 0.05  # seconds in the queue; to ask whether the client is there costs as much as a small inference


class Ticket:
    """One admitted request: its place in the queue, and when it got what. Times are perf_counter's."""

    __slots__ = ("admitted", "computed", "future", "gone", "inputs", "items", "preprocessing", "queued", "waiting")

    def __init__(self, gone: Gone) -> None:
        self.gone = gone
        self.waiting = True
        self.admitted = perf_counter()
        self.preprocessing = 0.0  # seconds; not a part of the time in the queue
        self.queued = self.computed = 0.0
        self.inputs: Tensors = {}
        self.items = 0
        self.future: asyncio.Future[Tensors] = asyncio.get_running_loop().create_future()

    async def abandoned(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.future.done() or (perf_counter() - self.queued > _ASK_AFTER and await self.gone())

    def resolve(self, outputs: Tensors) -> None:
        """Hands over the outputs."""
        if not self.future.done():
            self.computed = perf_counter()
            self.future.set_result(outputs)

    def reject(self, status: int, reason: str) -> None:
        """Says why there are no outputs."""
        if not self.future.done():
            self.future.set_exception(RequestError(status, reason))


class Batcher:
    """Computes requests in order of arrival, a fixed number at a time, several in one execution where that is on."""

    def __init__(self, batching: Batching, executions: int, pad: dict[str, int], metrics: Metrics) -> None:
        """executions: how many at a time. pad: what fills up shorter rows where requests meet, by input name."""
        self._batching = batching
        self._pad = pad
        self._metrics = metrics
        self._pending: deque[Ticket] = deque()
        self._arrived = asyncio.Event()
        self._depth = 0
        self._share = 0.0  # seconds of the last execution for each of its requests
        self._executions = executions
        self._threads = ThreadPoolExecutor(executions, thread_name_prefix="compute")

    @contextlib.contextmanager
    def admit(self, gone: Gone) -> Iterator[Ticket]:
        """Takes a place in the queue, or raises RequestError 429. gone says whether the client has left."""
        if self._depth >= self._batching.queue:
            # What waits now is computed by then, if it goes on as it does.
            soon = max(1, math.ceil(self._depth * self._share / self._executions))
            raise RequestError(429, f"the queue is full: {self._depth} requests wait", retry_after=soon)
        ticket = Ticket(gone)
        self._change_depth(1)
        try:
            yield ticket
        finally:
            self._leave(ticket)

    async def compute(self, ticket: Ticket, inputs: Tensors) -> Tensors:
        """Waits for the ticket's turn and returns its outputs, rows in the order of the inputs."""
        ticket.inputs = inputs
        ticket.items = len(next(iter(inputs.values())))
        ticket.queued = perf_counter()
        self._pending.append(ticket)
        self._arrived.set()
        return await ticket.future

    async def in_thread(self, compute: Compute, inputs: Tensors) -> Tensors:
        """Runs in a thread of computation: a runtime's thread pool belongs to the thread that calls it."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, compute, inputs)

    async def run(self, compute: Compute) -> None:
        """Serves the queue until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._executions):
                group.create_task(self._work(compute))

    async def _work(self, compute: Compute) -> None:
        while True:
            batch = await self._next_batch()
            if batch:
                await self._execute(batch, compute)

    def close(self) -> None:
        """Gives the threads back; requests that still wait get 503."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for ticket in self._pending:
            ticket.reject(503, "the server stops")

    async def _next_batch(self) -> list[Ticket]:
        while not self._pending:
            self._arrived.clear()
            await self._arrived.wait()
        if self._batching.max_batch > 1:
            await self._company(self._pending[0].queued + self._batching.max_delay)
        return await self._take()

    async def _company(self, deadline: float) -> None:
        """Returns at the deadline, or as soon as enough items wait for a full batch."""
        while self._pending and sum(ticket.items for ticket in self._pending) < self._batching.max_batch:
            left = deadline - perf_counter()
            if left <= 0:
                return
            self._arrived.clear()
            try:
                async with asyncio.timeout(left):
                    await self._arrived.wait()
            except TimeoutError:
                return  # without a look at the clock: the loop's timers round to milliseconds

    async def _take(self) -> list[Ticket]:
        """Takes requests in order as long as they fit; a request that is larger than a batch goes alone."""
        batch: list[Ticket] = []
        room = self._batching.max_batch
        while self._pending and (not batch or self._pending[0].items <= room):
            ticket = self._pending.popleft()
            if await ticket.abandoned():
                ticket.reject(499, "the client has left")
                continue
            batch.append(ticket)
            room -= ticket.items
        return batch

    async def _execute(self, batch: list[Ticket], compute: Compute) -> None:
        started = perf_counter()
        for ticket in batch:
            self._leave(ticket)
            self._metrics.queue.observe(max(0.0, started - ticket.admitted - ticket.preprocessing))
        self._metrics.batch_size.observe(sum(ticket.items for ticket in batch))
        inputs = [ticket.inputs for ticket in batch]
        try:
            outputs, seconds = await asyncio.get_running_loop().run_in_executor(
                self._threads, _timed, compute, inputs, self._pad
            )
        except Exception as err:
            await self._explain(batch, compute, err)
            return
        self._share = seconds / len(batch)
        start = 0
        for ticket in batch:
            self._metrics.compute.observe(seconds)
            ticket.resolve({name: rows[start : start + ticket.items] for name, rows in outputs.items()})
            start += ticket.items

    async def _explain(self, batch: list[Ticket], compute: Compute, err: Exception) -> None:
        """One bad request must not fail its neighbours: what failed together is tried again one by one."""
        if len(batch) == 1:
            reason = next(iter(str(err).splitlines()), type(err).__name__)
            batch[0].reject(500, f"the model failed: {reason}")
            return
        for ticket in batch:
            await self._execute([ticket], compute)

    def _leave(self, ticket: Ticket) -> None:
        if ticket.waiting:
            ticket.waiting = False
            self._change_depth(-1)

    def _change_depth(self, change: int) -> None:
        self._depth += change
        self._metrics.queue_depth.set(self._depth)


def _timed(compute: Compute, inputs: list[Tensors], pad: dict[str, int]) -> tuple[Tensors, float]:
    started = perf_counter()
    outputs = compute(merge(inputs, pad))
    return outputs, perf_counter() - started


def merge(batch: list[Tensors], pad: dict[str, int]) -> Tensors:
    """Concatenates along the first axis; shorter rows are filled up to the longest with the pad value."""
    if len(batch) == 1:
        return batch[0]
    return {name: _join([tensors[name] for tensors in batch], pad.get(name, 0)) for name in batch[0]}


def _join(parts: list[np.ndarray], fill: int) -> np.ndarray:
    longest = np.max([part.shape[1:] for part in parts], axis=0)
    whole = np.full((sum(len(part) for part in parts), *longest), fill, parts[0].dtype)
    start = 0
    for part in parts:
        whole[(slice(start, start + len(part)), *(slice(n) for n in part.shape[1:]))] = part
        start += len(part)
    return whole
