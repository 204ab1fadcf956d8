"""What a model is: `model.json` of the model store, as frozen values."""

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from stackserver.errors import SetupError

IMAGE_CLASSIFICATION = "image-classification"
EMBEDDINGS = "embeddings"
TEXT_GENERATION = "text-generation"

WHOLE = "model"  # name of the graph of a model that has but one part
FP32 = "fp32"


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """A tensor by its Open Inference Protocol name, datatype ("FP32", "INT64") and shape; -1 is any size."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GraphSpec:
    """One part of a model in one precision: an ONNX file of the model's folder, with what it takes and gives."""

    name: str
    file: str
    precision: str  # "fp32" or "int8"
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


@dataclass(frozen=True, slots=True)
class WeightsSpec:
    """Where the weights came from ("hub", "package" or "seeded") and the SHA-256 of model.safetensors."""

    source: str
    sha256: str
    detail: str


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """How a picture becomes a tensor. mean and std are per RGB channel on the scale 0..255."""

    crop: float  # side of the centre square, as a part of the short side
    size: int  # side of the tensor, pixels
    filter: str  # "bilinear" or "bicubic", antialiased
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class TextSpec:
    """How a text becomes token ids."""

    max_tokens: int  # special tokens counted; what is longer is truncated to be embedded, and refused to be continued
    pad_id: int
    lowercase: bool


@dataclass(frozen=True, slots=True)
class DecoderSpec:
    """What must be known of a decoder to run it with a cache of keys and values."""

    layers: int
    heads: int
    kv_heads: int  # fewer than heads where some share theirs
    head_dim: int
    vocab: int  # tokens; the logits are that wide
    context: int  # tokens of prompt and answer together
    eos: int  # token that ends an answer


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model of the store. Exactly one of image and text is set, according to task; decoder if it generates."""

    name: str
    task: str
    architecture: str  # "resnet50", "efficientnet-lite0", "bert", "mpnet", "gpt2", "opt" or "llama"
    weights: WeightsSpec
    graphs: tuple[GraphSpec, ...]
    image: ImageSpec | None
    text: TextSpec | None
    decoder: DecoderSpec | None = None
    precision: str = FP32  # of the graphs that are served

    def graph(self, name: str = WHOLE) -> GraphSpec:
        """A part of the model in its precision. Raises SetupError if there is none."""
        for graph in self.graphs:
            if (graph.name, graph.precision) == (name, self.precision):
                return graph
        there = ", ".join(f"{graph.name} in {graph.precision}" for graph in self.graphs)
        raise SetupError(f"{self.name} has no graph {name} in {self.precision}", f"ask for one that it has: {there}")


def load_spec(folder: Path, precision: str = FP32) -> ModelSpec:
    """Reads `folder`/model.json. Raises SetupError if it is absent or does not say what it must."""
    path = folder / "model.json"
    try:
        return replace(parse_spec(json.loads(path.read_bytes())), precision=precision)
    except FileNotFoundError:
        raise SetupError(f"no model at {folder}: model.json is missing", PREPARE) from None
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise SetupError(f"{path} is not a model description: {type(err).__name__}: {err}", PREPARE) from None


PREPARE = "prepare the model again with `go tool stackbench setup`, or name the right folder with --models"


def parse_spec(doc: dict[str, Any]) -> ModelSpec:
    """Turns the parsed model.json into a ModelSpec. Raises KeyError, TypeError or ValueError if it cannot."""
    spec = ModelSpec(
        name=str(doc["name"]),
        task=str(doc["task"]),
        architecture=str(doc["architecture"]),
        weights=WeightsSpec(**{k: str(doc["weights"][k]) for k in ("source", "sha256", "detail")}),
        graphs=_graphs(doc["graphs"]),
        image=_image(doc["image"]) if "image" in doc else None,
        text=_text(doc["text"]) if "text" in doc else None,
        decoder=_decoder(doc["decoder"]) if "decoder" in doc else None,
    )
    wanted = {
        IMAGE_CLASSIFICATION: spec.image,
        EMBEDDINGS: spec.text,
        TEXT_GENERATION: spec.text and spec.decoder,
    }
    if spec.task not in wanted:
        raise ValueError(f"task {spec.task!r} is unknown")
    if wanted[spec.task] is None:
        raise ValueError(f"task {spec.task!r} lacks its preprocessing")
    return spec


def _graphs(docs: list[dict[str, Any]]) -> tuple[GraphSpec, ...]:
    graphs = tuple(
        GraphSpec(str(d["name"]), str(d["file"]), str(d["precision"]), _tensors(d["inputs"]), _tensors(d["outputs"]))
        for d in docs
    )
    if not graphs or not all(graph.inputs and graph.outputs for graph in graphs):
        raise ValueError("graphs, their inputs and outputs must not be empty")
    if len({(graph.name, graph.precision) for graph in graphs}) < len(graphs):
        raise ValueError("a graph is there twice")
    for graph in graphs:
        if graph.file != Path(graph.file).name:
            raise ValueError(f"the graph {graph.name} is not in the model's folder: {graph.file!r}")
    return graphs


def _tensors(docs: list[dict[str, Any]]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(str(d["name"]), str(d["datatype"]), tuple(int(n) for n in d["shape"])) for d in docs)


def _image(doc: dict[str, Any]) -> ImageSpec:
    spec = ImageSpec(
        float(doc["crop"]), int(doc["size"]), str(doc["filter"]), _triple(doc["mean"]), _triple(doc["std"])
    )
    if spec.filter not in ("bilinear", "bicubic"):
        raise ValueError(f"image filter {spec.filter!r} is neither bilinear nor bicubic")
    if not 0 < spec.crop <= 1 or spec.size < 1 or 0 in spec.std:
        raise ValueError("image crop, size or std is out of range")
    return spec


def _triple(values: list[float]) -> tuple[float, float, float]:
    red, green, blue = values
    return float(red), float(green), float(blue)


def _text(doc: dict[str, Any]) -> TextSpec:
    return TextSpec(int(doc["max_tokens"]), int(doc["pad_id"]), bool(doc["lowercase"]))


def _decoder(doc: dict[str, Any]) -> DecoderSpec:
    spec = DecoderSpec(**{field.name: int(doc[field.name]) for field in fields(DecoderSpec)})
    sizes = (spec.layers, spec.heads, spec.kv_heads, spec.head_dim, spec.vocab, spec.context)
    if min(sizes) < 1 or spec.heads % spec.kv_heads or not 0 <= spec.eos < spec.vocab:
        raise ValueError("decoder sizes are out of range")
    return spec
