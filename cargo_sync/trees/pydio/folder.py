"""One folder of a workspace on a Pydio server, as a remote. See `trees/remote/contract.py`.

Content is sent into our staging folder first; a rename that overwrites nothing gives it its place.
What is deleted for good goes into Pydio's own trash, if the workspace has one.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.abilities import Abilities, Resuming
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.model.known_hashes import HashKind, KnownHash
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.trees.contract import Missed
from cargo_sync.trees.pydio.addresses import PydioPlace
from cargo_sync.trees.pydio.calls import PydioCalls
from cargo_sync.trees.pydio.changes import PydioLog
from cargo_sync.trees.pydio.content import PydioContent
from cargo_sync.trees.pydio.problems import PydioRefusalError, no_hidden_files, no_pydio
from cargo_sync.trees.pydio.upload import PIECE, PydioUpload
from cargo_sync.trees.remote.contract import Kept, NewFile, Pace, RemoteListing
from cargo_sync.trees.remote.feed import ChangedFolders
from cargo_sync.trees.remote.problems import was_changed
from cargo_sync.trees.remote.renaming import make_folders, put_instead, remove_folder_aside
from cargo_sync.trees.remote.staging import (
    STAGED,
    StagingFolder,
    check_empty,
    is_staged,
    place_of,
    published,
)
from cargo_sync.trees.remote.walking import walk
from cargo_sync.trees.webdav.connection import WebDavConnection
from cargo_sync.trees.webdav.login import WebDavLogin
from cargo_sync.trees.webdav.problems import WebDavRefusalError

_ABILITIES: Final = replace(STAGED, time_step=None, resuming=Resuming.APPEND)


class PydioFolder:
    """The folder at a place, as the user of `login`."""

    def __init__(self, place: PydioPlace, login: WebDavLogin, world: World) -> None:
        self._place = place
        self._login = login
        self._token = world.token
        self._connection = WebDavConnection(login)
        self._calls = PydioCalls(self._connection, place)
        self._log = PydioLog(self._connection, place)
        self._staging = StagingFolder(lambda path: self.make(path, 0o700), world.token)
        self._writes = False

    @property
    def abilities(self) -> Abilities:
        digests = (HashKind.MD5,) if self._calls.hashed else ()
        return replace(_ABILITIES, feed=self._log.tells, digests=digests)

    async def open(self, *, make: bool) -> str:
        place, login = self._place, self._login
        try:
            found = await self._calls.find_hashes("")
        except PydioRefusalError as refusal:
            message = f"the workspace {place.workspace!r} cannot be opened; the server says: "
            hint = "check workspace in the job: it is the id or the alias of a workspace"
            problem = Problem(Code.UNKNOWN_WORKSPACE, message + refusal.said[:200], hint=hint)
            raise ProblemError(problem) from refusal
        except WebDavRefusalError as refusal:
            if refusal.status != 404:
                raise
            raise no_pydio("there is no API of Pydio at this address (404)") from refusal
        if found is None and make:
            await self._make_top()
            found = await self._calls.state("")
        if found is None:
            message = f"there is no folder {place.folder!r} in the workspace {place.workspace!r}"
            raise ProblemError(Problem(Code.ROOT_GONE, message))
        if not found.folder:
            raise ProblemError(Problem(Code.NOT_A_FOLDER, f"{place.folder!r} is not a folder"))
        await self._log.find_out()
        at = f"/{place.installed} {place.workspace}:/{place.folder}"
        return f"pydio {login.username}@{login.where} {login.fingerprint} {at}"

    async def close(self) -> None:
        await self._connection.close()

    async def find_out(self) -> None:
        self._staging.forget()
        if self._writes:
            return
        try:
            await self._staging.ready()
        except PydioRefusalError as error:
            raise no_hidden_files(error) from error
        self._writes = True

    # -- reading -----------------------------------------------------------------------------------

    def walk(self) -> AsyncIterator[Sequence[RemoteListing | Missed]]:
        return walk(self.list)

    async def newest_change(self, since: int) -> int:
        return await self._log.newest(since)

    async def changes(self, since: int, most: int) -> ChangedFolders | None:
        return await self._log.changes(since, most)

    async def list(self, folder: str) -> RemoteListing:
        return await self._calls.listing(folder)

    async def entry(self, path: str) -> Entry | None:
        return await self._calls.entry(path)

    async def read(self, path: str, entry: Entry, start: int = 0) -> PydioContent:
        calls = self._calls
        if entry.kind != FILE or calls.place.is_bin(path):
            raise was_changed(path)
        answer = await calls.get(path, start)
        content = PydioContent(
            answer, self._login.where, path, entry, start, calls.expect, hashed=calls.hashed
        )
        try:
            await content.check()
        except BaseException:
            await content.close()
            raise
        return content

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> Sequence[KnownHash | None]:
        return await self._calls.hashes(items)

    # -- content -----------------------------------------------------------------------------------

    async def put(
        self, file: NewFile, content: memoryview, replaced: Entry | None, pace: Pace
    ) -> Entry:
        upload = await self.upload(file, None)
        try:
            for start in range(0, file.size, PIECE):
                await upload.send(start, content[start : start + PIECE], pace)
            return await upload.publish(file, replaced)
        except ProblemError:
            with suppress(ProblemError):
                await upload.abort()
            raise

    async def upload(self, file: NewFile, kept: Kept | None) -> PydioUpload:
        self._check_place(file.path)
        stage = _Stage(self)
        place = place_of(kept) if kept is not None else ""
        if place:
            found = await self._calls.state(place)
            if found is not None and not found.folder and found.md5 and found.size <= file.size:
                return PydioUpload(stage, place, file, found)
            if found is not None:
                await self._remove_staged(place)
        return PydioUpload(stage, await self._staging.place(file.transfer), file)

    async def give_up(self, kept: Kept) -> None:
        if place := place_of(kept):
            await self._remove_staged(place)

    # -- changing ----------------------------------------------------------------------------------

    async def link(self, path: str, target: str) -> Entry:
        message = f"a Pydio server has no symbolic links: {path!r} cannot be made"
        raise ProblemError(Problem(Code.UNSUPPORTED, message, path, retry=False))

    async def make(self, path: str, mode: int) -> Entry:
        self._check_place(path)
        return await make_folders(self._calls, path)

    async def move(self, path: str, to: str, entry: Entry) -> Entry:
        self._check_place(to)
        await self._calls.expect(path, entry)
        await self._calls.move(path, to)
        return await self._calls.there(to)

    async def copy(self, path: str, to: str, entry: Entry) -> Entry:
        message = f"{path!r} is renamed on this server, never copied"
        raise ProblemError(Problem(Code.UNSUPPORTED, message, path, retry=False))

    async def remove(self, path: str, entry: Entry) -> None:
        await self._calls.expect(path, entry)
        if entry.kind != FOLDER:
            await self._calls.delete(path)
            return
        check_empty(await self._calls.listing(path), path)
        if paths.is_below(path, RESERVED):
            await self._calls.delete(path)
            return
        calls, place = self._calls, await self._staging.place("folder")
        await remove_folder_aside(path, place, calls.move, calls.listing, calls.delete)

    async def set_metadata(self, path: str, entry: Entry, mtime_ns: int, mode: int) -> Entry:
        await self._calls.expect(path, entry)
        return await self._calls.there(path)  # the server keeps neither

    # -- inside ------------------------------------------------------------------------------------

    async def _make_top(self) -> None:
        """Makes the folder, and those above it that are not there."""
        calls = PydioCalls(self._connection, replace(self._place, folder=""))
        calls.hashed = self._calls.hashed
        await make_folders(calls, self._place.folder)

    def _check_place(self, path: str) -> None:
        """Raises ProblemError: BAD_NAME: nothing of ours is written into Pydio's own trash."""
        if self._place.is_bin(path):
            message = f"{path!r} is the place of Pydio's own trash; give it another name here"
            raise ProblemError(Problem(Code.BAD_NAME, message, path, retry=False))

    async def _append(self, place: str, offset: int, content: memoryview, pace: Pace) -> None:
        calls, boundary = self._calls, self._token()
        try:
            if not len(content):
                await calls.make_file(place)
            elif offset:
                await calls.send(f"{place}-part", content, boundary, pace, onto=place)
            else:
                await calls.send(place, content, boundary, pace)
        except ProblemError:
            self._staging.forget()
            raise

    async def _publish(self, place: str, file: NewFile, replaced: Entry | None) -> Entry:
        """Gives a staged file its place."""
        if replaced is None:
            await self._calls.move(place, file.path)
        else:
            await self._replace(place, file.path, replaced)
        found = await self._calls.entry(file.path)
        if found is None:
            message = f"the server keeps {file.path!r} under another name; give it another one here"
            raise ProblemError(Problem(Code.BAD_NAME, message, file.path, retry=False))
        return published(found, file)

    async def _replace(self, place: str, path: str, replaced: Entry) -> None:
        """Puts a staged file in the place of another one, which must be `replaced`."""
        calls = self._calls
        await calls.expect(path, replaced)

        async def check(old: str) -> None:
            taken = await calls.there(old)
            if (taken.kind, taken.version) != (replaced.kind, replaced.version):
                raise was_changed(path)

        await put_instead(place, path, calls.move, check, self._remove_staged)

    async def _remove_staged(self, place: str) -> None:
        """Removes a staged file, if it is there."""
        assert is_staged(place), "nothing else is removed without a look"
        if await self._calls.state(place) is not None:
            await self._calls.delete(place)


class _Stage:
    """Our staging folder, as an upload sees it. See `PydioStage`."""

    def __init__(self, folder: PydioFolder) -> None:
        self.append = folder._append
        self.publish = folder._publish
        self.remove = folder._remove_staged
        self.state = folder._calls.state
