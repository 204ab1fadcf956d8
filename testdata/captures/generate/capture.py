"""Records a server's reply to one request as it came over the wire.

    python capture.py HOST:PORT POST /v2/models/m/infer --header 'Content-Type: application/json' --body ask.json > infer.http

The output is the raw answer: status line, header lines, an empty line, body. Chunked bodies stay chunked.
"""

import argparse
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
        while not complete(answer) and (part := conn.recv(65536)):
            answer += part
    return answer


def complete(answer: bytes) -> bool:
    """Whether the answer says itself that it is whole: not every server heeds `Connection: close`."""
    head, end, body = answer.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    if not end:
        return False
    if b"content-length" in fields:
        return len(body) >= int(fields[b"content-length"])
    return fields.get(b"transfer-encoding") == b"chunked" and body.endswith(b"0\r\n\r\n")


if __name__ == "__main__":
    main()
