"""Blocks that the decoders share: attention over a cache of keys and values, its mask, and the last position's logits.

The names of the cache are those of Optimum's exports: ``past_key_values.N.key`` in, ``present.N.key`` out.
"""

from dataclasses import dataclass

from encoder import MASKED, scalar
from onnx import TensorProto
from skeleton import Skeleton


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a decoder."""

    layers: int
    heads: int
    kv_heads: int
    head: int  # width of a head
    vocabulary: int

    @property
    def width(self) -> int:
        """The width of the residual stream."""
        return self.heads * self.head


@dataclass(frozen=True, slots=True)
class Inputs:
    """The names of the values that a step starts from."""

    ids: str  # [batch, new]
    positions: str  # [batch, new]
    bias: str  # [batch, 1, new, past + new], added to scores


def inputs(graph: Skeleton, shape: Shape) -> Inputs:
    """Declare the inputs of a step; the mask is of past and new tokens together, so that a batch may be padded."""
    ids = graph.input("input_ids", TensorProto.INT64, ["batch", "new"])
    mask = graph.input("attention_mask", TensorProto.INT64, ["batch", "total"])
    positions = graph.input("position_ids", TensorProto.INT64, ["batch", "new"])
    for i in range(shape.layers):
        for part in ("key", "value"):
            cache = ["batch", shape.kv_heads, "past", shape.head]
            graph.input(f"past_key_values.{i}.{part}", TensorProto.FLOAT, cache)
    return Inputs(ids, positions, _bias(graph, ids, mask))


def _bias(graph: Skeleton, ids: str, mask: str) -> str:
    """MASKED where a token must not look: at padding and at what comes after it."""
    past = graph.node("Shape", "past_key_values.0.key", name="mask.past", start=2, end=3)
    new = graph.node("Shape", ids, name="mask.new", start=1, end=2)
    total = graph.node("Add", past, new, name="mask.total")
    zero, one = graph.index(0), graph.index(1)
    end = graph.node("Squeeze", total, name="mask.end")
    keys = graph.node("Range", zero, end, one, name="mask.keys")
    start = graph.node("Squeeze", past, name="mask.start")
    queries = graph.node("Range", start, end, one, name="mask.queries")
    rows = graph.node("Unsqueeze", queries, graph.ints(1), name="mask.rows")
    later = graph.node("Greater", keys, rows, name="mask.later")
    padding = graph.node("Equal", mask, zero, name="mask.padding")
    wide = graph.node("Unsqueeze", padding, graph.ints(1, 2), name="mask.wide")
    hidden = graph.node("Or", wide, later, name="mask.hidden")
    return graph.node("Where", hidden, scalar(graph, "masked", MASKED), scalar(graph, "zero", 0), name="mask.bias")


def attend(graph: Skeleton, name: str, layer: int, qkv: tuple[str, str, str], shape: Shape, bias: str) -> str:
    """Attention of queries [batch, heads, new, head] over the cache and the new keys and values: [batch, new, width].

    Heads that share keys and values are laid side by side as rows, so that nothing is copied for them.
    """
    query, key, value = qkv
    group = shape.heads // shape.kv_heads
    caches = []
    for part, fresh in (("key", key), ("value", value)):
        whole = graph.node("Concat", f"past_key_values.{layer}.{part}", fresh, name=f"present.{layer}.{part}", axis=2)
        graph.expose(whole, ["batch", shape.kv_heads, "total", shape.head])
        caches.append(whole)
    keys = graph.node("Transpose", caches[0], name=f"{name}.keys", perm=[0, 1, 3, 2])
    if group > 1:
        query = graph.node("Reshape", query, graph.ints(0, shape.kv_heads, -1, shape.head), name=f"{name}.grouped")
    scores = graph.node("MatMul", query, keys, name=f"{name}.product")
    scores = graph.node("Mul", scores, scalar(graph, "scale", shape.head**-0.5), name=f"{name}.scores")
    if group > 1:  # back to one row of scores a head, to be masked
        scores = _like_heads(graph, scores, name, shape)
    scores = graph.node("Add", scores, bias, name=f"{name}.biased")
    weights = graph.node("Softmax", scores, name=f"{name}.softmax", axis=-1)
    if group > 1:
        weights = _like_groups(graph, weights, name, shape)
    mixed = graph.node("MatMul", weights, caches[1], name=f"{name}.mixed")
    if group > 1:
        mixed = graph.node("Reshape", mixed, _heads_of(graph, shape), name=f"{name}.heads")
    joined = graph.node("Transpose", mixed, name=f"{name}.joined", perm=[0, 2, 1, 3])
    return graph.node("Reshape", joined, graph.ints(0, 0, shape.width), name=f"{name}.context")


def _like_heads(graph: Skeleton, scores: str, name: str, shape: Shape) -> str:
    """[batch, kv_heads, group x new, total] to [batch, heads, new, total]."""
    total = graph.node("Concat", graph.ints(0, shape.heads, -1), "mask.total", name=f"{name}.split", axis=0)
    return graph.node("Reshape", scores, total, name=f"{name}.by_head")


def _like_groups(graph: Skeleton, weights: str, name: str, shape: Shape) -> str:
    """[batch, heads, new, total] to [batch, kv_heads, group x new, total]."""
    total = graph.node("Concat", graph.ints(0, shape.kv_heads, -1), "mask.total", name=f"{name}.join", axis=0)
    return graph.node("Reshape", weights, total, name=f"{name}.by_group")


def _heads_of(graph: Skeleton, shape: Shape) -> str:
    return graph.ints(0, shape.heads, -1, shape.head)


def heads(graph: Skeleton, x: str, count: int, shape: Shape) -> str:
    """[batch, new, count x head] to [batch, count, new, head]."""
    split = graph.node("Reshape", x, graph.ints(0, 0, count, shape.head), name=f"{x}.split")
    return graph.node("Transpose", split, name=f"{x}.heads", perm=[0, 2, 1, 3])


def plain(graph: Skeleton, x: str, name: str, features_in: int, features_out: int) -> str:
    """x W^T with W as published, [out, in], and no bias."""
    weight = graph.weight(f"{name}.weight", features_out, features_in)
    turned = graph.node("Transpose", weight, name=f"{name}.transpose", perm=[1, 0])
    return graph.node("MatMul", x, turned, name=name)


def logits(graph: Skeleton, x: str, embedding: str, shape: Shape) -> None:
    """The output ``logits`` [batch, vocabulary] of the last position; the head is the embedding, transposed."""
    last = graph.node("Gather", x, graph.index(-1), name="last", axis=1)
    head = graph.node("Transpose", embedding, name="head", perm=[1, 0])
    graph.node("MatMul", last, head, name="logits")
    graph.expose("logits", ["batch", shape.vocabulary])
