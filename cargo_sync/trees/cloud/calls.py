"""What a service can do with a path: look, list, write, copy, delete, make a folder.

Paths are relative to the folder, and each is checked here: one that OpenDAL would take for another
path never reaches it.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.cloud.entries import (
    ObjectFace,
    ObjectName,
    entry_of,
    folder_entry,
    listing_of,
    odd_path,
)
from cargo_sync.trees.cloud.operator import CloudOperators
from cargo_sync.trees.cloud.patience import SharedLine, copying
from cargo_sync.trees.cloud.problems import CloudErrors
from cargo_sync.trees.remote.contract import RemoteListing
from cargo_sync.trees.remote.problems import has_vanished, is_no_folder, was_changed
from cargo_sync.trees.remote.together import together

if TYPE_CHECKING:
    from opendal.file import AsyncFile

MARKER: Final = RESERVED
"""An empty object of this name keeps a folder of an object store."""
PIECE: Final = 4 * 2**20
KEPT: Final = 8 * 2**20
"""Bytes that OpenDAL keeps at most of what was written, because a part may not be smaller."""
_TOP: Final = ("", "/")
"""How the folder itself may be listed."""


class CloudCalls:
    """Calls about paths below one folder.

    operators  OpenDAL's, whose root is the folder
    errors     how its errors are told
    is_store   see CloudService
    """

    def __init__(self, operators: CloudOperators, errors: CloudErrors, *, is_store: bool) -> None:
        self._operator, self._sends = operators
        can = self._operator.capability()
        self._line = SharedLine()
        self._errors = errors
        self._is_store = is_store
        self._lists_all: bool | None = None
        self.renames = can.rename
        self.copies = can.copy
        self.streams = can.write_can_multi
        self._nothing = b"" if can.write_can_empty else b"\n"

    # -- looking -----------------------------------------------------------------------------------

    async def stat(self, path: str) -> ObjectFace | None:
        """What the service says of one path; None for nothing. A "/" at its end asks for a folder.

        Raises:
            ProblemError: BAD_PATH, and others.
        """
        key = _key(path)
        try:
            with self._errors.translated(path):
                found: ObjectFace = await self._operator.stat(key)
        except ProblemError as error:
            code, above = error.problem.code, paths.parent(path.rstrip("/"))
            if code in (Code.VANISHED, Code.NOT_A_FOLDER):
                return None
            # What is below a file is nothing; some services have no word of their own for that.
            if code is not Code.OS_ERROR or not above or await self._is_folder(above):
                raise
            return None
        return found

    async def entry(self, path: str) -> Entry | None:
        """What is at a path; None for nothing. In an object store a folder hides an object."""
        if not self._is_store:
            told = await self.stat(path) or await self.stat(f"{path}/")
            return None if told is None else entry_of(path, told)
        told, has_some = await asyncio.gather(self.stat(path), self._has_any(path))
        if has_some:
            return folder_entry(paths.name(path))
        return None if told is None or told.is_dir else entry_of(path, told)

    async def there(self, path: str) -> Entry:
        """What is at a path, where something must be. Raises ProblemError: VANISHED."""
        found = await self.entry(path)
        if found is None:
            raise has_vanished(path)
        return found

    async def expect(self, path: str, entry: Entry) -> None:
        """Looks whether a path still has what the plan saw.

        Raises:
            ProblemError: CHANGED, VANISHED.
        """
        found = await self.there(path)
        same = found.version == entry.version or entry.kind == FOLDER
        if found.kind != entry.kind or not same:
            raise was_changed(path)

    async def check_above(self, path: str) -> None:
        """Looks whether there is a folder for a new file.

        Raises:
            ProblemError: VANISHED, NOT_A_FOLDER.
        """
        above = paths.parent(path)
        if self._is_store or not above:
            return
        if (found := await self.entry(above)) is None:
            raise has_vanished(above)
        if found.kind != FOLDER:
            raise is_no_folder(above)

    async def listing(self, folder: str) -> RemoteListing:
        """What is directly in a folder. See `RemoteFolder.list`.

        Raises:
            ProblemError: ROOT_GONE: nothing is in the folder of the job, not even ours.
        """
        told = await self._told(folder)
        if not told:
            await self._check_empty(folder)
        hidden = MARKER if self._is_store else ""
        listed = listing_of(folder, told, hidden=hidden)
        return listed if await self._says_all(listed) else await self._looked_at(listed)

    async def has_root(self) -> bool:
        """Whether there is anything in the folder, ours too."""
        return await self._has_any("")

    # -- changing ----------------------------------------------------------------------------------

    async def write(self, path: str, content: bytes) -> None:
        """Writes a small file, whatever was there."""
        with self._errors.translated(path):
            async with self._line.sending(len(content)):
                await self._sends.write(_key(path), content)

    async def mark(self, path: str) -> None:
        """Makes an empty file of ours, if there is none."""
        if await self.stat(path) is None:
            await self.write(path, self._nothing)

    async def writer(self, path: str) -> "AsyncFile":
        """Begins to write a file. One that is never closed is not there."""
        with self._errors.translated(path):
            async with self._line.sending(0):
                return await self._sends.open(_key(path), "wb")

    async def send(self, opened: "AsyncFile", path: str, content: bytes) -> None:
        """Writes the next bytes of a file. What goes then may be what was kept of earlier ones."""
        with self._errors.translated(path):
            async with self._line.sending(len(content) + KEPT):
                await opened.write(content)

    async def finish(self, opened: "AsyncFile", path: str) -> None:
        """The file is complete."""
        with self._errors.translated(path):
            async with self._line.sending(KEPT):
                await opened.close()

    async def read(self, path: str, start: int, size: int) -> bytes:
        """Bytes of a file. What comes may be less at its end."""
        with self._errors.translated(path):
            return bytes(await self._operator.read(_key(path), offset=start, size=size))

    async def make(self, path: str) -> None:
        """Makes a folder, which may be there. Those above it are folders, or nothing."""
        if self._is_store:
            await self.mark(f"{path}/{MARKER}")
            return
        with self._errors.translated(path):
            await self._operator.create_dir(f"{_key(path)}/")

    async def rename(self, path: str, to: str) -> None:
        """Gives a file another path. What was there may be replaced: look first."""
        with self._errors.translated(path):
            await self._operator.rename(_key(path), _key(to))

    async def copy(self, path: str, to: str, size: int) -> None:
        """Copies a file; what was there may be replaced: look first."""
        if self.copies:
            with self._errors.translated(path):
                async with copying(size):
                    await self._sends.copy(_key(path), _key(to))
            return
        opened = await self.writer(to)  # the service cannot: its content comes here, and goes back
        for start in range(0, size, PIECE):
            await self.send(opened, to, await self.read(path, start, min(PIECE, size - start)))
        await self.finish(opened, to)

    async def delete(self, path: str) -> None:
        """Deletes a file, if it is there."""
        with self._errors.translated(path):
            await self._operator.delete(_key(path))

    async def delete_folder(self, path: str) -> None:
        """Deletes a folder that was just seen to be empty."""
        if self._is_store:
            await self.delete(f"{path}/{MARKER}")
        with self._errors.translated(path):
            await self._operator.delete(f"{_key(path)}/")

    # -- inside ------------------------------------------------------------------------------------

    async def _told(self, folder: str) -> list[ObjectName]:
        with self._errors.translated(folder):
            lister = await self._operator.list(_inside(folder))
            return [one async for one in lister if folder or one.path not in _TOP]

    async def _has_any(self, folder: str) -> bool:
        with self._errors.translated(folder):
            async for one in await self._operator.list(_inside(folder)):
                if folder or one.path not in _TOP:
                    return True
        return False

    async def _is_folder(self, path: str) -> bool:
        found = await self.entry(path)
        return found is not None and found.kind == FOLDER

    async def _check_empty(self, folder: str) -> None:
        """A folder of which nothing was listed, not even itself: is it one?"""
        if not folder:
            message = "nothing is in the folder of the service any more, not even .cargo_sync"
            raise ProblemError(Problem(Code.ROOT_GONE, message))
        told = await self.stat(folder)
        if told is not None and not told.is_dir:
            raise is_no_folder(folder)
        if told is None and (self._is_store or await self.stat(f"{folder}/") is None):
            raise has_vanished(folder)

    async def _says_all(self, listed: RemoteListing) -> bool:
        """Whether listings say the same as a look: tried with the first file of all."""
        if self._lists_all is None:
            for entry in listed.entries:
                if entry.kind == FILE:
                    now = await self.stat(paths.join(listed.path, entry.name))
                    if now is not None:
                        self._lists_all = entry_of(entry.name, now) == entry
                    break
        return self._lists_all is not False

    async def _looked_at(self, listed: RemoteListing) -> RemoteListing:
        """The listing, with what a look at each file says."""

        async def one(entry: Entry) -> Entry | None:
            if entry.kind != FILE:
                return entry
            told = await self.stat(paths.join(listed.path, entry.name))
            return None if told is None else entry_of(entry.name, told)

        found = await together(one, listed.entries)
        return listed._replace(entries=[entry for entry in found if entry is not None])


def _key(path: str) -> str:
    """A path as it is given to OpenDAL. Raises ProblemError: BAD_PATH."""
    if reason := odd_path(path):
        message = f"{path!r} {reason}: a cloud cannot hold it"
        raise ProblemError(Problem(Code.BAD_PATH, message, path, retry=False))
    return path


def _inside(folder: str) -> str:
    return f"{_key(folder)}/" if folder else ""
