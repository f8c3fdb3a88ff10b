"""Limits: what a file says, and what an order set in its place, which holds until the file says
another."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import orjson

from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.config.units import RATE_FORM, parse_rate
from cargo_sync.model.limits import Ordered
from cargo_sync.model.world import Offload

NONE: Final = "none"

FileSpeed = int | Sequence[JsonObject] | None
"""What a file says of a limit, as JSON: bits a second, rows of a timetable, or null for none."""


class LimitStore(Protocol):
    """What was ordered, by name; of a job (its number) or of the daemon or server itself (None)."""

    def of(self, job: int | None) -> dict[str, Ordered]: ...

    def set(self, job: int | None, orders: Mapping[str, Ordered | None]) -> None:
        """Keeps these durably, all or none; None forgets one. Others stay."""


class Limits:
    """The limits of a job (its number in the state), or of the daemon or server itself (None).

    changed  called when some are others now
    """

    def __init__(
        self, job: int | None, rows: LimitStore, offload: Offload, changed: Callable[[], None]
    ) -> None:
        self._job = job
        self._rows = rows
        self._offload = offload
        self._changed = changed
        self._file: dict[str, FileSpeed] = {}
        self._ordered: dict[str, Ordered] = {}
        self._one_at_a_time = asyncio.Lock()

    def ordered(self, name: str) -> Ordered | None:
        """What an order set in place of what the file says."""
        return self._ordered.get(name)

    def now(self, name: str, file: int | None) -> int | None:
        """What was ordered; else `file`, which is what the file says at this moment. Bits a
        second."""
        ordered = self._ordered.get(name)
        return file if ordered is None else ordered.bits

    def holding(self) -> dict[str, int | None]:
        """What holds of each, by name; for limits of which the file gives one speed each."""
        return {
            name: self.now(name, file if isinstance(file, int) else None)
            for name, file in self._file.items()
        }

    def shown(self) -> Sequence[JsonObject]:
        """The same as rows of `bandwidth.show`."""
        return [
            {"name": name, **shown(self._file[name], self._ordered.get(name), now)}
            for name, now in self.holding().items()
        ]

    async def read(self, file: Mapping[str, FileSpeed]) -> None:
        """What the file says, JSON values by name: what was ordered while it said another is
        forgotten.

        Raises ProblemError when the state cannot be read or written.
        """
        async with self._one_at_a_time:
            ordered = await self._offload(self._rows.of, self._job)
            said = {name: _json(value) for name, value in file.items()}
            over = {name: None for name, one in ordered.items() if said.get(name) != one.file}
            if over:
                await self._offload(self._rows.set, self._job, over)
            self._file = dict(file)
            self._ordered = {name: one for name, one in ordered.items() if name not in over}
            self._changed()

    async def order(self, cmd: str, texts: Mapping[str, str | None]) -> None:
        """Sets some by name, all or none: a speed, "none" for no limit, None for what the file says.

        Raises:
            ControlError: bad_argument, of the command `cmd`: a text is neither.
            ProblemError: they cannot be kept.
        """
        wanted = {
            name: text if text is None else (speed(cmd, name, text),)
            for name, text in texts.items()
        }
        async with self._one_at_a_time:
            orders = {
                name: None if bits is None else Ordered(*bits, _json(self._file[name]))
                for name, bits in wanted.items()
            }
            await self._offload(self._rows.set, self._job, orders)
            both = {**self._ordered, **orders}
            self._ordered = {name: one for name, one in both.items() if one is not None}
            self._changed()


def shown(file: FileSpeed, ordered: Ordered | None, now: int | None) -> JsonObject:
    """A limit, bits a second, null for none; `override` only where something was ordered."""
    override = {} if ordered is None else {"override": ordered.bits}
    return {"file": file, **override, "now": now}


def speed(cmd: str, argument: str, text: str) -> int | None:
    """A speed such as "10mbps" in bits a second; None for "none", which is no limit.

    Raises ControlError(bad_argument).
    """
    if text.strip().lower() == NONE:
        return None
    try:
        return parse_rate(text)
    except ValueError as error:
        hint = f'{RATE_FORM}, or "none" for no limit'
        raise ControlError(ReplyCode.BAD_ARGUMENT, f'{cmd}: "{argument}": {error}', hint) from error


def _json(value: FileSpeed) -> str:
    return orjson.dumps(value).decode()
