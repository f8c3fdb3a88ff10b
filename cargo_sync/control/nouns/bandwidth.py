"""`bandwidth.…`: shows and sets the limits of a whole daemon or server while it runs."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from cargo_sync.api.arguments import Args
from cargo_sync.api.commands import Command
from cargo_sync.api.common_commands import BANDWIDTH_SHOW, BandwidthArgs
from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.control.limits import Limits
from cargo_sync.control.routes import Route

Wanted = TypeVar("Wanted", bound=BandwidthArgs)


class BandwidthHandlers(Generic[Wanted]):
    """Shows and sets the limits of a process. `change` is its own command to set them.

    beside  gives what is told with them
    """

    def __init__(
        self, limits: Limits, change: Command[Wanted], beside: Callable[[], JsonObject] = dict
    ) -> None:
        self._beside = beside
        self._limits = limits
        self._change = change

    def routes(self) -> Sequence[Route[Any]]:
        return (Route(BANDWIDTH_SHOW, self.show), Route(self._change, self.set))

    async def show(self, _: Args) -> JsonObject:
        return {"bandwidth": self._limits.shown(), **self._beside()}

    async def set(self, args: Wanted) -> JsonObject:
        wanted = args.wanted()
        if not wanted:
            names = " or ".join(self._limits.holding())
            raise ControlError(
                ReplyCode.BAD_ARGUMENT, "`bandwidth.set` needs something to set", names
            )
        await self._limits.order("bandwidth.set", wanted)
        return await self.show(args)
