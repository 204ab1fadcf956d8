"""What a runtime must do to generate: one step of the decoder, which it remembers for the next."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from stackserver.errors import SetupError
from stackserver.settings import Device, Runtime
from stackserver.spec import ModelSpec

Cache = Any  # keys and values as the runtime has them; nobody else looks into them


class Generator(Protocol):
    """A loaded decoder. `step` is called from several threads at a time, each with a cache of its own."""

    runtime: str  # name and version, "onnxruntime 1.32.0"
    platform: str  # as Open Inference Protocol metadata names it

    def step(
        self, ids: np.ndarray, mask: np.ndarray, positions: np.ndarray, cache: Cache | None, never: np.ndarray
    ) -> tuple[np.ndarray, Cache]:
        """The likeliest next token of each row, int64 [batch], and the keys and values so far.

        ids and positions are int64 [batch, new], mask is int64 [batch, past + new] with 1 for a real token;
        rows may begin with padding. cache is what the step before returned, None in the first. never is a token
        that a row must not choose, int64 [batch], below zero where there is none.
        """
        ...


def open_generator(runtime: Runtime, folder: Path, spec: ModelSpec, device: Device, threads: int) -> Generator:
    """Loads the decoder. Raises SetupError if the runtime is not installed or the model cannot be loaded."""
    try:
        if runtime == "pytorch":
            from stackserver.generation.torch_generator import TorchGenerator

            return TorchGenerator(folder, spec, device, threads)
        from stackserver.generation.onnx_generator import OnnxGenerator

        return OnnxGenerator(folder, spec, device, threads)
    except ImportError as err:
        suffix = "-gpu" if runtime == "onnxruntime" and device == "gpu" else ""
        cure = f"install it: pip install --require-hashes -r requirements/{runtime}{suffix}.txt"
        raise SetupError(f"cannot import {runtime}: {err}", cure) from None
