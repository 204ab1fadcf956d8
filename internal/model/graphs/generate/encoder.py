"""Blocks that the text encoders share: attention, feed-forward and pooling."""

import numpy as np
from onnx import TensorProto
from skeleton import Skeleton

# Added to the scores of padding. Far below any score, and still finite in float16.
MASKED = -1e4


def linear(graph: Skeleton, x: str, name: str, features_in: int, features_out: int) -> str:
    """x W^T + b with W as published, [out, in]; runtimes fold the transposition when they load the graph."""
    weight = graph.weight(f"{name}.weight", features_out, features_in)
    bias = graph.weight(f"{name}.bias", features_out)
    turned = graph.node("Transpose", weight, name=f"{name}.transpose", perm=[1, 0])
    product = graph.node("MatMul", x, turned, name=f"{name}.matmul")
    return graph.node("Add", product, bias, name=name)


def layer_norm(graph: Skeleton, x: str, name: str, width: int, epsilon: float) -> str:
    """Layer normalisation over the last axis."""
    parts = [graph.weight(f"{name}.{part}", width) for part in ("weight", "bias")]
    return graph.node("LayerNormalization", x, *parts, name=name, axis=-1, epsilon=epsilon)


def scalar(graph: Skeleton, name: str, value: float) -> str:
    """A float32 scalar constant."""
    return graph.constant(name, np.array(value, np.float32))


def gelu(graph: Skeleton, x: str, name: str) -> str:
    """The exact GELU, written in the five nodes that runtimes recognise and fuse."""
    scaled = graph.node("Div", x, scalar(graph, "sqrt2", 2**0.5), name=f"{name}.scaled")
    erf = graph.node("Erf", scaled, name=f"{name}.erf")
    shifted = graph.node("Add", erf, scalar(graph, "one", 1), name=f"{name}.shifted")
    product = graph.node("Mul", x, shifted, name=f"{name}.product")
    return graph.node("Mul", product, scalar(graph, "half", 0.5), name=name)


def mask_bias(graph: Skeleton, attention_mask: str) -> str:
    """0 where the mask is 1 and MASKED where it is 0: [batch, 1, 1, sequence]."""
    mask = graph.node("Cast", attention_mask, name="mask.float", to=TensorProto.FLOAT)
    wide = graph.node("Unsqueeze", mask, graph.ints(1, 2), name="mask.wide")
    absent = graph.node("Sub", scalar(graph, "one", 1), wide, name="mask.absent")
    return graph.node("Mul", absent, scalar(graph, "masked", MASKED), name="mask.bias")


def attention(graph: Skeleton, x: str, names: tuple[str, str, str], heads: int, width: int, bias: str) -> str:
    """Multi-head self-attention up to its output projection; ``names`` are the query, key and value layers.

    ``bias`` is added to the scores [batch, heads, sequence, sequence].
    """
    size = width // heads
    name = names[0].rpartition(".")[0]
    split = graph.ints(0, 0, heads, size)
    projected = [graph.node("Reshape", linear(graph, x, n, width, width), split, name=f"{n}.heads") for n in names]
    orders = ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])
    query, key, value = (
        graph.node("Transpose", p, name=f"{p}.first", perm=order) for p, order in zip(projected, orders, strict=True)
    )
    scores = graph.node("MatMul", query, key, name=f"{name}.product")
    scores = graph.node("Div", scores, scalar(graph, "sqrt_head", size**0.5), name=f"{name}.scores")
    scores = graph.node("Add", scores, bias, name=f"{name}.biased")
    weights = graph.node("Softmax", scores, name=f"{name}.softmax", axis=-1)
    mixed = graph.node("MatMul", weights, value, name=f"{name}.mixed")
    joined = graph.node("Transpose", mixed, name=f"{name}.joined", perm=[0, 2, 1, 3])
    return graph.node("Reshape", joined, graph.ints(0, 0, width), name=f"{name}.context")


def feed_forward(graph: Skeleton, x: str, name: str, width: int, epsilon: float) -> str:
    """The two-layer perceptron of one encoder layer with its shortcut and normalisation."""
    inner = linear(graph, x, f"{name}.intermediate.dense", width, 4 * width)
    inner = gelu(graph, inner, f"{name}.gelu")
    outer = linear(graph, inner, f"{name}.output.dense", 4 * width, width)
    total = graph.node("Add", outer, x, name=f"{name}.output.add")
    return layer_norm(graph, total, f"{name}.output.LayerNorm", width, epsilon)


def sentence_embedding(graph: Skeleton, x: str, attention_mask: str) -> str:
    """The mean over the tokens under the mask, scaled to length 1: [batch, width]."""
    mask = graph.node("Cast", attention_mask, name="pool.float", to=TensorProto.FLOAT)
    mask = graph.node("Unsqueeze", mask, graph.ints(-1), name="pool.mask")
    kept = graph.node("Mul", x, mask, name="pool.kept")
    total = graph.node("ReduceSum", kept, graph.ints(1), name="pool.sum", keepdims=0)
    count = graph.node("ReduceSum", mask, graph.ints(1), name="pool.count", keepdims=0)
    count = graph.node("Max", count, scalar(graph, "min_count", 1e-9), name="pool.divisor")
    mean = graph.node("Div", total, count, name="pool.mean")
    # ReduceL2 and not LpNormalization, which has no CUDA kernel in ONNX Runtime.
    norm = graph.node("ReduceL2", mean, name="pool.norm", axes=[-1], keepdims=1)
    norm = graph.node("Max", norm, scalar(graph, "min_norm", 1e-12), name="pool.length")
    return graph.node("Div", mean, norm, name="pool.unit")
