"""Shares: how a daemon's bandwidth is divided among the jobs that move files now."""

from collections.abc import Callable

from cargo_sync.admission.fair_share import Ask, grant
from cargo_sync.process.wakeup import Wakeup


class Shares:
    """The jobs that move files now, and their bandwidth (bits per second, None means no limit)."""

    def __init__(self, total: int | None = None) -> None:
        self._total = total
        self._moving: dict[str, Share] = {}

    def limit(self, total: int | None) -> None:
        """Sets the bandwidth for all jobs together."""
        self._total = total
        self.divide()

    def of(self, name: str, own: Callable[[], int | None]) -> "Share":
        """Makes the share of a job; `own` returns the job's own limit now, in bits per second."""
        return Share(self, name, own)

    def join(self, share: "Share") -> None:
        self._moving[share.name] = share
        self.divide()

    def leave(self, share: "Share") -> None:
        if self._moving.get(share.name) is share:
            del self._moving[share.name]
            self.divide()

    def divide(self) -> None:
        """Divides the bandwidth again; shares whose rate changed are set."""
        asks = [Ask(name, "", share.own()) for name, share in self._moving.items()]
        granted = grant(asks, {}, self._total)
        for name, share in self._moving.items():
            share.take(granted[name])


class Share:
    """One job's part.

    rate     bits per second that it may use now; while the job moves nothing, the last value
    changed  is set when `rate` changes while the job moves files
    """

    def __init__(self, shares: Shares, name: str, own: Callable[[], int | None]) -> None:
        self.name = name
        self.own = own
        self.rate: int | None = None
        self.changed = Wakeup()
        self._shares = shares
        self._moves = False

    @property
    def moves(self) -> bool:
        return self._moves

    def join(self) -> None:
        """The job begins to move files; `rate` is set."""
        self._shares.join(self)
        self._moves = True

    def leave(self) -> None:
        self._moves = False
        self._shares.leave(self)

    def refresh(self) -> None:
        """The job's own limit may have changed."""
        if self._moves:
            self._shares.divide()

    def take(self, rate: int | None) -> None:
        if rate != self.rate:
            self.rate = rate
            if self._moves:
                self.changed.set()
