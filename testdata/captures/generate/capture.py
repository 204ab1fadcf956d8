"""Records a server's reply to one request as it came over the wire.

    python capture.py HOST:PORT POST /v2/models/m/infer --header 'Content-Type: application/json' --body ask.json > infer.http

The output is the raw answer: status line, header lines, an empty line, body. Chunked bodies stay chunked.
"""

import argparse
import re
import socket
import sys
from pathlib import Path


def main() -> None:
    """Sends the request with `Connection: close`, and writes all that comes back to standard output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("method")
    parser.add_argument("path")
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--body", type=Path)
    args = parser.parse_args()
    sys.stdout.buffer.write(record(args.address, request(args)))


def request(args: argparse.Namespace) -> bytes:
    """The request as it goes out."""
    body = args.body.read_bytes() if args.body else b""
    lines = [f"{args.method} {args.path} HTTP/1.1", f"Host: {args.address}", "Accept-Encoding: identity", *args.header]
    if args.method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    lines.append("Connection: close")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def record(address: str, ask: bytes) -> bytes:
    """The whole answer to one request."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=120) as conn:
        conn.sendall(ask)
        answer = b""
        while not whole(answer) and (part := conn.recv(65536)):
            answer += part
    return answer


def whole(answer: bytes) -> bool:
    """Whether as many bytes have come as the head says; TorchServe keeps a connection that it was asked to close."""
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return bool(end) and length is not None and len(body) >= int(length[1])


if __name__ == "__main__":
    main()
