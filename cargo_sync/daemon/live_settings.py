"""The daemon's settings file, read again: limits hold at once, the rest after the next start."""

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
    """The daemon's current settings.

    settings  those that the daemon was started with, but with the current limits
    limits    "bandwidth" of all jobs together, which a command may set
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
        """The bandwidth of all jobs together now, bits per second; None is no limit."""
        return self.limits.now(BANDWIDTH, self.settings.bandwidth)

    async def begin(self) -> None:
        """Reads the limit that a command set before the start. Raises ProblemError."""
        await self.limits.read({BANDWIDTH: self.settings.bandwidth})

    async def read(self) -> list[str]:
        """Reads the file again.

        Returns:
            One line per error in it, or a line that says that some changes need a restart.

        Raises:
            ProblemError: the state cannot be written.
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
            f"{now.file}: bandwidth and parallel_transfers take effect now, "
            "all other changes after the next start"
        ]

    def _share(self) -> None:
        self._shares.limit(self.total())
