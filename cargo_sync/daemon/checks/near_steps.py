"""Steps of a check that need no server: the local folder, and the hours of the job."""

import os
from datetime import datetime
from typing import Final

from cargo_sync.config.job import JobSettings, missing_folder
from cargo_sync.daemon.checks.steps import CheckCase, CheckWork, Passed
from cargo_sync.local.file_systems import tells_all
from cargo_sync.local.lock import holder, read_marker
from cargo_sync.local.root import Root
from cargo_sync.local.xattrs import are_kept
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.model.xattrs import keeps_none
from cargo_sync.plan.filters import Filters
from cargo_sync.trees.folder import check_source, was_here


async def local_folder(case: CheckCase) -> Passed:
    """The local folder exists, is free, and may be used as the job needs it."""
    return await case.world.offload(_local_folder, case)


async def time_zone(case: CheckCase) -> Passed:
    """The time zone of the job's hours, and the rules that it follows."""
    now = datetime.fromtimestamp(case.world.wall(), case.zone)
    return f"{case.zone}: it is {now:%H:%M (UTC%z)} now, by the rules of {case.rules}", ""


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


LOCAL_FOLDER: Final = CheckWork("local folder", "", local_folder)
TIME_ZONE: Final = CheckWork("time zone", "", time_zone)
