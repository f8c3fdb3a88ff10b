"""Transcripts: what a job says through a night or a day, by a clock that only the story moves.

The clock on the wall is the loop's, which jumps from one timer to the next, and what somebody set
it by. A river stands for the server: bytes flow at exactly the rate that was asked for, stop where
they are stopped, and go on from there, as a lane does from its checkpoint.

`python -m tests.daemon.job.night` writes the transcripts into docs/schedules.md.
"""

import asyncio
import re
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from cargo_ctl.render import jobs
from cargo_sync.config.units import format_speed
from cargo_sync.daemon.job.sampler import JobSampler
from cargo_sync.daemon.job.supervisor import Supervisor
from cargo_sync.daemon.reporting import views
from cargo_sync.model.jobs import Mode
from cargo_sync.model.world import World
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.trees.contract import Brought, NearTree, Task
from tests.daemon.house import FarSide, House, Recorder, going
from tests.virtual import run

PAGE: Final = Path(__file__).parents[3] / "docs" / "schedules.md"
BLOCK: Final = re.compile(r"(<!-- transcript: (\S+) -->\n```\n)(.*?)(```\n)", re.DOTALL)
GIGA: Final = 1_000_000_000
FASTEST: Final = 100_000_000
"""Bits a second of the river's bed: what flows when nobody asks for less."""


class River(FarSide):
    """A far side that shows each file of the folder as `size` bytes during its transfer."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self.size = 0
        self._tell = tell
        self._gone = 0.0
        self._speed: int | None = None
        self._turned = asyncio.Event()

    async def set_speed(self, bits: int | None) -> None:
        self._speed = bits
        self._turned.set()
        self._tell(f"asks for {format_speed(bits)}" if bits else "asks for no limit")

    async def _held_up(
        self, first: Sequence[Task], rest: AsyncIterator[Sequence[Task]]
    ) -> AsyncGenerator[Sequence[Task], None]:
        async for tasks in super()._held_up(first, rest):
            await self._flow()
            yield tasks

    async def transfer(
        self,
        mode: Mode,
        near: NearTree,
        batches: AsyncIterator[Sequence[Task]],
        speed: int | None,
        run: str,
    ) -> AsyncGenerator[Brought, None]:
        try:
            async for brought in super().transfer(mode, near, batches, speed, run):
                yield brought
        except BaseException:
            self._tell(f"stopped at {self._gone / 1e9:.1f} of {self.size / 1e9:.1f} GB")
            raise

    async def _flow(self) -> None:
        """Moves all bytes that are left, at the speed of each moment."""
        loop = asyncio.get_running_loop()
        while self._gone < self.size:
            self._turned.clear()
            rate, began = min(self._speed or FASTEST, FASTEST) / 8, loop.time()
            try:
                async with asyncio.timeout((self.size - self._gone) / rate):
                    await self._turned.wait()
            except TimeoutError:
                self._gone = self.size
            finally:
                self._gone = min(self.size, self._gone + (loop.time() - began) * rate)
        self._gone = 0.0


class Night(Recorder):
    """One job and its states as lines, with times in `zone`."""

    def __init__(self, folder: Path, begins: str, zone: str, **job: Any) -> None:
        self.zone = ZoneInfo(zone)
        self.lines: list[str] = []
        self.ahead = 0.0
        self._begins = datetime.fromisoformat(begins).replace(tzinfo=self.zone).timestamp()
        self._house = _House(folder, self.wall)
        super().__init__(self._house.database)
        self._house.zone = self.zone
        self.river = self._house.far["nightly"] = River(self.tell)
        self._last = ("", "")
        self._told = 0.0
        self._stirred = Wakeup()
        self.supervisor = self._house.job(listener=self, **job)
        self._sampler = JobSampler(self.supervisor, self._house.world())
        self.near = self._house.near["nightly"]

    def wall(self) -> float:
        return self._begins + asyncio.get_running_loop().time() + self.ahead

    def tell(self, what: str) -> None:
        self._told = asyncio.get_running_loop().time()
        self._stirred.set()
        shown = datetime.fromtimestamp(round(self.wall()), self.zone)
        self.lines.append(f"{shown:%a %d %b %H:%M:%S %Z}  {what}")

    def changed(self, job: Supervisor) -> None:
        self.look()

    def look(self) -> None:
        """Adds a line if the state changed, as `cargo_ctl job list` shows it."""
        row = views.row(self._sampler.status())
        if self._last != (now := (row["state"], row["detail"])):
            self._last = now
            self.tell(f"{row['state']}, {jobs.explained(row, self.wall())}".rstrip(", "))

    def file(self, name: str, size: int) -> None:
        """Adds a file that the next look finds, and gives a hint."""
        self.river.size = size
        self.near.write(name, b"1")
        self.supervisor.hint()
        self.tell(f"a file of {size / 1e9:.1f} GB appears")

    def set_clock(self, hours: float, why: str) -> None:
        self.ahead += hours * 3600
        self.tell(why)

    async def until(self, time: str) -> None:
        """Runs until the wall clock shows `time`, and looks at the job as the feed does.

        It looks once per second, but less often while nothing has happened for a while.
        """
        then = datetime.fromisoformat(time).replace(tzinfo=self.zone).timestamp()
        while self.wall() < then:
            quiet = asyncio.get_running_loop().time() - self._told
            await self._stirred.wait(min(1.0 if quiet < 5 else 60.0, then - self.wall()))
            self.look()


class _House(House):
    def __init__(self, folder: Path, wall: Callable[[], float]) -> None:
        self._clock = wall
        super().__init__(folder)

    def world(self) -> World:
        world = super().world()
        return World(
            self._clock, world.steady, world.chance, world.token, world.offload, world.lived
        )


Story = Callable[[Night], Awaitable[None]]


def transcript(
    folder: Path, begins: str, story: Story, zone: str = "Europe/Madrid", **job: Any
) -> str:
    async def told() -> str:
        night = Night(folder, begins, zone, **job)
        async with going(night.supervisor):
            night.look()
            await story(night)
        return "\n".join(night.lines) + "\n"

    return run(told())


def main() -> None:
    from tests.daemon.job.test_nights import STORIES

    page = PAGE.read_text(encoding="utf-8")

    def written(block: re.Match[str]) -> str:
        with tempfile.TemporaryDirectory() as folder:
            return block[1] + STORIES[block[2]](Path(folder)) + block[4]

    PAGE.write_text(BLOCK.sub(written, page), encoding="utf-8")


if __name__ == "__main__":
    main()
