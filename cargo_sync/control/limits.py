"""Limits from a file, and those that a command set in their place.

A limit that a command set holds until the file changes.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import orjson

from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.config.units import SPEED_FORM, parse_speed
from cargo_sync.model.limits import Ordered
from cargo_sync.model.world import Offload

NONE: Final = "none"

FileSpeed = int | Sequence[JsonObject] | None
"""A limit in a file, as JSON: bits per second, rows of a timetable, or null for none."""


class LimitStore(Protocol):
    """The limits that commands set, by name: of a job (its number), or of the process (None)."""

    def of(self, job: int | None) -> dict[str, Ordered]: ...

    def set(self, job: int | None, orders: Mapping[str, Ordered | None]) -> None:
        """Stores these durably, all or none; None deletes one. Others stay."""


class Limits:
    """The limits of a job (its number in the state), or of the process itself (None).

    changed  called when limits may have changed
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
        """The limit that a command set in place of the file's."""
        return self._ordered.get(name)

    def now(self, name: str, file: int | None) -> int | None:
        """The current limit, bits per second: what a command set, or else `file`."""
        ordered = self._ordered.get(name)
        return file if ordered is None else ordered.bits

    def holding(self) -> dict[str, int | None]:
        """All current limits by name; only for limits that are one speed in the file."""
        return {
            name: self.now(name, file if isinstance(file, int) else None)
            for name, file in self._file.items()
        }

    def shown(self) -> Sequence[JsonObject]:
        """All current limits as rows of `bandwidth.show`."""
        return [
            {"name": name, **shown(self._file[name], self._ordered.get(name), now)}
            for name, now in self.holding().items()
        ]

    async def read(self, file: Mapping[str, FileSpeed]) -> None:
        """Takes the file's limits, by name.

        If the file has another value than when a command set a limit, that command's limit is
        deleted.

        Raises:
            ProblemError: the state cannot be read or written.
        """
        async with self._one_at_a_time:
            ordered = await self._offload(self._rows.of, self._job)
            in_file = {name: _json(value) for name, value in file.items()}
            over = {name: None for name, one in ordered.items() if in_file.get(name) != one.file}
            if over:
                await self._offload(self._rows.set, self._job, over)
            self._file = dict(file)
            self._ordered = {name: one for name, one in ordered.items() if name not in over}
            self._changed()

    async def again(self) -> None:
        """Takes over what another process has set.

        Raises:
            ProblemError: the state cannot be read.
        """
        async with self._one_at_a_time:
            self._ordered = await self._offload(self._rows.of, self._job)
            self._changed()

    async def order(self, cmd: str, texts: Mapping[str, str | None]) -> None:
        """Sets some limits, all or none.

        Args:
            cmd: the command, for errors.
            texts: by name: a speed, "none" for no limit, or None for the file's limit.

        Raises:
            ControlError: bad_argument: a text is not a speed.
            ProblemError: they cannot be stored.
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
    """A limit as JSON, bits per second, null for none; `override` only if a command set it."""
    override = {} if ordered is None else {"override": ordered.bits}
    return {"file": file, **override, "now": now}


def speed(cmd: str, argument: str, text: str) -> int | None:
    """A speed such as "10mbps" in bits per second; None for "none", which is no limit.

    Raises ControlError(bad_argument).
    """
    if text.strip().lower() == NONE:
        return None
    try:
        return parse_speed(text)
    except ValueError as error:
        hint = f'{SPEED_FORM}, or "none" for no limit'
        raise ControlError(
            ReplyCode.BAD_ARGUMENT, f'`{cmd}`: "{argument}": {error}', hint
        ) from error


def _json(value: FileSpeed) -> str:
    return orjson.dumps(value).decode()
