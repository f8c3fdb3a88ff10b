"""What people see of a migration: the plan, a bar with the rate and the time that is left, the end.

Where nobody looks (no terminal), a line per phase and tenth.
"""

import sys
from typing import Final

import click

from cargo_sync.api.escaping import escaped
from cargo_sync.migration.place import Plan
from cargo_sync.migration.progress import Phase
from cargo_sync.migration.removal import RemovalResult

SHOWN: Final = 20
"""Losses that are printed; more are counted, and written with --dry-run."""


class Screen:
    """Prints on standard output. One thread uses it at a time."""

    def __init__(self) -> None:
        self._bars: Bars | None = None
        self._phase: Phase | None = None
        self._total = self._files = self._bytes = self._said = 0

    def say(self, text: str) -> None:
        """One line, whatever is in it."""
        click.echo(escaped(text))

    def plan(self, plan: Plan, *, whole: bool) -> None:
        """What would be done, with all losses if `whole`."""
        live, trash = plan.survey.live, plan.survey.trash
        self.say(f"{plan.name}: from {plan.source} to {plan.target}")
        self.say(f"  files    {_of(live.files, live.bytes)}, the largest {size_of(live.largest)}")
        self.say(f"  trash    {_of(trash.files, trash.bytes, 'version')}")
        if plan.there:
            self.say(f"  already  {size_of(plan.there)} are there from before")
        for room in plan.rooms:
            free = "not known" if room.free is None else size_of(room.free)
            short = ": NOT ENOUGH" if room.lacks else ""
            self.say(f"  room     {room.what}: needs {size_of(room.needed)}, free {free}{short}")
        losses = plan.survey.losses
        if losses:
            self.say(f"  {len(losses):,} things cannot be kept:")
        for loss in losses if whole else losses[:SHOWN]:
            mark = "must be mended first: " if loss.blocks else ""
            self.say(f"    {f'{loss.path!r}: ' if loss.path else ''}{mark}{loss.why}")
        if len(losses) > SHOWN and not whole:
            self.say(f"    and {len(losses) - SHOWN:,} more: --dry-run shows all")

    def removed(self, place: str, result: RemovalResult) -> None:
        """What was removed of a folder, and what stays there."""
        self.say(f"removed {_of(result.files, result.bytes)} in {place}")
        for path, why in result.stays[:SHOWN]:
            self.say(f"  stays: {path!r}: {why}")
        if len(result.stays) > SHOWN:
            self.say(f"  and {len(result.stays) - SHOWN:,} more stay")

    def ask(self, question: str) -> bool | None:
        """A person's answer; None if nobody is there."""
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            return None
        return click.confirm(escaped(question), default=False)

    # -- progress ----------------------------------------------------------------------------------

    def phase(self, phase: Phase, total: tuple[int, int] = (0, 0)) -> None:
        if self._phase is not phase and not sys.stdout.isatty():
            self.say(f"{phase.value} …")
        self._phase, (files, self._total) = phase, total
        self._files = self._bytes = self._said = 0
        if sys.stdout.isatty():
            if self._bars is None:
                self._bars = Bars()
            self._bars.begin(phase.value, files, self._total)

    def advance(self, files: int, bytes: int) -> None:
        self._files, self._bytes = self._files + files, self._bytes + bytes
        if self._bars is not None:
            self._bars.show(self._files, self._bytes)
            return
        tenth = 10 * self._bytes // self._total if self._total else 0
        if tenth > self._said and tenth <= 10:
            self._said = tenth
            self.say(f"{10 * tenth:3d}%  {_of(self._files, self._bytes)}")

    def end(self) -> None:
        """The bars are not needed any more."""
        if self._bars is not None:
            self._bars.end()
            self._bars = None


class Bars:
    """One bar on a terminal, for the phase that goes on."""

    def __init__(self) -> None:
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TextColumn("{task.fields[files]}"),
            TimeRemainingColumn(),
        )
        self._task = self._progress.add_task("", total=None, files="")
        self._all = 0
        self._progress.start()

    def begin(self, words: str, files: int, total: int) -> None:
        self._all = files
        self._progress.reset(self._task, total=total or None, description=words, files="")

    def show(self, files: int, bytes: int) -> None:
        text = f"{files:,} of {self._all:,} files"
        self._progress.update(self._task, completed=bytes, files=text)

    def end(self) -> None:
        self._progress.stop()


def _of(files: int, bytes: int, noun: str = "file") -> str:
    return f"{files:,} {noun}{'' if files == 1 else 's'}, {size_of(bytes)}"


def size_of(count: int) -> str:
    """Bytes, for people."""
    from rich.filesize import decimal

    return decimal(count)
