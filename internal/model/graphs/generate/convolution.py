"""Blocks that the convolutional networks share."""

from skeleton import Skeleton


def convolution(
    graph: Skeleton, x: str, name: str, shape: tuple[int, int, int, int], stride: int, pads: list[int], group: int = 1
) -> str:
    """A convolution without bias; ``shape`` is [out, in / group, height, width]."""
    weight = graph.weight(f"{name}.weight", *shape)
    kernel = list(shape[2:])
    return graph.node(
        "Conv", x, weight, name=name, kernel_shape=kernel, strides=[stride, stride], pads=pads, group=group
    )


def batch_norm(graph: Skeleton, x: str, name: str, channels: int, epsilon: float) -> str:
    """Batch normalisation with the running statistics; runtimes fold it into the convolution before it."""
    parts = [graph.weight(f"{name}.{part}", channels) for part in ("weight", "bias", "running_mean", "running_var")]
    return graph.node("BatchNormalization", x, *parts, name=name, epsilon=epsilon)


def classifier(graph: Skeleton, x: str, name: str, channels: int, classes: int) -> str:
    """Global average pooling and the fully connected layer: logits [batch, classes]."""
    pooled = graph.node("GlobalAveragePool", x, name="pool")
    flat = graph.node("Flatten", pooled, name="flatten", axis=1)
    weight = graph.weight(f"{name}.weight", classes, channels)
    bias = graph.weight(f"{name}.bias", classes)
    return graph.node("Gemm", flat, weight, bias, name=name, transB=1)
