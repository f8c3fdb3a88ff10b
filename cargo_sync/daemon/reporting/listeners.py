"""A list of listeners to the jobs, called in turn."""

import logging
from collections.abc import Callable, Sequence
from typing import Final, TypeVarTuple

from cargo_sync.daemon.job.supervisor import Listener, Supervisor
from cargo_sync.model.events import EventGroup

Arguments = TypeVarTuple("Arguments")

_log: Final = logging.getLogger(__name__)


class Listeners(Listener):
    """Calls each of `listeners`, in their order.

    If one fails, that is logged; the others and the job are not affected.
    """

    def __init__(self, listeners: tuple[Listener, ...]) -> None:
        self._listeners = listeners

    def happened(self, events: Sequence[EventGroup]) -> None:
        for listener in self._listeners:
            _call(listener.happened, events)

    def changed(self, job: Supervisor) -> None:
        for listener in self._listeners:
            _call(listener.changed, job)

    def looked(self, job: Supervisor, run: str) -> None:
        for listener in self._listeners:
            _call(listener.looked, job, run)

    def removed(self, name: str) -> None:
        for listener in self._listeners:
            _call(listener.removed, name)


def _call(call: Callable[[*Arguments], None], *arguments: *Arguments) -> None:
    try:
        call(*arguments)
    except Exception as error:
        _log.error("a listener failed: %s", call.__qualname__, exc_info=error)
