"""TorchServe's handler of an image classifier: the pictures of waiting requests, computed together."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import numpy as np
from context import Context
from counters import Counters
from request import Work, read
from stackserver.errors import RequestError
from stackserver.image import ImagePreprocessor
from stackserver.ranking import best
from stackserver.spec import load_spec
from stackserver.torch_backend import TorchBackend
from stackserver.weights import check_weights


class ImageClassifier:
    """TorchServe makes one in its worker, calls initialize once and then handle for each batch of requests.

    It must be the only class of its file: that is how TorchServe finds it.
    """

    def initialize(self, context: Context) -> None:
        """Loads the model and computes once. Raises SetupError if it cannot."""
        settings = context.model_yaml_config["stackbench"]
        folder, threads = Path(settings["folder"]), int(settings["threads"])
        spec = load_spec(folder)
        check_weights(folder)
        assert spec.image is not None
        self._size = spec.image.size
        graph = spec.graph()
        self._input, self._output = graph.inputs[0].name, graph.outputs[0].name
        self._image = ImagePreprocessor(spec.image)
        self._backend = TorchBackend(folder, spec, settings["device"], threads)
        self._backend.run({self._input: np.zeros_like(self._image.empty(1))})
        self._workers = ThreadPoolExecutor(threads, thread_name_prefix="preprocess")
        self._counters = Counters(context.model_name, context.metrics)

    def handle(self, rows: Sequence[Mapping[str, bytes]], context: Context) -> list[bytes]:
        """The answers to a batch of requests, in its order: the best classes of a JPEG, the logits of tensors.

        What is wrong with one request is the answer to that one: an exception would fail all of them.
        """
        start = perf_counter()
        answers: list[bytes] = [b""] * len(rows)
        works: dict[int, Work] = {}
        for idx, row in enumerate(rows):
            try:
                works[idx] = read(row, idx, context, self._size)
            except RequestError as err:
                answers[idx] = _refuse(context, idx, err)
        pixels, places = self._pixels(works, answers, context)
        if not places:
            return answers
        ready = perf_counter()
        logits = self._backend.run({self._input: pixels})[self._output]
        computed = perf_counter()
        for idx, place in places.items():
            answers[idx] = _answer(context, idx, works[idx], logits[place])
        seconds = {"preprocess": ready - start, "compute": computed - ready, "postprocess": perf_counter() - computed}
        self._counters.count(len(pixels), [works[idx].transport for idx in places], seconds)
        return answers

    def _pixels(
        self, works: dict[int, Work], answers: list[bytes], context: Context
    ) -> tuple[np.ndarray, dict[int, slice]]:
        """One tensor of all, and where in it each request's part is; requests whose picture is none are answered."""
        pictures = [idx for idx, work in works.items() if work.jpeg is not None]
        decoded = dict(zip(pictures, self._workers.map(lambda idx: self._decode(works[idx]), pictures), strict=True))
        parts: list[np.ndarray] = []
        places: dict[int, slice] = {}
        at = 0
        for idx, work in works.items():
            part = work.tensors if work.jpeg is None else decoded[idx]
            if isinstance(part, RequestError):
                answers[idx] = _refuse(context, idx, part)
                continue
            assert part is not None
            parts.append(part)
            places[idx] = slice(at, at + len(part))
            at += len(part)
        return parts[0] if len(parts) == 1 else np.concatenate(parts or [self._image.empty(0)]), places

    def _decode(self, work: Work) -> np.ndarray | RequestError:
        out = self._image.empty(1)
        assert work.jpeg is not None
        try:
            self._image.fill(work.jpeg, out[0])
        except RequestError as err:
            return err
        return out


def _answer(context: Context, idx: int, work: Work, logits: np.ndarray) -> bytes:
    if work.jpeg is None:
        context.set_response_content_type(idx, "application/octet-stream")
        return logits.astype("<f4", copy=False).tobytes()
    context.set_response_content_type(idx, "application/json")
    return json.dumps({"model": context.model_name, "top": best(logits[0])}, separators=(",", ":")).encode()


def _refuse(context: Context, idx: int, err: RequestError) -> bytes:
    """An answer of the shape of TorchServe's own errors."""
    context.set_response_status(err.status, "", idx)
    context.set_response_content_type(idx, "application/json")
    return json.dumps({"code": err.status, "type": "RequestError", "message": err.message}).encode()
