"""The comparison with rclone on other people's servers: what is counted, and how it is told."""

import os
import socket
from pathlib import Path

import pytest

from benchmarks.remotes.__main__ import cases_of
from benchmarks.remotes.movers import LATE
from benchmarks.remotes.table import HEAD, Row, Sent
from benchmarks.remotes.trees import MIB, SMALL, contents_of, make_tree, whole_files
from benchmarks.remotes.wire import HOST, Wire, mark
from tests.ports import free_port


def test_the_wire_counts_bytes_and_each_small_file_also_between_two_pieces() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as server:
        wire = Wire([port])
        try:
            with socket.create_connection((HOST, port)) as client:
                there, _ = server.accept()
                sent = b"x" + mark(1) + b"y" + mark(2) + mark(1)
                for piece in (sent[:9], sent[9:40], sent[40:]):
                    client.sendall(piece)
                    assert there.recv(len(piece), socket.MSG_WAITALL) == piece
                client.shutdown(socket.SHUT_WR)
                assert there.recv(1) == b"", "its end goes through, too"
                there.sendall(b"not counted")
                there.close()
                assert client.recv(100, socket.MSG_WAITALL) == b"not counted"
        finally:
            wire.close()
    assert (wire.sent, wire.marks) == (len(sent), 3)


@pytest.mark.parametrize(
    ("name", "wanted", "fakes", "measured", "said"),
    [
        ("moto", "speed,kill", False, {"kill"}, True),
        ("moto", "speed,kill", True, {"speed", "kill"}, False),
        ("pydio-like", "kill", False, {"kill"}, False),
        ("openssh", "speed", False, {"speed"}, False),
        ("cloud-fs", "speed", False, {"speed"}, False),
    ],
)
def test_the_speed_of_a_fake_is_measured_on_request_alone(
    name: str, wanted: str, fakes: bool, measured: set[str], said: bool
) -> None:
    cases, why = cases_of(name, wanted.split(","), fakes=fakes)
    assert cases == measured
    assert ("--fakes" in why) is said


def test_trees_have_marks_and_what_is_ours_does_not_count(tmp_path: Path) -> None:
    small, big = make_tree(tmp_path / "s", 3, SMALL), make_tree(tmp_path / "b", 1, 3 * MIB)
    assert (str(small), str(big)) == ("3 files of 4 KiB", "one file of 3 MiB")
    assert (small.bytes, big.bytes) == (3 * SMALL, 3 * MIB)
    files = sorted(path for path in small.folder.rglob("*") if path.is_file())
    assert [path.read_bytes()[: len(mark(0))] for path in files] == [mark(at) for at in range(3)]
    ours = small.folder / ".cargo_sync/staging/part"
    ours.parent.mkdir(parents=True)
    ours.write_bytes(os.urandom(SMALL))
    assert sorted(contents_of(small.folder)) == [f"000/{at:06d}" for at in range(3)]
    assert len(whole_files(small.folder, SMALL)) == 4, "also what is under way"
    small.forget()
    assert len(whole_files(small.folder, SMALL)) == 3


@pytest.mark.parametrize(("row", "cells"), [
    (Row("a", "up", 2.0, 3.0), "2.0 s | 3.0 s | 1.50 |  |  |  |"),
    (Row("a", "up", 2.0, LATE), "2.0 s | > 120 s | > 60.00 |  |  |  |"),
    (Row("a", "up", 2.0), "2.0 s |  |  |  |  |  |"),
    (Row("a", "up", 2.0, 1.0, Sent(3 * MIB, MIB), Sent(4 * MIB, 8192, 2)),
     "2.0 s | 1.0 s | 0.50 | 3.0 MiB | 4.0 MiB | 1.0 MiB | 2 files"),
    (Row("a", "up", 2.0, None, Sent(3 * MIB, 0, 0)), "2.0 s |  |  | 3.0 MiB |  | no file |"),
])  # fmt: skip
def test_a_row(row: Row, cells: str) -> None:
    assert str(row).strip("| ") == f"a | up | {cells}".strip("| ")
    assert str(row).count("|") == HEAD.splitlines()[0].count("|")
