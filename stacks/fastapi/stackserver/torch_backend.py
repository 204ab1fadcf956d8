"""PyTorch, eager: the architectures of torch_models with the weights of model.safetensors."""

from pathlib import Path

import torch
from torch import nn

from stackserver.errors import SetupError, first_line
from stackserver.settings import Device
from stackserver.spec import FP32, PREPARE, ModelSpec
from stackserver.tensors import Tensors
from stackserver.torch_models import Build, load


class TorchBackend:
    """One module in evaluation mode with a fixed number of threads."""

    def __init__(self, folder: Path, spec: ModelSpec, device: Device, threads: int) -> None:
        """Raises SetupError if the device is not to be had or the weights do not fit the architecture."""
        self.runtime = f"pytorch {torch.__version__}"
        self.platform = "pytorch"
        graph = spec.graph()
        self._inputs = [tensor.name for tensor in graph.inputs]
        self._output = graph.outputs[0].name
        self._device = open_device(device, threads)
        self._model = open_module(folder, spec, load, self._device)

    def run(self, inputs: Tensors) -> Tensors:
        """Computes the output; one, since no architecture here has more."""
        with torch.inference_mode():
            tensors = [torch.from_numpy(inputs[name]).to(self._device) for name in self._inputs]
            return {self._output: self._model(*tensors).cpu().numpy()}


def open_device(device: Device, threads: int) -> torch.device:
    """The device, with settings that hold for the whole process. Raises SetupError if it is not to be had."""
    if device == "gpu" and not torch.cuda.is_available():
        raise SetupError("torch finds no CUDA device", "check the NVIDIA driver with `nvidia-smi`")
    torch.set_num_threads(threads)
    # fp32 means fp32, in every stack; convolutions would use TF32 by default.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    return torch.device("cuda" if device == "gpu" else "cpu")


def open_module(folder: Path, spec: ModelSpec, build: Build, device: torch.device) -> nn.Module:
    """The module on the device, in evaluation mode. Raises SetupError if the weights do not fit the architecture."""
    if spec.precision != FP32:
        raise SetupError(f"pytorch computes {FP32} here, not {spec.precision}", "use --backend onnxruntime")
    try:
        return build(folder, spec).eval().to(device)
    except Exception as err:  # safetensors', torch's and the architectures' errors have no common base but this
        raise SetupError(f"torch cannot load {folder}: {first_line(err)}", PREPARE) from None
