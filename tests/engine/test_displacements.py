"""What a run displaces in the local folder is in the ledger, with the hash that was agreed."""

from pathlib import Path

import pytest

from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.agreed import agree
from cargo_sync.model.displaced import TrashFilter
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.transfers import Receipt
from cargo_sync.trees.contract import Brought, Moved, Task
from tests.engine.test_commit import Committing

RUN = "20260102T030405Z-run"
THERE = Entry("a", FILE, 5, 1, 0o644, version=3, ident=7)
NEWER = Entry("a", FILE, 9, 2, 0o644, version=4, ident=8)


def place(path: str) -> str:
    return f".cargo_sync/trash/{RUN}/{path}"


Row = tuple[str, str, str, int, str, str]


def rows(committing: Committing) -> list[Row]:
    """Path, run, kind, size, hash and cause of what is kept, the newest first."""
    page = committing.system.memory.ledger.page(TrashFilter(), None, 100)
    found = [row.version for row in page.rows]
    return [(one.path, one.run, one.kind, one.size, one.hash, one.cause) for one in found]


@pytest.fixture
def download(tmp_path: Path) -> Committing:
    committing = Committing(tmp_path, Mode.DOWNLOAD)
    agreements = [
        (f"{folder}a", agree(THERE, THERE._replace(ident=99), f"hash in {folder}"))
        for folder in ("", "d/")
    ]
    committing.system.memory.folders.agree(agreements)
    return committing


async def test_an_overwritten_file_has_the_hash_that_was_agreed(download: Committing) -> None:
    put = Action(Op.PUT, "d/a", NEWER, THERE, "changed")
    receipt = Receipt("done", 5, 8, 2, 0o644, "new hash", place("d/a"))
    new = Action(Op.PUT, "d/b", NEWER._replace(name="b"))
    plain = Receipt("done", 5, 9, 2, 0o644, "new hash")
    tasks = [Task(put, "t1"), Task(new, "t2")]
    await download.brought(Brought(tasks, [receipt, plain], (), Moved()))
    assert rows(download) == [("d/a", RUN, "f", 5, "hash in d/", "overwritten")]


async def test_one_that_was_not_as_agreed_has_none(download: Committing) -> None:
    drifted = Action(Op.PUT, "a", NEWER, THERE._replace(version=77, size=6), drifted=True)
    receipt = Receipt("done", 5, 8, 2, 0o644, "new hash", place("a"))
    await download.brought(Brought([Task(drifted, "t1")], [receipt], (), Moved()))
    assert rows(download) == [("a", RUN, "f", 6, "", "overwritten")]


async def test_deletions_and_replaced_kinds(download: Committing) -> None:
    folder = Entry("d", FOLDER, mode=0o755, ident=4)
    made = folder._replace(name="a")
    await download(
        Outcome(Action(Op.DELETE, "d/a", expected=THERE), displaced=place("d/a")),
        Outcome(Action(Op.DELETE, "d", expected=folder), displaced=place("d.1")),
        Outcome(Action(Op.MKDIR, "a", made, THERE), made, made, displaced=place("a")),
        Outcome(Action(Op.DELETE, "gone", expected=THERE)),
    )
    assert rows(download) == [
        ("a", RUN, "f", 5, "hash in ", "overwritten"),
        ("d", RUN, "d", -1, "", "deleted"),
        ("d/a", RUN, "f", 5, "hash in d/", "deleted"),
    ]


async def test_of_an_upload_only_delivered_sources_lie_here(tmp_path: Path) -> None:
    upload = Committing(tmp_path, Mode.UPLOAD)
    await upload(
        Outcome(Action(Op.DELETE, "there", expected=THERE), displaced=place("there")),
        Outcome(Action(Op.RETIRE, "a", THERE, hash="sent"), displaced=place("a")),
        Outcome(Action(Op.RETIRE, "moved", THERE, hash="sent")),
    )
    assert rows(upload) == [("a", RUN, "f", 5, "sent", "delivered")]
