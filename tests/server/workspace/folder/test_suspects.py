"""A served folder after an unclean stop of the server."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.local.root import Root
from cargo_sync.machines.suspects import UncleanStop
from cargo_sync.model.entries import DAMAGED, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.server.workspace.folder.catalogued_folder import CataloguedFolder
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.server.house import tokens, tracked

GOOD = b"good content"
TIME = 1_700_000_000 * 10**9


class Served:
    """A server's folder `files` that begins again and again."""

    def __init__(self, place: Path) -> None:
        self.files = place / "files"
        self.database = SqliteDatabase.open(str(place / "state.db"), "server")
        self.catalogue = StoredCatalogue(self.database)
        self.folder = self.start()

    def start(self) -> CataloguedFolder:
        self.folder = tracked(self.files, self.database, lambda: 0.0)
        self.workspace = FolderWorkspace(self.folder, tokens())
        return self.folder

    def write(self, name: str, content: bytes) -> None:
        (self.files / name).write_bytes(content)
        os.utime(self.files / name, ns=(TIME, TIME))

    def known(self, *names: str) -> None:
        """These files are there, and their hashes are known, as after an upload."""
        for name in names:
            self.write(name, GOOD)
        self.scan()
        for name in names:
            self.workspace.hash(name, self.entry(name).version)

    def entry(self, name: str):  # type: ignore[no-untyped-def]
        held = self.catalogue.entry(self.folder.id, name)
        assert held is not None
        return held.entry

    def scan(self) -> None:
        self.workspace.compare("", lambda path, entry: True)

    def killed(self, *, rebooted: bool = False, wall: float = 0.0) -> None:
        self.folder.close()
        self.catalogue.suspect(UncleanStop(0.0, wall, rebooted))
        self.start()

    def code(self, call: Callable[[], object]) -> str:
        with pytest.raises(ProblemError) as caught:
            call()
        return caught.value.problem.code


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    one = Served(tmp_path)
    yield one
    one.folder.close()
    one.database.close()


def test_what_was_cut_or_zeroed_is_marked_and_cannot_be_read(served: Served) -> None:
    served.known("cut", "fine", "touched", "zeros")
    before = {name: served.entry(name) for name in ("cut", "zeros")}
    served.killed()
    served.write("cut", GOOD[:5])
    served.write("zeros", bytes(len(GOOD)))
    served.write("touched", GOOD)  # its ctime is another one, its content is not
    served.scan()
    served.workspace.verify()
    for name, old in before.items():
        now = served.entry(name)
        assert (now.hash, now.ident) == (DAMAGED, old.ident)
        assert now.version > old.version, "those who have it hear of it"
        assert served.code(lambda name=name: served.workspace.open(name)) == "damaged"  # type: ignore[misc]
        hashed = lambda name=name, now=now: served.workspace.hash(name, now.version)  # noqa: E731
        assert served.code(hashed) == "damaged"
    assert served.entry("fine").hash == blake3(GOOD).hexdigest()
    assert served.entry("touched").hash in ("", blake3(GOOD).hexdigest())
    assert served.catalogue.suspects(served.folder.id) is None


def test_a_request_before_the_first_scan_finds_it_too(served: Served) -> None:
    served.known("cut")
    served.killed()
    served.write("cut", b"")
    assert served.code(lambda: served.workspace.open("cut")) == "damaged"


def test_it_stays_marked_until_it_has_a_new_time_or_size(served: Served) -> None:
    served.known("cut", "zeros")
    served.killed()
    served.write("cut", GOOD[:5])
    served.write("zeros", bytes(len(GOOD)))
    served.scan()
    (served.files / "zeros").chmod(0o600)
    served.folder.close()
    served.start()  # a clean one
    served.scan()
    assert [served.entry(name).hash for name in ("cut", "zeros")] == [DAMAGED, DAMAGED]
    served.write("cut", GOOD)
    os.utime(served.files / "zeros", ns=(TIME + 1, TIME + 1))
    served.scan()
    assert [served.entry(name).hash for name in ("cut", "zeros")] == ["", ""]


def test_after_a_restart_of_the_machine_content_is_read_that_looks_as_it_did(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.known("fine", "zeros")
    with served.database.transaction() as connection:  # a disk that lost what it had confirmed
        other = blake3(b"what was written").hexdigest()
        connection.execute("UPDATE entry SET hash = ? WHERE path = ?", (other, b"zeros"))
    served.killed(rebooted=True)
    served.scan()
    assert served.entry("zeros").hash == other
    served.workspace.stop()
    assert served.code(served.workspace.verify) == "stopped"
    served.killed(rebooted=False)  # it is not forgotten
    served.workspace.verify()
    assert [served.entry(name).hash for name in ("fine", "zeros")] == [
        blake3(GOOD).hexdigest(),
        DAMAGED,
    ]


def test_what_other_programs_wrote_is_known_by_its_size_alone(served: Served) -> None:
    for name in ("cut", "zeros", "edited"):
        served.write(name, GOOD)
    served.scan()
    served.killed()
    served.write("cut", GOOD[:5])
    served.write("zeros", bytes(len(GOOD)))
    served.write("edited", GOOD.upper())
    served.scan()
    hashes = {name: served.entry(name).hash for name in ("cut", "edited", "zeros")}
    assert hashes == {"cut": DAMAGED, "edited": "", "zeros": DAMAGED}


def test_old_files_and_later_changes_are_no_suspects(served: Served) -> None:
    served.known("old")
    served.killed(wall=4e9)  # long after the file was written
    served.write("old", b"")
    served.scan()
    assert served.entry("old").hash == ""
    served.killed()
    served.write("new", GOOD)
    served.scan()
    served.write("new", b"")
    served.scan()
    assert served.entry("new").hash == ""


@pytest.mark.parametrize("looks_different", [True, False])
def test_without_descriptors_nothing_is_believed(
    served: Served, monkeypatch: pytest.MonkeyPatch, looks_different: bool
) -> None:
    served.known("zeros")
    before = served.entry("zeros")
    served.killed(rebooted=True)
    served.write("zeros", bytes(len(GOOD)))
    check = served.scan if looks_different else served.workspace.verify
    with monkeypatch.context() as short:
        short.setattr(Root, "open_file", failing(Code.NO_DESCRIPTORS))
        assert served.code(check) == "no_descriptors"
    assert served.entry("zeros") == before
    check()
    assert served.entry("zeros").hash == DAMAGED
    assert served.folder._suspects._checked is not looks_different


def test_a_file_that_cannot_be_looked_at_does_not_stop_the_check_of_others(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.known("a", "zeros")
    served.killed(rebooted=True)
    served.write("zeros", bytes(len(GOOD)))
    entry = Root.entry

    def unreadable(root: Root, path: str) -> Entry | None:
        return failing(Code.UNREADABLE)() if path == "a" else entry(root, path)

    monkeypatch.setattr(Root, "entry", unreadable)
    served.workspace.verify()
    assert served.entry("zeros").hash == DAMAGED
    assert served.catalogue.suspects(served.folder.id) is None


def test_a_server_that_stops_does_not_read_a_large_file_to_its_end(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.known("large")
    served.killed(rebooted=True)
    monkeypatch.setattr(Root, "open_file", stop_when_called(served, Root.open_file))
    assert served.code(served.workspace.verify) == "stopped"


def test_after_two_full_looks_nothing_is_suspect_any_more(served: Served) -> None:
    """Some programs keep a file's time when they change it."""
    served.known("photo", "zeros")
    served.killed()
    served.write("zeros", bytes(len(GOOD)))
    for _ in range(3):
        served.workspace.compare("", lambda path, entry: path != "zeros")  # it may still change
        served.workspace.verify()
    served.scan()
    served.workspace.verify()
    served.write("photo", GOOD + b" with a caption")
    served.scan()
    assert [served.entry(name).hash for name in ("photo", "zeros")] == ["", DAMAGED]


def failing(code: Code) -> Callable[..., Any]:
    def call(*_: object) -> Any:
        raise ProblemError(Problem(code, "it cannot be opened"))

    return call


def stop_when_called(served: Served, real: Callable[..., int]) -> Callable[..., int]:
    def call(*arguments: Any) -> int:
        served.workspace.stop()
        return real(*arguments)

    return call
