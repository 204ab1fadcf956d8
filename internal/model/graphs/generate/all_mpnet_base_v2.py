"""all-mpnet-base-v2: an MPNet encoder of 12 layers with mean pooling, with the tensor names of the published file.

Source: Song et al., "MPNet", 2020; sentence-transformers/all-mpnet-base-v2; transformers.models.mpnet.
"""

import numpy as np
from encoder import attention, feed_forward, layer_norm, linear, mask_bias, sentence_embedding
from onnx import TensorProto
from skeleton import Skeleton

LAYERS = 12
HEADS = 12
WIDTH = 768
POSITIONS = 514
VOCABULARY = 30527
PADDING = 1
EPSILON = 1e-5
BUCKETS = 32
MAX_DISTANCE = 128
REACH = 511


def relative_buckets() -> np.ndarray:
    """The bucket of each distance key - query from -REACH to REACH, as MPNet (after T5) assigns it.

    Half of the buckets are for keys to the right. Of each half, the first 8 are one distance wide and the others
    widen logarithmically up to MAX_DISTANCE.
    """
    half = BUCKETS // 2
    exact = half // 2
    distance = np.arange(-REACH, REACH + 1)
    far = np.maximum(np.abs(distance), 1).astype(np.float32) / np.float32(exact)
    scale = np.float32(np.log(MAX_DISTANCE / exact))
    large = exact + (np.log(far) / scale * np.float32(half - exact)).astype(np.int64)
    bucket = np.where(np.abs(distance) < exact, np.abs(distance), np.minimum(large, half - 1))
    return bucket + half * (distance > 0)


def embeddings(graph: Skeleton, input_ids: str) -> str:
    """Word and position embeddings, normalised; positions count the tokens that are not padding, from PADDING + 1."""
    words = graph.weight("embeddings.word_embeddings.weight", VOCABULARY, WIDTH)
    positions = graph.weight("embeddings.position_embeddings.weight", POSITIONS, WIDTH)
    padding = graph.constant("padding", np.array(PADDING, np.int64))
    padded = graph.node("Equal", input_ids, padding, name="embeddings.padded")
    present = graph.node(
        "Cast", graph.node("Not", padded, name="embeddings.real"), name="embeddings.one", to=TensorProto.INT64
    )
    axis = graph.constant("axis1", np.array(1, np.int64))
    counted = graph.node("CumSum", present, axis, name="embeddings.counted")
    counted = graph.node("Mul", counted, present, name="embeddings.order")
    ids = graph.node("Add", counted, padding, name="embeddings.position_ids")
    word = graph.node("Gather", words, input_ids, name="embeddings.words", axis=0)
    place = graph.node("Gather", positions, ids, name="embeddings.positions", axis=0)
    total = graph.node("Add", word, place, name="embeddings.sum")
    return layer_norm(graph, total, "embeddings.LayerNorm", WIDTH, EPSILON)


def relative_bias(graph: Skeleton, input_ids: str) -> str:
    """The learned bias of each distance between two tokens: [1, heads, sequence, sequence]."""
    weight = graph.weight("encoder.relative_attention_bias.weight", BUCKETS, HEADS)
    table = graph.constant("relative_buckets", relative_buckets())
    by_distance = graph.node("Gather", weight, table, name="relative.by_distance", axis=0)
    by_head = graph.node("Transpose", by_distance, name="relative.by_head", perm=[1, 0])
    zero, one = (graph.constant(f"scalar{n}", np.array(n, np.int64)) for n in (0, 1))
    shape = graph.node("Shape", input_ids, name="relative.shape")
    length = graph.node("Gather", shape, one, name="relative.length", axis=0)
    steps = graph.node("Range", zero, length, one, name="relative.range")
    query = graph.node("Unsqueeze", steps, graph.ints(1), name="relative.query")
    distance = graph.node("Sub", steps, query, name="relative.distance")
    reach = graph.constant("reach", np.array(REACH, np.int64))
    index = graph.node("Add", distance, reach, name="relative.index")
    bias = graph.node("Gather", by_head, index, name="relative.bias", axis=1)
    return graph.node("Unsqueeze", bias, graph.ints(0), name="relative.batch")


def layer(graph: Skeleton, x: str, name: str, bias: str) -> str:
    """One encoder layer."""
    query, key, value = (f"{name}.attention.attn.{part}" for part in ("q", "k", "v"))
    context = attention(graph, x, (query, key, value), HEADS, WIDTH, bias)
    out = linear(graph, context, f"{name}.attention.attn.o", WIDTH, WIDTH)
    total = graph.node("Add", out, x, name=f"{name}.attention.add")
    x = layer_norm(graph, total, f"{name}.attention.LayerNorm", WIDTH, EPSILON)
    return feed_forward(graph, x, name, WIDTH, EPSILON)


def build() -> Skeleton:
    """input_ids and attention_mask [batch, sequence] to sentence_embedding [batch, 768]."""
    graph = Skeleton("all-mpnet-base-v2")
    ids, mask = (
        graph.input(name, TensorProto.INT64, ["batch", "sequence"]) for name in ("input_ids", "attention_mask")
    )
    x = embeddings(graph, ids)
    bias = graph.node("Add", relative_bias(graph, ids), mask_bias(graph, mask), name="scores.bias")
    for i in range(LAYERS):
        x = layer(graph, x, f"encoder.layer.{i}", bias)
    graph.output(sentence_embedding(graph, x, mask), "sentence_embedding", ["batch", WIDTH])
    return graph
