"""OPT-125M: layers that normalise first, a rectifier, learned positions that start at 2.

Source: Zhang et al., "OPT: Open Pre-trained Transformer Language Models", 2022; facebook/opt-125m.
"""

from decoder import Inputs, Shape, attend, heads, inputs, logits
from encoder import layer_norm, linear
from skeleton import Skeleton

SHAPE = Shape(layers=12, heads=12, kv_heads=12, head=64, vocabulary=50272)
POSITIONS = 2048
OFFSET = 2  # of the position table, as in fairseq
EPSILON = 1e-5


def layer(graph: Skeleton, x: str, index: int, start: Inputs) -> str:
    """One decoder layer."""
    name, width = f"model.decoder.layers.{index}", SHAPE.width
    normed = layer_norm(graph, x, f"{name}.self_attn_layer_norm", width, EPSILON)
    query, key, value = (
        heads(graph, linear(graph, normed, f"{name}.self_attn.{part}_proj", width, width), SHAPE.heads, SHAPE)
        for part in "qkv"
    )
    mixed = attend(graph, f"{name}.self_attn", index, (query, key, value), SHAPE, start.bias)
    out = linear(graph, mixed, f"{name}.self_attn.out_proj", width, width)
    x = graph.node("Add", x, out, name=f"{name}.self_attn.add")
    inner = layer_norm(graph, x, f"{name}.final_layer_norm", width, EPSILON)
    inner = linear(graph, inner, f"{name}.fc1", width, 4 * width)
    inner = graph.node("Relu", inner, name=f"{name}.relu")
    outer = linear(graph, inner, f"{name}.fc2", 4 * width, width)
    return graph.node("Add", x, outer, name=f"{name}.add")


def build() -> Skeleton:
    """A step of OPT: new tokens and the cache to the logits of the last token and the longer cache."""
    graph = Skeleton("opt-125m")
    start = inputs(graph, SHAPE)
    table = graph.weight("model.decoder.embed_tokens.weight", SHAPE.vocabulary, SHAPE.width)
    words = graph.node("Gather", table, start.ids, name="words", axis=0)
    places = graph.weight("model.decoder.embed_positions.weight", POSITIONS + OFFSET, SHAPE.width)
    shifted = graph.node("Add", start.positions, graph.ints(OFFSET), name="shifted")
    placed = graph.node("Gather", places, shifted, name="places", axis=0)
    x = graph.node("Add", words, placed, name="embedded")
    for i in range(SHAPE.layers):
        x = layer(graph, x, i, start)
    x = layer_norm(graph, x, "model.decoder.final_layer_norm", SHAPE.width, EPSILON)
    logits(graph, x, table, SHAPE)
    return graph
