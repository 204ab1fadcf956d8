"""The architectures of the catalogue in PyTorch, with the weights of a model store's model.safetensors."""

from collections.abc import Callable
from pathlib import Path

from torch import nn

from stackserver.spec import ModelSpec

Build = Callable[[Path, ModelSpec], nn.Module]


def load(folder: Path, spec: ModelSpec) -> nn.Module:
    """The model of `folder` on the CPU, in evaluation mode and float32.

    Its forward takes the tensors of `spec.graph().inputs` in their order and returns the only output: logits
    [batch, classes], or the sentence embedding [batch, width], pooled over the mask and of length 1. Raises
    ValueError for an unknown architecture, and what safetensors or torch raise where the file does not fit.
    """
    return _builder(spec.architecture)(folder, spec).eval()


def _builder(architecture: str) -> Build:
    """Imports one architecture only: the libraries behind them take seconds to import."""
    match architecture:
        case "resnet50":
            from stackserver.torch_models.resnet50 import build
        case "efficientnet-lite0":
            from stackserver.torch_models.efficientnet_lite0 import build
        case "bert":
            from stackserver.torch_models.bert import build
        case "mpnet":
            from stackserver.torch_models.mpnet import build
        case _:
            raise ValueError(f"architecture {architecture!r} is unknown")
    return build
