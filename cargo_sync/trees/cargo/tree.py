"""The far tree: a folder of a workspace on our server."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from itertools import islice
from typing import Any, Final

from cargo_sync.local.trash import numbered
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry
from cargo_sync.model.jobs import Identity, Mode
from cargo_sync.model.problems import Code, Problem, ProblemError, not_as_delivered
from cargo_sync.model.world import World
from cargo_sync.trees.cargo.api import LONG_POLL, Api, segment
from cargo_sync.trees.cargo.flow import ClientFlow
from cargo_sync.trees.cargo.problems import well_formed
from cargo_sync.trees.contract import Delta, Ends, Observation, Task

PAGE: Final = 10_000
OPERATIONS: Final = 2_000
NUMBERS: Final = 100
"""Names with a number that are tried where one is taken already."""


class CargoTree:
    """`folder` of `workspace`, as the user of `api` sees it.

    turn   entered while content moves, so that only so many flows of a daemon do so at once
    flow   the flow that runs now, to be asked how it goes; None while nothing moves
    """

    def __init__(
        self,
        api: Api,
        workspace: str,
        folder: str,
        world: World,
        turn: AbstractAsyncContextManager[Any],
    ) -> None:
        self._api = api
        self._login = api.login
        self._workspace = workspace
        self._folder = folder
        self._world = world
        self._turn = turn
        self.flow: ClientFlow | None = None
        self._newest = Delta((), 0)
        self._base = f"/workspaces/{segment(workspace)}"

    async def open(self, cursor: int = 0) -> Identity:
        self._api.hold(self)
        answer = await self._api.get("/workspaces", since=cursor)
        with well_formed():
            found = {str(one["name"]): one for one in answer["workspaces"]}
            if self._workspace not in found:
                raise ProblemError(
                    no_workspace(self._login.username, self._workspace, sorted(found))
                )
            mine = found[self._workspace]
            root = f"{self._login.url} {self._login.username} {self._workspace} {self._folder}"
            # A server that never forgets a deletion says nothing of a floor.
            floor = int(mine.get("floor", 0))
            here = Identity(
                root, str(mine["epoch"]), int(mine["sequence"]), str(mine["lineage"]), floor
            )
        self._newest = Delta((), here.sequence, here.lineage)
        return here

    async def observe(self, cursor: int) -> AsyncIterator[Observation]:
        if 0 < cursor == self._newest.cursor:
            yield self._newest  # `open` said so this moment: most looks of most jobs end here
            return
        began, more = cursor, True
        while more:
            answer = await self._changes(since=cursor, limit=PAGE)
            with well_formed():
                if 0 < began < int(answer.get("floor", 0)):
                    raise ProblemError(_forgotten())  # since `open`, this very moment
                rows = list(zip(*answer["rows"], strict=True))
                changes = [(_checked(row[0]), _entry(row)) for row in rows]
                before, cursor, more = cursor, int(answer["next"]), bool(answer["more"])
                if more and cursor <= before:
                    raise ValueError(f"more changes after {before}, but none")
            yield Delta(changes, cursor, str(answer["lineage"]))

    async def wait(self, cursor: int, seconds: float) -> bool:
        answer = await self._changes(since=cursor, limit=1, wait=int(min(seconds, LONG_POLL)))
        return bool(answer["rows"] and answer["rows"][0])

    async def _changes(self, since: int, limit: int, wait: int = 0) -> dict[str, Any]:
        query: dict[str, str | int] = {"since": since, "under": self._folder, "limit": limit}
        if wait:
            query["wait"] = wait
        return await self._api.get(f"{self._base}/changes", **query)

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> list[str | Problem]:
        found: list[str | Problem] = []
        for start in range(0, len(items), OPERATIONS):
            part = items[start : start + OPERATIONS]
            files = [[self._whole(path), entry.version] for path, entry in part]
            answers = self._api.lines(f"{self._base}/hashes", {"files": files})
            found += [_hash(answer, path) async for answer, (path, _) in _paired(answers, part)]
        return found

    async def apply(self, actions: Sequence[Action], run: str) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for start in range(0, len(actions), OPERATIONS):
            part = actions[start : start + OPERATIONS]
            body = {"run": run, "operations": [self._operation(action) for action in part]}
            answer = await self._api.post(f"{self._base}/operations", body)
            with well_formed():
                outcomes += [
                    _outcome(action, result)
                    for action, result in zip(part, answer["results"], strict=True)
                ]
        return outcomes

    def _operation(self, action: Action) -> dict[str, Any]:
        operation: dict[str, Any] = {"op": action.op.value, "path": self._whole(action.path)}
        if action.source is not None:
            operation["mode"] = action.source.mode
        if action.expected is not None:
            operation["expected"] = action.expected.version
        return operation

    async def retire(
        self, path: str, entry: Entry, content: str, move_to: str, run: str
    ) -> Problem | None:
        [found] = await self.hashes([(path, entry)])
        if isinstance(found, Problem):
            return found
        if found != content:
            return not_as_delivered(path)
        operation = {"op": "delete", "path": self._whole(path), "expected": entry.version}
        if not move_to:
            return await self._operate(operation, path, run)
        place = paths.join(move_to, path)
        for name in islice(numbered(paths.name(place)), NUMBERS):
            to = self._whole(paths.join(paths.parent(place), name))
            problem = await self._operate(operation | {"op": "move", "to": to}, path, run)
            if problem is None or problem.code != Code.OCCUPIED:
                break
        return problem

    async def _operate(self, operation: dict[str, Any], path: str, run: str) -> Problem | None:
        answer = await self._api.post(
            f"{self._base}/operations", {"run": run, "operations": [operation]}
        )
        with well_formed():
            return _refused(answer["results"][0], path)

    async def transfer(
        self,
        mode: Mode,
        near: Ends,
        batches: AsyncIterator[Sequence[Task]],
        speed: int | None,
        run: str,
    ) -> AsyncGenerator[list[Outcome], None]:
        self.flow = ClientFlow(self._api, self._login, self._world, self._turn, speed)
        where = (self._workspace, self._folder)
        try:
            async with aclosing(self.flow.run(mode, near, batches, where, run)) as results:
                async for outcomes in results:
                    yield outcomes
        finally:
            self.flow = None

    def open_tasks(self) -> list[Task]:
        return self.flow.open_tasks() if self.flow is not None else []

    async def set_speed(self, bits: int | None) -> None:
        if self.flow is not None:
            await self.flow.set_speed(bits)

    def cancel(self, path: str) -> None:
        if self.flow is not None:
            self.flow.cancel(path)

    async def close(self) -> None:
        await self._api.let_go(self)

    def _whole(self, path: str) -> str:
        """A path of this tree as a path of the workspace."""
        return paths.join(self._folder, path) if path else self._folder


def no_workspace(user: str, name: str, others: list[str]) -> Problem:
    """What is told of a workspace that the server does not show to this user."""
    has = ", ".join(others) or "none"
    return Problem(
        Code.UNKNOWN_WORKSPACE,
        f"{user} has no workspace {name!r} on the server",
        hint=f"workspaces of this user: {has}",
        retry=False,
    )


def _forgotten() -> Problem:
    return Problem(
        Code.CHANGED, "the server has forgotten deletions that this job has not seen yet"
    )


def _checked(path: object) -> str:
    if not isinstance(path, str):
        raise TypeError(path)
    return paths.check(path)


def _entry(row: Sequence[Any]) -> Entry | None:
    path, kind, size, mtime_ns, mode, version, ident, content, target = row
    if kind == "x":
        return None
    if kind not in (FILE, FOLDER, LINK) or (kind == LINK) != bool(target):
        raise ValueError(f"{path!r} is of kind {kind!r} and leads to {target!r}")
    entry = Entry(
        paths.name(path),
        kind,
        int(size),
        int(mtime_ns),
        int(mode) & 0o777,
        int(version),
        int(ident),
        str(content),
        str(target),
    )
    return entry._replace(mtime_ns=0, size=0) if kind == FOLDER else entry


async def _paired(
    answers: AsyncIterator[dict[str, Any]], items: Sequence[tuple[str, Entry]]
) -> AsyncIterator[tuple[dict[str, Any], tuple[str, Entry]]]:
    count = 0
    async for answer in answers:
        if count < len(items):
            yield answer, items[count]
        count += 1
    if count != len(items):
        raise ProblemError(
            Problem(Code.PROTOCOL, f"asked for {len(items)} hashes, the server gave {count}")
        )


def _hash(answer: dict[str, Any], path: str) -> str | Problem:
    with well_formed():
        return _refused(answer, path) or str(answer["hash"])


def _refused(result: dict[str, Any], path: str) -> Problem | None:
    if result["code"] == "done":
        return None
    return Problem.received(
        str(result["code"]), str(result["message"]), path, retry=bool(result.get("retry", True))
    )


def _outcome(action: Action, result: dict[str, Any]) -> Outcome:
    if problem := _refused(result, action.path):
        return Outcome(action, problem=problem)
    displaced = str(result.get("displaced") or "")
    if action.op is Op.DELETE:
        return Outcome(action, displaced=displaced)
    made = Entry(
        paths.name(action.path),
        FOLDER,
        mode=action.source.mode if action.source else 0o755,
        version=int(result["version"]),
        ident=int(result["ident"]),
    )
    return Outcome(action, action.source, made, displaced=displaced)
