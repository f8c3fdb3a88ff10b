"""The folder store: a workspace as plain files, which other programs may read and write too.

A marker identifies the folder. So an empty mount point, or another disk in its place, never looks
like a workspace whose files were all deleted. Nothing is written to a read-only file system: a
folder there that has no marker is identified by its file system and inode.
"""

import os
from collections.abc import Callable
from typing import Final, Self

from cargo_sync.local import lock, trash
from cargo_sync.local.ages import AgeStore
from cargo_sync.local.ledger import TrashLedger
from cargo_sync.local.parts import CheckpointStore
from cargo_sync.local.root import Root
from cargo_sync.local.space import SpaceLedger
from cargo_sync.local.staging import Staging
from cargo_sync.local.system import System
from cargo_sync.local.trash_runs import TrashRuns
from cargo_sync.local.trash_upkeep import keep_up
from cargo_sync.machines.trash_limits import TrashLimits
from cargo_sync.model.displaced import TrashTotals
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error

DAY: Final = 86_400.0
STALE: Final = 7 * DAY


class FolderStore:
    """One open folder that this process owns: its root, its staging, its trash.

    marker     identifies the folder
    read_only  nothing can be written there, and nothing is
    """

    def __init__(
        self,
        root: Root,
        held: lock.RootLock,
        marker: str,
        read_only: bool,
        checkpoints: CheckpointStore,
        space: SpaceLedger,
        ages: AgeStore,
        wall: Callable[[], float],
    ) -> None:
        """Use `open`."""
        self.root = root
        self.marker = marker
        self.read_only = read_only
        self.staging = Staging(root, checkpoints, space)
        self._held = held
        self._ages = ages
        self._runs = TrashRuns(wall)
        self._busy: set[str] = set()
        """Names of trash folders that were used since the last upkeep."""
        self._used: set[str] = set()
        """Those that were used between the last two."""

    @classmethod
    def open(
        cls,
        path: str,
        known: str,
        token: Callable[[], str],
        checkpoints: CheckpointStore,
        space: SpaceLedger,
        ages: AgeStore,
        wall: Callable[[], float],
        system: System | None = None,
        *,
        holds_the_same: Callable[[Root], bool] = lambda _: False,
    ) -> Self:
        """Opens the folder at `path` and locks it; a new workspace's folder is made if missing.

        Args:
            path: the folder.
            known: the marker that it must have; "" for a new workspace.
            token: makes 32 hex digits, for a new marker.
            checkpoints: where the resume points of staged files are kept.
            space: what is reserved on the disks.
            ages: how old trash and staged files are.
            wall: unix seconds.
            system: the calls that change the disk; None for the best of this platform.
            holds_the_same: whether a folder that can only be read holds what the known one held:
                the numbers of some file systems change when they are mounted again.

        Raises:
            ProblemError: "root_gone", "root_replaced", "root_in_use", or why it cannot be used.
                Nothing is written below a folder that is not the expected one.
        """
        if known and not os.path.isdir(path):
            raise gone(path)
        if not known:
            make(path)
        root = Root.open(path, system)
        try:
            read_only, found = root.read_only, lock.read_marker(root)
            without_marker = read_only and ":" in known
            if (
                known
                and known not in (found, root.lasting_identity)
                and not (without_marker and holds_the_same(root))
            ):
                raise _replaced(path, known, read_only)
            held = lock.lock_root(root, "cargo_sync server", leave_name=not read_only)
            try:
                own = found or root.lasting_identity if read_only else lock.marker(root, token())
                store = cls(root, held, own, read_only, checkpoints, space, ages, wall)
                if not read_only:
                    store.staging.sweep(ages, 0.0)
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

    def is_as_opened(self) -> bool:
        """Whether the folder can be written to, or not, as when it was opened."""
        return self.root.read_only == self.read_only

    def run(self, run: str) -> str:
        """The name of the trash folder of a run (`TrashRuns`)."""
        name = self._runs.named(run)
        self._busy.add(name)
        return name

    def displace(self, path: str, run: str) -> trash.Displaced:
        """Moves what is at `path` into the trash of `run`.

        Raises:
            ProblemError: it was not moved.
        """
        return trash.displace(self.root, path, self.run(run))

    def tidy(self, ledger: TrashLedger, limits: TrashLimits) -> TrashTotals:
        """Frees trash that is overdue, and removes staged files that cannot be resumed any more.

        Raises:
            ProblemError: the folder cannot be read, or the ledger not be written.
        """
        if self.read_only:
            return TrashTotals(0, 0)
        self.staging.sweep(self._ages, STALE)
        busy, used = self._busy, self._used - self._busy
        self._busy, self._used = set(), busy
        return keep_up(self.root, ledger, limits, used, busy)

    def let_go(self) -> None:
        """Releases the lock but does not close the folder: other threads may still use it."""
        self._held.release()

    def close(self) -> None:
        """Closes it. No thread may use it any more, because descriptor numbers are used again."""
        self.staging.close()
        self._held.release()
        self.root.close()

    def __repr__(self) -> str:
        return f"FolderStore({self.root.path!r})"


def make(path: str) -> None:
    """Makes a folder, if it is missing. Raises ProblemError."""
    try:
        os.mkdir(path)
    except FileExistsError:
        return
    except FileNotFoundError as error:
        message = f"there is no folder {os.path.dirname(path)!r} to make {path!r} in"
        hint = "mount or make it, or correct the path"
        raise ProblemError(Problem(Code.ROOT_GONE, message, hint=hint)) from error
    except OSError as error:
        raise ProblemError(from_os_error(error, path)) from error


def gone(path: str) -> ProblemError:
    """The folder that was used at `path` before is not there."""
    message = f"the folder {path!r} is gone, or another folder is in its place"
    hint = "mount or restore it; nothing is deleted meanwhile"
    return ProblemError(Problem(Code.ROOT_GONE, message, hint=hint))


def _replaced(path: str, known: str, read_only: bool) -> ProblemError:
    message = f"the folder {path!r} is not the one that the server used there before"
    if ":" in known:
        message += ": it is on another file system"
    else:
        message += ": its marker is missing or different"
    if read_only or ":" in known:
        restore = "serve it under another path; its clients then compare everything again"
    else:
        restore = f"restore its marker: mkdir -p .cargo_sync && echo {known} > .cargo_sync/marker"
    hint = f"mount the right folder; if this is the right one, {restore}"
    return ProblemError(Problem(Code.ROOT_REPLACED, message, hint=hint))
