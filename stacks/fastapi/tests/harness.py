"""What the tests share: a small model that computes on the host, and a client that speaks ASGI to the application."""

import asyncio
import contextlib
import io
import json
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from fastapi import FastAPI
from PIL import Image

from stackserver.app import create_app
from stackserver.backend import Backend
from stackserver.errors import SetupError
from stackserver.service import Service
from stackserver.settings import Batching, Settings
from stackserver.spec import ModelSpec, parse_spec
from stackserver.tensors import Tensors

SIZE = 8
CLASSES = 6
OFF = Batching(max_batch=0, max_delay=0, queue=256)
FOREVER = 3600.0  # seconds: a batch that waits for company as long as a test can run

WEIGHTS = {"source": "seeded", "sha256": "ab" * 32, "detail": "seed 1"}
IMAGE = {
    "name": "blocks",
    "task": "image-classification",
    "architecture": "resnet50",
    "weights": WEIGHTS,
    "graphs": [
        {
            "name": "model",
            "file": "model.onnx",
            "precision": "fp32",
            "inputs": [{"name": "pixel_values", "datatype": "FP32", "shape": [-1, 3, SIZE, SIZE]}],
            "outputs": [{"name": "logits", "datatype": "FP32", "shape": [-1, CLASSES]}],
        }
    ],
    "image": {"crop": 0.875, "size": SIZE, "filter": "bilinear", "mean": [120, 110, 100], "std": [60, 50, 40]},
}
TEXT = {
    "name": "words",
    "task": "embeddings",
    "architecture": "bert",
    "weights": WEIGHTS,
    "graphs": [
        {
            "name": "model",
            "file": "model.onnx",
            "precision": "fp32",
            "inputs": [
                {"name": name, "datatype": "INT64", "shape": [-1, -1]}
                for name in ("input_ids", "attention_mask", "token_type_ids")
            ],
            "outputs": [{"name": "sentence_embedding", "datatype": "FP32", "shape": [-1, 3]}],
        }
    ],
    "text": {"max_tokens": 6, "pad_id": 7, "lowercase": True},
}


def write_store(folder: Path, document: dict) -> None:
    """A store's folder as a server without a runtime reads it; a text model's tokenizer has limits of its own."""
    model = folder / document["name"]
    model.mkdir()
    (model / "model.json").write_text(json.dumps(document))
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    (model / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    if "text" in document:
        (model / "tokenizer.json").write_text(json.dumps(TOKENIZER))


WORDS = ["[UNK]", "[CLS]", "[SEP]", "a", "b", "c", "d", "[PAD]"]
TOKENIZER = {
    "version": "1.0",
    "truncation": {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0},
    "padding": {
        "strategy": {"Fixed": 16},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 7,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    },
    "added_tokens": [],
    "normalizer": {"type": "Lowercase"},
    "pre_tokenizer": {"type": "Whitespace"},
    "post_processor": {
        "type": "TemplateProcessing",
        "single": [
            {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
            {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
        ],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {
            "[CLS]": {"id": "[CLS]", "ids": [1], "tokens": ["[CLS]"]},
            "[SEP]": {"id": "[SEP]", "ids": [2], "tokens": ["[SEP]"]},
        },
    },
    "decoder": None,
    "model": {"type": "WordLevel", "vocab": {word: i for i, word in enumerate(WORDS)}, "unk_token": "[UNK]"},
}


@dataclass
class FakeBackend:
    """Computes sums, so that a test can say what the answer must be; holds still while its gate is closed."""

    spec: ModelSpec
    runtime: str = "fake 1.0"
    platform: str = "fake"
    gate: threading.Event = field(default_factory=threading.Event)
    executions: list[int] = field(default_factory=list)  # items of each, the warm-up first
    poison: float | int | None = None  # a value on which it fails, as a runtime does on bad input

    def run(self, inputs: Tensors) -> Tensors:
        first = inputs[self.spec.graph().inputs[0].name]
        self.executions.append(len(first))
        if len(self.executions) > 1:
            assert self.gate.wait(20), "the test forgot to open the gate"
        if self.poison is not None and (first == self.poison).any():
            raise ValueError("this backend\ncannot compute that")
        return {self.spec.graph().outputs[0].name: expected(self.spec, inputs)}


def expected(spec: ModelSpec, inputs: Tensors) -> np.ndarray:
    """What FakeBackend computes: per row, a picture's mean times 0..5; a text's length, its ids' sum, its width."""
    if spec.image:
        means = inputs["pixel_values"].mean((1, 2, 3), np.float32)
        return means[:, None] * np.arange(CLASSES, dtype=np.float32)
    mask = inputs["attention_mask"]
    padding = inputs["input_ids"][mask == 0]
    assert (padding == spec.text.pad_id).all(), "padded with something else than the model's padding"
    columns = [mask.sum(1), (inputs["input_ids"] * mask).sum(1), np.full(len(mask), mask.shape[1])]
    return np.stack(columns, 1).astype(np.float32)


@dataclass
class Answer:
    """What the application sent."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Client:
    """Speaks ASGI, so that a test decides when a client leaves."""

    app: FastAPI
    service: Service
    backend: FakeBackend

    async def get(self, path: str) -> Answer:
        return await self.send("GET", path)

    async def post(self, path: str, body: bytes | dict, **headers: str) -> Answer:
        return await self.send("POST", path, body if isinstance(body, bytes) else json.dumps(body).encode(), headers)

    async def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        left: asyncio.Event | None = None,
    ) -> Answer:
        """One request in two pieces; the client leaves when `left` is set."""
        named = {key.replace("_", "-").lower(): value for key, value in (headers or {}).items()}
        left = left or asyncio.Event()
        half = len(body) // 2
        pieces = [(body[:half], True), (body[half:], False)]
        sent: list[dict] = []

        async def receive() -> dict:
            if pieces:
                piece, more = pieces.pop(0)
                return {"type": "http.request", "body": piece, "more_body": more}
            await left.wait()
            return {"type": "http.disconnect"}

        async def collect(message: dict) -> None:
            sent.append(message)

        await self.app(_scope(method, path, named), receive, collect)
        start, *rest = sent
        answered = {key.decode(): value.decode() for key, value in start["headers"]}
        return Answer(start["status"], answered, b"".join(message["body"] for message in rest))

    async def metrics(self) -> dict[str, float]:
        """Every sample by its name and, where it has one beside the model, its label."""
        lines = (await self.get("/metrics")).body.decode().splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


def _scope(method: str, path: str, headers: dict[str, str]) -> dict:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(key.encode(), value.encode()) for key, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }


@contextlib.asynccontextmanager
async def serving(
    folder: Path,
    document: dict,
    batching: Batching = OFF,
    open_model: Callable[[FakeBackend], Backend] = lambda backend: backend,
    wait: bool = True,
    closed: bool = False,
) -> AsyncIterator[Client]:
    """The application over a FakeBackend: ready if `wait`, its gate closed if `closed`."""
    if not (folder / document["name"]).exists():
        write_store(folder, document)
    spec = parse_spec(document)
    backend = FakeBackend(spec)
    if not closed:
        backend.gate.set()
    settings = Settings(folder, spec.name, "127.0.0.1", 0, "cpu", "onnxruntime", 2, batching)
    service = Service(settings, spec, lambda: open_model(backend))
    failures: list[SetupError] = []
    app = create_app(service, failures.append)
    async with app.router.lifespan_context(app):
        client = Client(app, service, backend)
        if wait:
            await until(lambda: service.backend is not None or bool(failures))
            assert not failures, failures[0].problem
        try:
            yield client
        finally:
            backend.gate.set()


async def until(condition: Callable[[], bool]) -> None:
    """Lets the loop turn until the condition holds; other threads work meanwhile."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - threads change it, and they know no asyncio.Event
            await asyncio.sleep(0)


def jpeg(seed: int, width: int = 40, height: int = 24) -> bytes:
    """A picture of smooth colours, as a JPEG file."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (3, 4, 3), np.uint8))
    file = io.BytesIO()
    small.resize((width, height), Image.Resampling.BICUBIC).save(file, "JPEG", quality=95)
    return file.getvalue()


def pixels(picture: bytes) -> np.ndarray:
    """The tensor of a JPEG by the formula of the model store, written out once more."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    side = int(0.875 * min(image.size))
    left, top = (image.width - side) // 2, (image.height - side) // 2
    cut = image.crop((left, top, left + side, top + side)).resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    values = (np.asarray(cut, np.float64) - IMAGE["image"]["mean"]) / IMAGE["image"]["std"]
    return values.transpose(2, 0, 1).astype(np.float32)
