"""The steps of a check of a job with a Cargo server.

It leaves nothing behind there. It only makes what it throws away at once: a login, flows that it
opens and ends, a lane without content, and the bytes of a probe.
"""

from collections.abc import Sequence
from typing import Final

from cargo_sync.config.certificates import expiry
from cargo_sync.config.job import JobSettings
from cargo_sync.config.units import format_speed
from cargo_sync.daemon.checks.near_steps import LOCAL_FOLDER, TIME_ZONE
from cargo_sync.daemon.checks.steps import CheckCase, CheckWork, Passed
from cargo_sync.model.entries import LATEST
from cargo_sync.model.jobs import Mode
from cargo_sync.model.paths import bad_name, is_reserved
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.xattrs import keeps_none
from cargo_sync.plan.drop_box import unfit
from cargo_sync.trees.cargo import replies
from cargo_sync.trees.cargo.api import segment
from cargo_sync.trees.cargo.opening import end_flow, open_flow, try_lane
from cargo_sync.trees.cargo.probe import PROBE_BYTES, ProbeResult, ProbingApi
from cargo_sync.trees.cargo.replies import SpacesReply
from cargo_sync.trees.cargo.tree import no_workspace

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


class CargoCheck:
    """The check of a Cargo server. `api` is only for this check, which closes it."""

    def __init__(self, api: ProbingApi) -> None:
        self._api = api

    @property
    def steps(self) -> Sequence[CheckWork]:
        return (
            CheckWork("server", "", self.server),
            CheckWork("login", "server", self.login),
            CheckWork("workspace", "login", self.workspace),
            CheckWork("remote folder", "workspace", self.remote_folder),
            LOCAL_FOLDER,
            CheckWork("granted speed", "workspace", self.granted),
            CheckWork("data port", "granted speed", self.data_port),
            CheckWork("speed", "login", self.speed),
            CheckWork("clock", "server", self.clock),
            TIME_ZONE,
        )

    async def close(self) -> None:
        await self._api.close()

    async def server(self, case: CheckCase) -> Passed:
        """The server answers, and it is the one that the job trusts."""
        await self._api.reach()
        job = case.settings
        if job.url.startswith("http:"):
            trust = "without TLS"
        elif job.tls_fingerprint:
            trust = "over TLS, with the certificate that the job names"
        else:
            trust = f"over TLS, with a certificate that {job.ca_file or 'this machine'} trusts"
        ends = await self._api.certificate_ends()
        end = "" if ends is None else expiry(ends, case.world.wall())
        return f"{job.url} answers, {trust}", f"the server's certificate {end}" if end else ""

    async def login(self, case: CheckCase) -> Passed:
        """The user can log in."""
        await self._api.log_in()
        return f"logged in as {case.settings.username}", ""

    async def workspace(self, case: CheckCase) -> Passed:
        """The workspace exists, and the user has the rights that the job needs."""
        job = case.settings
        spaces = await self._api.get("/workspaces", SpacesReply.read)
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

    async def remote_folder(self, case: CheckCase) -> Passed:
        """The remote folder exists, or the job may make it."""
        job = case.settings
        where = f"/workspaces/{segment(job.workspace)}/tree"
        try:
            page = await self._api.get(where, replies.folder, path=job.remote_dir, limit=LISTED)
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
        return f"/{job.remote_dir} exists", "; ".join(
            filter(None, (unusable, await _bare(self._api, job)))
        )

    async def granted(self, case: CheckCase) -> Passed:
        """The speed that the server would grant the job now."""
        job = case.settings
        where = (job.workspace, job.remote_dir)
        found: list[str] = []
        for direction in case.mode.directions:
            opened = await open_flow(self._api, direction, where, case.speed, RUN)
            await end_flow(self._api, opened.flow)
            speed = "no limit" if opened.speed is None else format_speed(opened.speed)
            found.append(speed)
        if set(found) == {"no limit"}:
            return "the server sets no limit", ""
        if len(found) == 1:
            return f"the server grants {found[0]}", ""
        return f"the server grants {found[0]} up and {found[1]} down", ""

    async def data_port(self, case: CheckCase) -> Passed:
        """A data connection can be opened; it does not go through a proxy in front of the API."""
        job = case.settings
        where = (job.workspace, job.remote_dir)
        opened = await try_lane(self._api, case.world, case.mode.directions[0], where, RUN)
        how = "encrypted" if opened.sealed else "without encryption"
        return f"data connections to {opened.host} port {opened.port} work, {how}", ""

    async def speed(self, case: CheckCase) -> Passed:
        """Measures the speed in the job's direction, or in one after the other.

        The probe moves no more than the job itself could move in that time.
        """
        most = PROBE_BYTES if case.speed is None else max(LEAST, int(case.speed * MEASURE / 8))
        ways: list[str] = []
        seconds = 0.0
        for direction in case.mode.directions:
            upload = direction is Mode.UPLOAD
            measure = self._api.send if upload else self._api.receive
            found: ProbeResult = await measure(most, MEASURE, case.world.steady)
            if not found.bytes:
                raise ProblemError(Problem(Code.CUT, f"no byte arrived within {MEASURE:g} s"))
            ways.append(
                f"{format_speed(max(1, round(found.speed_bps)))} {'up' if upload else 'down'}"
            )
            seconds += found.seconds
        return f"{' and '.join(ways)}, measured over HTTP for {seconds:.1f} s", ""

    async def clock(self, case: CheckCase) -> Passed:
        """Compares the server's clock with ours."""
        before = case.world.wall()
        date = await self._api.reach()
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


async def _bare(api: ProbingApi, job: JobSettings) -> str:
    """Why files arrive at the server without extended attributes that the job wants, or ""."""
    if not job.xattrs:
        return ""
    where = f"/workspaces/{segment(job.workspace)}/changes"
    page = await api.get(where, replies.changes, since=LATEST, under=job.remote_dir, limit=1)
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
