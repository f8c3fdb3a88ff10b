"""What Pydio's API can do with a path: look, list, make, rename, delete, send, fetch.

A call that fails is told by a message in the server's language, so a look afterwards finds out why.
Nothing is renamed onto something else: the server refuses that.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from unicodedata import normalize
from urllib.parse import quote, urlencode

import aiohttp

from cargo_sync.model import paths
from cargo_sync.model.entries import Entry
from cargo_sync.model.known_hashes import HashKind, KnownHash
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.pydio.addresses import PydioPlace
from cargo_sync.trees.pydio.answers import (
    ListedNode,
    ListedPage,
    PydioState,
    check_done,
    page_of,
    state_of,
    states_of,
)
from cargo_sync.trees.pydio.api import OK, PydioApi
from cargo_sync.trees.pydio.entries import entry_of
from cargo_sync.trees.pydio.forms import form_type, upload_form
from cargo_sync.trees.pydio.problems import PydioRefusalError, no_pydio
from cargo_sync.trees.remote.contract import Pace, RemoteListing
from cargo_sync.trees.remote.problems import has_vanished, is_no_folder, is_occupied, was_changed
from cargo_sync.trees.webdav.connection import WebDavConnection, WebDavRequest
from cargo_sync.trees.webdav.entries import refusal_of

ASKED_AT_ONCE: Final = 200
"""Paths of one call."""
HASHED_AT_ONCE: Final = 2**30
"""Bytes of the files of one call: the server may have to read them all."""
PAGES: Final = "%23"
"""Stands between a folder and the number of a page, so a folder with this in its path has none."""
_TRIES: Final = 3
_READ: Final = frozenset({200, 206})


class PydioCalls:
    """Calls about paths below one folder of a workspace.

    hashed  the server knows the MD5 of files (its plugin `meta.filehasher` is there)
    """

    hashed = True

    def __init__(self, connection: WebDavConnection, place: PydioPlace) -> None:
        self._api = PydioApi(connection)
        self.place = place
        self._asked = False

    # -- looking -----------------------------------------------------------------------------------

    async def state(self, path: str) -> PydioState | None:
        """What the server says of a path; None for nothing."""
        call = "stat_hash" if self.hashed else "stat"
        return state_of(await self._api.get(self.place.url(call, path), path), path)

    async def find_hashes(self, path: str) -> PydioState | None:
        """As `state`; the first time, it finds out `hashed`, which stays: versions depend on it."""
        try:
            state = await self.state(path)
        except PydioRefusalError:
            if self._asked:
                raise
            state = state_of(await self._api.get(self.place.url("stat", path), path), path)
            self.hashed = False
        self._asked = True
        return state

    async def entry(self, path: str) -> Entry | None:
        """What is at a path; None for nothing."""
        state = None if self.place.is_bin(path) else await self.state(path)
        return None if state is None else entry_of(path, state)

    async def there(self, path: str) -> Entry:
        """What is at a path, where something must be."""
        found = await self.entry(path)
        if found is None:
            raise has_vanished(path)
        return found

    async def expect(self, path: str, entry: Entry) -> None:
        """Looks whether a path still has what the plan saw.

        Raises:
            ProblemError: VANISHED, CHANGED.
        """
        found = await self.there(path)
        if (found.kind, found.version) != (entry.kind, entry.version):
            raise was_changed(path)

    async def listing(self, folder: str) -> RemoteListing:
        """What is directly in a folder. See `RemoteFolder.list`."""
        whole = self.place.whole(folder).rstrip("/")
        names = dict[str, ListedNode]()
        problems = list[Problem]()
        for node in await self._nodes(folder):
            above, _, name = node.path.rpartition("/")
            if above != whole:
                raise no_pydio(f"it is not about the folder {folder!r}")
            path = paths.join(folder, name)
            if node.bin or self.place.is_bin(path) or (not folder and paths.is_reserved(name)):
                continue
            if (bad := refusal_of(name, folder)) is not None:
                problems.append(bad)
            else:
                names[path] = node
        folders = [entry_of(path, _FOLDER) for path, node in names.items() if node.folder]
        files = {path: node.size for path, node in names.items() if not node.folder}
        entries, unknown = await self._files(files)
        return RemoteListing(folder, [*folders, *entries], [*problems, *unknown])

    async def _nodes(self, folder: str) -> Sequence[ListedNode]:
        """All names in a folder. A listing of several pages is of one moment, or is read again."""
        if PAGES in self.place.whole(folder):
            message = f"Pydio cannot list {folder!r}: it takes %23 in a name for a page"
            raise ProblemError(Problem(Code.BAD_PATH, message, folder, retry=False))
        for _ in range(_TRIES):
            first = await self._page(folder, "")
            numbers = range(2, first.pages + 1)
            pages = [first, *[await self._page(folder, f"{PAGES}{number}") for number in numbers]]
            nodes = [node for page in pages for node in page.nodes]
            is_steady = all(page.count == first.count for page in pages)
            if is_steady and len({node.path for node in nodes}) == len(nodes):
                return nodes
        message = f"{folder!r} changes while it is listed: it is looked at later"
        raise ProblemError(Problem(Code.BUSY, message, folder))

    async def _page(self, folder: str, more: str) -> ListedPage:
        url = self.place.url("ls", folder, more, options="al")
        try:
            return page_of(await self._api.get(url, folder), folder)
        except PydioRefusalError:
            found = await self.state(folder)
            if found is None:
                raise has_vanished(folder) from None
            if not found.folder:
                raise is_no_folder(folder) from None
            raise

    async def _files(self, files: Mapping[str, int]) -> tuple[Sequence[Entry], Sequence[Problem]]:
        """The files at these paths, which a listing has named with their sizes."""
        entries, problems = list[Entry](), list[Problem]()
        for slice_ in slices(files):
            for path, state in (await self._states(slice_)).items():
                if isinstance(state, Problem):
                    problems.append(state)
                elif state is not None:
                    entries.append(entry_of(path, state))
        return entries, problems

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> Sequence[KnownHash | None]:
        """The MD5 of files, in order; None where the server does not know it.

        It is also None for what is not the given entry any more.

        Raises:
            ProblemError: see `entry`.
        """
        sizes = {path: entry.size for path, entry in items}
        states = dict[str, PydioState | Problem | None]()
        for slice_ in slices(sizes) if self.hashed else ():
            states |= await self._states(slice_)
        return [_known(path, entry, states.get(path)) for path, entry in items]

    async def _states(self, asked: Sequence[str]) -> Mapping[str, PydioState | Problem | None]:
        if len(asked) == 1:
            return {asked[0]: await self.state(asked[0])}
        call = "stat_hash" if self.hashed else "stat"
        wholes = {path: self.place.whole(path) for path in asked}
        fields = [("nodes[]", whole) for whole in wholes.values()]
        body = await self._api.post(self.place.url(call, asked[0]), asked[0], urlencode(fields))
        found = states_of(body, asked[0])
        # A server may write its accents in another form.
        normal = {normalize("NFC", name): state for name, state in found.items()}
        states = dict[str, PydioState | Problem | None]()
        for path, whole in wholes.items():
            key = normalize("NFC", whole)
            if whole in found or key in normal:
                states[path] = found[whole] if whole in found else normal[key]
            else:
                message = f"the server does not say what {path!r} is: it is left out"
                states[path] = Problem(Code.UNREADABLE, message, path)
        return states

    # -- content -----------------------------------------------------------------------------------

    async def get(self, path: str, start: int) -> aiohttp.ClientResponse:
        """The answer with a file's content from a byte on; the caller closes it."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        url = self.place.url("download", path)
        answer = await self._api.begin(WebDavRequest("GET", url, path, _READ, headers))
        if answer.content_type not in ("text/xml", "application/xml"):
            return answer
        # A content comes as a download, whatever is in it: this is a message.
        try:
            check_done(await self._api.body(answer), path)
        except PydioRefusalError:
            await self.there(path)
            raise
        finally:
            answer.close()
        raise no_pydio(f"it is not the content of {path!r}")

    async def send(
        self, path: str, content: memoryview, boundary: str, pace: Pace, *, onto: str = ""
    ) -> None:
        """Writes a file, whatever was there; or, with `onto`, appends to that file beside it."""
        fields = {
            "force_post": "true",
            "xhr_uploader": "true",
            "urlencoded_filename": quote(paths.name(path)),
        }
        if onto:
            fields["appendto_urlencoded_part"] = quote(paths.name(onto))
        url = self.place.url("upload/put", paths.parent(path))
        headers = {"Content-Type": form_type(boundary)}
        body = upload_form(fields, content, boundary, pace)
        check_done(await self._api.send(WebDavRequest("POST", url, path, OK, headers, body)), path)

    async def make_file(self, path: str) -> None:
        """Makes an empty file, whatever was there."""
        check_done(await self._api.post(self.place.url("mkfile", path, force="true"), path), path)

    # -- changing ----------------------------------------------------------------------------------

    async def make(self, path: str) -> None:
        """Makes a folder; those above it must be there.

        Raises:
            ProblemError: NOT_A_FOLDER, if a file is there.
        """
        try:
            check_done(await self._api.post(self.place.url("mkdir", path), path), path)
        except PydioRefusalError:
            found = await self.state(path)
            if found is None:
                raise
            if not found.folder:
                raise is_no_folder(path) from None

    async def move(self, path: str, to: str) -> None:
        """Renames a file or a folder with all that is in it. Nothing may be at `to`.

        Raises:
            ProblemError: OCCUPIED; VANISHED, also if the folder of `to` is not there.
        """
        fields = urlencode({"file": self.place.whole(path), "dest": self.place.whole(to)})
        try:
            check_done(await self._api.post(self.place.url("rename", path), path, fields), path)
        except PydioRefusalError:
            if await self.entry(to) is not None:
                raise is_occupied(to) from None
            for needed in (path, paths.parent(to)):
                if needed and await self.entry(needed) is None:
                    raise has_vanished(needed) from None
            raise

    async def delete(self, path: str) -> None:
        """Removes a file, or a folder with all in it: into Pydio's own trash, if it has one.

        Raises:
            ProblemError: IN_USE, if it is still there.
        """
        fields = urlencode({"file": self.place.whole(path)})
        check_done(await self._api.post(self.place.url("delete", path), path, fields), path)
        if await self.state(path) is not None:
            # Pydio 7 leaves a large deletion to a task of its own.
            message = f"the server has not deleted {path!r} yet: it is looked at later"
            raise ProblemError(Problem(Code.IN_USE, message, path))


_FOLDER: Final = PydioState(True, 0, 0, "")


def _known(path: str, entry: Entry, state: PydioState | Problem | None) -> KnownHash | None:
    """The MD5 of a file that still is `entry`."""
    if not isinstance(state, PydioState) or not state.md5:
        return None
    if entry_of(path, state).version != entry.version:
        return None
    return KnownHash(HashKind.MD5, state.md5, certain=True)


def slices(files: Mapping[str, int]) -> Iterator[Sequence[str]]:
    """Paths that are asked for together: at most so many, and of at most so many bytes."""
    asked, size = list[str](), 0
    for path, its_size in files.items():
        if asked and (len(asked) == ASKED_AT_ONCE or size + its_size > HASHED_AT_ONCE):
            yield asked
            asked, size = [], 0
        asked.append(path)
        size += its_size
    if asked:
        yield asked
