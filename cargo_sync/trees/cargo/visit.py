"""A folder on a Cargo server for a get, a put or the shell: pages, single entries, changes."""

from collections.abc import Sequence
from typing import Final

from cargo_sync.lanes.figures import Figures
from cargo_sync.model import paths
from cargo_sync.model.abilities import CARGO, Abilities
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import FOLDER, PERMISSIONS, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.cargo import replies, requests
from cargo_sync.trees.cargo.problems import bad_answer
from cargo_sync.trees.cargo.replies import ROWS, ResultReply
from cargo_sync.trees.cargo.requests import Body
from cargo_sync.trees.cargo.tree import CargoTree
from cargo_sync.trees.visit import VisitPage

LOOKS: Final = 3
"""A delete of a folder is tried so often if new entries appear in it meanwhile."""
WORKSPACE: Final = Entry("", FOLDER, mode=0o755)


class VisitedTree(CargoTree):
    """`folder` of `workspace`, visited."""

    @property
    def abilities(self) -> Abilities:
        return CARGO

    def figures(self) -> Figures | None:
        return next(iter(self.flows.figures().values()), None)

    def granted(self) -> int | None:
        return next((flow.granted for flow in self.flows.running.values()), None)

    # -- reading -----------------------------------------------------------------------------------

    async def page(self, folder: str, after: str, limit: int) -> VisitPage:
        limit = min(limit, ROWS)
        found = await self._api.get(
            f"{self._base}/tree",
            replies.folder,
            path=self._whole(folder),
            after=after,
            limit=limit,
        )
        if len(found.entries) > limit:
            raise bad_answer(f"{len(found.entries)} names were sent, {limit} were asked for")
        if found.next is not None and (not found.entries or found.next <= after):
            raise bad_answer(f"more names after {after!r} are announced, but none is sent")
        entries, problems = [], []
        for entry in found.entries:
            path = paths.join(folder, entry.name)
            if reason := paths.bad_name(entry.name) or paths.bad_path(self._whole(path)):
                problems.append(replies.unusable(path, reason))
            elif paths.is_reserved(entry.name):
                problems.append(paths.reserved_name(path))
            else:
                entries.append(entry)
        return VisitPage(sorted(entries), found.next, problems)

    async def entry(self, path: str) -> Entry | None:
        """The entry at `path` now, or None. The workspace itself is a folder without a name."""
        whole = self._whole(path)
        if not whole:
            return WORKSPACE
        try:
            found = await self._api.get(f"{self._base}/entry", replies.single, path=whole)
        except ProblemError as error:
            if error.problem.code == Code.UNKNOWN:
                return None
            raise
        return found._replace(name=paths.name(whole))

    async def stand(self, folder: str, names: Sequence[str]) -> dict[str, Entry | Problem]:
        if not names:
            return {}
        if len(names) == 1:
            found = await self.entry(paths.join(folder, names[0]))
            return {} if found is None else {names[0]: found}
        wanted = set(names)
        standing: dict[str, Entry | Problem] = {}
        after: str | None = names[0][:-1]  # sorts before the first name
        while after is not None and after < names[-1]:
            try:
                page = await self.page(folder, after, ROWS)
            except ProblemError as error:
                if error.problem.code == Code.UNKNOWN:
                    return {}
                raise
            standing |= {entry.name: entry for entry in page.entries if entry.name in wanted}
            after = page.next
        return standing

    # -- changing ----------------------------------------------------------------------------------

    async def make(
        self, folders: Sequence[tuple[str, int | None]], run: str
    ) -> list[Problem | None]:
        actions = [
            Action(
                Op.MKDIR,
                path,
                None if mode is None else Entry(paths.name(path), FOLDER, mode=mode & PERMISSIONS),
            )
            for path, mode in folders
        ]
        return [_in_the_way(outcome.problem) for outcome in await self.apply(actions, run)]

    async def delete(self, path: str, run: str, *, recursive: bool) -> str:
        """Moves a file or a folder to the server's trash; returns its path there.

        Raises:
            ProblemError: `unknown`; `not_empty`, for a folder if not `recursive`; `changed`, if its
                content changed at each try.
        """
        for _ in range(LOOKS - 1):
            try:
                return await self._delete(path, run, recursive)
            except ProblemError as error:
                if error.problem.code != Code.CHANGED:
                    raise
        return await self._delete(path, run, recursive)

    async def _delete(self, path: str, run: str, recursive: bool) -> str:
        found = await self._existing(path)
        seen = await self._sequence() if recursive and found.kind == FOLDER else None
        delete = requests.operation("delete", self._whole(path), expected=found.version, seen=seen)
        return (await self._operate_one(delete, path, run)).displaced or ""

    async def move(self, path: str, to: str, run: str) -> None:
        """Renames a file, or a folder with everything below it.

        Raises:
            ProblemError: `unknown`; `occupied`, if there is an entry at `to`.
        """
        found = await self._existing(path)
        move = requests.operation(
            "move", self._whole(path), to=self._whole(to), expected=found.version
        )
        await self._operate_one(move, path, run)

    async def _sequence(self) -> int:
        return (await self._space()).sequence

    async def _existing(self, path: str) -> Entry:
        found = await self.entry(path)
        if found is None:
            raise ProblemError(
                Problem(Code.UNKNOWN, f"there is no {path!r} on the server", path, retry=False)
            )
        return found

    async def _operate_one(self, operation: Body, path: str, run: str) -> ResultReply:
        [result] = (await self._operations([operation], run)).results
        if problem := result.problem(path):
            raise ProblemError(problem)
        return result


def _in_the_way(problem: Problem | None) -> Problem | None:
    if problem is None or problem.code != Code.CHANGED:
        return problem
    message = f"{problem.path!r} is a file on the server where a folder is needed"
    return Problem(Code.NOT_A_FOLDER, message, problem.path, retry=False)
