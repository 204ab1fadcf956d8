"""ResNet-50 v1.5: torchvision's."""

from pathlib import Path

from torch import nn
from torchvision.models import resnet50

from stackserver.spec import ModelSpec
from stackserver.torch_models.state import fill


def build(folder: Path, spec: ModelSpec) -> nn.Module:
    """pixel_values [batch, 3, 224, 224] to logits [batch, 1000]."""
    model = resnet50(weights=None)
    fill(model, folder)
    return model
