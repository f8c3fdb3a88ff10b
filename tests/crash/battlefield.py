"""A server, a daemon with an upload and a download job, and what must be true of them in the end.

near  --up-->  files (of the server)  --down-->  far

or with a two-way job on each side.
"""

import hashlib
import json
import os
import signal
import sqlite3
import stat
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cargo_sync.api.client import CommandError, NotRunning
from cargo_sync.local.xattrs import SUPPORTED
from tests.crash.endings import Ending, meaning
from tests.crash.script import ACTS, at_the_other_side, tags
from tests.crash.seam import BROKEN
from tests.e2e.processes import PATIENCE, Place

PROGRAMS: Final = ("server", "daemon")
Meanwhile = Callable[["Battlefield", int], None]
"""Called when an act (from 0) has been done, before it has arrived everywhere."""


@dataclass
class Findings:
    """What a run came to.

    fired   whether the fault happened
    lost    bytes of contents that are nowhere any more
    litter  what should not be there: staged files, checkpoints
    wrong   what else is not as it should be
    """

    fired: bool = False
    lost: int = 0
    litter: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not (self.lost or self.litter or self.wrong)


class Battlefield(Place):
    """Programs that may be started behind a seam, and their folders.

    two_way    both jobs are, and in the second act somebody works at the far side too
    xattrs     extended attributes travel
    seams      program -> (kind, number of the call): how it is started next
    traces     program -> what strace injects
    each_look  called whenever it is looked whether all has arrived
    """

    def __init__(
        self, folder: Path, *, two_way: bool = False, xattrs: bool = SUPPORTED, **server: Any
    ) -> None:
        super().__init__(folder)
        self.two_way = two_way
        self.xattrs = xattrs
        self.seams: dict[str, tuple[str, int]] = {}
        self.traces: dict[str, str] = {}
        self.each_look: Callable[[], None] = lambda: None
        self._faults: dict[str, str] = {}
        """What the programs that run now were started with: see `endings`."""
        self._up_since = 0.0
        self.findings = Findings()
        if server:
            self.change("server.json", **server)
        host = server.get("public_ip", "127.0.0.1")
        common: dict[str, Any] = {
            "hostname": f"http://{host}:{self.api}",
            "delete": "propagate",
            "sleep": 0.3,
            "xattrs": xattrs,
        }
        up, down = ("bidirectional", "bidirectional") if two_way else ("upload", "download")
        self.near = self.job("near", up, **common, settle=0.2)
        self.far = self.job("far", down, **common)
        for local in (self.near, self.far):
            local.mkdir(exist_ok=True)

    def change(self, name: str, **fields: Any) -> None:
        """Changes a file of settings that is there."""
        self.write(name, json.loads((self.folder / name).read_text()) | fields)

    def command(self, name: str) -> list[str]:
        self._faults[name] = ""
        if trace := self.traces.pop(name, None):
            self._faults[name] = "kill"
            call = trace.partition(":")[0]
            options = ["-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e"]
            return ["strace", *options, f"inject={trace}", *super().command(name)]
        kind, at = self.seams.pop(name, ("", -1))
        if at < 0:
            return super().command(name)
        self._faults[name] = kind if at else ""
        seam = ["-m", "tests.crash.seam", kind, str(at), str(self.counted(name))]
        return [sys.executable, *seam]

    def stop(self, name: str, number: int = signal.SIGTERM) -> int:
        """As `Place.stop`; of a program that strace runs, the program itself."""
        if traced := self._traced(name):
            for pid in traced:
                os.kill(pid, number)
            return self.ended(name)
        return super().stop(name, number)

    def close(self) -> None:
        """As `Place.close`; without its strace, a program would go on."""
        for name in self._running:
            for pid in self._traced(name):
                os.kill(pid, signal.SIGKILL)
        super().close()

    def _traced(self, name: str) -> list[int]:
        """The process that strace runs for a program; none if it runs alone."""
        pid = self._running[name].pid
        try:
            if Path(f"/proc/{pid}/exe").resolve().name != "strace":
                return []
            return [
                int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            ]
        except OSError:
            return []  # it has ended

    def until(self, holds: Callable[[], object], what: str, patience: float = 2 * PATIENCE) -> None:
        """As `Place.until`; a program may end meanwhile.

        Patience counts from its next start: on a busy machine that alone may take a minute.
        """
        began = time.monotonic()
        while not holds():
            if time.monotonic() > max(began, self._up_since) + patience:
                self.fail(f"waited in vain: {what}")
            time.sleep(0.05)

    def broke(self, name: str) -> bool:
        """Whether a call of a program behind a seam was broken."""
        return self.counted(name).with_suffix(BROKEN).exists()

    def counted(self, name: str) -> Path:
        """Where a program behind a seam leaves the number of its calls."""
        return self.folder / f"{name}.calls"

    def tell(
        self,
        meanwhile: Meanwhile = lambda _field, _act: None,
        acts: Sequence[Callable[[Path], None]] = ACTS,
    ) -> Findings:
        """Tells the script; programs that die are started again. Then all is looked at."""
        for name in PROGRAMS:
            self._start_again(name)
        first: dict[str, int] = {}
        destroyed: AbstractSet[str] = set()
        """Contents that a person at the far side has written over there."""
        for number, act in enumerate(acts):
            if number and self.two_way:
                before = contents(self.far).keys()
                at_the_other_side(self.far)
                destroyed = before - contents(self.far).keys()
            act(self.near)
            meanwhile(self, number)
            self.until_all_arrived()
            if not number:
                first = contents(self.near)
        for place in (self.files, self.far):
            kept = contents(place).keys() | (destroyed if place == self.far else set())
            self.findings.lost += sum(size for key, size in first.items() if key not in kept)
        self.end()
        self._look_at_what_is_left()
        return self.findings

    def until_all_arrived(self) -> None:
        self.until(self._has_all_arrived, "everything arrives")

    # -- within ------------------------------------------------------------------------------------

    def _has_all_arrived(self) -> bool:
        self.each_look()
        for name in PROGRAMS:
            if self.has_ended(name):
                self._note_end(name, self.ended(name), told=False)
                self._start_again(name)
        here, *others = (
            snapshot(place, xattrs=self.xattrs) for place in (self.near, self.files, self.far)
        )
        if any(other != here for other in others):
            return False
        try:
            return all(self.shown(job)["state"] == "synced" for job in ("near", "far"))
        except (CommandError, NotRunning):
            return False

    def _start_again(self, name: str) -> None:
        """Starts a program; if its fault comes before it answers, once more."""
        while True:
            self.begin(name, name, "--config", str(self.folder / f"{name}.json"))
            self.until(lambda: self._is_up(name) or self.has_ended(name), f"the {name} answers")
            if not self.has_ended(name):
                self._up_since = time.monotonic()
                return
            self._note_end(name, self.ended(name), told=False)

    def _note_end(self, name: str, code: int, *, told: bool) -> Ending:
        """Judges an end. What should not have ended ends the case: it might do so for ever."""
        ending = meaning(code, self._faults[name], told=told)
        if ending is Ending.FAULT:
            self.findings.fired = True
        elif ending is Ending.WRONG and not told:
            self.fail(f"the {name} ended with {code}")
        elif ending is Ending.WRONG:
            self.findings.wrong.append(f"the {name} ended with {code}")
        return ending

    def _is_up(self, name: str) -> bool:
        return self._listens() if name == "server" else self._answers()

    def end(self) -> None:
        """Stops the programs; one that is killed meanwhile starts again, and is stopped again."""
        for name in reversed(PROGRAMS):
            while self._note_end(name, self.stop(name), told=True) is Ending.FAULT:
                self._start_again(name)
                if name != PROGRAMS[0]:
                    self.until_all_arrived()
        self.findings.fired |= any(self.broke(name) for name in PROGRAMS)

    def _look_at_what_is_left(self) -> None:
        found = self.findings
        for place in (self.near, self.files, self.far):
            staged = place / ".cargo_sync" / "staging"
            found.litter += [str(path) for path in staged.glob("*")] if staged.is_dir() else []
        for name in PROGRAMS:
            state = self.folder / name / "state.db"
            with closing(sqlite3.connect(state)) as database:
                [[health]] = database.execute("PRAGMA integrity_check")
                [[parts]] = database.execute("SELECT count(*) FROM checkpoint")
            if health != "ok":
                found.wrong.append(f"{name}: {health}")
            if parts:
                found.litter.append(f"{name}: {parts} checkpoints")


def snapshot(root: Path, *, xattrs: bool) -> dict[str, object]:
    """All below a root, without what is ours: kinds, hashes, times, modes, attributes, links."""
    found: dict[str, object] = {}
    for path, status in _all_below(root):
        shown = str(path.relative_to(root))
        if shown.split("/")[0] == ".cargo_sync":
            continue
        mode = status.st_mode & 0o775
        try:
            if stat.S_ISDIR(status.st_mode):
                found[shown] = "folder"
            elif stat.S_ISLNK(status.st_mode):
                found[shown] = ("link", os.readlink(path))
            else:
                attributes = tags(path) if xattrs else {}
                found[shown] = (_hash(path), status.st_mtime_ns, mode, attributes)
        except FileNotFoundError:
            found[shown] = "gone"
    return found


def contents(root: Path) -> dict[str, int]:
    """The contents of all files below a root, also in its trash: hash -> size."""
    return {
        _hash(path): status.st_size
        for path, status in _all_below(root)
        if stat.S_ISREG(status.st_mode) and _is_kept(path.relative_to(root).parts)
    }


def _is_kept(parts: Sequence[str]) -> bool:
    """Whether this is a file of a person, or in the trash."""
    return parts[0] != ".cargo_sync" or parts[1] == "trash"


def _all_below(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for above, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(above, name)
            try:
                yield path, path.lstat()
            except FileNotFoundError:
                continue


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()
