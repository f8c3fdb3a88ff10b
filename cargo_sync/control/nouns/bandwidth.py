"""`bandwidth.…`: of a whole daemon or server, shown and changed while it runs."""

from typing import Any

from cargo_sync.api.messages import ControlError, ReplyCode
from cargo_sync.control.limits import Limits
from cargo_sync.control.router import Handler


class BandwidthHandlers:
    """Shows the bandwidth of everything together, and sets it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def table(self) -> dict[str, Handler]:
        return {"bandwidth.show": self.show, "bandwidth.set": self.set}

    async def show(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"bandwidth": self._limits.shown()}

    async def set(self, args: dict[str, Any]) -> dict[str, Any]:
        if not args:
            names = " or ".join(self._limits.holding())
            raise ControlError(
                ReplyCode.BAD_ARGUMENT, "bandwidth.set needs something to set", names
            )
        await self._limits.order("bandwidth.set", args)
        return await self.show({})
