"""What the feed says of the jobs, shown until all has arrived."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import click

from cargo_sync.api import topics
from cargo_sync.api.addresses import Addresses
from cargo_sync.api.client import subscribe
from cargo_sync.api.messages import FeedMessage
from cargo_sync.demo.programs import DemoError

STILL: Final = 60.0
"""Seconds without any progress after which the demo has failed."""
HOPELESS: Final = 10.0
"""Seconds in the state error after which the demo has failed."""


@dataclass(slots=True)
class DemoJob:
    """What the feed has reported about one job.

    files, bytes   that arrived, from committed batches
    under_way      bytes, from the progress of running transfers
    failing        since when it fails, steady seconds; None while it does not
    """

    state: str = ""
    detail: str = ""
    files: int = 0
    bytes: int = 0
    under_way: int = 0
    failing: float | None = None

    @property
    def arrived(self) -> int:
        """Bytes that have arrived."""
        return max(self.bytes, self.under_way)

    def take(self, message: FeedMessage, now: float) -> None:
        """Takes in one message about the job."""
        told = message.fields
        if message.type == "status":
            self.state, self.detail = told["state"], told["detail"]
            since = now if self.failing is None else self.failing
            self.failing = since if self.state == "error" else None
        elif message.type == "progress":
            self.under_way = told["bytes_done"]
        elif told["kind"] in ("uploaded", "downloaded"):
            self.files += told["count"]
            self.bytes += told["bytes"]


JobsByName = dict[str, DemoJob]


def watch(
    feed_at: Addresses,
    names: Sequence[str],
    total: int,
    has_ended: Callable[[JobsByName], bool],
    meanwhile: Callable[[JobsByName], None],
) -> float:
    """Shows the progress of jobs from the feed, until all of them are in step.

    Args:
        feed_at: the daemon's addresses.
        names: of the jobs.
        total: bytes that each of them moves.
        has_ended: whether what they bring is there, if they are in step.
        meanwhile: is called about ten times a second; it may raise DemoError.

    Returns:
        The seconds until the last message.

    Raises:
        DemoError: nothing moves any more.
        NotRunning: the daemon ended.
    """
    jobs: JobsByName = {name: DemoJob() for name in names}
    began = moved = time.monotonic()
    with (
        _screen(names, max(1, total)) as show,
        subscribe(feed_at, (topics.JOBS, topics.NOTICES)) as feed,
    ):
        while True:
            message = feed.receive(0.1)
            now = time.monotonic()
            if message is not None and (name := topics.name_of(message.topic)) in jobs:
                moved = now
                jobs[name].take(message, now)
                show(jobs)
            meanwhile(jobs)
            if all(job.state == "synced" for job in jobs.values()) and has_ended(jobs):
                return moved - began
            if now - moved > STILL or any(
                job.failing is not None and now - job.failing > HOPELESS for job in jobs.values()
            ):
                standing = (f"{name} is {job.state}: {job.detail}" for name, job in jobs.items())
                raise DemoError("; ".join(standing))


@contextlib.contextmanager
def _screen(names: Sequence[str], total: int) -> Iterator[Callable[[JobsByName], None]]:
    """Shows jobs: on a terminal one bar per job, else at most one line per job and second."""
    if not sys.stdout.isatty():
        said: dict[str, tuple[int, float]] = {}

        def lines(jobs: JobsByName) -> None:
            now = time.monotonic()
            for name, job in jobs.items():
                percent = min(100, 100 * job.arrived // total)
                before, at = said.get(name, (0, 0.0))
                if percent > before and (percent == 100 or now - at >= 1):
                    said[name] = (percent, now)
                    line = (
                        f"{name:<9} {percent:3d}%  {job.files:,} files, {shown_size(job.arrived)}"
                    )
                    click.echo(line)

        yield lines
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns) as bars:
        tasks = {name: bars.add_task(name, total=total) for name in names}

        def drawn(jobs: JobsByName) -> None:
            for name, task in tasks.items():
                bars.update(task, completed=jobs[name].arrived)

        yield drawn
        for task in tasks.values():
            bars.update(task, completed=total)


def shown_size(count: float) -> str:
    """Bytes for people."""
    return f"{count / 1e6:,.1f} MB"
