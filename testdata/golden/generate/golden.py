"""Write the golden outputs.

``PYTHONPATH=stacks/fastapi python testdata/golden/generate/golden.py --store STORE [MODEL ...]``

STORE is a model store as ``go tool stackbench setup`` prepares it. For each model one <model>.safetensors is written,
computed by PyTorch in float32, one input at a time: for an image ``<id>`` are the logits of the JPEG as Pillow decodes
and scales it and ``<id>.tensor`` those of the lossless cut in testdata/tensors; for a text ``<id>`` is the embedding.
The preprocessing is written out here and not taken from the server, so that an error of the server shows.

Needs torch, torchvision, transformers, tokenizers, safetensors, pillow and numpy.
"""

import argparse
import hashlib
import json
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from stackserver.spec import ImageSpec, ModelSpec, TextSpec, load_spec
from stackserver.torch_models import load
from tokenizers import Tokenizer
from torch import nn

TESTDATA = Path(__file__).resolve().parents[2]

MODELS = ("resnet50", "efficientnet-lite0", "all-minilm-l6-v2", "all-mpnet-base-v2")
FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}

Inputs = Iterator[tuple[str, list[torch.Tensor]]]


def pixel_values(picture: Image.Image, spec: ImageSpec) -> torch.Tensor:
    """Normalise a picture of the model's size: float32 [1, 3, size, size]."""
    pixels = np.asarray(picture, np.float32)
    scaled = (pixels - np.array(spec.mean, np.float32)) / np.array(spec.std, np.float32)
    return torch.from_numpy(scaled.transpose(2, 0, 1)[None].copy())


def centre(picture: Image.Image, spec: ImageSpec) -> Image.Image:
    """Cut the centre square, then scale it."""
    width, height = picture.size
    side = int(spec.crop * min(width, height))
    left, top = (width - side) // 2, (height - side) // 2
    square = picture.crop((left, top, left + side, top + side))
    return square.resize((spec.size, spec.size), FILTERS[spec.filter])


def image_inputs(spec: ImageSpec) -> Inputs:
    """Each photograph as a JPEG and as a lossless cut."""
    for row in json.loads((TESTDATA / "images" / "manifest.json").read_text()):
        jpeg = Image.open(TESTDATA / "images" / row["file"]).convert("RGB")
        yield row["id"], [pixel_values(centre(jpeg, spec), spec)]
        cut = Image.open(TESTDATA / "tensors" / f"{row['id']}.png").convert("RGB")
        yield f"{row['id']}.tensor", [pixel_values(cut, spec)]


def text_inputs(folder: Path, model: ModelSpec, spec: TextSpec) -> Inputs:
    """Each text's tensors in the order of model.json, without padding."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(spec.max_tokens)
    for row in json.loads((TESTDATA / "texts" / "texts.json").read_text()):
        ids = torch.tensor([tokenizer.encode(row["text"]).ids])
        named = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "token_type_ids": torch.zeros_like(ids)}
        yield row["id"], [named[tensor.name] for tensor in model.graph().inputs]


def outputs(model: nn.Module, inputs: Inputs) -> dict[str, np.ndarray]:
    """The model's answer to each input by itself: float32 [classes] or [width]."""
    with torch.inference_mode():
        return {name: model(*tensors)[0].numpy() for name, tensors in inputs}


def describe(folder: Path, spec: ModelSpec) -> dict[str, str]:
    """What the golden outputs were computed from. Raises ValueError if the weights are not those of model.json."""
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if digest != spec.weights.sha256:
        raise ValueError(f"{folder}/model.safetensors has SHA-256 {digest}, model.json says {spec.weights.sha256}")
    return {
        "model": spec.name,
        "torch": torch.__version__,
        "weights_sha256": digest,
        "weights_source": spec.weights.source,
    }


def inputs_of(folder: Path, spec: ModelSpec) -> Inputs:
    """The committed inputs as this model's tensors; load_spec has seen that one of the two is set."""
    if spec.image is not None:
        return image_inputs(spec.image)
    assert spec.text is not None
    return text_inputs(folder, spec, spec.text)


def save(path: Path, tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    """Write float32 tensors as safetensors; the library would shuffle the metadata and so change the file each time."""
    header: dict[str, object] = {"__metadata__": metadata}
    end = 0
    for name, tensor in tensors.items():
        begin, end = end, end + tensor.nbytes
        header[name] = {"dtype": "F32", "shape": tensor.shape, "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join(tensor.astype("<f4").tobytes() for tensor in tensors.values())
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write(folder: Path, out: Path) -> None:
    """Compute and write the golden outputs of one model."""
    spec = load_spec(folder)
    golden = outputs(load(folder, spec), inputs_of(folder, spec))
    save(out / f"{spec.name}.safetensors", golden, describe(folder, spec))


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the committed golden outputs.")
    parser.add_argument("models", nargs="*", default=MODELS, metavar="MODEL")
    parser.add_argument("--store", type=Path, required=True, help="folder of prepared models")
    parser.add_argument("--out", type=Path, default=TESTDATA / "golden")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # the order of additions stays the same on every machine
    for name in arguments.models:
        write(arguments.store / name, arguments.out)


if __name__ == "__main__":
    main()
