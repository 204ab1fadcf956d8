"""`python -m stackserver`: reads the flags, listens, serves until it is told to stop."""

import signal
import socket
import sys
from collections.abc import Sequence
from functools import partial

import uvicorn

from stackserver.app import create_app
from stackserver.backend import open_backend
from stackserver.errors import SetupError
from stackserver.generation.generator import open_generator
from stackserver.generation_service import GenerationService
from stackserver.service import Service
from stackserver.settings import Settings, fail, parse_settings
from stackserver.spec import load_spec
from stackserver.weights import check_weights

_GRACE = 5  # seconds in which requests in flight may finish
_KEEP_ALIVE = 120  # seconds; a client's idle connection must outlive the pauses between measurements
_MAX_MESSAGE = 1 << 20  # bytes, over WebSocket


def main(argv: Sequence[str]) -> int:
    """Serves until SIGTERM or SIGINT. Returns the exit status: 0, or 1 if the server could not start."""
    # uvicorn raises the signal again once it has stopped: stopping as told is success. As the first process of
    # a container this one has no default handler either, so the signal must have one before uvicorn is there.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    settings = parse_settings(argv)
    try:
        return _serve(settings)
    except SetupError as err:
        fail(err.problem, err.cure)
        return 1


def _stop(*_: object) -> None:
    sys.exit(0)


def _serve(settings: Settings) -> int:
    spec = load_spec(settings.folder, settings.precision)
    check_weights(settings.folder)
    load = (settings.backend, settings.folder, spec, settings.device, settings.threads)
    failures: list[SetupError] = []

    def failed(err: SetupError) -> None:
        failures.append(err)
        server.should_exit = True

    service: Service | GenerationService
    if spec.decoder:
        service = GenerationService(settings, spec, partial(open_generator, *load))
    else:
        service = Service(settings, spec, partial(open_backend, *load))
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(service, failed),
            loop="uvloop",
            http="httptools",
            # A message goes out as it is, and a client that only listens need not answer pings meanwhile.
            ws="websockets-sansio",
            ws_max_size=_MAX_MESSAGE,
            ws_ping_interval=None,
            ws_per_message_deflate=False,
            log_level="warning",
            access_log=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=_GRACE,
        )
    )
    with _listen(settings.host, settings.port) as sock:
        server.run(sockets=[sock])
    if failures:
        raise failures[0]
    return 0


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as err:
        cure = "choose another host:port with --rest, or stop what listens there"
        raise SetupError(f"cannot listen on {host}:{port}: {err.strerror}", cure) from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
