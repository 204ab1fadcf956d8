"""A TorchServe handler: JPEG files in, the five best classes of each out. TorchServe loads this file from the archive."""

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from stackserver.errors import RequestError
from stackserver.image import ImagePreprocessor
from stackserver.predict import best
from stackserver.spec import load_spec
from stackserver.tensors import Element
from stackserver.torch_backend import TorchBackend
from stackserver.weights import check_weights
from ts.context import Context


class ImageHandler:
    """One worker: one model, several requests in one execution."""

    def initialize(self, context: Context) -> None:
        """Loads the model that model-config.yaml names. What it raises, TorchServe logs, and starts the worker anew."""
        asked = context.model_yaml_config["handler"]
        folder = Path(asked["folder"])
        self._spec = load_spec(folder)
        check_weights(folder)
        assert self._spec.image is not None
        self._image = ImagePreprocessor(self._spec.image)
        self._backend = TorchBackend(folder, self._spec, asked["device"], int(asked["threads"]))

    def handle(self, data: Sequence[dict[str, Element]], context: Context) -> list[dict[str, object]]:
        """An answer a request, in their order. A file that is no JPEG fails alone, with status 400."""
        started = perf_counter()
        pixels = self._image.empty(len(data))
        faults: dict[int, str] = {}
        for row, request in enumerate(data):
            try:
                self._image.fill(request.get("data") or request.get("body") or b"", pixels[row])
            except RequestError as err:
                faults[row] = err.message
                pixels[row] = 0
        prepared = perf_counter()
        logits = self._backend.run({self._spec.inputs[0].name: pixels})[self._spec.outputs[0].name]
        computed = perf_counter()
        answers: list[dict[str, object]] = [{"model": self._spec.name, "top": best(row)} for row in logits]
        for row, message in faults.items():
            answers[row] = {"error": message}
            context.set_response_status(code=400, phrase="Bad Request", idx=row)
        self._count(context, len(data), prepared - started, computed - prepared, perf_counter() - computed)
        return answers

    @staticmethod
    def _count(context: Context, items: int, preprocess: float, compute: float, postprocess: float) -> None:
        """Counters of this project's own: TorchServe has none of batches, and its timers hold the last value only.

        Times are weighted by the requests that waited for them, so that their sum over requests is a mean.
        """
        metrics = context.metrics
        metrics.add_counter("BatchCount", 1)
        metrics.add_counter("BatchItems", items)
        metrics.add_counter("PreprocessMicros", round(items * preprocess * 1e6))
        metrics.add_counter("ComputeMicros", round(items * compute * 1e6))
        metrics.add_counter("PostprocessMicros", round(items * postprocess * 1e6))
