"""The bytes between a coordinator and the published program's file servers."""

import json

import pytest

from cargo_sync.backup_protocol.file_server import (
    CopyResult,
    RegistrationRequest,
    compared,
    extra_copy,
    to_read_back,
    to_store,
)
from cargo_sync.backup_protocol.messages import BackupRefusal

LONGEST = 1024


@pytest.mark.parametrize("pieces", [1, 2, 1024], ids=["whole", "in two", "byte by byte"])
def test_a_registration_may_come_in_pieces(pieces: int) -> None:
    for verb, enrols in ((b"cadastrar", True), (b"descadastrar", False)):
        document = b'{"assignment": "' + verb + b'", "ip": "127.0.0.1"}'
        size = max(1, len(document) // pieces)
        request = RegistrationRequest()
        answers = [request.feed(document[at : at + size]) for at in range(0, len(document), size)]
        assert answers[-1] is enrols and set(answers[:-1]) <= {None}


@pytest.mark.parametrize(
    "document",
    [
        b"[]",
        b'"cadastrar"',
        b"{}",
        b'{"assignment": "outro"}',
        b'{"assignment": ["cadastrar"]}',
        b"[" * 1024 + b" ",
        b" " * 1025,
    ],
)
def test_what_is_no_registration_is_refused(document: bytes) -> None:
    with pytest.raises(BackupRefusal):
        RegistrationRequest().feed(document)


@pytest.mark.parametrize(
    "content", ["", "nota", "olá\n", "x" * 980, "é" * 490, "\u2028" * 300, '"' * 480]
)
def test_a_text_that_fits_is_sent_whole(content: str) -> None:
    copy = extra_copy("3507123412341234", content.encode())
    assert len(copy.payload) <= LONGEST
    assert json.loads(copy.payload) == {"id": "3507123412341234", "content": content}
    assert compared(copy, content.encode()) is CopyResult.WHOLE
    assert compared(copy, content.encode() + b"x") is CopyResult.LOST


def test_a_short_text_is_sent_as_the_published_coordinator_does() -> None:
    assert extra_copy("3507", "olá".encode()).payload == b'{"id": "3507", "content": "ol\\u00e1"}'


@pytest.mark.parametrize("letter", ["x", "é", "€", "🚚", '"', "\x01", "\n"])
def test_of_a_longer_text_the_longest_beginning_that_fits_is_sent(letter: str) -> None:
    content = (letter * 5000).encode()
    copy = extra_copy("3507123412341234", content)
    cost = len(json.dumps(letter, ensure_ascii=False).encode()) - 2
    assert LONGEST - cost < len(copy.payload) <= LONGEST
    assert content.startswith(copy.content) and copy.size == len(content)
    assert json.loads(copy.payload)["content"].encode() == copy.content
    assert compared(copy, copy.content) is CopyResult.CUT
    assert compared(copy, b"") is CopyResult.LOST


def test_both_requests_are_three_pieces() -> None:
    copy = extra_copy("3507", b"nota")
    assert to_store(copy) == (b"255", b"TRANSMITIR", copy.payload)
    assert to_read_back(copy) == (b"255", b"BAIXAR", b"3507")
