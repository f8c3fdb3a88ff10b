"""The server's totals: what its file says, unless something else was set by command since it last changed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from cargo_sync.model.world import Offload
from cargo_sync.server.flows import Bandwidth
from cargo_sync.state.overrides import Override, Overrides


@dataclass(frozen=True, slots=True)
class Limits:
    """The totals as they hold now, as the file has them, and what was set by command (its own names only)."""

    now: Bandwidth
    file: Bandwidth
    override: Mapping[str, int | None]


def holding(file: Bandwidth, overrides: Mapping[str, Override]) -> dict[str, Override]:
    """The overrides that hold beside this file: set while it said the same as now, to something else."""
    said = asdict(file)
    return {
        name: one
        for name, one in overrides.items()
        if name in said and one.of_file == said[name] != one.value
    }


def limits(file: Bandwidth, overrides: Mapping[str, Override]) -> Limits:
    """What holds with these overrides, all of which are `holding`."""
    override = {name: one.value for name, one in overrides.items()}
    return Limits(Bandwidth(**{**asdict(file), **override}), file, override)


class Bandwidths:
    """The totals of a server, and the overrides in its state."""

    def __init__(self, overrides: Overrides, offload: Offload) -> None:
        self._overrides = overrides
        self._offload = offload
        self._limits = Limits(Bandwidth(), Bandwidth(), {})

    @property
    def limits(self) -> Limits:
        return self._limits

    async def read(self, file: Bandwidth) -> Limits:
        """Takes the file's totals over; an override of a value that the file has no more is dropped.

        Raises:
            ProblemError: the state cannot be read or written.
        """
        return await self._keep(file, await self._offload(self._overrides.all))

    async def set(self, changes: Mapping[str, int | None]) -> Limits:
        """Sets some of them; one that equals the file's is no override any more.

        Raises:
            ProblemError: the state cannot be written; nothing is changed then.
        """
        file = self._limits.file
        said = asdict(file)
        set_now = {name: Override(said[name], value) for name, value in changes.items()}
        return await self._keep(file, {**await self._offload(self._overrides.all), **set_now})

    async def _keep(self, file: Bandwidth, overrides: Mapping[str, Override]) -> Limits:
        kept = holding(file, overrides)
        await self._offload(self._overrides.replace, kept)
        self._limits = limits(file, kept)
        return self._limits
