"""What a renamed folder costs a job: `python -m benchmarks.moves`, against `rsync -a --delete`.

A folder of small files is synced, then renamed at the source, by a job in one direction and by one
in both. It says after how many seconds the server has it at its new path, and the job is synced
again; how many bytes of requests and answers that took; and the CPU time of both programs.
"""

import argparse
import asyncio
import contextlib
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.programs import Programs, free_ports, running, store, until
from benchmarks.transfers.procfs import cpu_seconds

JOB: Final = "moves"


class Line:
    """A proxy to the server's API that counts the bytes."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.port, _ = free_ports()
        self.bytes = 0
        self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(asyncio.start_server(self._take, "127.0.0.1", self.port))
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(1 << 16):
                self.bytes += len(piece)
                writer.write(piece)
                await writer.drain()
        writer.close()


def fill(folder: Path, files: int, folders: int) -> None:
    """Makes small files, in so many folders."""
    for number in range(folders):
        place = folder / f"{number:04d}"
        place.mkdir(parents=True)
        for one in range(files // folders):
            (place / f"{one:05d}.txt").write_bytes(b"%08d" % one)


def is_synced(programs: Programs, name: str) -> bool:
    """Whether the job rests, and the server has this name alone."""
    there = {path.name for path in programs.files.iterdir()} - {".cargo_sync"}
    return there == {name} and programs.states().keys() == {"synced"}


def cargo(place: Path, files: int, folders: int, mode: str) -> None:
    """Syncs a folder, renames it, and prints what that cost."""
    source = place / "source"
    fill(source / "before", files, folders)
    programs = Programs(place, {})
    line = Line(programs.port)
    job = {"sync_name": JOB, "sync_mode": mode, "local_dir": str(source), "sleep": 1}
    job |= {"delete": "propagate", "remote_dir": "/"}
    login = programs.login() | {"hostname": f"http://127.0.0.1:{line.port}"}
    store(place / "jobs" / "moves.json", login | job)
    with running(programs):
        began = time.monotonic()
        until(lambda: is_synced(programs, "before"), "the first sync")
        print(f"{mode}: {files:,} files synced in {time.monotonic() - began:.1f} s", flush=True)
        time.sleep(5)
        pids = {name: one.pid for name, one in programs.processes.items()}
        before = {name: cpu_seconds([pid]) for name, pid in pids.items()}
        line.bytes, began = 0, time.monotonic()
        (source / "before").rename(source / "after")
        until(lambda: (programs.files / "after").exists(), "the rename")
        seen = time.monotonic() - began
        until(lambda: is_synced(programs, "after"), "the job rests")
        rests = time.monotonic() - began
        time.sleep(5)
        used = {name: cpu_seconds([pid]) - before[name] for name, pid in pids.items()}
        print(
            f"{mode}: renamed at the server after {seen:.1f} s, the job rests after {rests:.1f} s; "
            f"{line.bytes:,} bytes; CPU daemon {used['daemon']:.1f} s, "
            f"server {used['server']:.1f} s"
        )


def rsync(place: Path, files: int, folders: int) -> None:
    """The same with rsync, on one disk."""
    source, copy = place / "source", place / "copy"
    fill(source / "before", files, folders)
    command = ["rsync", "-a", "--delete", "--stats", f"{source}/", f"{copy}/"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (source / "before").rename(source / "after")
    began = time.monotonic()
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    sent = next(row for row in told.splitlines() if row.startswith("Total bytes sent"))
    print(f"rsync: {time.monotonic() - began:.1f} s; {sent}")


def main() -> None:
    """Runs with the options of the command line."""
    parsing = argparse.ArgumentParser(description=__doc__)
    parsing.add_argument("--files", type=int, default=100_000)
    parsing.add_argument("--folders", type=int, default=1_000)
    given = parsing.parse_args()
    measures: list[Callable[[Path, int, int], None]] = [rsync]
    measures += [partial(cargo, mode=mode) for mode in ("upload", "bidirectional")]
    for measure in measures:
        with tempfile.TemporaryDirectory(prefix="cargo-moves-") as place:
            measure(Path(place), given.files, given.folders)


if __name__ == "__main__":
    main()
