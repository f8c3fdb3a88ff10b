"""A far tree that notes which transfers are under way: what a lane tells of paths is told of ids
then."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

from cargo_sync.model.actions import Action, Outcome
from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import Identity, Mode
from cargo_sync.model.problems import Problem
from cargo_sync.trees.contract import FarTree, NearTree, Observation, Task


class Noted:
    """`tree`, and the ids of what it moves by path."""

    def __init__(self, tree: FarTree) -> None:
        self._tree = tree
        self.ids: dict[str, str] = {}

    async def transfer(
        self,
        mode: Mode,
        near: NearTree,
        batches: AsyncIterator[Sequence[Task]],
        speed: int | None,
        run: str,
    ) -> AsyncGenerator[list[Outcome], None]:
        results = self._tree.transfer(mode, near, self._noted(batches), speed, run)
        try:
            # Closed here and now, not when it is collected: that is what stops a transfer at its
            # checkpoint.
            async with aclosing(results):
                async for outcomes in results:
                    for outcome in outcomes:
                        self.ids.pop(outcome.action.path, None)
                    yield outcomes
        finally:
            self.ids.clear()

    def cancel(self, path: str) -> None:
        self._tree.cancel(path)

    async def _noted(
        self, batches: AsyncIterator[Sequence[Task]]
    ) -> AsyncGenerator[Sequence[Task]]:
        async for tasks in batches:
            self.ids.update({task.action.path: task.transfer for task in tasks})
            yield tasks

    async def open(self, cursor: int = 0) -> Identity:
        return await self._tree.open(cursor)

    def observe(self, cursor: int) -> AsyncIterator[Observation]:
        return self._tree.observe(cursor)

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> list[str | Problem]:
        return await self._tree.hashes(items)

    async def apply(self, actions: Sequence[Action], run: str) -> list[Outcome]:
        return await self._tree.apply(actions, run)

    async def retire(
        self, path: str, entry: Entry, content: str, move_to: str, run: str
    ) -> Problem | None:
        return await self._tree.retire(path, entry, content, move_to, run)

    async def set_speed(self, bits: int | None) -> None:
        await self._tree.set_speed(bits)

    async def wait(self, cursor: int, seconds: float) -> bool:
        return await self._tree.wait(cursor, seconds)

    async def close(self) -> None:
        await self._tree.close()
