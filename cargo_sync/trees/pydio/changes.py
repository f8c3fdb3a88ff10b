"""What a Pydio server tells of changes: the log of a workspace, which `meta.syncable` keeps.

`changes/SEQ` answers with one JSON object a line, for each file or folder that changed after the
change SEQ, and at the end `LAST_SEQ:n`. With `flatten` each comes once, with where it was and is.

- The rows come by file, not by number: only the last line says where the next look begins.
- For an SEQ that the server has not reached, `LAST_SEQ:1` means that it went back. It is also the
  answer of an empty log, in which the next change gets the number 1.
- Without rows, `LAST_SEQ` is that of all workspaces, and a change may have come between both
  questions of the server to its database: then the cursor stays where it was.
- The parameter `filter` is not used: the folder above ours may be renamed.
"""

import logging
from dataclasses import dataclass, field
from typing import Final

import orjson

from cargo_sync.model import paths
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.trees.pydio.addresses import PydioPlace
from cargo_sync.trees.pydio.answers import number_of
from cargo_sync.trees.pydio.problems import no_pydio
from cargo_sync.trees.remote.feed import ChangedFolders
from cargo_sync.trees.webdav.connection import WebDavConnection, WebDavRequest, check_encoding
from cargo_sync.trees.webdav.problems import WebDavRefusalError, translated

BEYOND: Final = 2**31 - 1
"""No server has had so many changes: asking for later ones costs it nothing."""
LONGEST: Final = 64 * 1024
"""Bytes of a line: it has two paths."""
_LAST: Final = b"LAST_SEQ:"
_NOTHING: Final = "NULL"
"""Stands for the path of what was not there before, or is not there any more."""
_FOLDER: Final = "directory"
_OK: Final = frozenset({200})

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class ChangeLog:
    """What was read of the log, of changes in the folder at `place`.

    most    of `folders` and `below`; where there are more, `whole` is set
    rows    how many lines there were before the last one
    last    the number in the last line; 0: it did not come
    folders, below  see `ChangedFolders`
    whole   everything must be looked at
    """

    place: PydioPlace
    most: int
    rows: int = 0
    last: int = 0
    folders: set[str] = field(default_factory=set)
    below: set[str] = field(default_factory=set)
    whole: bool = False
    _rest: bytes = b""

    def feed(self, piece: bytes) -> None:
        """Reads the next bytes. Raises ProblemError: `bad_answer`."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > LONGEST:
            raise no_pydio("it has a line that is too long")
        for line in lines:
            self._read(line)

    def end(self) -> None:
        """There are no more bytes. Raises ProblemError: the last line did not come."""
        self._read(self._rest)
        if not self.last:
            raise no_pydio("the list of changes is not complete")

    def _read(self, line: bytes) -> None:
        if not (line := line.strip()):
            return
        if line.startswith(_LAST):
            self.last = number_of(line[len(_LAST) :].decode("ascii", "replace").strip()) or 0
            return
        try:
            row = orjson.loads(line)
        except ValueError as error:
            raise no_pydio("the list of changes is not JSON") from error
        if not isinstance(row, dict):
            raise no_pydio("a change is not an object")
        self.rows += 1
        if self.whole:
            return
        node = row.get("node")
        md5 = node.get("md5") if isinstance(node, dict) else None
        self._note(row.get("source"), is_new=False)
        # Whether something is a folder is not said if it has gone since.
        self._note(row.get("target"), is_new=md5 is None or md5 == _FOLDER)
        if len(self.folders) + len(self.below) > self.most:
            self.whole = True
            self.folders.clear()
            self.below.clear()

    def _note(self, where: object, *, is_new: bool) -> None:
        """Notes that something is, or was, at a path from the top of the workspace."""
        if not isinstance(where, str) or where == _NOTHING:
            return
        top = self.place.whole("").rstrip("/")
        if paths.is_below(top, where.rstrip("/")):
            self.whole = True  # our folder itself, or one above it
        elif where.startswith(f"{top}/"):
            self._note_below(where[len(top) + 1 :], is_new=is_new)

    def _note_below(self, path: str, *, is_new: bool) -> None:
        names = path.split("/")
        if paths.is_reserved(names[0]) or self.place.is_bin(path):
            return
        # A name that no listing shows ends the way down.
        bad = next((at for at, name in enumerate(names) if paths.bad_name(name)), None)
        self.folders.add("/".join(names[: len(names) - 1 if bad is None else bad]))
        if is_new and bad is None:
            self.below.add(path)


class PydioLog:
    """The log of the workspace of `place`, as far as it is about its folder.

    tells  the server has a log of it: known after `find_out`
    """

    def __init__(self, connection: WebDavConnection, place: PydioPlace) -> None:
        self._connection = connection
        self._place = place
        self._asked = False
        self.tells = False

    async def find_out(self) -> None:
        """Finds out `tells`, once."""
        if not self._asked:
            self.tells = await self._read(BEYOND, 0) is not None
            self._asked = True

    async def newest(self, since: int) -> int:
        """See `TellsChanges.newest_change`."""
        log = await self._read(since, 0)
        if since and log is not None and log.last < since:
            log = await self._read(0, 0)
        return log.last if log is not None and (log.rows or log.last > 1) else 0

    async def changes(self, since: int, most: int) -> ChangedFolders | None:
        """See `TellsChanges.changes`."""
        log = await self._read(since, most)
        if log is None or log.whole or log.last < since:
            return None
        return ChangedFolders(log.folders, log.below, log.last if log.rows else since)

    async def _read(self, since: int, most: int) -> ChangeLog | None:
        """The changes after `since`; None if the server could not tell them."""
        log = ChangeLog(self._place, most, whole=not most)
        url = self._place.log_url(since)
        try:
            async with self._connection.opened(WebDavRequest("GET", url, "", _OK)) as answer:
                check_encoding(answer)
                with translated(self._connection.login.where):
                    async for piece in answer.content.iter_any():
                        log.feed(piece)
                log.end()
        except ProblemError as error:
            is_answer = isinstance(error, WebDavRefusalError)
            if error.problem.code is not Code.BAD_ANSWER and not is_answer:
                raise
            if error.problem.code is Code.UNAUTHORIZED:
                raise
            _log.info("Pydio tells of no changes, so everything is listed: %s", error)
            return None
        return log
