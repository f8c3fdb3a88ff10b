"""The daemon's own file, read again: its limits are taken over while it runs, the rest at the next
start."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from cargo_sync.admission.bandwidth import Shares
from cargo_sync.admission.slots import Slots
from cargo_sync.config.daemon import DaemonSettings, load_daemon
from cargo_sync.config.errors import ConfigError
from cargo_sync.control.limits import Limits
from cargo_sync.model.world import Offload
from cargo_sync.state.limits import LimitRows

BANDWIDTH: Final = "bandwidth"


class LiveSettings:
    """What the file said last, and what follows from it.

    settings   those that the daemon was started with, but for its limits as they are now
    limits     "bandwidth", of all jobs together, as an order may set it
    """

    def __init__(
        self,
        settings: DaemonSettings,
        env: Mapping[str, str],
        slots: Slots,
        shares: Shares,
        limits: LimitRows,
        offload: Offload,
    ) -> None:
        self.settings = settings
        self.limits = Limits(None, limits, offload, self._share)
        self._env = env
        self._slots = slots
        self._shares = shares
        self._offload = offload

    def total(self) -> int | None:
        """What all jobs together may have now, bits a second."""
        return self.limits.now(BANDWIDTH, self.settings.bandwidth)

    async def begin(self) -> None:
        """Takes up what was ordered before the start. Raises ProblemError."""
        await self.limits.read({BANDWIDTH: self.settings.bandwidth})

    async def read(self) -> list[str]:
        """Reads it again; what is wrong with it, or that something waits for the next start, a line
        each.

        Raises ProblemError when the state cannot be written.
        """
        if not self.settings.file:
            return []
        try:
            now = await self._offload(load_daemon, self.settings.file, self._env)
        except ConfigError as error:
            return [str(problem) for problem in error.problems]
        before = self.settings
        self.settings = replace(
            before, bandwidth=now.bandwidth, parallel_transfers=now.parallel_transfers
        )
        self._slots.resize(now.parallel_transfers)
        await self.limits.read({BANDWIDTH: now.bandwidth})
        if now == self.settings:
            return []
        return [
            f"{now.file}: bandwidth and parallel_transfers are taken over; "
            "what else changed here takes effect at the next start"
        ]

    def _share(self) -> None:
        self._shares.limit(self.total())
