"""What a flow was promised of a workspace's quota, batch by batch."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from cargo_sync.catalogue.contract import Catalogued
from cargo_sync.catalogue.quota_ledger import QuotaLedger
from cargo_sync.machines.quota import NOTHING_USED, Growth, Use
from cargo_sync.model.transfers import Offer, Want
from cargo_sync.server.workspace.rows.offers import growth_of


class Promises:
    """The promises of one flow of `user`; `lock` is that of the workspace."""

    def __init__(
        self, quotas: QuotaLedger, user: str, lock: AbstractContextManager[object]
    ) -> None:
        self._quotas = quotas
        self._user = user
        self._lock = lock
        self._promised: dict[int, Use] = {}
        """What still belongs to each batch."""

    def make(
        self,
        batch: int,
        offers: Sequence[Offer],
        wants: list[Want | None],
        stands: Sequence[Catalogued | None],
    ) -> None:
        """Reserves a part of the quota for what is wanted; what is too much is refused instead.

        Args:
            batch: its number.
            offers: all of it.
            wants: None for what is wanted; it gets the refusals.
            stands: what stands at the places; () for nothing.
        """
        if not self._quotas.of(self._user):
            return
        wanted = [index for index, want in enumerate(wants) if want is None]
        some = [offers[index] for index in wanted]
        sizes = [0 if offer.target else offer.size for offer in some]
        growth = Growth(sizes, [1] * len(some))
        if stands:
            growth = growth_of(sizes, [stands[index] for index in wanted])
        with self._lock:
            promised = self._quotas.promise(self._user, growth)
        self._promised[batch] = promised.growth
        for at, excess in promised.refused.items():
            problem = self._quotas.refusal(some[at].path, self._user, excess)
            wants[wanted[at]] = Want(problem.code_text, message=str(problem))

    def came(self, batches: Sequence[int], grown: Use) -> None:
        """So much of some batches is counted now, all together."""
        for batch in batches:
            if (left := self._promised.get(batch)) is not None:
                came = grown.within(left)
                self._promised[batch] = left - came
                self._quotas.end(came)
                grown -= came

    def end(self, batch: int) -> None:
        """A batch has ended: what did not come never will."""
        self._quotas.end(self._promised.pop(batch, NOTHING_USED))
