"""The model in service: loaded once, warmed, then fed by the routes."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from time import perf_counter
from typing import TypeVar

import numpy as np

from stackserver.backend import Backend
from stackserver.batcher import Batcher, Gone, Ticket
from stackserver.errors import RequestError, SetupError
from stackserver.image import ImagePreprocessor
from stackserver.metrics import Metrics
from stackserver.settings import Settings
from stackserver.spec import PREPARE, ModelSpec
from stackserver.stamp import stamped
from stackserver.tensors import Element, Tensors
from stackserver.text import TextPreprocessor

T = TypeVar("T")

MAX_ITEMS = 1024  # in one request: what one client can make the server hold in memory
_WARM_UP = "A first text, so that the first user does not wait for what happens only once."


class Service:
    """Preprocesses in some threads, computes in others, and keeps the event loop free of both."""

    def __init__(self, settings: Settings, spec: ModelSpec, open_model: Callable[[], Backend]) -> None:
        """Raises SetupError if it has several parts, or no readable tokenizer. open_model is called by serve."""
        self.settings = settings
        self.spec = spec
        self.graph = spec.graph()
        self.metrics = Metrics(spec.name)
        self.backend: Backend | None = None  # None until it is warm
        self.image = ImagePreprocessor(spec.image) if spec.image else None
        self.text = TextPreprocessor(settings.folder, spec.text, self.graph.inputs) if spec.text else None
        self._open_model = open_model
        pad = {"input_ids": spec.text.pad_id} if spec.text else {}
        # On a CPU an execution has all the threads that were asked for; on a GPU a second one copies its inputs
        # while the first computes.
        executions = 2 if settings.device == "gpu" else 1
        self._batcher = Batcher(settings.batching, executions, pad, self.metrics)
        self._workers = ThreadPoolExecutor(settings.threads, thread_name_prefix="preprocess")

    async def serve(self) -> None:
        """Loads, warms up, and serves the queue until cancelled. Raises SetupError if the model cannot be loaded."""
        backend = await asyncio.to_thread(self._open_model)
        try:
            await self._batcher.in_thread(backend.run, self._warm_up())
        except Exception as err:  # what a runtime raises is its own affair
            raise SetupError(f"the first inference of {self.spec.name} failed: {err}", PREPARE) from None
        self.backend = backend
        print(f"stackserver: {self.spec.name} is ready on {backend.runtime}", file=sys.stderr, flush=True)
        await self._batcher.run(backend.run)

    def close(self) -> None:
        """Gives the threads back."""
        self._batcher.close()
        self._workers.shutdown(wait=False, cancel_futures=True)

    async def infer(self, inputs: Tensors, gone: Gone) -> tuple[Tensors, Ticket]:
        """Computes tensors as they are."""
        self._check_items(len(next(iter(inputs.values()))))
        with self._admit(gone) as ticket:
            return await self._batcher.compute(ticket, inputs), ticket

    async def classify(self, jpegs: Sequence[Element], gone: Gone) -> tuple[np.ndarray, Ticket]:
        """float32 [len(jpegs), classes]. Raises RequestError 400 if one is no JPEG."""
        image = self.image
        if image is None:
            raise RequestError(404, f"model {self.spec.name} takes no images")
        self._check_items(len(jpegs))
        with self._admit(gone) as ticket:
            pixels = image.empty(len(jpegs))
            await self._preprocess(ticket, [partial(image.fill, *pair) for pair in zip(jpegs, pixels, strict=True)])
            outputs = await self._batcher.compute(ticket, {self.graph.inputs[0].name: pixels})
        return outputs[self.graph.outputs[0].name], ticket

    async def embed(self, texts: Sequence[str], gone: Gone) -> tuple[np.ndarray, int, Ticket]:
        """float32 [len(texts), dim], and the number of tokens computed, padding not counted."""
        text = self.text
        if text is None:
            raise RequestError(404, f"model {self.spec.name} takes no texts")
        self._check_items(len(texts))
        with self._admit(gone) as ticket:
            (tensors,) = await self._preprocess(ticket, [partial(text.tensors, texts)])
            outputs = await self._batcher.compute(ticket, tensors)
        return outputs[self.graph.outputs[0].name], int(tensors["attention_mask"].sum()), ticket

    def answered(self, ticket: Ticket) -> None:
        """To be called when the answer's bytes are ready."""
        self.metrics.postprocess.observe(perf_counter() - ticket.computed)

    def _admit(self, gone: Gone) -> AbstractContextManager[Ticket]:
        if self.backend is None:
            raise RequestError(503, f"model {self.spec.name} is being loaded")
        return self._batcher.admit(gone)

    def _check_items(self, n: int) -> None:
        if n == 0:
            raise RequestError(400, "the request is empty")
        if n > MAX_ITEMS:
            raise RequestError(413, f"a request has at most {MAX_ITEMS} items, this one has {n}")

    async def _preprocess(self, ticket: Ticket, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Runs the calls in the worker threads. Its time counts from the first start to the last end."""
        loop = asyncio.get_running_loop()
        jobs = [loop.run_in_executor(self._workers, stamped, call) for call in calls]
        try:
            done = await asyncio.gather(*jobs)
        finally:
            for job in jobs:
                job.cancel()
        ticket.preprocessing = max(end for _, _, end in done) - min(start for _, start, _ in done)
        self.metrics.preprocess.observe(ticket.preprocessing)
        return [result for result, _, _ in done]

    def _warm_up(self) -> Tensors:
        if self.text is not None:
            return self.text.tensors([_WARM_UP])
        assert self.image is not None
        return {self.graph.inputs[0].name: np.zeros_like(self.image.empty(1))}
