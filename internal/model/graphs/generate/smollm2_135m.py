"""SmolLM2-135M: a Llama with three heads of queries to one of keys and values.

Source: Touvron et al., "LLaMA", 2023; Ben Allal et al., "SmolLM2", 2025; HuggingFaceTB/SmolLM2-135M-Instruct.
"""

import numpy as np
from decoder import Inputs, Shape, attend, heads, inputs, logits, plain
from encoder import scalar
from onnx import TensorProto
from skeleton import Skeleton

SHAPE = Shape(layers=30, heads=9, kv_heads=3, head=64, vocabulary=49152)
INNER = 1536
THETA = 100_000.0
EPSILON = 1e-5


def rms_norm(graph: Skeleton, x: str, name: str) -> str:
    """x over its root mean square, in the nodes that ONNX Runtime fuses to SimplifiedLayerNormalization."""
    square = graph.node("Pow", x, scalar(graph, "two", 2), name=f"{name}.square")
    mean = graph.node("ReduceMean", square, name=f"{name}.mean", axes=[-1], keepdims=1)
    safe = graph.node("Add", mean, scalar(graph, "epsilon", EPSILON), name=f"{name}.safe")
    root = graph.node("Sqrt", safe, name=f"{name}.root")
    unit = graph.node("Div", x, root, name=f"{name}.unit")
    return graph.node("Mul", unit, graph.weight(f"{name}.weight", SHAPE.width), name=name)


def angles(graph: Skeleton, positions: str) -> tuple[str, str]:
    """Cosine and sine of each position's rotation: [batch, 1, new, head]."""
    half = (1 / THETA ** (np.arange(0, SHAPE.head, 2) / SHAPE.head)).astype(np.float32)
    rates = graph.constant("rates", np.concatenate([half, half]))
    at = graph.node("Cast", positions, name="rotary.at", to=TensorProto.FLOAT)
    at = graph.node("Unsqueeze", at, graph.ints(1, 3), name="rotary.wide")
    turns = graph.node("Mul", at, rates, name="rotary.turns")
    return graph.node("Cos", turns, name="rotary.cos"), graph.node("Sin", turns, name="rotary.sin")


def rotate(graph: Skeleton, x: str, turn: tuple[str, str]) -> str:
    """Rotary embedding of [batch, heads, new, head], halves paired as Hugging Face pairs them."""
    half, axis = SHAPE.head // 2, graph.ints(3)
    first = graph.node("Slice", x, graph.ints(0), graph.ints(half), axis, name=f"{x}.first")
    second = graph.node("Slice", x, graph.ints(half), graph.ints(SHAPE.head), axis, name=f"{x}.second")
    turned = graph.node("Concat", graph.node("Neg", second, name=f"{x}.minus"), first, name=f"{x}.turned", axis=3)
    cosine, sine = turn
    along = graph.node("Mul", x, cosine, name=f"{x}.along")
    across = graph.node("Mul", turned, sine, name=f"{x}.across")
    return graph.node("Add", along, across, name=f"{x}.rotated")


def layer(graph: Skeleton, x: str, index: int, start: Inputs, turn: tuple[str, str]) -> str:
    """One decoder layer."""
    name, width = f"model.layers.{index}", SHAPE.width
    narrow = SHAPE.kv_heads * SHAPE.head
    normed = rms_norm(graph, x, f"{name}.input_layernorm")
    query = heads(graph, plain(graph, normed, f"{name}.self_attn.q_proj", width, width), SHAPE.heads, SHAPE)
    key = heads(graph, plain(graph, normed, f"{name}.self_attn.k_proj", width, narrow), SHAPE.kv_heads, SHAPE)
    value = heads(graph, plain(graph, normed, f"{name}.self_attn.v_proj", width, narrow), SHAPE.kv_heads, SHAPE)
    qkv = (rotate(graph, query, turn), rotate(graph, key, turn), value)
    mixed = attend(graph, f"{name}.self_attn", index, qkv, SHAPE, start.bias)
    out = plain(graph, mixed, f"{name}.self_attn.o_proj", width, width)
    x = graph.node("Add", x, out, name=f"{name}.self_attn.add")
    inner = rms_norm(graph, x, f"{name}.post_attention_layernorm")
    gate = plain(graph, inner, f"{name}.mlp.gate_proj", width, INNER)
    swish = graph.node("Mul", gate, graph.node("Sigmoid", gate, name=f"{name}.mlp.sigmoid"), name=f"{name}.mlp.swish")
    up = plain(graph, inner, f"{name}.mlp.up_proj", width, INNER)
    gated = graph.node("Mul", swish, up, name=f"{name}.mlp.gated")
    down = plain(graph, gated, f"{name}.mlp.down_proj", INNER, width)
    return graph.node("Add", x, down, name=f"{name}.mlp.add")


def build() -> Skeleton:
    """A step of SmolLM2: new tokens and the cache to the logits of the last token and the longer cache."""
    graph = Skeleton("smollm2-135m-q4_1-dequant")
    start = inputs(graph, SHAPE)
    table = graph.weight("model.embed_tokens.weight", SHAPE.vocabulary, SHAPE.width)
    x = graph.node("Gather", table, start.ids, name="words", axis=0)
    turn = angles(graph, start.positions)
    for i in range(SHAPE.layers):
        x = layer(graph, x, i, start, turn)
    x = rms_norm(graph, x, "model.norm")
    logits(graph, x, table, SHAPE)
    return graph
