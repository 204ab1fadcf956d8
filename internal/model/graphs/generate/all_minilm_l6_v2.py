"""all-MiniLM-L6-v2: a BERT encoder of 6 layers with mean pooling, with the tensor names of the published file.

Source: Devlin et al., "BERT", 2018; sentence-transformers/all-MiniLM-L6-v2.
"""

from encoder import attention, feed_forward, layer_norm, linear, mask_bias, sentence_embedding
from onnx import TensorProto
from skeleton import Skeleton

LAYERS = 6
HEADS = 12
WIDTH = 384
POSITIONS = 512
VOCABULARY = 30522
EPSILON = 1e-12


def embeddings(graph: Skeleton, input_ids: str, token_type_ids: str) -> str:
    """Word, token type and position embeddings, normalised: [batch, sequence, width]."""
    words = graph.weight("embeddings.word_embeddings.weight", VOCABULARY, WIDTH)
    types = graph.weight("embeddings.token_type_embeddings.weight", 2, WIDTH)
    positions = graph.weight("embeddings.position_embeddings.weight", POSITIONS, WIDTH)
    shape = graph.node("Shape", input_ids, name="embeddings.length", start=1, end=2)
    first = graph.node("Slice", positions, graph.ints(0), shape, graph.ints(0), name="embeddings.positions")
    word = graph.node("Gather", words, input_ids, name="embeddings.words", axis=0)
    kind = graph.node("Gather", types, token_type_ids, name="embeddings.types", axis=0)
    total = graph.node("Add", word, kind, name="embeddings.sum")
    total = graph.node("Add", total, first, name="embeddings.placed")
    return layer_norm(graph, total, "embeddings.LayerNorm", WIDTH, EPSILON)


def layer(graph: Skeleton, x: str, name: str, bias: str) -> str:
    """One encoder layer."""
    query, key, value = (f"{name}.attention.self.{part}" for part in ("query", "key", "value"))
    context = attention(graph, x, (query, key, value), HEADS, WIDTH, bias)
    out = linear(graph, context, f"{name}.attention.output.dense", WIDTH, WIDTH)
    total = graph.node("Add", out, x, name=f"{name}.attention.output.add")
    x = layer_norm(graph, total, f"{name}.attention.output.LayerNorm", WIDTH, EPSILON)
    return feed_forward(graph, x, name, WIDTH, EPSILON)


def build() -> Skeleton:
    """input_ids, attention_mask and token_type_ids [batch, sequence] to sentence_embedding [batch, 384]."""
    graph = Skeleton("all-minilm-l6-v2")
    names = ("input_ids", "attention_mask", "token_type_ids")
    ids, mask, types = (graph.input(name, TensorProto.INT64, ["batch", "sequence"]) for name in names)
    x = embeddings(graph, ids, types)
    bias = mask_bias(graph, mask)
    for i in range(LAYERS):
        x = layer(graph, x, f"encoder.layer.{i}", bias)
    graph.output(sentence_embedding(graph, x, mask), "sentence_embedding", ["batch", WIDTH])
    return graph
