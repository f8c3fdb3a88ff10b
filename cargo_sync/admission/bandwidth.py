"""Shares: how a daemon's bandwidth is divided among the jobs that move files at this moment."""

from collections.abc import Callable

from cargo_sync.admission.fair_share import Ask, grant
from cargo_sync.process.wakeup import Wakeup


class Shares:
    """The jobs that move files now, and what there is for all of them (bits a second, None is no
    limit)."""

    def __init__(self, total: int | None = None) -> None:
        self._total = total
        self._moving: dict[str, Share] = {}

    def limit(self, total: int | None) -> None:
        """From now on there is so much."""
        self._total = total
        self.divide()

    def of(self, name: str, own: Callable[[], int | None]) -> "Share":
        """The share of a job; `own` is asked for the job's own limit as it is then, bits a
        second."""
        return Share(self, name, own)

    def join(self, share: "Share") -> None:
        self._moving[share.name] = share
        self.divide()

    def leave(self, share: "Share") -> None:
        if self._moving.get(share.name) is share:
            del self._moving[share.name]
            self.divide()

    def divide(self) -> None:
        """Grants everybody anew; those whose rate is another now hear of it."""
        asks = [Ask(name, "", share.own()) for name, share in self._moving.items()]
        granted = grant(asks, {}, self._total)
        for name, share in self._moving.items():
            share.take(granted[name])


class Share:
    """One job's part.

    rate     what it may have now; of one that moves nothing, what it had last
    changed  rung when `rate` is another while it moves files
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
        """The job begins to move files, at `rate` as it is then."""
        self._shares.join(self)
        self._moves = True

    def leave(self) -> None:
        self._moves = False
        self._shares.leave(self)

    def refresh(self) -> None:
        """The job's own limit may be another now."""
        if self._moves:
            self._shares.divide()

    def take(self, rate: int | None) -> None:
        if rate != self.rate:
            self.rate = rate
            if self._moves:
                self.changed.set()
