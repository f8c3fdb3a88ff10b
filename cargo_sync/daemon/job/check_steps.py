"""A trial of one job: its way to the server and its folders, step by step, without a run.

Nothing is written on either side but what is thrown away at once: a login, a flow that is opened
and ended, bytes of a probe. A run that goes on is not touched; it shares the way with the probe for
two seconds.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from cargo_sync.config.job import JobSettings, missing_folder
from cargo_sync.config.units import format_rate
from cargo_sync.local.lock import holder, read_marker
from cargo_sync.local.root import Root
from cargo_sync.local.space import RESERVE, free
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.model.world import World
from cargo_sync.trees.cargo import replies, requests
from cargo_sync.trees.cargo.api import segment
from cargo_sync.trees.cargo.probe import PROBE_BYTES, ProbeResult, ProbingApi
from cargo_sync.trees.cargo.replies import FlowReply, SpacesReply
from cargo_sync.trees.cargo.tree import no_workspace
from cargo_sync.trees.folder import was_here

PATIENCE: Final = 20.0
"""Seconds that one step may take."""
MEASURE: Final = 2.0
LEAST: Final = 256 * 1024
CLOCKS: Final = 2.0
"""Seconds that two clocks may differ before it is worth a word."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CheckStep:
    """One step of a trial. A hint to one that went well is a warning."""

    name: str
    ok: bool
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class CheckCase:
    """What a trial is about.

    api    of its own, closed with the trial
    speed  bits a second that the job asks for, None is no limit
    bound  how the local side was named when base was last agreed, or None before first contact
    """

    settings: JobSettings
    api: ProbingApi
    world: World
    speed: int | None
    bound: str | None

    @property
    def uploads(self) -> bool:
        return self.settings.mode == "upload"

    @property
    def retires(self) -> bool:
        """Delivered files are taken out of their source."""
        return self.settings.after_transfer != "keep"


Said = tuple[str, str]
"""Message and hint of a step that went well."""


async def trial(case: CheckCase) -> AsyncGenerator[CheckStep, None]:
    """The steps as they come. One whose ground has failed is left out."""
    good: set[str] = set()
    for name, needs, function in STEPS:
        if needs in good or not needs:
            step = await _made(name, function, case)
            if step.ok:
                good.add(name)
            yield step


async def _made(
    name: str, function: Callable[[CheckCase], Awaitable[Said]], case: CheckCase
) -> CheckStep:
    try:
        async with asyncio.timeout(PATIENCE):
            return CheckStep(name, True, *await function(case))
    except ProblemError as error:
        return CheckStep(name, False, error.problem.message, error.problem.hint)
    except TimeoutError:
        return CheckStep(name, False, f"nothing came of it within {PATIENCE:g} s")
    except Exception as error:
        _log.error("a trial failed", exc_info=error, extra={"job": case.settings.name})
        return CheckStep(
            name, False, f"something went wrong inside: {type(error).__name__}", "see the log"
        )


# -- the steps: what is said when it goes well, a ProblemError when it does not --------------------


async def server(case: CheckCase) -> Said:
    """It answers, and is the one that the job trusts."""
    await case.api.reach()
    job = case.settings
    if job.url.startswith("http:"):
        trust = "without TLS"
    elif job.tls_fingerprint:
        trust = "over TLS, with the certificate that the job names"
    else:
        trust = f"over TLS, with a certificate that {job.ca_file or 'this machine'} vouches for"
    return f"{job.url} answers, {trust}", ""


async def login(case: CheckCase) -> Said:
    await case.api.log_in()
    return f"{case.settings.username} is let in", ""


async def workspace(case: CheckCase) -> Said:
    """It is there, with the rights that the job needs."""
    job = case.settings
    spaces = await case.api.get("/workspaces", SpacesReply.read)
    found = spaces.named(job.workspace)
    if found is None:
        raise ProblemError(no_workspace(job.username, job.workspace, spaces.names()))
    writes = case.uploads or case.retires
    if writes and found.access != "rw":
        message = f"{job.username} may read the workspace {job.workspace!r} but not change it"
        raise ProblemError(
            Problem(Code.READ_ONLY, message, hint='whoever runs the server can grant "rw"')
        )
    may = "read and write" if found.access == "rw" else "read"
    return f"{job.username} may {may} the workspace {job.workspace!r}", ""


async def remote_folder(case: CheckCase) -> Said:
    job = case.settings
    where = f"/workspaces/{segment(job.workspace)}/tree"
    try:
        await case.api.get(where, replies.folder, path=job.remote_dir, limit=1)
    except ProblemError as error:
        if error.problem.code != Code.UNKNOWN:
            raise
        if case.uploads:
            return f"there is no /{job.remote_dir} yet; the first upload makes it", ""
        message = f"there is no folder /{job.remote_dir} in the workspace {job.workspace!r}"
        raise ProblemError(
            Problem(Code.UNKNOWN, message, hint="look at remote_dir in the job")
        ) from error
    return f"/{job.remote_dir} is there", ""


async def local_folder(case: CheckCase) -> Said:
    return await case.world.offload(_local_folder, case)


async def granted(case: CheckCase) -> Said:
    """What the server would let the job have now."""
    job = case.settings
    body = requests.flow(Mode(job.mode), job.workspace, job.remote_dir, case.speed, run="test")
    opened = await case.api.post("/flows", FlowReply.read, body)
    await case.api.delete(f"/flows/{segment(opened.flow)}")
    said = "no limit" if opened.granted is None else format_rate(opened.granted)
    return f"the server grants {said}", ""


async def speed(case: CheckCase) -> Said:
    """Measured the way that the job's content goes; no more than the job itself could move
    meanwhile."""
    most = PROBE_BYTES if case.speed is None else max(LEAST, int(case.speed * MEASURE / 8))
    measure = case.api.send if case.uploads else case.api.receive
    found: ProbeResult = await measure(most, MEASURE, case.world.steady)
    if not found.bytes:
        raise ProblemError(Problem(Code.CUT, "not one byte came through within two seconds"))
    way = "up" if case.uploads else "down"
    size = f"{found.bytes / 1e6:.1f} MB in {found.seconds:.1f} s"
    return f"{format_rate(max(1, round(found.speed_bps)))} {way}, measured over HTTP ({size})", ""


async def clock(case: CheckCase) -> Said:
    before = case.world.wall()
    date = await case.api.reach()
    after = case.world.wall()
    if date is None:
        return "the server does not tell its time", ""
    # The header's second began at `date` and ended one later; it was written between `before` and
    # `after`.
    ahead = date - after if date > after else min(0.0, date + 1 - before)
    if abs(ahead) <= CLOCKS:
        return "the server's clock agrees with ours", ""
    way = "ahead of" if ahead > 0 else "behind"
    hint = "set both by NTP: files' times and windows of time go by them"
    return f"the server's clock is {abs(ahead):,.0f} s {way} ours", hint


STEPS: Final[tuple[tuple[str, str, Callable[[CheckCase], Awaitable[Said]]], ...]] = (
    ("server", "", server),
    ("login", "server", login),
    ("workspace", "login", workspace),
    ("remote folder", "workspace", remote_folder),
    ("local folder", "", local_folder),
    ("granted speed", "workspace", granted),
    ("speed", "login", speed),
    ("clock", "server", clock),
)
"""Name, the step that must have gone well before, and what it does."""


def _local_folder(case: CheckCase) -> Said:
    """In a thread. The lock is looked at and not taken: a run that begins now must find it free."""
    job = case.settings
    if missing := missing_folder(job):
        raise ProblemError(Problem(Code.VANISHED, missing.message, hint=missing.hint or ""))
    if not os.path.isdir(job.local_dir):
        return f"there is no {job.local_dir} yet; the first run makes it", ""
    root = Root.open(job.local_dir)
    try:
        return _of_root(case, root)
    except OSError as error:
        raise ProblemError(from_os_error(error, job.local_dir)) from error
    finally:
        root.close()


def _of_root(case: CheckCase, root: Root) -> Said:
    job, path = case.settings, case.settings.local_dir
    with os.scandir(root.fd) as names:
        next(names, None)
    holds = holder(root)
    if holds and holds != f"process {os.getpid()}":
        hint = "one folder has one owner: stop that one, or use another folder"
        raise ProblemError(Problem(Code.ROOT_IN_USE, f"{path} is in use by {holds}", hint=hint))
    if not case.uploads and read_marker(root) is None and was_here(case.bound, path):
        message = f"{path} is not the folder that this job brought files to: its marker is missing"
        raise ProblemError(
            Problem(Code.MARKER_LOST, message, hint="mount the disk, or bring the folder back")
        )
    if case.uploads and not case.retires:
        return f"{path} may be read", ""
    if not os.access(".", os.W_OK | os.X_OK, dir_fd=root.fd):
        what = "receives files" if job.mode == "download" else "takes delivered files away"
        raise ProblemError(
            Problem(Code.UNREADABLE, f"{path} may not be written to, and this job {what}")
        )
    left = free(root)
    if not case.uploads and left <= RESERVE:
        message = f"{path} has {left / 1e6:,.0f} MB free, and {RESERVE / 1e6:,.0f} MB are always left free"
        raise ProblemError(Problem(Code.DISK_FULL, message, hint="make room"))
    return f"{path} may be read and written, {left / 1e9:,.1f} GB free", ""
