"""Stalling: for how long nothing has moved any more, however slow it was before that."""

from collections.abc import Hashable


class Stalling:
    """Watches a mark that changes whenever something has moved.

    Args:
        patience: seconds without a change after which it counts as stalled.
    """

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self._mark: Hashable = _NOTHING
        self._since = 0.0

    def left(self, mark: Hashable, now: float) -> float:
        """Seconds until it is stalled if the mark stays; none are left if it is.

        The time counts from the first look at a mark.

        Args:
            mark: how far it is.
            now: steady seconds.
        """
        if mark != self._mark:
            self._mark, self._since = mark, now
        return self._since + self.patience - now


_NOTHING = object()
