"""What may still come into a workspace: what is there, and what is promised to files that come.

The sums of what is there are the catalogue's, kept by the transaction that records it. Files that
come are promised room when they are offered, and the promise ends when they are recorded, or were
given up. Both happen under the lock of the workspace's folder, so that two flows never get the same
room, and none is refused what another one has already brought.

If several servers serve a workspace, what others have promised is known as it was a second ago. So
files are compared once more with what is there, in the transaction that records them.

What other programs write counts, but nobody refuses it. A restore by the person who runs the server
has no user, and so no quota.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from cargo_sync.machines.quota import (
    NO_QUOTA,
    NOTHING_USED,
    Growth,
    Promised,
    Quota,
    QuotaLevel,
    Use,
    level,
    promised,
    settled,
)
from cargo_sync.model.problems import Code, Problem

_HINT: Final = (
    "delete something on the server, or ask the person who runs it for a larger quota; "
    "it is tried again"
)


@dataclass(frozen=True, slots=True)
class QuotaNews:
    """A quota was reached, or nearly.

    user       whose it is; "" for that of a named workspace
    workspace  the name of that workspace; "" for a user's own
    """

    user: str
    workspace: str
    level: QuotaLevel
    quota: Quota
    used: Use


class QuotaShare(NamedTuple):
    """How much of a quota is used: 1.0 for all of it. `user` and `workspace` as in `QuotaNews`."""

    user: str
    workspace: str
    used: float


Told = Callable[[QuotaNews], object]
"""Called once for each rise, in the thread that made it, under a lock: it must not block."""


class QuotaLedger:
    """The quotas of one workspace, and what is promised there. Several threads may use it.

    Args:
        use: reads what is there.
    """

    def __init__(self, use: Callable[[], Use]) -> None:
        self._use = use
        self._lock = threading.Lock()
        self._promised = NOTHING_USED
        self._elsewhere = NOTHING_USED
        """What other servers have promised."""
        self._used = NOTHING_USED
        """What was there at the last look, if there are quotas."""
        self._of_user: Mapping[str, Quota] = {}
        self._name = ""
        self._of_all = NO_QUOTA
        self._told: dict[str, QuotaLevel] = {}
        self._tell: Told | None = None

    def allow(
        self,
        of_user: Mapping[str, Quota],
        tell: Told,
        name: str = "",
        of_all: Quota = NO_QUOTA,
    ) -> None:
        """Sets the quotas; they count from now on.

        Args:
            of_user: of users whose own folder it is.
            tell: is told when one of them is reached, or nearly.
            name: of a named workspace.
            of_all: its quota, for all who write there.
        """
        quotas = {user: quota for user, quota in of_user.items() if quota}
        if of_all:
            quotas[""] = of_all
        new = quotas.keys() - self._told.keys()
        used = self._use() if new else NOTHING_USED
        with self._lock:
            self._of_user, self._name, self._of_all = quotas, name, of_all
            self._tell = tell
            # What is true already when a server starts is not news.
            self._told = {
                user: level(quota, used) if user in new else self._told[user]
                for user, quota in quotas.items()
            }
        self.look()

    def of(self, user: str) -> Quota:
        """The quota for what a user brings; false if there is none."""
        return (self._of_all or self._of_user.get(user, NO_QUOTA)) if user else NO_QUOTA

    def shares(self) -> list[QuotaShare]:
        """How much of each quota is used, without a look at the catalogue."""
        with self._lock:
            name, used, quotas = self._name, self._used, self._of_user
        return [
            QuotaShare(user, "" if user else name, quota.share(used) or 0.0)
            for user, quota in quotas.items()
        ]

    def state(self, user: str) -> tuple[Quota, Use] | None:
        """The quota for what a user brings, and what is there; None if there is none."""
        quota = self.of(user)
        return (quota, self._use()) if quota else None

    @property
    def promised(self) -> Use:
        """What files on their way were promised here."""
        return self._promised

    def promised_elsewhere(self, promised: Use) -> None:
        """Other servers have promised so much."""
        self._elsewhere = promised

    def promise(self, user: str, growth: Growth, *, at_last: bool = False) -> Promised:
        """Promises room to files. The folder's lock is held.

        End it with `end`, in any case.

        Args:
            user: who brings them.
            growth: of the files.
            at_last: they are about to be recorded, so what other servers have promised does not
                count: else two of them could refuse each other's files.
        """
        quota = self.of(user)
        if not quota:
            return Promised(NOTHING_USED, {})
        used = self._use()
        with self._lock:
            elsewhere = NOTHING_USED if at_last else self._elsewhere
            result = promised(quota, used + self._promised + elsewhere, growth)
            self._promised += result.growth
        if result.refused:
            self._look(used, "" if self._of_all else user)
        return result

    def exceeding(self, user: str, growth: Growth) -> dict[int, Use]:
        """Which files are too much beside what is there, and by how much each.

        It is asked in the transaction that records them: another server may have been faster.
        """
        quota = self.of(user)
        if not quota:
            return {}
        used = self._use()
        refused = promised(quota, used, growth).refused
        if refused:
            self._look(used, "" if self._of_all else user)
        return refused

    def end(self, growth: Use) -> None:
        """So much of what was promised has come, and is counted now, or never will."""
        if growth != NOTHING_USED:
            with self._lock:
                self._promised -= growth

    def look(self) -> None:
        """Reads what is there, after it may have become less."""
        if self._told:
            self._look(self._use())

    def count(self, used: Use) -> None:
        """So much is there now: tells of quotas that are reached by it, or nearly."""
        if self._told:
            self._look(used)

    def refusal(self, path: str, user: str, excess: Use) -> Problem:
        """The problem of a file that is too much.

        How much is in a named workspace is not told: not all of its users may know.
        """
        if self._of_all:
            message = f'{path!r} would be more than the quota of "{self._name}" allows'
            return Problem(Code.OVER_QUOTA, message, path, _HINT)
        quota = self.of(user)
        if excess.bytes:
            over, most = f"{excess.bytes:,} bytes", f"{quota.bytes or 0:,} bytes"
        else:
            over, most = _files(excess.files), _files(quota.files or 0)
        message = f"{path!r} would be {over} over your quota of {most}"
        return Problem(Code.OVER_QUOTA, message, path, _HINT)

    def _look(self, used: Use, refused: str | None = None) -> None:
        """Tells of each quota whose level rose; that of `refused` has refused something."""
        news: list[QuotaNews] = []
        with self._lock:
            quotas, tell = self._of_user, self._tell
            self._used = used
            for user, quota in quotas.items():
                told = self._told.get(user, QuotaLevel.BELOW)
                now = level(quota, used, refused=user == refused)
                self._told[user] = settled(told, now)
                if now > told:
                    news.append(QuotaNews(user, "" if user else self._name, now, quota, used))
        for one in news:
            if tell is not None:
                tell(one)


def _files(count: int) -> str:
    return f"{count:,} file" if count == 1 else f"{count:,} files"
