"""All sessions of a daemon by id; unused ones end."""

import asyncio
import logging
from typing import Final

from cargo_sync.api import topics
from cargo_sync.api.messages import ControlError, ReplyCode
from cargo_sync.control.changes import Publish
from cargo_sync.daemon.sessions import views
from cargo_sync.daemon.sessions.remote import Remote
from cargo_sync.daemon.sessions.session import Session
from cargo_sync.daemon.sessions.transfer import Transfer
from cargo_sync.model.world import World
from cargo_sync.process.tasks import contained
from cargo_sync.process.wakeup import Wakeup

TICK: Final = 1.0
"""Seconds between two messages about a transfer."""
UNUSED: Final = 12 * 3600.0
"""Seconds without use after which a session ends."""
MOST: Final = 64
"""Open sessions."""

_log = logging.getLogger(__name__)


class Sessions:
    """The sessions by id. `group` owns their transfers."""

    def __init__(self, world: World, publisher: Publish, group: asyncio.TaskGroup) -> None:
        self._world = world
        self._publisher = publisher
        self._group = group
        self._sessions: dict[str, Session] = {}

    def get(self, id: str) -> Session:
        """Returns a session and marks it as used. Raises ControlError(unknown_session)."""
        session = self._sessions.get(id)
        if session is None:
            message = (
                "there is no such session: it was closed or not used for 12 hours, "
                "or the daemon was restarted"
            )
            raise ControlError(ReplyCode.UNKNOWN_SESSION, message, "open one again")
        session.used_at = self._world.steady()
        return session

    def check_room(self) -> None:
        """Checks that another session may be opened. Raises ControlError(busy)."""
        if len(self._sessions) >= MOST:
            raise ControlError(
                ReplyCode.BUSY,
                f"{MOST} sessions are open already",
                "close one that you do not need",
            )

    def add(self, remote: Remote) -> Session:
        """Makes a session with a server where the user is logged in."""
        session = Session(self._world.token(), remote, self._world, self._group, self._publish)
        self._sessions[session.id] = session
        _log.info("session opened: %r at %s", remote.username, remote.url)
        return session

    async def close(self, id: str) -> None:
        """Ends a session and its transfers; a second call does nothing."""
        session = self._sessions.pop(id, None)
        if session is not None:
            for other in list(self._sessions.values()):
                await other.lose(id)
            await session.close()
            self._publisher.forget(topics.session(id))

    async def run(self) -> None:
        """Publishes progress once per second until cancelled; then it ends all sessions."""
        never = Wakeup()
        try:
            while True:
                await never.wait(TICK)
                try:
                    self.tick()
                except Exception as error:  # a bug of ours: it costs one tick, not the daemon
                    _log.error("publishing the progress of sessions failed", exc_info=error)
        finally:
            for id in list(self._sessions):
                await contained(self.close(id), "closing a session")

    def tick(self) -> None:
        late = self._world.steady() - UNUSED
        for session in list(self._sessions.values()):
            running = session.running
            for transfer in running:
                transfer.sample()
                if (source := self._sessions.get(transfer.order.session)) is not None:
                    source.used_at = self._world.steady()
                self._publish(session, transfer)
            if session.uneven:
                self._group.create_task(contained(session.share(), "dividing a speed"))
            if not running and session.used_at < late:
                self._group.create_task(contained(self.close(session.id), "closing a session"))

    def _publish(self, session: Session, transfer: Transfer) -> None:
        self._publisher.publish(
            topics.session(session.id), "session", views.transfer(session, transfer)
        )
