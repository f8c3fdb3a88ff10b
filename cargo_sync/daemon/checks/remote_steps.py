"""The steps of a check of a job with somebody else's server, whatever it speaks.

It looks at the folder there, and writes a file of its own below `.cargo_sync`, which it removes, if
the job may change something there.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from cargo_sync.daemon.checks.near_steps import LOCAL_FOLDER, TIME_ZONE
from cargo_sync.daemon.checks.steps import CheckCase, CheckWork, Passed
from cargo_sync.model.abilities import Trashing
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.trees.remote.contract import RemoteFolder
from cargo_sync.trees.remote.together import is_whole
from cargo_sync.trees.remote.tree import RemoteUse

_OURS = (f"{RESERVED}/staging", RESERVED)


class RemoteCheck:
    """The check of a remote, which is only for this check, and closed by it."""

    def __init__(self, remote: RemoteFolder, use: RemoteUse) -> None:
        self._remote = remote
        self._use = use
        self._is_there = True

    @property
    def steps(self) -> Sequence[CheckWork]:
        writing = (
            (CheckWork("writing", "remote folder", self.writing),) if self._use.changes else ()
        )
        return (
            CheckWork("server", "", self.server),
            CheckWork("remote folder", "server", self.remote_folder),
            *writing,
            CheckWork("abilities", writing[0].name if writing else "remote folder", self.abilities),
            LOCAL_FOLDER,
            TIME_ZONE,
        )

    async def close(self) -> None:
        await self._remote.close()

    async def server(self, case: CheckCase) -> Passed:
        """The server answers, it is the trusted one, and the user can log in."""
        try:
            await self._remote.open(make=False)
        except ProblemError as error:
            if error.problem.code is not Code.ROOT_GONE:
                raise
            self._is_there = False
        job = case.settings
        who = f"; {job.username!r} is logged in" if job.username else ""
        return f"{job.remote} answers{who}", ""

    async def remote_folder(self, case: CheckCase) -> Passed:
        """The folder is there and can be listed, or will be made."""
        place = case.settings.remote_place
        if not self._is_there:
            if not self._use.makes:
                await self._remote.open(make=False)  # tells that it is not there
            return f"there is no {place} yet; the first run makes it", ""
        listed = await self._remote.list("")
        count = len(listed.entries)
        names = "nothing in it" if not count else f"{count:,} names in it"
        left = f"{len(listed.problems):,} of its names cannot be used" if listed.problems else ""
        return f"{place}: {names}", left

    async def writing(self, case: CheckCase) -> Passed:
        """The job can write there: a file of ours is made, changed and removed."""
        if not self._is_there:
            return "not tried: the folder is not there yet", ""
        try:
            await self._remote.find_out()
        except ProblemError as error:
            if is_whole(error):
                raise
            message = f"nothing can be written in {case.settings.remote_place}"
            hint = f"the server says: {error.problem.message}; let the user write there"
            raise ProblemError(replace(error.problem, message=message, hint=hint)) from error
        for ours in _OURS:
            # What is in use by a job stays.
            with suppress(ProblemError):
                if (found := await self._remote.entry(ours)) is not None:
                    await self._remote.remove(ours, found)
        return "a file was written below .cargo_sync, and removed", ""

    async def abilities(self, case: CheckCase) -> Passed:
        """What the server keeps, and what it cannot do."""
        told = self._remote.abilities.sentences()
        hint = ""
        if (
            self._use.changes
            and self._remote.abilities.trashing is Trashing.NONE
            and not self._use.loses
        ):
            hint = 'the job needs "trash": "none", if that may be gone for good'
        return "; ".join(told) or "this server keeps everything", hint
