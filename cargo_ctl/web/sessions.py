"""Who is logged in: sessions by their bearer, and the key of the link. Time is an argument.

A bearer is 256 random bits; only its hash is kept. Nothing is written: when the process ends, all
sessions end.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cargo_ctl.web.accounts import same
from cargo_ctl.web.settings import LINK, WebUser
from cargo_sync.api.roles import Role

LASTS: Final = 12 * 3600
"""Seconds of a session."""
LINK_LASTS: Final = 3600.0
"""Seconds after which an unused link gets another key."""
MOST: Final = 1_000
"""Sessions; with more, the oldest ends."""

NewSecret = Callable[[], str]


def new_secret() -> str:
    """256 random bits, as text for URLs and headers."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class WebSession:
    """One login. `account` is the user as of the login; None for the link."""

    user: str
    role: Role
    ends: float
    account: WebUser | None = None


class WebSessions:
    """The sessions. `now` gives steady seconds; `is_still` says whether a user is unchanged."""

    def __init__(
        self,
        now: Callable[[], float],
        is_still: Callable[[WebUser], bool],
        new: NewSecret = new_secret,
    ) -> None:
        self._now = now
        self._is_still = is_still
        self._new = new
        self._sessions: dict[bytes, WebSession] = {}

    def open(self, account: WebUser | None) -> tuple[str, WebSession]:
        """A new session and its bearer: of a user, or of who has the link."""
        ends = self._now() + LASTS
        session = (
            WebSession(LINK, Role.CONTROL, ends)
            if account is None
            else WebSession(account.name, account.role, ends, account)
        )
        bearer = self._new()
        self._sessions[_digest(bearer)] = session
        if len(self._sessions) > MOST:
            del self._sessions[next(iter(self._sessions))]
        return bearer, session

    def find(self, bearer: str) -> WebSession | None:
        """The session of a bearer, if it still lasts."""
        session = self._sessions.get(_digest(bearer))
        if session is None:
            return None
        changed = session.account is not None and not self._is_still(session.account)
        if changed or session.ends <= self._now():
            self.end(bearer)
            return None
        return session

    def end(self, bearer: str) -> None:
        """Ends the session of a bearer, if there is one."""
        self._sessions.pop(_digest(bearer), None)


class LoginLink:
    """The key of the link: it opens one session, then there is another key.

    key  the key that works now
    """

    def __init__(self, new: NewSecret = new_secret) -> None:
        self._new = new
        self.key = new()

    def take(self, key: str) -> bool:
        """Whether this is the key; then it is used up."""
        right = same(key, self.key)
        if right:
            self.renew()
        return right

    def renew(self) -> None:
        """Another key; the one before does not work any more."""
        self.key = self._new()


def _digest(bearer: str) -> bytes:
    return hashlib.sha256(bearer.encode("utf-8", "replace")).digest()
