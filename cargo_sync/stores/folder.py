"""The folder store: a workspace's bytes as plain files, which other programs may read and write
too.

It is known by its marker, so that an empty mount point or another disk in its place is never taken
for a workspace whose files were all deleted.
"""

import os
from collections.abc import Callable
from typing import Final, Self

from cargo_sync.local import lock, trash
from cargo_sync.local.parts import CheckpointStore
from cargo_sync.local.root import Root
from cargo_sync.local.staging import Staging
from cargo_sync.local.system import System
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error

DAY: Final = 86_400.0
SAME_RUN: Final = 3_600.0
"""Seconds that a run's trash folder is used for: a purge goes by when it was begun."""
STALE: Final = 7 * DAY


class FolderStore:
    """One open folder that this process owns: its root, its staging, its trash.

    marker  what the folder is known by
    """

    def __init__(
        self,
        root: Root,
        held: lock.RootLock,
        marker: str,
        checkpoints: CheckpointStore,
        wall: Callable[[], float],
    ) -> None:
        """Use `open`."""
        self.root = root
        self.marker = marker
        self.staging = Staging(root, checkpoints)
        self._held = held
        self._wall = wall
        self._runs: dict[str, tuple[str, float]] = {}

    @classmethod
    def open(
        cls,
        path: str,
        known: str,
        token: Callable[[], str],
        checkpoints: CheckpointStore,
        wall: Callable[[], float],
        system: System | None = None,
    ) -> Self:
        """Takes the folder at `path` into possession; one that was never served is made when it is
        missing.

        Args:
            known: the marker that it must have; "" when it was never served.
            token: 32 hex digits, for a marker of its own.
            wall: unix seconds.

        Raises:
            ProblemError: "root_gone", "root_replaced", "root_in_use", or why it cannot be used.
                Nothing was written below a folder that is not the one expected.
        """
        if known and not os.path.isdir(path):
            raise _gone(path)
        if not known:
            _make(path)
        root = Root.open(path, system)
        try:
            if known and lock.read_marker(root) != known:
                raise _replaced(path, known)
            held = lock.lock_root(root, "cargo_sync server", leave_name=True)
            try:
                store = cls(root, held, lock.marker(root, token()), checkpoints, wall)
                store.staging.sweep(wall())
            except BaseException:
                held.release()
                raise
        except BaseException:
            root.close()
            raise
        return store

    def still_there(self) -> bool:
        """True when the path still leads to the folder that was opened."""
        return self.root.still_there()

    def must_be_there(self) -> None:
        """Raises ProblemError "root_gone": then nothing may be concluded from what is not found."""
        if not self.root.still_there():
            raise _gone(self.root.path)

    def run(self, run: str) -> str:
        """The name of the trash folder of a run: one for an hour, then another."""
        now = self._wall()
        for old in [
            one for one, (_, begun) in self._runs.items() if not 0 <= now - begun < SAME_RUN
        ]:
            del self._runs[old]
        if run not in self._runs:
            self._runs[run] = (trash.run_folder(now, run), now)
        return self._runs[run][0]

    def displace(self, path: str, run: str) -> tuple[str, list[str]]:
        """Moves what is at `path` into the trash of `run`: where it lies, and what to sync for it.

        Raises:
            ProblemError: it is where it was.
        """
        place = trash.displace(self.root, path, self.run(run))
        return place, trash.touched(path, place)

    def tidy(self, trash_days: float) -> trash.Freed:
        """Frees trash that is old enough, and staging that nobody can go on with any more.

        Raises:
            ProblemError: the folder cannot be read.
        """
        now = self._wall()
        self.staging.sweep(now - STALE)
        return trash.purge(self.root, now - trash_days * DAY - SAME_RUN)

    def let_go(self) -> None:
        """Gives the folder up without closing it: others may be in it still."""
        self._held.release()

    def close(self) -> None:
        """Closes it. Nobody may be in it any more: a descriptor's number is soon used again."""
        self.staging.close()
        self._held.release()
        self.root.close()

    def __repr__(self) -> str:
        return f"FolderStore({self.root.path!r})"


def _make(path: str) -> None:
    try:
        os.mkdir(path)
    except FileExistsError:
        return
    except OSError as error:
        raise ProblemError(from_os_error(error, path)) from error


def _gone(path: str) -> ProblemError:
    message = f"the folder {path!r} is gone, or another one stands in its place"
    hint = "mount it or bring it back; nothing is deleted meanwhile"
    return ProblemError(Problem(Code.ROOT_GONE, message, hint=hint))


def _replaced(path: str, known: str) -> ProblemError:
    message = f"the folder {path!r} is not the one that was served from there: its marker is missing or differs"
    hint = (
        "mount the right one; if this is the right one, put its marker back: "
        f"mkdir -p .cargo_sync && echo {known} > .cargo_sync/marker"
    )
    return ProblemError(Problem(Code.ROOT_REPLACED, message, hint=hint))
