"""A control connection is opened: TLS, login, and what the server offers."""

import asyncio
from typing import Final

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.ftp.line import LONGEST, FtpLine
from cargo_sync.trees.ftp.login import FtpContext, FtpLogin
from cargo_sync.trees.ftp.problems import translated

CONNECT_SECONDS: Final = 30.0


async def open_line(login: FtpLogin) -> FtpLine:
    """A control connection on which the user has logged in.

    Raises:
        ProblemError: the server cannot be reached, is not trusted, or refuses the login.
    """
    line = await _connected(login, _context(login))
    try:
        await _greet(line)
        await _log_in(line)
        await _agree(line)
    except BaseException:
        line.close()
        raise
    return line


async def shown_certificate(login: FtpLogin) -> tuple[str, bool]:
    """SHA-256 of the certificate that a server shows, in hex, and whether this system trusts it.

    Nobody logs in. Without TLS there is none: ("", False), if a server answers.

    Raises:
        ProblemError: no server answers there, or it does not offer TLS.
    """
    try:
        return await _shown(login, _context(login)), login.tls
    except ProblemError as error:
        if error.problem.code is not Code.CERTIFICATE:
            raise
    return await _shown(login, FtpContext.of(pinned=True, ca_file="")), False


async def _shown(login: FtpLogin, context: FtpContext | None) -> str:
    line = await _connected(login, context)
    try:
        await _greet(line)
        return line.certificate()
    finally:
        line.close()


def _context(login: FtpLogin) -> FtpContext | None:
    try:
        return login.context()
    except OSError as error:
        message = f"the file {login.ca_file} has no CA that can be read"
        raise ProblemError(Problem(Code.BAD_SETTINGS, message, retry=False)) from error


async def _connected(login: FtpLogin, context: FtpContext | None) -> FtpLine:
    with translated(login.where):
        at_once = context if login.at_once else None
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(
                login.host,
                login.port,
                limit=LONGEST,
                ssl=at_once,
                server_hostname=login.host if at_once else None,
            )
    return FtpLine(login, context, reader, writer)


async def _greet(line: FtpLine) -> None:
    login = line.login
    if login.at_once:
        line.check_certificate()
    while (reply := await line.ask("")).number // 100 == 1:
        pass
    if not reply.is_good:
        raise line.refusal(reply)
    if login.tls and not login.at_once:
        reply = await line.ask("AUTH TLS")
        if reply.number != 234:
            raise ProblemError(
                Problem(
                    Code.TLS,
                    f"{login.where} does not offer TLS: {reply.text[:200]}",
                    hint="should the address begin with ftp:// instead of ftps://?",
                    retry=False,
                )
            )
        await line.encrypt()


async def _log_in(line: FtpLine) -> None:
    login = line.login
    reply = await line.wanted(f"USER {login.username}", good=(2, 3))
    if reply.number == 331:
        password = login.password()
        if any(one in password for one in "\r\n\0"):
            message = "the password has a line break, which FTP cannot send"
            raise ProblemError(Problem(Code.BAD_SETTINGS, message, retry=False))
        reply = await line.wanted(f"PASS {password}")
    if not reply.is_good:
        raise line.refusal(reply)


async def _agree(line: FtpLine) -> None:
    """Agrees on what holds for all that follows, and asks what the server offers."""
    if line.login.tls:
        await line.wanted("PBSZ 0")
        await line.wanted("PROT P")
        line.keep_session()
    reply = await line.ask("FEAT")
    if reply.is_good:
        for one in reply.lines[1:-1]:
            word, _, rest = one.strip().partition(" ")
            line.offers[word.upper()] = rest
    if "UTF8" in line.offers:
        await line.ask("OPTS UTF8 ON")  # some only know it as always on, and refuse
    await line.wanted("TYPE I")
