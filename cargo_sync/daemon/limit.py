"""A limit: what a file says, and what an order set in its place, which holds until the file says another."""

from collections.abc import Callable

from cargo_sync.config.units import parse_rate
from cargo_sync.model.world import Offload
from cargo_sync.state.limits import Limits, Ordered

NONE = "none"


class Limit:
    """One limit, of a job (its number in the state) or of the daemon (None).

    changed  called when it is another now
    """

    def __init__(
        self, name: str, job: int | None, limits: Limits, offload: Offload, changed: Callable[[], None]
    ) -> None:
        self._name = name
        self._job = job
        self._limits = limits
        self._offload = offload
        self._changed = changed
        self._file = ""
        self._ordered: Ordered | None = None

    @property
    def ordered(self) -> Ordered | None:
        return self._ordered

    async def read(self, file: str) -> None:
        """What the file says, as JSON: what was ordered while it said another is forgotten.

        Raises ProblemError when the state cannot be read or written.
        """
        ordered = await self._offload(self._limits.get, self._name, self._job)
        if ordered is not None and ordered.file != file:
            await self._offload(self._limits.set, self._name, self._job, None)
            ordered = None
        self._file, self._ordered = file, ordered
        self._changed()

    async def order(self, text: str | None) -> None:
        """Sets it: a rate such as "10mbps", "none" for no limit, None for what the file says.

        Raises:
            ValueError: the text is neither.
            ProblemError: it cannot be kept.
        """
        ordered = None if text is None else Ordered(_bits(text), self._file)
        await self._offload(self._limits.set, self._name, self._job, ordered)
        self._ordered = ordered
        self._changed()


def _bits(text: str) -> int | None:
    return None if text.strip().lower() == NONE else parse_rate(text)
