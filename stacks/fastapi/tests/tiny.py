"""Decoders of two layers with random weights, as a store holds them: the graphs of the catalogue at a smaller size."""

import json
import math
import struct
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

GRAPHS = Path(__file__).resolve().parents[3] / "internal" / "model" / "graphs" / "generate"
ARCHITECTURES = ("gpt2", "opt", "llama")
HEADS, HEAD, CONTEXT = 4, 16, 96
EOS, PAD = 256, 0
VOCAB = 260  # the bytes, the end, two merges, and one that the tokenizer does not know
UNKNOWN = 259


def write_tiny(architecture: str, folder: Path, eos: int = EOS) -> Path:
    """A model of the architecture below folder; another eos makes it end where a test wants."""
    model = folder / f"tiny-{architecture}"
    model.mkdir()
    document = describe(architecture, eos)
    (model / "model.json").write_text(json.dumps(document))
    write_graph(architecture, document["decoder"]["kv_heads"], model)
    tokenizer().save(str(model / "tokenizer.json"))
    return model


def describe(architecture: str, eos: int = EOS) -> dict:
    """Its model.json."""
    inputs = ("input_ids", "attention_mask", "position_ids")
    return {
        "name": f"tiny-{architecture}",
        "task": "text-generation",
        "architecture": architecture,
        "weights": {"source": "seeded", "sha256": "ab" * 32, "detail": "seed 1"},
        "graphs": [
            {
                "name": "model",
                "file": "model.onnx",
                "precision": "fp32",
                "inputs": [{"name": name, "datatype": "INT64", "shape": [-1, -1]} for name in inputs],
                "outputs": [{"name": "logits", "datatype": "FP32", "shape": [-1, VOCAB]}],
            }
        ],
        "text": {"max_tokens": CONTEXT, "pad_id": PAD, "lowercase": False},
        "decoder": {
            "layers": 2,
            "heads": HEADS,
            "kv_heads": 2 if architecture == "llama" else HEADS,
            "head_dim": HEAD,
            "vocab": VOCAB,
            "context": CONTEXT,
            "eos": eos,
        },
    }


def tokenizer() -> Tokenizer:
    """Bytes, "th" and "the" as tokens of their own, and an end."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {char: i for i, char in enumerate(alphabet)} | {"th": 257, "the": 258}
    made = Tokenizer(models.BPE(vocab | {"<end>": EOS}, [("t", "h"), ("th", "e")]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken("<end>", special=True)])
    return made


def write_graph(architecture: str, kv_heads: int, folder: Path) -> None:
    """model.onnx and the random weights that it names."""
    builder = _builder(architecture, kv_heads)
    builder.build().save(folder / "model.onnx")
    graph = onnx.load(folder / "model.onnx", load_external_data=False)
    external = [t for t in graph.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]
    rng = np.random.default_rng(3)
    header, end = {}, 0
    for tensor in external:
        begin, end = end, end + 4 * math.prod(tensor.dims)
        header[tensor.name] = {"dtype": "F32", "shape": list(tensor.dims), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in external:
            file.write(_random(tensor.name, list(tensor.dims), rng).tobytes())
            entries = {entry.key: entry for entry in tensor.external_data}
            entries["offset"].value = str(8 + len(text) + header[tensor.name]["data_offsets"][0])
    onnx.save(graph, folder / "model.onnx")


def _builder(architecture: str, kv_heads: int) -> ModuleType:
    """The builder of the catalogue's graph, told another size."""
    if str(GRAPHS) not in sys.path:
        sys.path.append(str(GRAPHS))
    import decoder
    import gpt2
    import opt_125m
    import smollm2_135m

    builder = {"gpt2": gpt2, "opt": opt_125m, "llama": smollm2_135m}[architecture]
    builder.SHAPE = decoder.Shape(layers=2, heads=HEADS, kv_heads=kv_heads, head=HEAD, vocabulary=VOCAB)
    builder.POSITIONS = CONTEXT
    if architecture == "llama":
        builder.INNER = 96
    return builder


def _random(name: str, shape: list[int], rng: np.random.Generator) -> np.ndarray:
    """Weights with which a decoder says something new with each token.

    The last norm turns signs, or the output layer, which is the embedding, would find the last token again.
    """
    values = rng.standard_normal(shape, np.float32)
    if len(shape) == 1:
        last = name.removeprefix("model.").removeprefix("decoder.")
        turns = last in ("ln_f.weight", "norm.weight", "final_layer_norm.weight")
        return values if turns else (0.2 * values + ("bias" not in name)).astype(np.float32)
    table = any(part in name for part in ("embed", "wte", "wpe"))
    return (values if table else 2 * values / math.sqrt(shape[0])).astype(np.float32)
