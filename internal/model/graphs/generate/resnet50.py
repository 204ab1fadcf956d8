"""ResNet-50 v1.5 (the stride in the 3x3 convolution), with torchvision's tensor names.

Source: He et al., "Deep Residual Learning for Image Recognition", 2015; torchvision.models.resnet50.
"""

from convolution import batch_norm, classifier, convolution
from onnx import TensorProto
from skeleton import Skeleton

EPSILON = 1e-5
BLOCKS = (3, 4, 6, 3)
EXPANSION = 4


def unit(graph: Skeleton, x: str, names: tuple[str, str], shape: tuple[int, int, int, int], stride: int) -> str:
    """Convolution, symmetrically padded to keep the size at stride 1, and batch normalisation."""
    conv, norm = names
    x = convolution(graph, x, conv, shape, stride, pads=[shape[2] // 2] * 4)
    return batch_norm(graph, x, norm, shape[0], EPSILON)


def bottleneck(graph: Skeleton, x: str, name: str, channels: int, width: int, stride: int) -> str:
    """One residual block: 1x1, 3x3 and 1x1 convolutions and the shortcut."""
    out = width * EXPANSION
    y = unit(graph, x, (f"{name}.conv1", f"{name}.bn1"), (width, channels, 1, 1), 1)
    y = graph.node("Relu", y, name=f"{name}.relu1")
    y = unit(graph, y, (f"{name}.conv2", f"{name}.bn2"), (width, width, 3, 3), stride)
    y = graph.node("Relu", y, name=f"{name}.relu2")
    y = unit(graph, y, (f"{name}.conv3", f"{name}.bn3"), (out, width, 1, 1), 1)
    if stride != 1 or channels != out:
        x = unit(graph, x, (f"{name}.downsample.0", f"{name}.downsample.1"), (out, channels, 1, 1), stride)
    y = graph.node("Add", y, x, name=f"{name}.add")
    return graph.node("Relu", y, name=f"{name}.relu3")


def build() -> Skeleton:
    """pixel_values [batch, 3, 224, 224] to logits [batch, 1000]."""
    graph = Skeleton("resnet50")
    x = graph.input("pixel_values", TensorProto.FLOAT, ["batch", 3, 224, 224])
    x = unit(graph, x, ("conv1", "bn1"), (64, 3, 7, 7), 2)
    x = graph.node("Relu", x, name="relu")
    x = graph.node("MaxPool", x, name="maxpool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = 64
    for stage, blocks in enumerate(BLOCKS):
        width = 64 << stage
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            x = bottleneck(graph, x, f"layer{stage + 1}.{block}", channels, width, stride)
            channels = width * EXPANSION
    graph.output(classifier(graph, x, "fc", channels, 1000), "logits", ["batch", 1000])
    return graph
