"""What the server reads before it serves: flags, model.json, the weights file, the runtime."""

import json
import sys

import pytest
from harness import IMAGE, TEXT, write_store

from stackserver.backend import open_backend
from stackserver.errors import SetupError
from stackserver.settings import Batching, parse_settings
from stackserver.spec import load_spec, parse_spec
from stackserver.weights import check_weights

GRAPH = IMAGE["graphs"][0]
NEEDED = ["--models", "store", "--model", "resnet50"]


def test_defaults():
    settings = parse_settings(NEEDED)
    assert (settings.host, settings.port, settings.device, settings.threads) == ("127.0.0.1", 8000, "cpu", 1)
    assert settings.backend == "onnxruntime"
    assert settings.precision == "fp32"
    assert settings.batching == Batching(0, 0.002, 256, 8)
    assert str(settings.folder) == "store/resnet50"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2ms", 0.002),
        ("0s", 0),
        ("500µs", 0.0005),
        ("500us", 0.0005),
        ("1.5s", 1.5),
        ("1m30s", 90),
        ("1µs500ns", 1.5e-6),
    ],
)
def test_durations_as_go_prints_them(text, seconds):
    assert parse_settings([*NEEDED, "--max-delay", text]).batching.max_delay == pytest.approx(seconds)


def test_an_ipv6_address():
    settings = parse_settings([*NEEDED, "--rest", "[::1]:80"])
    assert (settings.host, settings.port) == ("::1", 80)


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["--models", "store"],
        [*NEEDED, "--model", "../etc"],
        [*NEEDED, "--rest", "8000"],
        [*NEEDED, "--rest", "host:99999"],
        [*NEEDED, "--device", "tpu"],
        [*NEEDED, "--backend", "tensorflow"],
        [*NEEDED, "--threads", "0"],
        [*NEEDED, "--threads", "two"],
        [*NEEDED, "--max-batch", "-1"],
        [*NEEDED, "--max-delay", "2"],
        [*NEEDED, "--max-delay", "fast"],
        [*NEEDED, "--queue", "0"],
        [*NEEDED, "--generations", "0"],
        [*NEEDED, "--grpc", "127.0.0.1:1"],
        [*NEEDED, "--thread", "1"],
    ],
)
def test_wrong_flags_say_what_and_what_to_do(argv, capsys):
    with pytest.raises(SystemExit) as stop:
        parse_settings(argv)
    assert stop.value.code == 2
    problem, cure = capsys.readouterr().err.splitlines()
    assert problem.startswith("stackserver: ")
    assert "--help" in cure


@pytest.mark.parametrize("document", [IMAGE, TEXT])
def test_a_store_s_model(tmp_path, document):
    write_store(tmp_path, document)
    spec = load_spec(tmp_path / document["name"])
    assert spec == parse_spec(document)
    assert (spec.image is None) == (document is TEXT)
    check_weights(tmp_path / document["name"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "speech"}, "task 'speech' is unknown"),
        ({"task": "embeddings"}, "lacks its preprocessing"),
        ({"graphs": []}, "must not be empty"),
        ({"graphs": [{**GRAPH, "outputs": []}]}, "must not be empty"),
        ({"graphs": [{**GRAPH, "inputs": [{"name": "x"}]}]}, "datatype"),
        ({"graphs": [{**GRAPH, "file": "../model.onnx"}]}, "not in the model's folder"),
        ({"graphs": [GRAPH, {**GRAPH, "file": "other.onnx"}]}, "there twice"),
        ({"weights": {}}, "source"),
        ({"image": {**IMAGE["image"], "filter": "nearest"}}, "nearest"),
        ({"image": {**IMAGE["image"], "crop": 0}}, "out of range"),
        ({"image": {**IMAGE["image"], "mean": [1]}}, "unpack"),
        ({"image": 3}, "TypeError"),
    ],
)
def test_a_model_json_that_is_none(tmp_path, change, message):
    write_store(tmp_path, IMAGE)
    (tmp_path / "blocks" / "model.json").write_text(json.dumps({**IMAGE, **change}))
    with pytest.raises(SetupError, match=message) as failure:
        load_spec(tmp_path / "blocks")
    assert "setup" in failure.value.cure


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\xff"])
def test_a_model_json_that_is_nonsense(tmp_path, text):
    write_store(tmp_path, IMAGE)
    (tmp_path / "blocks" / "model.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(SetupError, match="not a model description"):
        load_spec(tmp_path / "blocks")


def test_no_model(tmp_path):
    with pytest.raises(SetupError, match=r"model\.json is missing"):
        load_spec(tmp_path / "blocks")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda raw: raw[:-1], "bytes, and its header says"),
        (lambda raw: raw + b"x", "bytes, and its header says"),
        (lambda raw: raw[:5], "not a safetensors file"),
        (lambda raw: b"", "not a safetensors file"),
        (lambda raw: b"\xff" * 8 + raw[8:], "not a safetensors file"),
        (lambda raw: raw[:8] + b"x" + raw[9:], "not a safetensors file"),
        (lambda raw: (2).to_bytes(8, "little") + b"{}", "not a safetensors file"),
        (lambda raw: (2).to_bytes(8, "little") + b"[]", "not a safetensors file"),
    ],
)
def test_weights_that_are_not_whole(tmp_path, damage, message):
    write_store(tmp_path, IMAGE)
    path = tmp_path / "blocks" / "model.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(SetupError, match=message):
        check_weights(tmp_path / "blocks")


@pytest.mark.parametrize(
    ("runtime", "module", "device", "lock"),
    [
        ("onnxruntime", "onnxruntime", "cpu", "requirements/onnxruntime.txt"),
        ("onnxruntime", "onnxruntime", "gpu", "requirements/onnxruntime-gpu.txt"),
        ("pytorch", "torch", "gpu", "requirements/pytorch.txt"),
    ],
)
def test_a_runtime_that_is_not_installed(tmp_path, monkeypatch, runtime, module, device, lock):
    for name in ("stackserver.onnx_backend", "stackserver.torch_backend"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SetupError, match=f"cannot import {runtime}") as failure:
        open_backend(runtime, tmp_path, parse_spec(IMAGE), device, 1)
    assert failure.value.cure.endswith(lock)
