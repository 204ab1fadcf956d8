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

HERE = Path(__file__).parent
ENV = {**os.environ, "PYTHONPATH": str(HERE.parent)}


def command(store: Path, port: int, module: tuple[str, ...]) -> list[str]:
    return [sys.executable, *module, "--models", str(store), "--model", "blocks", "--rest", f"127.0.0.1:{port}"]


REAL = ("-m", "stackserver")
FAKE = (str(HERE / "fake_server.py"),)


@contextlib.contextmanager
def started(store: Path, port: int) -> Iterator[subprocess.Popen]:
    argv = command(store, port, FAKE)
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
    with started(tmp_path, port) as process:
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
    with started(tmp_path, port) as process:
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
