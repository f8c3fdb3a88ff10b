"""The jobs that end now, to begin again with other settings: orders wait until they have begun."""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager


class Replacements:
    """The names of these jobs; some are replaced together, and only at one time."""

    def __init__(self) -> None:
        self._names: Collection[str] = ()
        self._over = asyncio.Event()

    @contextmanager
    def of(self, names: Collection[str]) -> Iterator[None]:
        """Within it these jobs end, and others of the same names begin."""
        self._names, self._over = names, asyncio.Event()
        try:
            yield
        finally:
            self._names = ()
            self._over.set()

    async def wait(self, name: str | None) -> None:
        """Waits until a job, or any job for None, is not being replaced any more.

        An order to a job that ends would be lost.
        """
        while name in self._names or (name is None and self._names):
            await self._over.wait()
