"""Permits: what each running request, connection and flow may do, and for whom it runs.

A request that has begun must not outlive its user's permission. So whoever begins one gets a permit
for it. A permit is revoked when its user is logged out (removed, disabled, another password),
expires, may not come from their network any more, or may not use the workspace in that way any
more. Its holder then ends. What cannot be stopped at
once, such as a thread that is about to publish a file, asks with `check` first.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Final, Self

from cargo_sync.model.history import ChangeCause
from cargo_sync.model.problems import Code, LaterError, Problem, ProblemError
from cargo_sync.server.accounts.access import Access, Grants
from cargo_sync.server.grants.rights import Right

REQUESTS: Final = 1_024
"""Requests of one user at the same time, polls included: others need connections, too."""
LOGGED_OUT: Final = Problem(
    Code.LOGGED_OUT, "the user was logged out on the server meanwhile", hint="log in again"
)

Revoked = Callable[[Problem], object]
"""Ends what a permit was for. Called once, in the event loop."""
RefusalOf = Callable[[str, str], Problem | None]
"""Why a user, by name, may not come now from an IP address; None if they may."""


def everybody(_user: str, _address: str) -> Problem | None:
    """Refuses nobody."""
    return None


class Permit:
    """One permission in use. As a context manager it is given back at the end.

    A task that its permit cancelled leaves the `with` with a ProblemError: the reason.

    user     their name
    address  the IP address of their client, or ""
    space    the workspace, as it was granted; None if none is used
    right    what it is used for
    problem  why it was revoked, or None
    """

    def __init__(
        self, permits: "Permits", user: str, address: str, space: Access | None, right: Right
    ) -> None:
        self.user = user
        self.address = address
        self.space = space
        self.right = right
        self.problem: Problem | None = None
        self._permits = permits

    @property
    def access(self) -> Access:
        """The workspace that it was issued for."""
        assert self.space is not None, "it was issued for a workspace"
        return self.space

    def cause(self, origin: str, flow: str = "") -> ChangeCause:
        """What the history says of the changes that are made with it; see `ChangeCause`."""
        return ChangeCause(self.user, self.address, origin, flow)

    def check(self) -> None:
        """Checks that it still holds at this moment. May be called from any thread.

        Raises:
            ProblemError: `logged_out`, `expired`, `foreign_network`, `unknown`, `read_only`,
                `write_only`.
        """
        if problem := self.problem or self._permits.refusal(self):
            raise ProblemError(problem)

    def give_back(self) -> None:
        """Its use has ended."""
        self._permits.forget(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.give_back()
        if self.problem is not None and isinstance(error, asyncio.CancelledError):
            task = asyncio.current_task()
            if task is not None and task.uncancel() == 0:  # nobody else wants it to end
                raise ProblemError(self.problem) from None


class Permits:
    """All permits in use. For the event loop, except for `Permit.check`.

    `seen` is called with a user and the address of their client whenever one is issued.
    `refusal_of` says of a user who holds one whether they may still come.
    """

    def __init__(
        self,
        grants: Grants,
        refusal_of: RefusalOf = everybody,
        seen: Callable[[str, str], object] = lambda user, address: None,
    ) -> None:
        self._grants = grants
        self.refusal_of = refusal_of
        self._seen = seen
        self._used: dict[Permit, Revoked] = {}
        self._of_user: Counter[str] = Counter()

    def issue(
        self,
        user: str,
        revoked: Revoked,
        space: Access | None = None,
        right: Right = Right.LOOK,
        *,
        address: str = "",
    ) -> Permit:
        """A permit for something that runs for `user`; `revoked` ends it."""
        permit = Permit(self, user, address, space, right)
        self._seen(user, address)
        self._used[permit] = revoked
        self._of_user[user] += 1
        return permit

    def for_task(
        self,
        user: str,
        space: Access | None = None,
        right: Right = Right.LOOK,
        *,
        address: str = "",
    ) -> Permit:
        """A permit for the current task, which is cancelled if it is revoked.

        Raises:
            LaterError: `busy`, when the user has too many requests already.
        """
        if self._of_user[user] >= REQUESTS:
            raise LaterError(Problem(Code.BUSY, f"{user} already has {REQUESTS:,} requests"), 5)
        task = asyncio.current_task()
        assert task is not None, "requests run in tasks"
        return self.issue(user, lambda _: task.cancel(), space, right, address=address)

    def forget(self, permit: Permit) -> None:
        """Forgets a permit that is not used any more."""
        self._take_back(permit)

    def refusal(self, permit: Permit) -> Problem | None:
        """Why the user of a permit may not do this any more, by the current terms and grants."""
        if problem := self.refusal_of(permit.user, permit.address):
            return problem
        if permit.space is None:
            return None
        return self._grants.refusal(permit.user, permit.space, permit.right)

    def end_of(self, users: Collection[str]) -> None:
        """Revokes everything of users who were removed, disabled, or got another password."""
        for permit in [one for one in self._used if one.user in users]:
            self._revoke(permit, LOGGED_OUT)

    def renew(self) -> None:
        """Revokes what the current terms and grants do not allow any more."""
        for permit in list(self._used):
            if problem := self.refusal(permit):
                self._revoke(permit, problem)

    def __len__(self) -> int:
        return len(self._used)

    def _revoke(self, permit: Permit, problem: Problem) -> None:
        permit.problem = problem
        if (revoked := self._take_back(permit)) is not None:
            revoked(problem)

    def _take_back(self, permit: Permit) -> Revoked | None:
        revoked = self._used.pop(permit, None)
        if revoked is not None:
            self._of_user[permit.user] -= 1
            if not self._of_user[permit.user]:
                del self._of_user[permit.user]
        return revoked
