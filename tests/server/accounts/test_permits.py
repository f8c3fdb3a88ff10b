"""Permits: whose they are, when they end, and how a task that holds one ends."""

import asyncio
from typing import Any

import pytest

from cargo_sync.model.problems import LaterError, Problem, ProblemError
from cargo_sync.server.accounts.access import Access, Grants
from cargo_sync.server.accounts.permits import LOGGED_OUT, REQUESTS, Permits
from cargo_sync.server.grants.rights import Right
from cargo_sync.server.refusals import unknown

NO_DROP_BOXES: Any = None


class Folder:
    """A workspace, of which only this is asked."""

    read_only = False


class View:
    """What a user sees of it."""

    path = ""


def access(folder: object) -> Access:
    return Access("music", folder, View(), "rw")  # type: ignore[arg-type]


class Elsewhere(View):
    path = "in/ana"


class Shared(Grants):
    """One workspace that everybody has, until `access` is another one or None."""

    def __init__(self) -> None:
        super().__init__(NO_DROP_BOXES)
        self.access: Access | None = access(Folder())

    def get(self, user: str, name: str) -> Access:
        if self.access is None or name != self.access.name:
            raise unknown("such workspace")
        return self.access


@pytest.mark.parametrize(
    ("right", "change", "code"),
    [
        (Right.CHANGE, {}, None),
        (Right.CHANGE, {"level": "ro"}, "read_only"),
        (Right.READ, {"level": "ro"}, None),
        (Right.READ, {"level": "wo"}, "write_only"),
        (Right.READ, {"view": Elsewhere()}, "logged_out"),
        (Right.ADD, {"whole": Folder()}, "unknown"),
        (Right.LOOK, {"name": "other"}, "unknown"),
    ],
)
def test_what_the_grants_still_allow(
    right: Right, change: dict[str, object], code: str | None
) -> None:
    grants, heard = Shared(), list[Problem]()
    permits = Permits(grants)
    assert grants.access is not None
    permit = permits.issue("ana", heard.append, grants.access, right)
    grants.access = grants.access._replace(**change)  # type: ignore[arg-type]
    assert [code_of(permit.check)] == [code]
    permits.renew()
    permits.renew()  # each is told once
    assert [problem.code for problem in heard] == ([] if code is None else [code])
    assert code_of(permit.check) == code


def test_who_writes_ends_when_the_folder_becomes_read_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    grants = Shared()
    permits = Permits(grants)
    assert grants.access is not None and str(grants.access.shown) == "rw"
    writing, reading = (
        permits.issue("ana", lambda _: None, grants.access, right)
        for right in (Right.ADD, Right.READ)
    )
    monkeypatch.setattr(Folder, "read_only", True)
    assert str(grants.access.shown) == "ro"
    assert [code_of(one.check) for one in (writing, reading)] == ["read_only", None]


def code_of(check: object) -> str | None:
    try:
        check()  # type: ignore[operator]
    except ProblemError as error:
        return error.problem.code
    return None


def test_a_users_end_is_theirs_alone() -> None:
    permits, heard = Permits(Shared()), list[str]()
    held = {
        user: permits.issue(user, lambda _, user=user: heard.append(user))  # type: ignore[misc]
        for user in ("ana", "ben", "eva")
    }
    held["eva"].give_back()
    permits.end_of({"ana", "eva", "nobody"})
    assert heard == ["ana"] and len(permits) == 1
    assert held["ana"].problem is LOGGED_OUT and held["ben"].problem is None


async def test_a_cancelled_task_says_why() -> None:
    permits, inside = Permits(Shared()), asyncio.Event()

    async def request() -> None:
        with permits.for_task("ana"):
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(request())
    await inside.wait()
    permits.end_of({"ana"})
    with pytest.raises(ProblemError, match="logged out"):
        await task
    assert len(permits) == 0


async def test_a_task_that_others_cancel_as_well_is_cancelled() -> None:
    permits, inside = Permits(Shared()), asyncio.Event()

    async def request() -> None:
        with permits.for_task("ana"):
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(request())
    await inside.wait()
    permits.end_of({"ana"})
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(permits) == 0


async def test_a_user_cannot_have_all_connections() -> None:
    permits = Permits(Grants(NO_DROP_BOXES))
    many = [permits.for_task("ana") for _ in range(REQUESTS)]
    with pytest.raises(LaterError, match="already has 1,024 requests"):
        permits.for_task("ana")
    with permits.for_task("ben"):
        many.pop().give_back()
    many.append(permits.for_task("ana"))
    for permit in many:
        permit.give_back()
    with permits.for_task("ana"):
        assert len(permits) == 1
