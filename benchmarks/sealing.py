"""Our sealed frames compared with Python's TLS, over loopback, with one thread per end.

    .venv/bin/python -m benchmarks.sealing

Prints the median of each kind, and the medians of the paired ratios. docs/architecture.md, "Why a
lane is not TLS", has the figures.
"""

import os
import secrets
import socket
import ssl
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Final

from cargo_sync.process import tls as certificates
from cargo_sync.wire.frames import (
    HEADER,
    PIECE,
    TRAILER,
    FrameMaker,
    FrameOpener,
    PlainMaker,
    PlainOpener,
    SealedMaker,
    SealedOpener,
)

PIECES: Final = 512
ROUNDS: Final = 9
Cost = tuple[float, float]
"""Seconds of wall time and of CPU time, of both ends together."""


def _sockets() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        near = socket.create_connection(listening.getsockname())
        far, _ = listening.accept()
    return near, far


def _timed(send: Callable[[], None], receive: Callable[[], None]) -> Cost:
    receiver = threading.Thread(target=receive)
    began, used = time.monotonic(), time.process_time()
    receiver.start()
    send()
    receiver.join()
    return time.monotonic() - began, time.process_time() - used


def _fill(sock: socket.socket, view: memoryview) -> None:
    done = 0
    while done < len(view):
        done += sock.recv_into(view[done:])


def frames(maker: FrameMaker, opener: FrameOpener) -> Cost:
    """Our frames, sealed or plain."""
    near, far = _sockets()
    content = os.urandom(PIECE)

    def send() -> None:
        for number in range(PIECES):
            maker.body[:PIECE] = content
            near.sendall(maker.close(PIECE, number == PIECES - 1))

    def receive() -> None:
        frame = memoryview(bytearray(HEADER + PIECE + TRAILER))
        for _ in range(PIECES):
            _fill(far, frame)
            opener.expect(frame[:HEADER])
            opener.open(frame)

    with near, far:
        return _timed(send, receive)


def sealed() -> Cost:
    """Sealed frames, with a new key."""
    key, prefix = secrets.token_bytes(32), secrets.token_bytes(7)
    return frames(SealedMaker(key, prefix), SealedOpener(key, prefix))


def plain() -> Cost:
    """Plain frames."""
    return frames(PlainMaker(), PlainOpener())


def tls(serving: ssl.SSLContext) -> Cost:
    """Python's `ssl`, with the cipher that both ends prefer."""
    near, far = _sockets()
    ends: list[ssl.SSLSocket] = []
    accepting = threading.Thread(
        target=lambda: ends.append(serving.wrap_socket(far, server_side=True))
    )
    accepting.start()
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    sending = trusting.wrap_socket(near)
    accepting.join()
    content, source = os.urandom(PIECE), bytearray(PIECE)

    def send() -> None:
        for _ in range(PIECES):
            source[:] = content
            sending.sendall(source)

    def receive() -> None:
        view = memoryview(bytearray(PIECE))
        for _ in range(PIECES):
            _fill(ends[0], view)

    with ExitStack() as stack:
        stack.enter_context(sending)
        stack.enter_context(ends[0])
        return _timed(send, receive)


def _cipher(serving: ssl.SSLContext) -> str:
    return str(serving.get_ciphers()[0]["name"])


def main() -> None:
    """Run the measurement."""
    with tempfile.TemporaryDirectory(prefix="cargo-sealing-") as folder:
        made = certificates.self_made(folder, ["127.0.0.1"], datetime.now(UTC))
        serving = certificates.context(made)
        rounds = [(sealed(), tls(serving), plain()) for _ in range(ROUNDS + 1)][1:]
    names = ("sealed", f"ssl ({_cipher(serving)})", "plain")
    for index, name in enumerate(names):
        speed = statistics.median(PIECES * PIECE / 2**20 / one[index][0] for one in rounds)
        used = statistics.median(one[index][1] for one in rounds) * 2**30 / (PIECES * PIECE)
        print(f"{name:32} {speed:6.0f} MiB/s  {used:.2f} s of CPU per GiB")
    for what, index in (("wall", 0), ("CPU", 1)):
        ratio = statistics.median(one[1][index] / one[0][index] for one in rounds)
        print(f"ssl / sealed, {what}: {ratio:.2f}")


if __name__ == "__main__":
    main()
