"""The gate without sockets: a question of libzmq in, an answer out (RFC 27)."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import zmq
import zmq.asyncio
from zmq.utils import z85

from cargo_sync.control.gate import ZapGate

PUBLIC = zmq.curve_public(b"0" * 40).decode()
RAW = z85.decode(PUBLIC)


@contextmanager
def gate(room: bool = True) -> Iterator[ZapGate]:
    context = zmq.asyncio.Context()
    one = ZapGate(context, lambda public: public == PUBLIC, lambda: room)
    try:
        yield one
    finally:
        one.close()
        context.term()


def asked(domain: bytes, mechanism: bytes, *credentials: bytes) -> list[bytes]:
    return [b"1.0", b"7", domain, b"192.0.2.1", b"", mechanism, *credentials]


@pytest.mark.parametrize(
    ("request_", "code", "user"),
    [
        (asked(b"keys", b"CURVE", RAW), b"200", PUBLIC.encode()),
        (asked(b"keys", b"CURVE", bytes(32)), b"400", b""),
        (asked(b"keys", b"CURVE", RAW[:31]), b"400", b""),
        (asked(b"keys", b"CURVE"), b"400", b""),
        (asked(b"keys", b"CURVE", RAW, RAW), b"400", b""),
        (asked(b"keys", b"NULL"), b"400", b""),
        (asked(b"keys", b"PLAIN", b"user", b"password"), b"400", b""),
        (asked(b"plain", b"NULL"), b"200", b"plain"),
        (asked(b"plain", b"CURVE", RAW), b"400", b""),
        (asked(b"", b"NULL"), b"400", b""),
        ([b"2.0", b"7", b"plain", b"", b"", b"NULL"], b"500", b""),
        ([b"1.0", b"7"], b"500", b""),
    ],
)
async def test_who_is_let_in(request_: list[bytes], code: bytes, user: bytes) -> None:
    with gate() as one:
        version, id, status, text, told, metadata = one.answer(request_)
    assert (version, id, status, told, metadata) == (b"1.0", b"7", code, user, b"")
    assert text


async def test_without_room_nobody_is() -> None:
    with gate(room=False) as one:
        assert one.answer(asked(b"keys", b"CURVE", RAW))[2] == b"500"
        assert one.answer([])[2] == b"500"
