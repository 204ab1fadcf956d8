"""Inference in batches: one execution of the runtime for the requests that the queue hands over together."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import numpy as np

from stackserver.errors import RequestError, first_line
from stackserver.metrics import Metrics
from stackserver.queueing import Place, Queue
from stackserver.settings import Batching
from stackserver.tensors import Tensors

Compute = Callable[[Tensors], Tensors]
Gone = Callable[[], Awaitable[bool]]

_ASK_AFTER = 0.05  # seconds in the queue; to ask whether the client is there costs as much as a small inference


class Ticket(Place):
    """One request for an inference."""

    def __init__(self, gone: Gone) -> None:
        super().__init__()
        self.gone = gone
        self.computed = 0.0
        self.inputs: Tensors = {}
        self.future: asyncio.Future[Tensors] = asyncio.get_running_loop().create_future()

    async def abandoned(self) -> bool:
        """As Place says; the client is asked after a while only."""
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
    """Computes what the queue hands over."""

    def __init__(self, batching: Batching, executions: int, pad: dict[str, int], metrics: Metrics) -> None:
        """executions: how many at a time. pad: what fills up shorter rows where requests meet, by input name."""
        self._pad = pad
        self._metrics = metrics
        self._queue: Queue[Ticket] = Queue(batching, executions, metrics)
        self._threads = ThreadPoolExecutor(executions, thread_name_prefix="compute")

    def admit(self, gone: Gone) -> contextlib.AbstractContextManager[Ticket]:
        """Takes a place in the queue, or raises RequestError 429. gone says whether the client has left."""
        return self._queue.admit(Ticket(gone))

    async def compute(self, ticket: Ticket, inputs: Tensors) -> Tensors:
        """Waits for the ticket's turn and returns its outputs, rows in the order of the inputs."""
        ticket.inputs = inputs
        ticket.items = len(next(iter(inputs.values())))
        self._queue.put(ticket)
        return await ticket.future

    async def in_thread(self, compute: Compute, inputs: Tensors) -> Tensors:
        """Runs in a thread of computation: a runtime's thread pool belongs to the thread that calls it."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, compute, inputs)

    async def run(self, compute: Compute) -> None:
        """Serves the queue until cancelled."""
        await self._queue.run(lambda batch: self._execute(batch, compute))

    def close(self) -> None:
        """Gives the threads back; requests that still wait get 503."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._queue.close()

    async def _execute(self, batch: list[Ticket], compute: Compute) -> None:
        self._metrics.batch_size.observe(sum(ticket.items for ticket in batch))
        inputs = [ticket.inputs for ticket in batch]
        try:
            outputs, seconds = await asyncio.get_running_loop().run_in_executor(
                self._threads, _timed, compute, inputs, self._pad
            )
        except Exception as err:
            await self._explain(batch, compute, err)
            return
        self._queue.share = seconds / len(batch)
        start = 0
        for ticket in batch:
            self._metrics.compute.observe(seconds)
            ticket.resolve({name: rows[start : start + ticket.items] for name, rows in outputs.items()})
            start += ticket.items

    async def _explain(self, batch: list[Ticket], compute: Compute, err: Exception) -> None:
        """One bad request must not fail its neighbours: what failed together is tried again one by one."""
        if len(batch) == 1:
            batch[0].reject(500, f"the model failed: {first_line(err)}")
            return
        for ticket in batch:
            await self._execute([ticket], compute)


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
