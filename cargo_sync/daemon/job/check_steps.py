"""The check of one job: its connection to the server and its folders, step by step, without a run.

A check leaves nothing behind on either side. It only makes what it throws away at once: a login,
flows that it opens and ends, a lane without content, and the bytes of a probe. It does not touch a
run of the job, but the probe shares the connection with it for two seconds.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from cargo_sync.config.certificates import expiry
from cargo_sync.config.job import JobSettings, missing_folder
from cargo_sync.config.units import format_speed
from cargo_sync.local.file_systems import tells_all
from cargo_sync.local.lock import holder, read_marker
from cargo_sync.local.root import Root
from cargo_sync.local.space import SpaceLedger
from cargo_sync.local.xattrs import are_kept
from cargo_sync.model.entries import LATEST
from cargo_sync.model.jobs import Mode
from cargo_sync.model.paths import bad_name, is_reserved
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.model.world import World
from cargo_sync.model.xattrs import keeps_none
from cargo_sync.plan.drop_box import unfit
from cargo_sync.plan.filters import Filters
from cargo_sync.trees.cargo import replies
from cargo_sync.trees.cargo.api import segment
from cargo_sync.trees.cargo.opening import end_flow, open_flow, try_lane
from cargo_sync.trees.cargo.probe import PROBE_BYTES, ProbeResult, ProbingApi
from cargo_sync.trees.cargo.replies import SpacesReply
from cargo_sync.trees.cargo.tree import no_workspace
from cargo_sync.trees.folder import check_source, was_here

PATIENCE: Final = 20.0
"""Seconds that one step may take."""
MEASURE: Final = 2.0
"""Seconds that the speed is measured."""
LEAST: Final = 256 * 1024
"""Bytes that a probe may always move."""
LISTED: Final = 1_000
"""So many names of the remote folder are looked at."""
RUN: Final = "test"
"""The run of the flows that a check opens."""
CLOCKS: Final = 2.0
"""Seconds that two clocks may differ without a warning."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CheckStep:
    """One step of a check. The hint of a step that succeeded is a warning."""

    name: str
    ok: bool
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class CheckCase:
    """What a check needs.

    api    only for this check, which closes it
    space  what is reserved on the disks
    speed  bits per second that the job asks for; None is no limit
    bound  the name of the local side when the base was last agreed; None before first contact
    zone   the time zone of the job's hours
    rules  the version of the zone's rules
    delivers  the base has files
    """

    settings: JobSettings
    api: ProbingApi
    world: World
    space: SpaceLedger
    speed: int | None
    bound: str | None
    zone: tzinfo
    rules: str
    delivers: bool = False

    @property
    def mode(self) -> Mode:
        return Mode(self.settings.mode)

    @property
    def retires(self) -> bool:
        """Delivered files are removed from their source."""
        return self.settings.after_transfer != "keep"


Passed = tuple[str, str]
"""Message and hint of a step that succeeded."""


async def run_check(case: CheckCase) -> AsyncGenerator[CheckStep, None]:
    """Yields the steps as they end. A step is left out if the step that it needs failed."""
    good: set[str] = set()
    for name, needs, function in STEPS:
        if needs in good or not needs:
            step = await _step(name, function, case)
            if step.ok:
                good.add(name)
            yield step


async def _step(
    name: str, function: Callable[[CheckCase], Awaitable[Passed]], case: CheckCase
) -> CheckStep:
    try:
        async with asyncio.timeout(PATIENCE):
            return CheckStep(name, True, *await function(case))
    except ProblemError as error:
        return CheckStep(name, False, error.problem.message, error.problem.hint)
    except TimeoutError:
        return CheckStep(name, False, f"no result within {PATIENCE:g} s")
    except Exception as error:
        _log.error("a check failed unexpectedly", exc_info=error, extra={"job": case.settings.name})
        return CheckStep(name, False, f"internal error: {type(error).__name__}", "see the log")


# -- the steps: each returns what it found, or raises ProblemError ---------------------------------


async def server(case: CheckCase) -> Passed:
    """The server answers, and it is the one that the job trusts."""
    await case.api.reach()
    job = case.settings
    if job.url.startswith("http:"):
        trust = "without TLS"
    elif job.tls_fingerprint:
        trust = "over TLS, with the certificate that the job names"
    else:
        trust = f"over TLS, with a certificate that {job.ca_file or 'this machine'} trusts"
    ends = await case.api.certificate_ends()
    end = "" if ends is None else expiry(ends, case.world.wall())
    return f"{job.url} answers, {trust}", f"the server's certificate {end}" if end else ""


async def login(case: CheckCase) -> Passed:
    """The user can log in."""
    await case.api.log_in()
    return f"logged in as {case.settings.username}", ""


async def workspace(case: CheckCase) -> Passed:
    """The workspace exists, and the user has the rights that the job needs."""
    job = case.settings
    spaces = await case.api.get("/workspaces", SpacesReply.read)
    found = spaces.named(job.workspace)
    if found is None:
        raise ProblemError(no_workspace(job.username, job.workspace, spaces.names()))
    if why := found.problem:
        raise ProblemError(Problem.received(why.code, why.message, hint=why.hint or ""))
    where = f"the workspace {job.workspace!r}"
    if found.access == "wo":
        if refused := unfit(where, case.mode, propagate=job.delete == "propagate"):
            raise ProblemError(refused)
        return f"{job.username} may add files to {where}, and do nothing else there", ""
    writes = case.mode.sends or case.retires
    if writes and found.access != "rw":
        message = f"{job.username} may read {where} but not change it"
        hint = 'the person who runs the server can grant "rw", or mount its folder writable'
        raise ProblemError(Problem(Code.READ_ONLY, message, hint=hint))
    may = "read and write" if found.access == "rw" else "read"
    return f"{job.username} may {may} {where}", ""


async def remote_folder(case: CheckCase) -> Passed:
    """The remote folder exists, or the job may make it."""
    job = case.settings
    where = f"/workspaces/{segment(job.workspace)}/tree"
    try:
        page = await case.api.get(where, replies.folder, path=job.remote_dir, limit=LISTED)
    except ProblemError as error:
        if error.problem.code != Code.UNKNOWN:
            raise
        if case.mode.sends:
            return f"there is no /{job.remote_dir} yet; the first upload makes it", ""
        message = f"there is no folder /{job.remote_dir} in the workspace {job.workspace!r}"
        raise ProblemError(
            Problem(Code.UNKNOWN, message, hint="look at remote_dir in the job")
        ) from error
    unusable = _unusable([entry.name for entry in page.entries])
    return f"/{job.remote_dir} exists", "; ".join(filter(None, (unusable, await _bare(case))))


async def _bare(case: CheckCase) -> str:
    """Why files arrive at the server without extended attributes that the job wants, or ""."""
    job = case.settings
    if not job.xattrs:
        return ""
    where = f"/workspaces/{segment(job.workspace)}/changes"
    page = await case.api.get(where, replies.changes, since=LATEST, under=job.remote_dir, limit=1)
    return "" if page.start is None or page.start.xattrs else keeps_none("it").message


def _unusable(names: Sequence[str]) -> str:
    """What will not be transferred because of its name, or ""."""
    reserved = [name for name in names if is_reserved(name)]
    bad = [name for name in names if bad_name(name)]
    return "; ".join(
        f"{some[0]!r} there {reason}, so it is not transferred{_more(len(some) - 1)}"
        for some, reason in ((reserved, "belongs to Cargo"), (bad, "cannot be used as a name"))
        if some
    )


def _more(count: int) -> str:
    return f" (and {count:,} more)" if count else ""


async def local_folder(case: CheckCase) -> Passed:
    """The local folder exists, is free, and may be used as the job needs it."""
    return await case.world.offload(_local_folder, case)


async def granted(case: CheckCase) -> Passed:
    """The speed that the server would grant the job now."""
    job = case.settings
    where = (job.workspace, job.remote_dir)
    found: list[str] = []
    for direction in case.mode.directions:
        opened = await open_flow(case.api, direction, where, case.speed, RUN)
        await end_flow(case.api, opened.flow)
        speed = "no limit" if opened.speed is None else format_speed(opened.speed)
        found.append(speed)
    if set(found) == {"no limit"}:
        return "the server sets no limit", ""
    if len(found) == 1:
        return f"the server grants {found[0]}", ""
    return f"the server grants {found[0]} up and {found[1]} down", ""


async def data_port(case: CheckCase) -> Passed:
    """A data connection can be opened; it does not go through a proxy in front of the API."""
    job = case.settings
    where = (job.workspace, job.remote_dir)
    opened = await try_lane(case.api, case.world, case.mode.directions[0], where, RUN)
    how = "encrypted" if opened.sealed else "without encryption"
    return f"data connections to {opened.host} port {opened.port} work, {how}", ""


async def speed(case: CheckCase) -> Passed:
    """Measures the speed in the job's direction, or in one after the other.

    The probe moves no more than the job itself could move in that time.
    """
    most = PROBE_BYTES if case.speed is None else max(LEAST, int(case.speed * MEASURE / 8))
    ways: list[str] = []
    seconds = 0.0
    for direction in case.mode.directions:
        upload = direction is Mode.UPLOAD
        measure = case.api.send if upload else case.api.receive
        found: ProbeResult = await measure(most, MEASURE, case.world.steady)
        if not found.bytes:
            raise ProblemError(Problem(Code.CUT, f"no byte arrived within {MEASURE:g} s"))
        ways.append(f"{format_speed(max(1, round(found.speed_bps)))} {'up' if upload else 'down'}")
        seconds += found.seconds
    return f"{' and '.join(ways)}, measured over HTTP for {seconds:.1f} s", ""


async def clock(case: CheckCase) -> Passed:
    """Compares the server's clock with ours."""
    before = case.world.wall()
    date = await case.api.reach()
    after = case.world.wall()
    if date is None:
        return "the server does not send its time", ""
    # The header has whole seconds: it was written between `date` and `date` + 1 by the server's
    # clock, and between `before` and `after` by ours.
    ahead = date - after if date > after else min(0.0, date + 1 - before)
    if abs(ahead) <= CLOCKS:
        return "the server's clock agrees with ours", ""
    way = "ahead of" if ahead > 0 else "behind"
    hint = "use NTP on both: the times of files and the windows of jobs depend on the clocks"
    return f"the server's clock is {abs(ahead):,.0f} s {way} ours", hint


async def time_zone(case: CheckCase) -> Passed:
    """The time zone of the job's hours, and the rules that it follows."""
    now = datetime.fromtimestamp(case.world.wall(), case.zone)
    return f"{case.zone}: it is {now:%H:%M (UTC%z)} now, by the rules of {case.rules}", ""


STEPS: Final[tuple[tuple[str, str, Callable[[CheckCase], Awaitable[Passed]]], ...]] = (
    ("server", "", server),
    ("login", "server", login),
    ("workspace", "login", workspace),
    ("remote folder", "workspace", remote_folder),
    ("local folder", "", local_folder),
    ("granted speed", "workspace", granted),
    ("data port", "granted speed", data_port),
    ("speed", "login", speed),
    ("clock", "server", clock),
    ("time zone", "", time_zone),
)
"""Name, the step that must have succeeded before, and what it does."""


def _local_folder(case: CheckCase) -> Passed:
    """Runs in a thread. It reads the lock and does not take it, because a run may begin now."""
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


def _of_root(case: CheckCase, root: Root) -> Passed:
    job, path = case.settings, case.settings.local_dir
    with os.scandir(root.fd) as names:
        next(names, None)
    holds = holder(root)
    if holds and holds != f"process {os.getpid()}":
        hint = "only one process may use a folder: stop that process, or use another folder"
        raise ProblemError(Problem(Code.ROOT_IN_USE, f"{path} is in use by {holds}", hint=hint))
    if case.mode.receives and read_marker(root) is None and was_here(case.bound, path):
        message = f"{path} is not the folder that this job brought files to: its marker is missing"
        raise ProblemError(
            Problem(Code.MARKER_LOST, message, hint="mount the disk, or restore the folder")
        )
    if not case.mode.receives and case.delivers:
        check_source(root, case.bound, Filters(job.include, job.exclude).among)
    scanned = _scanned(job) if case.mode.sends else ""
    if job.xattrs and not are_kept(root):
        scanned = "; ".join(filter(None, (scanned, keeps_none("it").message)))
    if not (case.mode.receives or case.retires):
        return f"{path} can be read", scanned
    if not os.access(".", os.W_OK | os.X_OK, dir_fd=root.fd):
        what = "receives files" if case.mode.receives else "removes delivered files"
        raise ProblemError(
            Problem(Code.UNREADABLE, f"no permission to write to {path}, and this job {what}")
        )
    space = case.space.space(root)
    if case.mode.receives and space.free <= space.stays:
        stays = f"{space.stays / 1e6:,.0f} MB always stay free"
        message = f"{path} has only {space.free / 1e6:,.0f} MB free, and {stays}"
        raise ProblemError(Problem(Code.DISK_FULL, message, hint="free some space"))
    return f"{path} can be read and written, {space.free / 1e9:,.1f} GB free", scanned


def _scanned(job: JobSettings) -> str:
    """A warning if a look is always at the whole folder; "" if hints say where to look."""
    if not job.watch or tells_all(job.local_dir):
        return ""
    return (
        f"its file system does not tell each change: it is scanned as a whole every {job.sleep:g} "
        "seconds, less often if that takes long"
    )
