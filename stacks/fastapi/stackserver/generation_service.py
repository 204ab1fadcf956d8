"""The decoder in service: who generates, in which thread, and how each token gets to its client."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter

from stackserver.errors import RequestError, SetupError, first_line
from stackserver.generation.generator import Generator
from stackserver.generation.greedy import Chunk, Order, check, generate
from stackserver.generation.tokens import PromptTokenizer
from stackserver.metrics import Metrics
from stackserver.queueing import Place, Queue
from stackserver.settings import Settings
from stackserver.spec import PREPARE, ModelSpec
from stackserver.stamp import stamped

_WARM_UP = "A first text"


class Generation(Place):
    """One request for text, and the chunks of its answer. All but the order belongs to the event loop."""

    def __init__(self, order: Order) -> None:
        super().__init__()
        self.order = order
        self.computed = 0.0
        self._chunks: asyncio.Queue[Chunk | RequestError] = asyncio.Queue()

    async def abandoned(self) -> bool:
        """As Place says."""
        return self.order.cancelled

    def reject(self, status: int, reason: str) -> None:
        """Ends the answer with an error."""
        self._chunks.put_nowait(RequestError(status, reason))

    def leave(self) -> None:
        """The client has gone: nobody waits for the rest."""
        self.order.cancelled = True
        self.reject(499, "the client has left")

    def deliver(self, chunk: Chunk) -> None:
        """Hands over what a step gave."""
        if chunk.finish:
            self.computed = perf_counter()
        self._chunks.put_nowait(chunk)

    async def chunks(self) -> AsyncIterator[Chunk]:
        """The answer as it is computed. Raises RequestError where it ends with an error."""
        while True:
            chunk = await self._chunks.get()
            if isinstance(chunk, RequestError):
                raise chunk
            yield chunk
            if chunk.finish:
                return


class GenerationService:
    """Tokenises in some threads, generates in others, and keeps the event loop free of both.

    A thread takes what the queue hands over: one request, or a batch, which is static. It is generated to its
    longest answer's end before the next one begins, however many of its answers have ended and whoever waits.
    """

    def __init__(self, settings: Settings, spec: ModelSpec, open_model: Callable[[], Generator]) -> None:
        """Raises SetupError if the tokenizer cannot be read. open_model is called by serve."""
        self.settings = settings
        self.spec = spec
        self.metrics = Metrics(spec.name)
        self.backend: Generator | None = None  # None until it is warm
        self._tokenizer = PromptTokenizer(settings.folder)
        self._open_model = open_model
        threads = settings.batching.generations
        self._queue: Queue[Generation] = Queue(settings.batching, threads, self.metrics)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="generate")
        self._workers = ThreadPoolExecutor(settings.threads, thread_name_prefix="preprocess")
        self._stopping = False

    async def serve(self) -> None:
        """Loads, warms up, and serves the queue until cancelled. Raises SetupError if the model cannot be loaded."""
        loop = asyncio.get_running_loop()
        generator = await asyncio.to_thread(self._open_model)
        order = Order(self._tokenizer.encode(_WARM_UP), 4, ignore_eos=True)
        try:
            await loop.run_in_executor(self._threads, list, generate(generator, self._tokenizer, self.spec, [order]))
        except Exception as err:  # what a runtime raises is its own affair
            raise SetupError(f"the first tokens of {self.spec.name} failed: {first_line(err)}", PREPARE) from None
        self.backend = generator
        print(f"stackserver: {self.spec.name} is ready on {generator.runtime}", file=sys.stderr, flush=True)
        await self._queue.run(partial(self._execute, generator))

    def close(self) -> None:
        """Gives the threads back after their next token; requests that still wait get 503."""
        self._stopping = True
        self._queue.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._workers.shutdown(wait=False, cancel_futures=True)

    @contextlib.asynccontextmanager
    async def answering(self, prompt: str, order: Order) -> AsyncIterator[Generation]:
        """Sets a request in line. Whoever leaves the context early stops its generation at the next token.

        Raises RequestError: 503 while the model is being loaded, 429 if the queue is full, 400 if prompt and
        answer do not fit the context.
        """
        if self.backend is None:
            raise RequestError(503, f"model {self.spec.name} is being loaded")
        with self._queue.admit(Generation(order)) as generation:
            try:
                await self._tokenise(generation, prompt)
                self._queue.put(generation)
                yield generation
            finally:
                generation.order.cancelled = True

    def answered(self, generation: Generation) -> None:
        """To be called when the answer's last bytes are ready."""
        self.metrics.postprocess.observe(perf_counter() - generation.computed)

    async def _tokenise(self, generation: Generation, prompt: str) -> None:
        encode = partial(self._tokenizer.encode, prompt)
        loop = asyncio.get_running_loop()
        generation.order.prompt, start, end = await loop.run_in_executor(self._workers, stamped, encode)
        generation.preprocessing = end - start
        self.metrics.preprocess.observe(generation.preprocessing)
        check(self.spec, generation.order)

    async def _execute(self, generator: Generator, batch: list[Generation]) -> None:
        loop = asyncio.get_running_loop()
        work = partial(self._generate, generator, batch, loop)
        try:
            _, start, end = await loop.run_in_executor(self._threads, stamped, work)
        except Exception as err:
            for generation in batch:
                generation.reject(500, f"the model failed: {first_line(err)}")
            return
        self._queue.share = (end - start) / len(batch)

    def _generate(self, generator: Generator, batch: list[Generation], loop: asyncio.AbstractEventLoop) -> None:
        """In a thread: an execution is a step of the decoder, its items are the answers that still go on."""
        started = perf_counter()
        for step in generate(generator, self._tokenizer, self.spec, [generation.order for generation in batch]):
            if self._stopping:
                for generation in batch:
                    loop.call_soon_threadsafe(generation.reject, 503, "the server stops")
                return
            self._count(step, perf_counter() - started)  # first, so that who has the answer finds it counted
            loop.call_soon_threadsafe(_deliver, batch, step)

    def _count(self, step: list[Chunk | None], seconds: float) -> None:
        chunks = [chunk for chunk in step if chunk]
        if chunks:
            self.metrics.batch_size.observe(len(chunks))
        for chunk in chunks:
            if chunk.finish:
                self.metrics.compute.observe(seconds)


def _deliver(batch: list[Generation], step: list[Chunk | None]) -> None:
    for generation, chunk in zip(batch, step, strict=True):
        if chunk:
            generation.deliver(chunk)
