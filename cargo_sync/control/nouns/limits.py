"""`limits.…`: of a whole daemon or server, shown and changed while it runs."""

from typing import Any

from cargo_sync.api.messages import Code, ControlError
from cargo_sync.control.limits import Limits
from cargo_sync.control.router import Handler


class LimitsHandlers:
    """Answers about limits, and sets them."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def table(self) -> dict[str, Handler]:
        return {"limits.show": self.show, "limits.set": self.set}

    async def show(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"limits": self._limits.shown()}

    async def set(self, args: dict[str, Any]) -> dict[str, Any]:
        if not args:
            names = " or ".join(self._limits.holding())
            raise ControlError(Code.BAD_ARGUMENT, "limits.set needs something to set", names)
        await self._limits.order("limits.set", args)
        return await self.show({})
