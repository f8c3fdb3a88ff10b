"""A two-way job, both of whose sides were changed: both versions are kept, named and told."""

import shutil
from pathlib import Path

from benchmarks.programs import until
from benchmarks.remotes.far import Far
from benchmarks.remotes.movers import (
    add_job,
    call,
    daemon,
    rclone_once,
    rclone_says,
    until_synced,
)
from benchmarks.remotes.trees import contents_of

_NAME = "report.txt"
_HERE, _THERE = b"as it was changed here\n", b"as another program has changed it there\n"


def conflict(folder: Path, name: str, far: Far) -> str:
    """Makes a conflict, and says what became of it.

    Raises:
        SystemExit: a version is lost, or nobody is told.
    """
    here = folder / "both"
    here.mkdir()
    (here / _NAME).write_bytes(b"as both had it\n")
    with daemon(folder / "cargo") as programs:
        add_job(programs, here, far, "both")
        until_synced(programs)
        call(programs, "job.pause", job="both")
        (here / _NAME).write_bytes(_HERE)
        _put(far, _THERE)
        call(programs, "job.start", job="both")
        until(lambda: len(_names(here)) > 1, "there is a conflict copy")
        until_synced(programs)
        told = call(programs, "job.history", job="both", kind="conflict")["rows"]
        listed = call(programs, "conflict.list", job="both", state="all")["conflicts"]
    names, contents = _names(here), {(here / one).read_bytes() for one in _names(here)}
    there = _there(folder / "back", far)
    if contents != {_HERE, _THERE} or (here / _NAME).read_bytes() != _THERE:
        raise SystemExit(f"{name}: a version was lost in a conflict: {names}")
    if there != contents_of(here):
        raise SystemExit(f"{name}: both sides differ after a conflict: {there}")
    if [row["path"] for row in told] != [_NAME] or len(listed) != 1:
        raise SystemExit(f"{name}: the conflict is not told: {told} {listed}")
    shutil.rmtree(here)
    other = next(one for one in names if one != _NAME)
    return (
        f"{name}: conflict: both versions are kept, on both sides, as {_NAME!r} and {other!r}; "
        f"job history: {told[0]['message'] or told[0]['kind']}; diff: nothing differs"
    )


def _put(far: Far, content: bytes) -> None:
    """Another program changes the file there."""
    if far.below:
        rclone_says(far, "rcat", f"{far.below}/{_NAME}", put=content)
    elif far.stored is not None:
        (far.stored / _NAME).write_bytes(content)


def _there(back: Path, far: Far) -> object:
    if not far.below and far.stored is not None:
        return contents_of(far.stored)
    rclone_once(back, far, "down")
    found = {
        path: digest
        for path, digest in contents_of(back).items()
        if not path.startswith(".cargo_sync/")
    }
    shutil.rmtree(back)
    return found


def _names(here: Path) -> list[str]:
    return sorted(path.name for path in here.iterdir() if path.is_file())
