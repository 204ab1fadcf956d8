"""From loading to stopping: what the server says about itself, and how its start can fail."""

import asyncio
import threading

import pytest
from harness import IMAGE, FakeBackend, jpeg, serving, until

from stackserver.app import create_app
from stackserver.errors import SetupError
from stackserver.service import Service
from stackserver.settings import Batching, Settings
from stackserver.spec import parse_spec


def test_loading_then_ready(tmp_path):
    loaded = threading.Event()

    def slowly(backend: FakeBackend) -> FakeBackend:
        assert loaded.wait(20)
        return backend

    async def run():
        async with serving(tmp_path, IMAGE, Batching(16, 0.5, 8), open_model=slowly, wait=False) as client:
            answer = await client.get("/healthz")
            assert (answer.status, answer.json) == (503, {"status": "loading", "model": "blocks"})
            assert (await client.get("/v2/health/ready")).status == 503
            assert (await client.get("/v2/models/blocks/ready")).status == 503
            assert (await client.get("/v2/health/live")).status == 200
            early = await client.post("/predict", jpeg(1))
            assert (early.status, early.json) == (503, {"error": "model blocks is being loaded"})
            loaded.set()
            await until(lambda: client.service.backend is not None)
            assert client.backend.executions == [1], "not warmed up"
            answer = await client.get("/healthz")
            assert (answer.status, answer.json) == (
                200,
                {
                    "status": "ok",
                    "model": "blocks",
                    "runtime": "fake 1.0",
                    "device": "cpu",
                    "threads": 2,
                    "weights_sha256": "ab" * 32,
                    "max_batch": 16,
                },
            )

    asyncio.run(run())


def test_metrics_are_there_before_the_first_request(tmp_path):
    async def run():
        async with serving(tmp_path, IMAGE) as client:
            answer = await client.get("/metrics")
            assert answer.headers["content-type"].startswith("text/plain; version=")
            samples = await client.metrics()
            for name in ("queue_seconds", "preprocess_seconds", "compute_seconds", "postprocess_seconds", "batch_size"):
                assert samples[f'stackbench_{name}_count{{model="blocks"}}'] == 0
            assert samples['stackbench_queue_depth{model="blocks"}'] == 0
            for bound in ("1.0", "2.0", "4.0", "8.0", "16.0", "32.0", "64.0", "128.0"):
                assert samples[f'stackbench_batch_size_bucket{{le="{bound}",model="blocks"}}'] == 0
            assert not [name for name in samples if "created" in name]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (SetupError("the graph is broken", "mend it"), "the graph is broken"),
        (ValueError("a shape\nof no use"), "internal error: ValueError"),
    ],
)
def test_a_model_that_cannot_be_loaded(tmp_path, error, problem):
    assert failure(tmp_path, raising(error)).problem == problem


def test_a_model_that_cannot_compute(tmp_path):
    backend = FakeBackend(parse_spec(IMAGE))
    backend.poison = 0  # the warm-up is a tensor of zeros
    problem = failure(tmp_path, lambda: backend).problem
    assert problem.startswith("the first inference of blocks failed: this backend")


def raising(error: Exception):
    def open_model():
        raise error

    return open_model


def failure(folder, open_model) -> SetupError:
    """What the server is told when its model does not get ready."""
    settings = Settings(folder, "blocks", "127.0.0.1", 0, "cpu", "onnxruntime", 1, Batching(0, 0, 1))
    failures: list[SetupError] = []

    async def run():
        app = create_app(Service(settings, parse_spec(IMAGE), open_model), failures.append)
        async with app.router.lifespan_context(app):
            await until(lambda: bool(failures))

    asyncio.run(run())
    return failures[0]


def test_unknown_paths_answer_in_json(tmp_path):
    async def run():
        async with serving(tmp_path, IMAGE) as client:
            answer = await client.get("/nothing")
            assert (answer.status, answer.json) == (404, {"error": "GET /nothing: Not Found"})

    asyncio.run(run())
