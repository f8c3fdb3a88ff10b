"""Which descriptors are kept back, and what happens to those that are not given."""

import errno
import os
import socket

import pytest

from cargo_sync.process import descriptors
from cargo_sync.process.descriptors import below, door_line, kept_line, line, new_socket

INFO = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 9))


@pytest.mark.parametrize(
    ("most", "first", "door", "kept"),
    [
        (100, 50, 37, 25),
        (256, 128, 96, 64),
        (512, 256, 192, 128),
        (1_024, 768, 576, 384),
        (4_096, 3_072, 2_304, 1_536),
        (65_536, 49_152, 36_864, 24_576),
    ],
)
def test_what_is_kept_back(most: int, first: int, door: int, kept: int) -> None:
    assert (line(most), door_line(first), kept_line(first)) == (first, door, kept)


def test_a_descriptor_at_the_line_is_given_back() -> None:
    fd = os.open("/dev/null", os.O_RDONLY)
    assert below(fd + 1, fd) == fd
    with pytest.raises(OSError) as error:
        below(fd, fd)
    assert error.value.errno == errno.EMFILE
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_a_socket_at_the_line_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    new_socket(INFO).close()
    before = os.listdir("/dev/fd")
    monkeypatch.setattr(descriptors, "limit", lambda: 2)
    with pytest.raises(OSError) as error:
        new_socket(INFO)
    assert error.value.errno == errno.EMFILE
    assert os.listdir("/dev/fd") == before


def test_a_low_limit_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    descriptors.more_descriptors()
    assert not caplog.records, "the tests have enough"
    monkeypatch.setattr(descriptors, "limit", lambda: 256)
    descriptors.more_descriptors()
    assert "only 256 files and connections" in caplog.text
