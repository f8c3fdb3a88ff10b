"""One folder of a service that OpenDAL reaches, as a remote. See `trees/remote/contract.py`.

An object store shows an object when it is complete. Elsewhere a new file is staged, then renamed.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.abilities import Abilities, Publishing, Replacing, Resuming, Trashing
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.model.known_hashes import KnownHash
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.trees.cloud.calls import CloudCalls
from cargo_sync.trees.cloud.content import CloudContent
from cargo_sync.trees.cloud.entries import shows_changes
from cargo_sync.trees.cloud.operator import CloudOperators, operators_of
from cargo_sync.trees.cloud.problems import CloudErrors
from cargo_sync.trees.cloud.services import MEMORY, CloudPlace, config_of, service_of
from cargo_sync.trees.cloud.upload import STEP, CloudUpload
from cargo_sync.trees.contract import Missed
from cargo_sync.trees.remote.contract import Kept, NewFile, Pace, RemoteListing
from cargo_sync.trees.remote.problems import is_no_folder, is_not_empty, is_occupied
from cargo_sync.trees.remote.staging import (
    StagingFolder,
    is_staged,
    place_of,
    published,
)
from cargo_sync.trees.remote.walking import walk

_TOP_MARKER: Final = f"{RESERVED}/marker"
"""The folder itself stays, also when nothing of others is in it."""
_NEEDED: Final = ("read", "write", "stat", "list", "delete")
_ABILITIES: Final = Abilities(
    time_step=None,
    modes=False,
    links=False,
    idents=False,
    exchange=False,
    hashes=False,
    feed=False,
    replacing=Replacing.LOOKED_AT,
    publishing=Publishing.PUT,
    trashing=Trashing.NONE,
    resuming=Resuming.NONE,
)

Making = Callable[[str, Mapping[str, str], CloudErrors], CloudOperators]


class CloudFolder:
    """The folder at a place.

    Args:
        place: service, bucket and folder, and the login.
        world: the clock and chance.
        making: OpenDAL's view of the service.
    """

    def __init__(self, place: CloudPlace, world: World, making: Making = operators_of) -> None:
        self._place = place
        self._making = making
        self._is_store = service_of(place.service).is_store
        self._opened: CloudCalls | None = None
        self._staging = StagingFolder(lambda path: self._calls.make(path), world.token)

    @property
    def abilities(self) -> Abilities:
        copies = self._opened is None or self._opened.copies
        return replace(
            _ABILITIES,
            folders=not self._is_store,
            atomic=self._is_store,
            trashing=Trashing.COPY if copies else Trashing.NONE,
        )

    async def open(self, *, make: bool) -> str:
        place = self._place
        if self._opened is None:
            self._opened = self._connected()
        if not await self._calls.has_root():
            if not make:
                message = f"nothing is in {place}"
                hint = "check hostname in the job; a folder that was prepared has .cargo_sync"
                raise ProblemError(Problem(Code.ROOT_GONE, message, hint=hint))
            await self._mark_top()
        # Not the login: keys are changed, and the files stay the same.
        where = place.options.get("endpoint", "")
        return f"cloud {place.service} {where} {place.bucket}/{place.path}"

    async def close(self) -> None:
        self._opened = None

    async def find_out(self) -> None:
        self._staging.forget()
        await self._mark_top()
        told = await self._calls.stat(_TOP_MARKER)
        if told is not None and not shows_changes(told) and self._place.service != MEMORY:
            message = f"cloud+{self._place.service} tells neither a time nor an ETag of a file"
            hint = "use another service: Cargo could not see what has changed"
            raise ProblemError(Problem(Code.UNSUPPORTED, message, hint=hint, retry=False))

    # -- reading -----------------------------------------------------------------------------------

    def walk(self) -> AsyncIterator[Sequence[RemoteListing | Missed]]:
        return walk(self.list)

    async def list(self, folder: str) -> RemoteListing:
        return await self._calls.listing(folder)

    async def entry(self, path: str) -> Entry | None:
        return await self._calls.entry(path)

    async def read(self, path: str, entry: Entry, start: int = 0) -> CloudContent:
        await self._calls.expect(path, entry)
        return CloudContent(self._calls, path, entry, start)

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> Sequence[KnownHash | None]:
        return [None] * len(items)

    # -- content -----------------------------------------------------------------------------------

    async def put(
        self, file: NewFile, content: memoryview, replaced: Entry | None, pace: Pace
    ) -> Entry:
        for start in range(0, len(content), STEP):
            await pace(min(STEP, len(content) - start))
        place = await self._place_of(file)

        async def complete() -> None:
            await self._calls.write(place, bytes(content))

        try:
            return await self._publish(place, file, replaced, complete)
        except ProblemError:
            with suppress(ProblemError):
                await self._remove_staged(place)
            raise

    async def upload(self, file: NewFile, kept: Kept | None) -> CloudUpload:
        if kept is not None:
            await self.give_up(kept)
        place = await self._place_of(file)
        return CloudUpload(self._calls, place, file, self._publish, self._remove_staged)

    async def give_up(self, kept: Kept) -> None:
        await self._remove_staged(place_of(kept))

    # -- changing ----------------------------------------------------------------------------------

    async def link(self, path: str, target: str) -> Entry:
        message = f"{path!r} is a symbolic link, and a cloud keeps none"
        raise ProblemError(Problem(Code.UNSUPPORTED, message, path, retry=False))

    async def make(self, path: str, mode: int) -> Entry:
        for above in reversed(list(paths.upwards(path))):
            found = await self._calls.entry(above)
            if found is not None and found.kind != FOLDER:
                raise is_no_folder(above)
        await self._calls.make(path)
        return await self._calls.there(path)

    async def move(self, path: str, to: str, entry: Entry) -> Entry:
        await self._check_free(path, to, entry)
        if self._calls.renames:
            await self._calls.rename(path, to)
            return await self._calls.there(to)
        made = await self._copied(path, to, entry)
        await self.remove(path, entry)
        return made

    async def copy(self, path: str, to: str, entry: Entry) -> Entry:
        await self._check_free(path, to, entry)
        return await self._copied(path, to, entry)

    async def remove(self, path: str, entry: Entry) -> None:
        if entry.kind != FOLDER:
            await self._calls.expect(path, entry)
            await self._calls.delete(path)
            return
        listed = await self._calls.listing(path)
        if listed.entries or listed.problems:
            raise is_not_empty(path)
        await self._calls.delete_folder(path)

    async def set_metadata(self, path: str, entry: Entry, mtime_ns: int, mode: int) -> Entry:
        await self._calls.expect(path, entry)
        return await self._calls.there(path)

    # -- inside ------------------------------------------------------------------------------------

    @property
    def _calls(self) -> CloudCalls:
        assert self._opened is not None, "it is opened first"
        return self._opened

    def _connected(self) -> CloudCalls:
        """OpenDAL's view of the service, if Cargo can use it.

        Raises:
            ProblemError: UNSUPPORTED, BAD_SETTINGS.
        """
        place, service = self._place, service_of(self._place.service)
        hidden = [place.password, *place.options.values()]
        errors = CloudErrors(str(place), hidden)
        operators = self._making(service.scheme, config_of(place), errors)
        can = operators.asks.capability()
        lacks = [name for name in _NEEDED if not getattr(can, name)]
        if not (service.is_store or can.rename):
            lacks.append("rename, and shows half of a new file")
        if lacks:
            message = f"cloud+{place.service} cannot be used: it cannot {', '.join(lacks)}"
            raise ProblemError(Problem(Code.UNSUPPORTED, message, retry=False))
        return CloudCalls(operators, errors, is_store=service.is_store)

    async def _mark_top(self) -> None:
        if not self._is_store:
            await self._calls.make(RESERVED)
        await self._calls.mark(_TOP_MARKER)

    async def _check_free(self, path: str, to: str, entry: Entry) -> None:
        if entry.kind == FOLDER:
            message = f"a cloud moves files only: {path!r} is a folder"
            raise ProblemError(Problem(Code.UNSUPPORTED, message, path, retry=False))
        await self._calls.expect(path, entry)
        if await self._calls.entry(to) is not None:
            raise is_occupied(to)
        await self._calls.check_above(to)

    async def _copied(self, path: str, to: str, entry: Entry) -> Entry:
        """Copies a file, and looks at the copy."""
        await self._calls.copy(path, to, entry.size)
        made = await self._calls.there(to)
        if made.kind != FILE or made.size != entry.size:
            raise ProblemError(Problem(Code.CORRUPT, f"the copy of {path!r} is not complete", path))
        return made

    async def _place_of(self, file: NewFile) -> str:
        """Where a new file is written: each try has a place of its own, if it is staged."""
        if self._is_store:
            return file.path
        return await self._staging.place(file.transfer)

    async def _remove_staged(self, place: str) -> None:
        """Removes a staged file, if it is there; a place of another kind stays as it is."""
        if is_staged(place):
            await self._calls.delete(place)

    async def _publish(
        self,
        place: str,
        file: NewFile,
        replaced: Entry | None,
        complete: Callable[[], Awaitable[None]],
    ) -> Entry:
        """Completes the file at `place`, and gives it its path."""
        path = file.path
        await self._check_replaced(path, replaced)
        if place == path:
            await complete()
        else:
            await self._calls.check_above(path)
            await complete()
            await self._check_replaced(path, replaced)  # it may have taken long
            await self._calls.rename(place, path)
        return published(await self._calls.entry(path), file)

    async def _check_replaced(self, path: str, replaced: Entry | None) -> None:
        """Looks whether what is at a path is what is to be replaced."""
        if replaced is not None:
            await self._calls.expect(path, replaced)
        elif await self._calls.entry(path) is not None:
            raise is_occupied(path)
