"""Runs `cargo_sync` until its Nth call that writes: there it is killed, or the disk fails.

    python -m tests.crash.seam KIND N COUNTED ARGUMENT…

KIND is `kill` or `eio`, N counts from 1 (0: never). At a normal end the number of calls is written
to the file COUNTED; when a call is broken, an empty file is made beside it. Calls are those of
`local.system` and the commits of the state; where a commit should fail, the next other call does.
"""

import atexit
import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from cargo_sync.local.system import System
from cargo_sync.state.database import Database
from tests.local.systems import WRITES

BROKEN: Final = ".broken"
"""How the name of the file ends that is there once a call was broken."""


class Seam:
    """Counts the calls that write, in all threads, and breaks one of them."""

    def __init__(self, kind: str, at: int, counted: Path) -> None:
        self._kind = kind
        self._at = at
        self._count = 0
        self._done = False
        self._broken = counted.with_suffix(BROKEN)
        self._lock = threading.Lock()
        self._counted = counted

    def reach(self, name: str) -> None:
        """A call is about to be made. Raises OSError."""
        with self._lock:
            self._count += 1
            due = 0 < self._at <= self._count and not self._done
            # SQLite's own calls are not behind this seam: a commit cannot fail here.
            here = due and (self._kind == "kill" or name != "commit")
            self._done |= here
        if not here:
            return
        self._broken.touch()
        if self._kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(errno.EIO, f"injected into {name}")

    def arm(self) -> None:
        """Puts it between this program and its disk, and leaves the number of calls at its end."""
        atexit.register(lambda: self._counted.write_text(str(self._count)))
        real = System.choose()
        base = type(real)
        calls = {name: self._told(base, name) for name in WRITES if hasattr(base, name)}
        made = type(f"Armed{base.__name__}", (base,), calls)

        def choose() -> System:
            system: System = object.__new__(made)
            system.__dict__.update(real.__dict__)
            return system

        System.choose = staticmethod(choose)  # type: ignore[method-assign]
        transaction = Database.transaction

        @contextmanager
        def counted(database: Database) -> Iterator[Any]:
            with transaction(database) as statements:
                yield statements
                self.reach("commit")

        Database.transaction = counted  # type: ignore[method-assign, assignment]

    def _told(self, base: type[System], name: str) -> Callable[..., Any]:
        def call(system: System, *arguments: Any) -> Any:
            self.reach(name)
            return getattr(base, name)(system, *arguments)

        return call


def main() -> None:
    kind, at, counted, *arguments = sys.argv[1:]
    Seam(kind, int(at), Path(counted)).arm()
    sys.argv = ["cargo_sync", *arguments]
    from cargo_sync.main import main as cargo_sync

    cargo_sync()


if __name__ == "__main__":
    main()
