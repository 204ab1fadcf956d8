"""The command line, as frozen values."""

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

from stackserver.spec import FP32

Device = Literal["cpu", "gpu"]
Runtime = Literal["onnxruntime", "pytorch"]


@dataclass(frozen=True, slots=True)
class Batching:
    """How waiting requests are put together."""

    max_batch: int  # items in one execution; 0: each request is executed alone
    max_delay: float  # seconds that the first waiting request waits for company
    queue: int  # requests that may wait; one more is answered with 429
    generations: int = 8  # batches of generated text computed at a time, each in a thread of its own


@dataclass(frozen=True, slots=True)
class Settings:
    """What one server process serves, and with what."""

    models: Path
    model: str
    host: str
    port: int
    device: Device
    backend: Runtime
    threads: int  # of computation
    batching: Batching
    precision: str = FP32  # of the model's graph

    @property
    def folder(self) -> Path:
        """The model's folder in the store."""
        return self.models / self.model


def parse_settings(argv: Sequence[str]) -> Settings:
    """Reads the flags. On a wrong one prints what is wrong and what to do, and exits with status 2."""
    args = _parser().parse_args(argv)
    host, port = args.rest
    batching = Batching(args.max_batch, args.max_delay, args.queue, args.generations)
    computing = args.device, args.backend, args.threads
    return Settings(args.models, args.model, host, port, *computing, batching, args.precision)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"stackserver: {message}\nsee `python -m stackserver --help` for the flags and their defaults\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m stackserver",
        description="Serves one model: Open Inference Protocol v2, /predict and /v1/embeddings, or generated text.",
        epilog="example: python -m stackserver --models models --model resnet50 --rest 127.0.0.1:8000",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--models", type=Path, required=True, metavar="DIR", help="folder with one sub-folder a model")
    add("--model", type=_name, required=True, metavar="NAME", help="sub-folder to serve")
    add("--rest", type=_address, default=("127.0.0.1", 8000), metavar="HOST:PORT", help="default 127.0.0.1:8000")
    add("--device", choices=["cpu", "gpu"], default="cpu", help="default cpu")
    add("--backend", choices=["onnxruntime", "pytorch"], default="onnxruntime", help="default onnxruntime")
    add("--precision", type=_name, default=FP32, metavar="P", help="precision of the model's graph, default fp32")
    add("--threads", type=_positive, default=1, metavar="N", help="threads of computation, default 1")
    add("--max-batch", type=_count, default=0, metavar="N", help="items in one execution, default 0: no batching")
    add("--max-delay", type=_duration, default=0.002, metavar="D", help="longest wait for a batch, default 2ms")
    add("--queue", type=_positive, default=256, metavar="N", help="requests that may wait, default 256")
    add("--generations", type=_positive, default=8, metavar="N", help="texts generated at a time, default 8")
    return parser


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a model's name")
    return text


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not host:port")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


def _duration(text: str) -> float:
    """Seconds of a duration as Go prints it: 2ms, 1.5s, 1m30s."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration such as 2ms")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def fail(problem: str, cure: str) -> None:
    """Prints an error as a person wants it: what went wrong, then what to do."""
    print(f"stackserver: {problem}\n{cure}", file=sys.stderr, flush=True)
