"""ONNX Runtime: graphs whose weights are external data in model.safetensors."""

import ctypes
from pathlib import Path

import onnxruntime as ort

from stackserver.errors import SetupError, first_line
from stackserver.settings import Device
from stackserver.spec import PREPARE, WHOLE, ModelSpec
from stackserver.tensors import Tensors


class OnnxBackend:
    """One inference session with a fixed number of threads."""

    def __init__(self, folder: Path, spec: ModelSpec, device: Device, threads: int, part: str = WHOLE) -> None:
        """Raises SetupError if the device is not to be had, or the model has no such part or it is not readable."""
        graph = spec.graph(part)
        self.runtime = f"onnxruntime {ort.__version__}"
        self.platform = "onnxruntime_onnx"
        self._outputs = [tensor.name for tensor in graph.outputs]
        self._session = open_session(folder / graph.file, device, threads)

    def run(self, inputs: Tensors) -> Tensors:
        """Computes all outputs."""
        return dict(zip(self._outputs, self._session.run(self._outputs, inputs), strict=True))


def open_session(path: Path, device: Device, threads: int) -> ort.InferenceSession:
    """A session of the graph in a file. Raises SetupError as OnnxBackend does."""
    provider = _provider(device)
    try:
        session = ort.InferenceSession(str(path), _options(threads), providers=[provider])
    except Exception as err:  # onnxruntime's errors have no common base but this
        raise SetupError(f"onnxruntime cannot load {path}: {first_line(err)}", PREPARE) from None
    # Where CUDA's libraries fail to load, a session falls back to the CPU with no more than a warning.
    if session.get_providers()[0] != provider[0]:
        raise SetupError(f"onnxruntime cannot use {provider[0]}", "check the NVIDIA driver with `nvidia-smi`")
    return session


def _provider(device: Device) -> tuple[str, dict[str, str]]:
    if device == "cpu":
        return "CPUExecutionProvider", {}
    if "CUDAExecutionProvider" not in ort.get_available_providers():
        raise SetupError(
            f"onnxruntime {ort.__version__} as installed has no CUDA",
            "install it: pip install --require-hashes -r requirements/onnxruntime-gpu.txt",
        )
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError as err:  # before onnxruntime says the same in many lines, and goes on with the CPU
        raise SetupError(f"there is no NVIDIA driver: {err}", "give the process a GPU, or use --device cpu") from None
    ort.preload_dlls()  # CUDA and cuDNN out of the packages that the lock names
    return "CUDAExecutionProvider", {"use_tf32": "0"}  # fp32 means fp32, in every stack


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Spinning threads gain microseconds when the cores are idle, and take the cores from the web server when not.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options
