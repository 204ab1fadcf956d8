"""GPT-2 small, with the tensor names of the hub's file.

Source: Radford et al., "Language Models are Unsupervised Multitask Learners", 2019; openai-community/gpt2.
"""

from decoder import Inputs, Shape, attend, heads, inputs, logits
from encoder import layer_norm, scalar
from skeleton import Skeleton

SHAPE = Shape(layers=12, heads=12, kv_heads=12, head=64, vocabulary=50257)
POSITIONS = 1024
EPSILON = 1e-5


def conv1d(graph: Skeleton, x: str, name: str, features_in: int, features_out: int) -> str:
    """x W + b: GPT-2's weights are [in, out]."""
    weight = graph.weight(f"{name}.weight", features_in, features_out)
    product = graph.node("MatMul", x, weight, name=f"{name}.matmul")
    return graph.node("Add", product, graph.weight(f"{name}.bias", features_out), name=name)


def gelu_new(graph: Skeleton, x: str, name: str) -> str:
    """GELU by its tanh approximation, in the nodes that ONNX Runtime fuses to FastGelu."""
    cube = graph.node("Pow", x, scalar(graph, "three", 3), name=f"{name}.cube")
    small = graph.node("Mul", cube, scalar(graph, "gelu_cubic", 0.044715), name=f"{name}.small")
    inner = graph.node("Add", x, small, name=f"{name}.inner")
    scaled = graph.node(
        "Mul", inner, scalar(graph, "gelu_scale", (2 / 3.141592653589793) ** 0.5), name=f"{name}.scaled"
    )
    tanh = graph.node("Tanh", scaled, name=f"{name}.tanh")
    shifted = graph.node("Add", tanh, scalar(graph, "one", 1), name=f"{name}.shifted")
    halved = graph.node("Mul", x, scalar(graph, "half", 0.5), name=f"{name}.halved")
    return graph.node("Mul", halved, shifted, name=name)


def layer(graph: Skeleton, x: str, index: int, start: Inputs) -> str:
    """One decoder layer."""
    name, width = f"h.{index}", SHAPE.width
    normed = layer_norm(graph, x, f"{name}.ln_1", width, EPSILON)
    joint = conv1d(graph, normed, f"{name}.attn.c_attn", width, 3 * width)
    parts = []
    for i, part in enumerate(("query", "key", "value")):
        bounds = (graph.ints(i * width), graph.ints((i + 1) * width), graph.ints(2))
        parts.append(graph.node("Slice", joint, *bounds, name=f"{name}.attn.{part}"))
    query, key, value = (heads(graph, part, SHAPE.heads, SHAPE) for part in parts)
    mixed = attend(graph, f"{name}.attn", index, (query, key, value), SHAPE, start.bias)
    out = conv1d(graph, mixed, f"{name}.attn.c_proj", width, width)
    x = graph.node("Add", x, out, name=f"{name}.attn.add")
    inner = layer_norm(graph, x, f"{name}.ln_2", width, EPSILON)
    inner = conv1d(graph, inner, f"{name}.mlp.c_fc", width, 4 * width)
    inner = gelu_new(graph, inner, f"{name}.mlp.act")
    outer = conv1d(graph, inner, f"{name}.mlp.c_proj", 4 * width, width)
    return graph.node("Add", x, outer, name=f"{name}.mlp.add")


def build() -> Skeleton:
    """A step of GPT-2: new tokens and the cache to the logits of the last token and the longer cache."""
    graph = Skeleton("gpt2")
    start = inputs(graph, SHAPE)
    table = graph.weight("wte.weight", SHAPE.vocabulary, SHAPE.width)
    words = graph.node("Gather", table, start.ids, name="words", axis=0)
    places = graph.weight("wpe.weight", POSITIONS, SHAPE.width)
    placed = graph.node("Gather", places, start.positions, name="places", axis=0)
    x = graph.node("Add", words, placed, name="embedded")
    for i in range(SHAPE.layers):
        x = layer(graph, x, i, start)
    x = layer_norm(graph, x, "ln_f", SHAPE.width, EPSILON)
    logits(graph, x, table, SHAPE)
    return graph
