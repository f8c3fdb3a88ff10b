"""Packets of SFTP: what is sent, what is understood, and what is refused."""

import struct

import pytest

from cargo_sync.wire.sftp.answers import (
    MOST,
    SftpAnswer,
    SftpAnswers,
    attributes_of,
    data_of,
    done_of,
    extensions_of,
    handle_of,
    limits_of,
    names_of,
    one_name_of,
    room_of,
)
from cargo_sync.wire.sftp.packets import Attributes, Kind, Name, SftpError, SftpFormatError
from cargo_sync.wire.sftp.requests import attributes, hello, integer, request, text, write_head

FILE = Attributes(5, 0o100640, 1_600_000_000)


def packet(kind: int, number: int, *fields: bytes) -> bytes:
    return request(kind, number, *fields)


def status(code: int, said: str = "") -> SftpAnswer:
    return SftpAnswer(Kind.STATUS, 1, integer(code) + text(said.encode()) + text(b"en"))


def test_requests_are_as_the_draft_has_them() -> None:
    assert hello() == bytes([0, 0, 0, 5, 1, 0, 0, 0, 3])
    assert request(Kind.CLOSE, 7, text(b"h")) == bytes(
        [0, 0, 0, 10, 4, 0, 0, 0, 7, 0, 0, 0, 1, 104]
    )
    head = write_head(2, b"h", 2**33, 3)
    assert head + b"abc" == request(
        Kind.WRITE, 2, text(b"h"), struct.pack(">Q", 2**33), text(b"abc")
    )


def test_attributes_are_read_as_they_are_set() -> None:
    for one in (FILE, Attributes(), Attributes(mtime=2**32 - 1), Attributes(2**40, 0o40755)):
        assert attributes_of(SftpAnswer(Kind.ATTRS, 1, attributes(one))) == one
    # With an owner, and something of the server's own kind.
    flags = integer(1 | 2 | 4 | 8 | 0x80000000)
    rest = struct.pack(">QIIIII", 5, 0, 0, 0o100640, 1, 1_600_000_000)
    own = integer(1) + text(b"name") + text(b"value")
    assert attributes_of(SftpAnswer(Kind.ATTRS, 1, flags + rest + own)) == FILE


def test_answers_come_in_any_pieces() -> None:
    some = [
        packet(Kind.HANDLE, 1, text(b"h")),
        packet(Kind.DATA, 2, text(bytes(100_000))),
        packet(Kind.STATUS, 3, integer(0)),
    ]
    whole = b"".join(some)
    for size in (1, 7, 32_768, len(whole)):
        answers, found = SftpAnswers(), list[SftpAnswer]()
        for start in range(0, len(whole), size):
            found += answers.feed(whole[start : start + size])
        assert [one.number for one in found] == [1, 2, 3]
        assert handle_of(found[0]) == b"h" and data_of(found[1]) == bytes(100_000)
        done_of(found[2])


def test_what_a_server_tells_is_understood() -> None:
    names = integer(2) + text(b"a") + text(b"-rw") + attributes(FILE)
    names += text(b"\xff") + text(b"") + attributes(Attributes())
    assert names_of(SftpAnswer(Kind.NAME, 1, names)) == [
        Name(b"a", FILE),
        Name(b"\xff", Attributes()),
    ]
    one = integer(1) + text(b"/home") + text(b"") + attributes(Attributes())
    assert one_name_of(SftpAnswer(Kind.NAME, 1, one)) == b"/home"
    vfs = struct.pack(">11Q", 1, 4096, 100, 50, 40, 9, 8, 7, 0, 0, 255)
    assert room_of(SftpAnswer(Kind.EXTENDED_REPLY, 1, vfs)) == (40 * 4096, 7)
    limits = struct.pack(">4Q", 1, 2, 3, 4)
    assert limits_of(SftpAnswer(Kind.EXTENDED_REPLY, 1, limits)) == (2, 3)
    offered = SftpAnswer(Kind.VERSION, 3, text(b"fsync@openssh.com") + text(b"1"))
    assert extensions_of(offered) == {b"fsync@openssh.com": b"1"}


def test_a_refusal_keeps_its_code_and_its_words() -> None:
    for taken in (done_of, handle_of, data_of, attributes_of, names_of, room_of):
        with pytest.raises(SftpError) as caught:
            taken(status(4, "Failure"))
        assert (caught.value.code, caught.value.said) == (4, "Failure")


@pytest.mark.parametrize(
    "length", [0, 4, MOST + 1, 2**32 - 1], ids=["none", "short", "long", "longest"]
)
def test_packets_of_no_length_end_it(length: int) -> None:
    with pytest.raises(SftpFormatError):
        list(SftpAnswers().feed(struct.pack(">IBI", length, Kind.DATA, 1)))


def test_what_is_no_answer_is_refused() -> None:
    with pytest.raises(SftpFormatError):
        handle_of(status(0))  # done, but nothing came
    for taken, kind, body in (
        (handle_of, Kind.DATA, text(b"h")),
        (data_of, Kind.DATA, integer(9) + b"short"),
        (attributes_of, Kind.ATTRS, integer(1) + b"1234"),
        (names_of, Kind.NAME, integer(2**32 - 1)),
        (one_name_of, Kind.NAME, integer(0)),
        (room_of, Kind.EXTENDED_REPLY, b"1234"),
        (done_of, Kind.STATUS, b""),
        (extensions_of, Kind.STATUS, b""),
    ):
        with pytest.raises(SftpFormatError):
            taken(SftpAnswer(kind, 1, body))
