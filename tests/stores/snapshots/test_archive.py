"""What is in a snapshot."""

import io
import tarfile
import zlib
from pathlib import Path

import pytest

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.stores.snapshots.archive import pack, unpack

SMALL = {"about.json": b"{}", "keys/own.json": b"a pair", "state/server.key": b"a key"}
STATE = bytes(range(256)) * 5_000


def packed(place: Path) -> bytes:
    (place / "copy").write_bytes(STATE)
    out = io.BytesIO()
    pack(out, SMALL, str(place / "copy"))
    return out.getvalue()


def test_what_was_packed_is_unpacked(tmp_path: Path) -> None:
    with unpack(io.BytesIO(packed(tmp_path))) as found:
        assert (found.small, found.size) == (SMALL, len(STATE))
        assert b"".join(iter(lambda: found.state.read(70_000), b"")) == STATE


class Unproved(io.BytesIO):
    """A stream whose end is not what was sealed."""

    def read(self, size: int | None = -1, /) -> bytes:
        if some := super().read(size):
            return some
        raise ProblemError(Problem(Code.CORRUPT, "it is cut"))


def test_it_is_whole_only_if_its_end_is_proved(tmp_path: Path) -> None:
    with pytest.raises(ProblemError), unpack(Unproved(packed(tmp_path))) as found:
        assert b"".join(iter(lambda: found.state.read(70_000), b"")) == STATE


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../state.db", tarfile.REGTYPE),
        ("/etc/passwd", tarfile.REGTYPE),
        ("keys/../own.json", tarfile.REGTYPE),
        ("state/other", tarfile.REGTYPE),
        ("state/server.key", tarfile.SYMTYPE),
        ("state.db", tarfile.SYMTYPE),
        ("state.db", tarfile.DIRTYPE),
    ],
)
def test_no_other_name_is_taken(name: str, kind: bytes) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.type = kind
        tar.addfile(member)
    source = io.BytesIO(zlib.compress(out.getvalue()))
    with pytest.raises(ProblemError) as refused, unpack(source):
        pass
    assert refused.value.problem.code == Code.CORRUPT


def test_what_is_no_archive_is_refused() -> None:
    for content in (b"", b"other bytes", zlib.compress(b""), zlib.compress(b"x" * 2_000)):
        with pytest.raises(ProblemError) as refused, unpack(io.BytesIO(content)):
            pass
        assert refused.value.problem.code == Code.CORRUPT
