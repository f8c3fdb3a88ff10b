"""The faults. Each tells the script on a battlefield of its own, and breaks something meanwhile."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cargo_sync.local.xattrs import SUPPORTED
from tests.crash.battlefield import Battlefield, Findings
from tests.crash.proxy import HOST, Proxy

KIB, MIB = 2**10, 2**20
TRACED: Final = ("renameat2", "fsync", "pwrite64", "syncfs")
"""System calls at which strace kills. Its count is per thread: so these are only samples."""

Run = Callable[[Path], Findings]


@contextmanager
def battlefield(
    folder: Path, *, two_way: bool = False, xattrs: bool = SUPPORTED, **server: object
) -> Iterator[Battlefield]:
    field = Battlefield(folder, two_way=two_way, xattrs=xattrs, **server)
    try:
        yield field
    finally:
        field.close()


def count(folder: Path, victim: str, *, two_way: bool) -> int:
    """How many calls that write a program makes in the whole script."""
    with battlefield(folder, two_way=two_way) as field:
        field.seams[victim] = ("kill", 0)
        findings = field.tell()
        assert findings.sound and not findings.fired, findings
        return int(field.counted(victim).read_text())


def broken(kind: str, victim: str, at: int, *, two_way: bool) -> Run:
    """`kill`: a program is killed at its call `at`; `eio`: that call fails."""

    def run(folder: Path) -> Findings:
        with battlefield(folder, two_way=two_way) as field:
            field.seams[victim] = (kind, at)
            return field.tell()

    return run


def traced(victim: str, call: str, at: int) -> Run:
    """strace kills a program at a system call, the `at`-th of one of its threads."""

    def run(folder: Path) -> Findings:
        with battlefield(folder) as field:
            field.traces[victim] = f"{call}:signal=KILL:when={at}"
            return field.tell()

    return run


def cut(every: int) -> Run:
    """Connections are cut after they carried some bytes; each may carry twice as many as before."""

    def run(folder: Path) -> Findings:
        with battlefield(folder, public_ip=HOST) as field:
            proxies = [Proxy(port) for port in (field.api, field.lanes)]
            try:
                proxies[1].budget = every

                def meanwhile(field: Battlefield, _act: int) -> None:
                    field.each_look = lambda: _loosen(proxies[1])
                    for proxy in proxies:
                        proxy.cut()

                findings = field.tell(meanwhile)
                findings.fired = proxies[1].cuts > 0
                return findings
            finally:
                for proxy in proxies:
                    proxy.close()

    return run


def _loosen(proxy: Proxy) -> None:
    if proxy.budget is not None and proxy.cuts:
        proxy.budget = min(2 * proxy.budget, 64 * MIB)


def stopped(victim: str, seconds: float) -> Run:
    """A program stands still for a while, and goes on."""

    def run(folder: Path) -> Findings:
        def meanwhile(field: Battlefield, act: int) -> None:
            time.sleep(0.2)
            os.kill(field.pid(victim), signal.SIGSTOP)
            time.sleep(seconds if not act else min(1.0, seconds))
            os.kill(field.pid(victim), signal.SIGCONT)
            field.findings.fired = True

        with battlefield(folder) as field:
            return field.tell(meanwhile)

    return run


def full(folder: Path) -> Findings:
    """The server's disk is full in the middle of the first act, and gets room later."""
    with battlefield(folder, xattrs=False) as field:  # an older tmpfs keeps none
        disk = str(field.files)

        def meanwhile(field: Battlefield, act: int) -> None:
            if act:
                return
            (field.near / "second.bin").write_bytes(os.urandom(6 * MIB))
            field.until(lambda: field.shown("near")["state"] == "held", "the disk is full")
            field.findings.fired = True
            _mount("-o", f"remount,size={100 * MIB}", disk)

        _mount("-t", "tmpfs", "-o", f"size={12 * MIB}", "tmpfs", disk)
        try:
            return field.tell(meanwhile)
        finally:
            field.close()
            subprocess.run(["umount", "-l", disk], check=False)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def can_trace() -> bool:
    """Whether strace is here and may look at programs."""
    if shutil.which("strace") is None:
        return False
    tried = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], check=False)
    return tried.returncode == 0


def can_mount() -> bool:
    return os.geteuid() == 0 and shutil.which("mount") is not None
