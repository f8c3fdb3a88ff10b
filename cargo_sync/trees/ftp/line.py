"""One control connection of FTP: a command goes, an answer comes (RFC 959)."""

import asyncio
import hashlib
import re
import socket
from collections.abc import Sequence
from typing import Final, NamedTuple

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.process.line_progress import Mark, WhileMoving
from cargo_sync.trees.ftp.login import FtpContext, FtpLogin
from cargo_sync.trees.ftp.problems import bad_answer, refused, translated, was_cut

ANSWER_SECONDS: Final = 120.0
"""So long one answer may take."""
LONGEST: Final = 64 * 2**10
"""Bytes of a line."""
_LINES: Final = 1000
"""Lines of an answer."""
_TOGETHER: Final = 32
"""Commands that are sent before the answer to the first one is awaited."""
_NUMBER: Final = re.compile(r"([1-5]\d\d)([ -]|$)")
_FORBIDDEN: Final = re.compile(r"[\r\n\0]")


class FtpReply(NamedTuple):
    """An answer: its number, and its lines without the number."""

    number: int
    lines: Sequence[str]

    @property
    def text(self) -> str:
        return " ".join(one.strip() for one in self.lines)

    @property
    def is_good(self) -> bool:
        return 200 <= self.number < 300


class FtpLine:
    """A control connection. One caller at a time uses it.

    context  its trust; None without TLS
    offers   what the server says that it can do: the words of its answer to FEAT, in upper case,
             each with what stands behind it
    passive  the command that opens data connections here, the next one if it is refused
    broken   nobody knows what the server will say next: the line is only good to be closed
    idle     since when nobody uses it, in seconds of the clock of its pool
    """

    def __init__(
        self,
        login: FtpLogin,
        context: FtpContext | None,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.login = login
        self.context = context
        self._reader = reader
        self._writer = writer
        self.offers: dict[str, str] = {}
        self.passive = "EPSV"
        self.broken = False
        self.idle = 0.0

    @property
    def peer(self) -> tuple[socket.AddressFamily, str]:
        """The address at the other end: data connections go there, and nowhere else."""
        opened: socket.socket = self._writer.get_extra_info("socket")
        return opened.family, self._writer.get_extra_info("peername")[0]

    async def ask(self, command: str, path: str = "") -> FtpReply:
        """Sends a command and waits for its answer, whatever it is.

        Args:
            command: without the end of the line; "" only waits for an answer.
            path: what it is about, for people.

        Raises:
            ProblemError: the connection failed; BAD_NAME, if a command cannot have such a name.
        """
        return (await self.ask_all([command], path))[0]

    async def wanted(self, command: str, path: str = "", good: Sequence[int] = (2,)) -> FtpReply:
        """As `ask`. `good` are the first digits of the answers that are wanted.

        Raises:
            ProblemError: also `FtpRefusalError`, for another answer.
        """
        reply = await self.ask(command, path)
        if reply.number // 100 not in good:
            raise self.refusal(reply, path)
        return reply

    async def ask_all(self, commands: Sequence[str], path: str = "") -> Sequence[FtpReply]:
        """Sends commands together, and gives their answers in order."""
        for one in commands:
            check_command(one, path)
        found = list[FtpReply]()
        try:
            with translated(self.login.where):
                for start in range(0, len(commands), _TOGETHER):
                    some = commands[start : start + _TOGETHER]
                    raw = "".join(f"{one}\r\n" for one in some if one)
                    async with asyncio.timeout(ANSWER_SECONDS):
                        self._writer.write(raw.encode(errors="surrogateescape"))
                        await self._writer.drain()
                    for _ in some:
                        async with asyncio.timeout(ANSWER_SECONDS):
                            found.append(await self._reply())
        except BaseException:
            self.broken = True
            raise
        return found

    async def last(self, path: str, mark: Mark) -> FtpReply:
        """The good answer at the end of a command whose content goes over a data connection.

        Args:
            path: what it is about, for people.
            mark: how far that connection is: the time for the answer counts when it has ended.

        Raises:
            ProblemError: also `FtpRefusalError`, for another answer.
        """
        try:
            with translated(self.login.where):
                async with WhileMoving(mark, ANSWER_SECONDS):
                    reply = await self._reply()
        except BaseException:
            self.broken = True
            raise
        if not reply.is_good:
            raise self.refusal(reply, path)
        return reply

    def refusal(self, reply: FtpReply, path: str = "") -> ProblemError:
        """The error of an answer that is not the wanted one."""
        return refused(reply.number, reply.text, self.login.where, path)

    async def encrypt(self) -> None:
        """Begins TLS on the connection that is there.

        Raises:
            ProblemError: CERTIFICATE, TLS; also if something was sent before TLS began, which would
                be taken for an answer.
        """
        assert self.context is not None
        with translated(self.login.where):
            async with asyncio.timeout(ANSWER_SECONDS):
                host = self.login.host
                await self._writer.start_tls(self.context, server_hostname=host)
        self.check_certificate()
        try:
            async with asyncio.timeout(0):
                await self._reader.read(1)
        except TimeoutError:
            return
        self.close()
        raise bad_answer("something came unencrypted where TLS begins")

    def check_certificate(self) -> None:
        """Raises ProblemError: CERTIFICATE, if another one is pinned."""
        self.login.check(self._writer.get_extra_info("ssl_object"))

    def certificate(self) -> str:
        """SHA-256 of the certificate that the server shows, in hex; "" without TLS."""
        found = self._writer.get_extra_info("ssl_object")
        shown = found.getpeercert(binary_form=True) if found is not None else None
        return hashlib.sha256(shown).hexdigest() if shown else ""

    def keep_session(self) -> None:
        """Data connections resume the TLS session as it is now."""
        found = self._writer.get_extra_info("ssl_object")
        if self.context is not None and found is not None:
            self.context.session = found.session

    def close(self) -> None:
        self.broken = True
        self._writer.close()

    async def _reply(self) -> FtpReply:
        lines = list[str]()
        first = ""
        while len(lines) < _LINES:
            raw = await self._reader.readline()
            if not raw.endswith(b"\n"):
                raise was_cut(self.login.where)
            line = raw.decode(errors="surrogateescape").rstrip("\r\n")
            match = _NUMBER.match(line)
            if not lines:
                if match is None:
                    raise bad_answer("it begins with no number")
                first = match[1]
            is_last = match is not None and match[1] == first and match[2] != "-"
            lines.append(line[4:] if match is not None and match[1] == first else line)
            if is_last:
                reply = FtpReply(int(first), lines)
                if reply.number == 421:
                    raise self.refusal(reply)
                return reply
        raise bad_answer("it has too many lines")


def check_command(command: str, path: str) -> None:
    """Raises ProblemError: BAD_NAME, if a part of a command would begin another one."""
    if _FORBIDDEN.search(command):
        message = f"an FTP server can have no name with a line break: {path!r}"
        raise ProblemError(Problem(Code.BAD_NAME, message, path, retry=False))
