"""What a runtime must do to carry a model: turn tensors into tensors."""

from pathlib import Path
from typing import Protocol

from stackserver.errors import SetupError
from stackserver.settings import Device, Runtime
from stackserver.spec import ModelSpec
from stackserver.tensors import Tensors


class Backend(Protocol):
    """A loaded model. On a GPU, `run` is called from two threads at a time."""

    runtime: str  # name and version, "onnxruntime 1.32.0"
    platform: str  # as Open Inference Protocol metadata names it

    def run(self, inputs: Tensors) -> Tensors:
        """Computes all outputs; the first axis of each tensor is the batch."""
        ...


def open_backend(runtime: Runtime, folder: Path, spec: ModelSpec, device: Device, threads: int) -> Backend:
    """Loads the model. Raises SetupError if the runtime is not installed or the model cannot be loaded."""
    try:
        if runtime == "pytorch":
            from stackserver.torch_backend import TorchBackend

            return TorchBackend(folder, spec, device, threads)
        from stackserver.onnx_backend import OnnxBackend

        return OnnxBackend(folder, spec, device, threads)
    except ImportError as err:
        suffix = "-gpu" if runtime == "onnxruntime" and device == "gpu" else ""
        cure = f"install it: pip install --require-hashes -r requirements/{runtime}{suffix}.txt"
        raise SetupError(f"cannot import {runtime}: {err}", cure) from None
