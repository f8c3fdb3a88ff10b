"""A folder on our server as a visitor sees it: pages, single entries, and changes that a person
orders."""

from collections.abc import Sequence
from typing import Any, Final

from cargo_sync.lanes.figures import Figures
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.cargo.problems import well_formed
from cargo_sync.trees.cargo.tree import PAGE, CargoTree
from cargo_sync.trees.visit import VisitPage

LOOKS: Final = 3
"""A folder that is to go is looked at so often while something in it still turns up."""
WORKSPACE: Final = Entry("", FOLDER, mode=0o755)


class VisitedTree(CargoTree):
    """`folder` of `workspace`, visited."""

    def figures(self) -> Figures | None:
        return self.flow.figures() if self.flow is not None else None

    def granted(self) -> int | None:
        return self.flow.granted if self.flow is not None else None

    # -- looking -----------------------------------------------------------------------------------

    async def page(self, folder: str, after: str, limit: int) -> VisitPage:
        answer = await self._api.get(
            f"{self._base}/tree", path=self._whole(folder), after=after, limit=min(limit, PAGE)
        )
        with well_formed():
            rows = list(zip(*answer["entries"], strict=True))
            further = answer["next"]
            if further is not None and (
                not rows or further <= after or not isinstance(further, str)
            ):
                raise ValueError(f"more names after {after!r}, but none")
        entries, problems = [], []
        for row in rows:
            entry = _row(row)
            path = paths.join(folder, entry.name)
            if reason := paths.bad_name(entry.name) or paths.bad_path(self._whole(path)):
                message = f"the server has a name that cannot be used: {path!r} {reason}"
                problems.append(Problem(Code.BAD_PATH, message, path, retry=False))
            else:
                entries.append(entry)
        return VisitPage(sorted(entries), further, problems)

    async def entry(self, path: str) -> Entry | None:
        """What stands at `path` now, None when nothing does. The workspace itself is a nameless
        folder."""
        whole = self._whole(path)
        if not whole:
            return WORKSPACE
        try:
            answer = await self._api.get(f"{self._base}/entry", path=whole)
        except ProblemError as error:
            if error.problem.code == Code.UNKNOWN:
                return None
            raise
        with well_formed():
            return _row(answer["entry"])._replace(name=paths.name(whole))

    async def stand(self, folder: str, names: Sequence[str]) -> dict[str, Entry | Problem]:
        if not names:
            return {}
        if len(names) == 1:
            found = await self.entry(paths.join(folder, names[0]))
            return {} if found is None else {names[0]: found}
        wanted = set(names)
        standing: dict[str, Entry | Problem] = {}
        after: str | None = names[0][:-1]  # a beginning of the first name comes before it
        while after is not None and after < names[-1]:
            try:
                page = await self.page(folder, after, PAGE)
            except ProblemError as error:
                if error.problem.code == Code.UNKNOWN:
                    return {}
                raise
            standing |= {entry.name: entry for entry in page.entries if entry.name in wanted}
            after = page.next
        return standing

    # -- changing ----------------------------------------------------------------------------------

    async def make(self, folders: Sequence[tuple[str, int]], run: str) -> list[Problem | None]:
        actions = [
            Action(Op.MKDIR, path, Entry(paths.name(path), FOLDER, mode=mode & 0o777))
            for path, mode in folders
        ]
        return [_in_the_way(one.problem) for one in await self.apply(actions, run)]

    async def delete(self, path: str, run: str, *, recursive: bool) -> str:
        """Takes a file or a folder to the server's trash; where it lies there.

        Raises:
            ProblemError: `unknown`; `not_empty` for a folder that is to go alone; `changed` when it
                does not come to rest.
        """
        for _ in range(LOOKS - 1):
            try:
                return await self._delete(path, run, recursive)
            except ProblemError as error:
                if error.problem.code != Code.CHANGED:
                    raise
        return await self._delete(path, run, recursive)

    async def _delete(self, path: str, run: str, recursive: bool) -> str:
        found = await self._there(path)
        operation = {"op": "delete", "path": self._whole(path), "expected": found.version}
        if recursive and found.kind == FOLDER:
            operation["seen"] = await self._sequence()
        return str((await self._ordered(operation, path, run)).get("displaced") or "")

    async def move(self, path: str, to: str, run: str) -> None:
        """Renames, with all below. Raises ProblemError: `unknown`; `occupied`, when `to` is
        taken."""
        found = await self._there(path)
        operation = {
            "op": "move", "path": self._whole(path), "to": self._whole(to), "expected": found.version,
        }  # fmt: skip
        await self._ordered(operation, path, run)

    async def _sequence(self) -> int:
        try:
            return (await self.open()).sequence
        finally:
            await self.close()

    async def _there(self, path: str) -> Entry:
        found = await self.entry(path)
        if found is None:
            raise ProblemError(
                Problem(Code.UNKNOWN, f"there is no {path!r} on the server", path, retry=False)
            )
        return found

    async def _ordered(self, operation: dict[str, Any], path: str, run: str) -> dict[str, Any]:
        answer = await self._api.post(
            f"{self._base}/operations", {"run": run, "operations": [operation]}
        )
        with well_formed():
            result: dict[str, Any] = answer["results"][0]
            if result["code"] == "done":
                return result
            raise ProblemError(Problem.received(str(result["code"]), str(result["message"]), path))


def _row(row: Sequence[Any]) -> Entry:
    """One entry as the server tells it; its name is checked by whoever uses it."""
    with well_formed():
        name, kind, size, mtime_ns, mode, version, ident, content, target = row
        if (
            kind not in (FILE, FOLDER, LINK)
            or (kind == LINK) != bool(target)
            or not isinstance(name, str)
        ):
            raise ValueError(f"{name!r} is of kind {kind!r} and leads to {target!r}")
        folder = kind == FOLDER
        return Entry(
            name,
            kind,
            0 if folder else int(size),
            0 if folder else int(mtime_ns),
            int(mode) & 0o777,
            int(version),
            int(ident),
            str(content),
            str(target),
        )


def _in_the_way(problem: Problem | None) -> Problem | None:
    if problem is None or problem.code != Code.CHANGED:
        return problem
    message = f"{problem.path!r} is a file on the server where a folder is needed"
    return Problem(Code.NOT_A_FOLDER, message, problem.path, retry=False)
