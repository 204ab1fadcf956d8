"""The server as its launcher sees it: a process with flags, a port, signals and an exit status."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import IMAGE, jpeg, write_store
from tiny import write_tiny
from websockets.exceptions import ConnectionClosedError
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.sync.client import connect as websocket

HERE = Path(__file__).parent
ENV = {**os.environ, "PYTHONPATH": str(HERE.parent)}


def command(store: Path, port: int, module: tuple[str, ...], model: str = "blocks") -> list[str]:
    return [sys.executable, *module, "--models", str(store), "--model", model, "--rest", f"127.0.0.1:{port}"]


REAL = ("-m", "stackserver")
FAKE = (str(HERE / "fake_server.py"),)


@contextlib.contextmanager
def started(argv: list[str]) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(argv, env=ENV, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def connect(port: int, process: subprocess.Popen) -> http.client.HTTPConnection:
    """A connection to the server, once it is ready."""
    while process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with contextlib.suppress(OSError):
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                return connection
        connection.close()
    raise AssertionError(f"the server ended with {process.returncode}")


def failed(argv: list[str]) -> tuple[int, list[str]]:
    done = subprocess.run(argv, env=ENV, capture_output=True, text=True, timeout=60)
    assert done.stdout == ""
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_request_in_flight_finish(tmp_path, number):
    write_store(tmp_path, IMAGE)
    port = free_port()
    with started(command(tmp_path, port, FAKE)) as process:
        connection = connect(port, process)
        connection.request("POST", "/predict", jpeg(1))
        assert process.stdout.readline() == "computing\n"
        process.send_signal(number)
        process.stdin.write("\n")
        process.stdin.flush()
        answer = connection.getresponse()
        assert answer.status == 200
        assert len(json.loads(answer.read())["top"]) == 5
        assert process.wait(20) == 0


def test_a_signal_ends_an_idle_server_with_open_connections(tmp_path):
    write_store(tmp_path, IMAGE)
    port = free_port()
    with started(command(tmp_path, port, FAKE)) as process:
        connection = connect(port, process)
        process.terminate()
        assert process.wait(20) == 0
        connection.close()


def test_wrong_flags(tmp_path):
    code, lines = failed([*command(tmp_path, 0, REAL), "--threads", "many"])
    assert code == 2
    assert len(lines) == 2
    assert "--threads" in lines[0]


def test_no_store(tmp_path):
    code, lines = failed(command(tmp_path, 0, REAL))
    assert code == 1
    assert len(lines) == 2
    assert "model.json is missing" in lines[0]


def test_a_corrupt_graph_ends_the_server(tmp_path):
    pytest.importorskip("onnxruntime")
    write_store(tmp_path, IMAGE)
    (tmp_path / "blocks" / "model.onnx").write_bytes(b"nonsense")
    code, lines = failed(command(tmp_path, 0, REAL))
    assert code == 1
    assert len(lines) == 2, lines
    assert "model.onnx" in lines[0]


def test_a_port_in_use(tmp_path):
    write_store(tmp_path, IMAGE)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        code, lines = failed(command(tmp_path, sock.getsockname()[1], REAL))
    assert code == 1
    assert len(lines) == 2
    assert "cannot listen on 127.0.0.1" in lines[0]


def test_text_over_real_connections(tmp_path):
    """The bytes as they are on the wire: an HTTP chunk an event, and WebSocket messages that are not compressed."""
    pytest.importorskip("onnxruntime")
    write_tiny("gpt2", tmp_path)
    port = free_port()
    argv = command(tmp_path, port, REAL, "tiny-gpt2")
    with started(argv) as process:
        connection = connect(port, process)
        asked = {"model": "tiny-gpt2", "prompt": "the end", "max_tokens": 5, "ignore_eos": True}
        connection.request("POST", "/v1/completions", json.dumps(asked))
        whole = json.loads(connection.getresponse().read())
        assert whole["usage"] == {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10}
        events = raw_events(port, {**asked, "stream": True})
        assert events.pop() == b"data: [DONE]\n\n"
        assert len(events) == 5
        texts = [json.loads(event.removeprefix(b"data: "))["choices"][0]["text"] for event in events]
        assert "".join(texts) == whole["choices"][0]["text"]

        extensions = [ClientPerMessageDeflateFactory()]
        with websocket(f"ws://127.0.0.1:{port}/v1/generate", extensions=extensions, proxy=None) as talk:
            assert "Sec-WebSocket-Extensions" not in talk.response.headers
            for _ in range(2):
                talk.send(json.dumps({**asked, "type": "generate", "exact": True}))
                messages = [json.loads(talk.recv(20)) for _ in range(6)]
                assert [message.get("text", "") for message in messages[:-1]] == texts
                assert messages[-1]["tokens"] == 5
            talk.send("x" * ((1 << 20) + 1))
            with pytest.raises(ConnectionClosedError, match="1009"):
                talk.recv(20)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def raw_events(port: int, asked: dict) -> list[bytes]:
    """The HTTP chunks of an answer."""
    body = json.dumps(asked).encode()
    head = b"POST /v1/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock, sock.makefile("rb") as answer:
        sock.sendall(head + body)
        assert answer.readline() == b"HTTP/1.1 200 OK\r\n"
        headers = dict(line.rstrip().split(b": ", 1) for line in iter(answer.readline, b"\r\n"))
        assert headers[b"content-type"] == b"text/event-stream; charset=utf-8"
        assert headers[b"transfer-encoding"] == b"chunked"
        chunks = []
        while size := int(answer.readline(), 16):
            chunks.append(answer.read(size))
            assert answer.read(2) == b"\r\n"
        return chunks


def test_a_corrupt_decoder_ends_the_server(tmp_path):
    pytest.importorskip("onnxruntime")
    (write_tiny("opt", tmp_path) / "tokenizer.json").write_text("{}")
    code, lines = failed(command(tmp_path, 0, REAL, "tiny-opt"))
    assert code == 1
    assert len(lines) == 2, lines
    assert "tokenizer.json is not a tokenizer" in lines[0]
