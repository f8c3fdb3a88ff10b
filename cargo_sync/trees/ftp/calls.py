"""What FTP can do with a path: look, list, rename, delete, make a folder.

Paths are relative to the remote's folder; the server gets them from its top on. The name of what is
to be listed may be a pattern to a server (`*`, `?`, `[`), so a folder is entered first, and then
listed without a name.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.ftp.channel import FtpChannel, open_channel
from cargo_sync.trees.ftp.entries import entry_of, refusal_of
from cargo_sync.trees.ftp.facts import Fact, of_facts, of_listing, time_of
from cargo_sync.trees.ftp.line import FtpLine, FtpReply
from cargo_sync.trees.ftp.pool import FtpPool
from cargo_sync.trees.ftp.problems import bad_answer
from cargo_sync.trees.remote.contract import RemoteListing
from cargo_sync.trees.remote.problems import has_vanished, is_occupied, was_changed

_LONGEST: Final = 256 * 2**20
"""Bytes of a listing: more than a million names."""
_SIZE: Final = re.compile(r"\d{1,19}")
_MISSING: Final = 5
"""The first digit of the answer about what is not there; of some servers' SIZE it is 4."""


class FtpCalls:
    """Calls about paths below `top`, which is a path on the server, without a slash at its end.

    facts  the server offers MLSD and MLST; None before it was asked
    modes  what it says of modes counts
    """

    def __init__(self, pool: FtpPool, top: str) -> None:
        self._pool = pool
        self._top = top
        self.facts: bool | None = None
        self.modes = False

    def at(self, path: str) -> str:
        """The path on the server."""
        return f"{self._top}/{path}" if path else self._top or "/"

    async def entry(self, path: str) -> Entry | None:
        """What is at a path; None for nothing.

        Raises:
            ProblemError: what is there is no file or folder.
        """
        async with self._pool.line() as line:
            fact = await self._fact(line, path)
        if fact is None:
            return None
        found = entry_of(path, fact, modes=self.modes)
        if isinstance(found, Problem):
            raise ProblemError(found)
        return found

    async def there(self, path: str) -> Entry:
        """As `entry`. Raises ProblemError: VANISHED."""
        found = await self.entry(path)
        if found is None:
            raise has_vanished(path)
        return found

    async def expect(self, path: str, entry: Entry) -> None:
        """Raises ProblemError: CHANGED, VANISHED, if it is not this entry."""
        found = await self.there(path)
        if found.kind != entry.kind or (found.kind != FOLDER and found.version != entry.version):
            raise was_changed(path)

    async def expect_nothing(self, path: str) -> None:
        """Raises ProblemError: OCCUPIED."""
        if await self.entry(path) is not None:
            raise is_occupied(path)

    async def listing(self, folder: str) -> RemoteListing:
        """What is directly in a folder."""
        async with self._pool.line() as line:
            entered = await line.ask(f"CWD {self.at(folder)}", folder)
            if entered.is_good:
                facts = await self._listed(line, folder)
        if not entered.is_good:
            found = await self.there(folder)
            if found.kind != FOLDER:
                message = f"{folder!r} is not a folder"
                raise ProblemError(Problem(Code.NOT_A_FOLDER, message, folder))
            message = f"the server does not open {folder!r}: {entered.text[:200]}"
            raise ProblemError(Problem(Code.UNREADABLE, message, folder))
        return self._listing_of(folder, facts)

    async def command(self, command: str, path: str) -> None:
        """A short command, in which the path is as the server knows it (`at`).

        Raises:
            FtpRefusalError: the server refuses.
        """
        async with self._pool.line() as line:
            await line.wanted(command, path)

    async def rename(self, path: str, to: str) -> None:
        """Gives what is at a path another one. Some servers overwrite what is there.

        Raises:
            FtpRefusalError: the server refuses.
        """
        async with self._pool.line() as line:
            await line.wanted(f"RNFR {self.at(path)}", path, good=(3,))
            await line.wanted(f"RNTO {self.at(to)}", to)

    async def channel(self, command: str, path: str, start: int = 0) -> FtpChannel:
        """A data connection for the content at a path; it ends with `ended`."""
        line = await self._pool.take()
        try:
            return await open_channel(line, f"{command} {self.at(path)}", path, start)
        except BaseException as error:
            if not isinstance(error, ProblemError):
                line.broken = True
            await self._pool.give_back(line)
            raise

    async def ended(self, channel: FtpChannel) -> None:
        """A data connection has ended, well or not: its control connection is free."""
        await asyncio.shield(self._pool.give_back(channel.line))

    async def fetch(self, path: str, start: int, most: int) -> bytes:
        """Up to so many bytes of a file, from a byte on."""
        channel = await self.channel("RETR", path, start)
        found = bytearray()
        try:
            while len(found) <= most and (piece := await channel.read()):
                found += piece
            if len(found) > most:
                channel.drop()
            else:
                await channel.finish()
        except BaseException:
            channel.drop()
            raise
        finally:
            await self.ended(channel)
        return bytes(found[:most])

    # -- inside ------------------------------------------------------------------------------------

    def _has_facts(self, line: FtpLine) -> bool:
        if self.facts is None:
            self.facts = "MLST" in line.offers or "MLSD" in line.offers
            self.modes = self.facts and "unix.mode" in line.offers.get("MLST", "").lower()
        return self.facts

    async def _fact(self, line: FtpLine, path: str) -> Fact | None:
        name = paths.name(path)
        if not self._has_facts(line) or not path:
            return await self._tried(line, path)
        reply = await line.ask(f"MLST {self.at(path)}", path)
        if reply.number // 100 == _MISSING or reply.number == 450:
            self._check_seen(line, reply, path)
            return None
        if not reply.is_good or len(reply.lines) < 2:
            raise line.refusal(reply, path)
        found = of_facts(reply.lines[1].removeprefix(" "))
        return Fact(name, "dir") if found is None else found._replace(name=name)

    async def _tried(self, line: FtpLine, path: str) -> Fact | None:
        """What is at a path, of a server that only lists for people: by what it allows."""
        name, place = paths.name(path), self.at(path)
        if (await line.ask(f"CWD {place}", path)).is_good:
            return Fact(name, "dir")
        if not path:
            reply = await line.ask(f"SIZE {place}", path)
            return Fact(name, "file", 0) if reply.is_good else None
        size, time = await line.ask_all([f"SIZE {place}", f"MDTM {place}"], path)
        if not size.is_good:
            self._check_seen(line, size, path)
            return None
        return Fact(name, "file", _size_of(size), self._time_of(time))

    def _check_seen(self, line: FtpLine, reply: FtpReply, path: str) -> None:
        """Raises ProblemError, if a path may not be seen; else nothing is there."""
        refusal = line.refusal(reply, path)
        if refusal.problem.code in (Code.UNREADABLE, Code.UNSUPPORTED, Code.UNAUTHORIZED):
            raise refusal

    def _time_of(self, reply: FtpReply) -> int | None:
        return time_of(reply.text) if reply.is_good else None

    async def _listed(self, line: FtpLine, folder: str) -> Sequence[Fact]:
        """What is in the folder that was entered."""
        if self._has_facts(line):
            text = await self._text(line, "MLSD", folder)
            lines = [one.removesuffix("\r") for one in text.split("\n")]
            return [fact for one in lines if one and (fact := of_facts(one)) is not None]
        facts = of_listing(await self._text(line, "LIST -a", folder))
        if not any(one.name == "." for one in facts):
            # It may not know -a, and have looked for a file of this name.
            facts = of_listing(await self._text(line, "LIST", folder))
        return await self._timed(line, folder, facts)

    async def _timed(self, line: FtpLine, folder: str, facts: Sequence[Fact]) -> Sequence[Fact]:
        """The same, with times."""
        files = [
            number
            for number, one in enumerate(facts)
            if one.kind == "file" and refusal_of(one.name, folder) is None
        ]
        places = [self.at(paths.join(folder, facts[number].name)) for number in files]
        replies = await line.ask_all([f"MDTM {place}" for place in places], folder)
        found = list(facts)
        for number, reply in zip(files, replies, strict=True):
            found[number] = found[number]._replace(time=self._time_of(reply))
        return found

    async def _text(self, line: FtpLine, command: str, folder: str) -> str:
        channel = await open_channel(line, command, folder)
        try:
            found = bytearray()
            while piece := await channel.read():
                found += piece
                if len(found) > _LONGEST:
                    raise ProblemError(Problem(Code.TOO_LARGE, "the listing is too long", folder))
        except BaseException:
            channel.drop()
            raise
        said = await channel.finish()
        if "truncated" in said.lower():
            message = f"the server does not list all of {folder!r}: {said[:200]}"
            hint = "raise the number of files that the server lists"
            raise ProblemError(Problem(Code.TOO_LARGE, message, folder, hint))
        return found.decode(errors="surrogateescape")

    def _listing_of(self, folder: str, facts: Sequence[Fact]) -> RemoteListing:
        entries, problems = dict[str, Entry](), list[Problem]()
        for fact in facts:
            name = fact.name
            if name in (".", "..") or (not folder and paths.is_reserved(name)):
                continue
            path = paths.join(folder, name)
            found = refusal_of(name, folder) or entry_of(path, fact, modes=self.modes)
            if isinstance(found, Problem):
                problems.append(found)
            else:
                entries[name] = found
        return RemoteListing(folder, list(entries.values()), problems)


def _size_of(reply: FtpReply) -> int:
    match = _SIZE.fullmatch(reply.text.strip())
    if match is None:
        raise bad_answer("it says no size")
    return int(match[0])
