"""ONNX Runtime: a graph that takes the keys and values of each layer, and gives them back with the new ones."""

from pathlib import Path

import numpy as np
import onnxruntime as ort

from stackserver.errors import SetupError
from stackserver.onnx_backend import open_session
from stackserver.settings import Device
from stackserver.spec import PREPARE, ModelSpec

_HALVES = ("key", "value")


class OnnxGenerator:
    """One session, which threads share."""

    def __init__(self, folder: Path, spec: ModelSpec, device: Device, threads: int) -> None:
        """Raises SetupError as OnnxBackend does, and if the graph is none of a decoder with a cache."""
        decoder = spec.decoder
        assert decoder is not None
        self.runtime = f"onnxruntime {ort.__version__}"
        self.platform = "onnxruntime_onnx"
        path = folder / spec.graph().file
        self._session = open_session(path, device, threads)
        self._device = "cuda" if device == "gpu" else "cpu"
        self._past = [f"past_key_values.{n}.{half}" for n in range(decoder.layers) for half in _HALVES]
        self._present = [f"present.{n}.{half}" for n in range(decoder.layers) for half in _HALVES]
        self._heads, self._width = decoder.kv_heads, decoder.head_dim
        has = {tensor.name for tensor in (*self._session.get_inputs(), *self._session.get_outputs())}
        missing = {"input_ids", "attention_mask", "position_ids", "logits", *self._past, *self._present} - has
        if missing:
            raise SetupError(f"{path} lacks {', '.join(sorted(missing)[:3])}", PREPARE)

    def step(
        self,
        ids: np.ndarray,
        mask: np.ndarray,
        positions: np.ndarray,
        cache: list[ort.OrtValue] | None,
        never: np.ndarray,
    ) -> tuple[np.ndarray, list[ort.OrtValue]]:
        """As Generator says."""
        # Bound, so that the cache stays where it was computed: as numpy arrays it would be copied out and in
        # each time, tens of megabytes a token.
        bound = self._session.io_binding()
        inputs = {"input_ids": ids, "attention_mask": mask, "position_ids": positions}
        if cache is None:
            nothing = np.zeros((len(ids), self._heads, 0, self._width), np.float32)
            inputs.update(dict.fromkeys(self._past, nothing))
        for name, values in inputs.items():
            bound.bind_cpu_input(name, values)
        for name, value in zip(self._past, cache or (), strict=False):
            bound.bind_ortvalue_input(name, value)
        bound.bind_output("logits", "cpu")
        for name in self._present:
            bound.bind_output(name, self._device)
        self._session.run_with_iobinding(bound)
        logits, *present = bound.get_outputs()
        scores = logits.numpy()  # a copy
        rows = np.flatnonzero(never >= 0)
        scores[rows, never[rows]] = -np.inf
        return scores.argmax(axis=-1), present
