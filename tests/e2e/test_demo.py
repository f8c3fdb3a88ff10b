"""The demo, in small: what `make demo` runs, with 50 files."""

import re
import tempfile
from pathlib import Path

import pytest

from tests.e2e.processes import Place

CLOSING = re.compile(r"demo: (\d+) files, (\d+) bytes, [0-9.]+ MB/s, verified")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the demo makes its own folder: short, for its sockets."""
    folder = Path(tempfile.mkdtemp(prefix="e2e-", dir="/tmp"))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def test_the_demo_verifies_every_file_and_leaves_nothing(place: Place, temporary: Path) -> None:
    done = place.run("cargo_sync", "demo", "--files", "50")
    assert done.returncode == 0, done.stdout + done.stderr
    closing = CLOSING.fullmatch(done.stdout.splitlines()[-1])
    assert closing, done.stdout
    assert int(closing[1]) == 50
    assert list(temporary.iterdir()) == []
    temporary.rmdir()


def test_the_demo_only_reads_a_folder_of_ones_own(place: Place, temporary: Path) -> None:
    own = place.folder / "own"
    (own / "sub").mkdir(parents=True)
    (own / "sub" / "a.txt").write_text("mine")
    done = place.run("cargo_sync", "demo", "--source", str(own))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("demo: 1 files, 4 bytes")
    assert sorted(str(path.relative_to(own)) for path in own.rglob("*")) == ["sub", "sub/a.txt"]
    temporary.rmdir()
