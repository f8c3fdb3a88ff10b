"""Everybody who is told what happens to the jobs, told in turn."""

import logging
from collections.abc import Callable, Sequence
from typing import Final, TypeVarTuple

from cargo_sync.daemon.job.supervisor import Listener, Supervisor
from cargo_sync.model.events import Event

What = TypeVarTuple("What")

_log: Final = logging.getLogger(__name__)


class Listeners(Listener):
    """Tells each of `listeners`, in their order.

    One that fails is logged: neither the others nor the job that tells it notice.
    """

    def __init__(self, listeners: tuple[Listener, ...]) -> None:
        self._listeners = listeners

    def happened(self, events: Sequence[Event], cursor: int) -> None:
        for listener in self._listeners:
            _tell(listener.happened, events, cursor)

    def changed(self, job: Supervisor) -> None:
        for listener in self._listeners:
            _tell(listener.changed, job)

    def removed(self, name: str) -> None:
        for listener in self._listeners:
            _tell(listener.removed, name)


def _tell(call: Callable[[*What], None], *what: *What) -> None:
    try:
        call(*what)
    except Exception as error:
        _log.error("a listener failed: %s", call.__qualname__, exc_info=error)
