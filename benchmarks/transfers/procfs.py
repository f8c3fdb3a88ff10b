"""What /proc tells of a process: CPU time, peak memory, children. Linux only."""

import os
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

TICKS: Final = os.sysconf("SC_CLK_TCK")
"""The unit of CPU times in /proc, per second."""
_PROC: Final = Path("/proc")
_FORGET_PEAK: Final = "5"
_LISTENS: Final = "0A"


def cpu_ticks(stat: str) -> int:
    """CPU time of a process and of its children that have ended, from its `stat`.

    A name may contain spaces and brackets, so fields are counted after its last bracket.
    """
    fields = stat.rpartition(") ")[2].split()
    return sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime


def peak_bytes(status: str) -> int:
    """The most memory that a process had resident, from its `status`; 0 for a zombie."""
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def listening(table: str) -> set[int]:
    """The ports on which somebody waits for connections, from /proc/net/tcp."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == _LISTENS}


def listens(port: int) -> bool:
    """Whether somebody waits for connections on this TCP port; no connection is made."""
    return port in listening((_PROC / "net/tcp").read_text())


def family(pids: Iterable[int], apart: Container[int] = ()) -> Iterator[int]:
    """These processes and all their descendants that live, without those below `apart`."""
    pending = list(pids)
    while pending:
        if (pid := pending.pop()) in apart:
            continue
        yield pid
        # Children are listed at the thread that has started them.
        with suppress(FileNotFoundError, ProcessLookupError):
            for task in os.listdir(_PROC / str(pid) / "task"):
                pending += map(int, _read(pid, f"task/{task}/children").split())


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time of these processes and of all their descendants."""
    ticks = 0
    for pid in family(pids):
        if stat := _read(pid, "stat"):
            ticks += cpu_ticks(stat)
    return ticks / TICKS


def peaks(pids: Iterable[int], apart: Container[int] = ()) -> dict[int, int]:
    """The peak memory of the processes in `family`, bytes by process id."""
    return {pid: peak_bytes(_read(pid, "status")) for pid in family(pids, apart)}


def forget_peaks(pids: Iterable[int]) -> None:
    """Lets the peaks begin anew with what is resident now."""
    for pid in family(pids):
        with suppress(FileNotFoundError, ProcessLookupError):
            (_PROC / str(pid) / "clear_refs").write_text(_FORGET_PEAK)


def _read(pid: int, name: str) -> str:
    """A file of a process; "" if the process has ended."""
    try:
        return (_PROC / str(pid) / name).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
