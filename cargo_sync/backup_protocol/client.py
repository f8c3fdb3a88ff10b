"""A client of Servidor Backup's framed port; frames.py describes the bytes."""

import asyncio
import hashlib
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final

from cargo_sync.backup_protocol import frames
from cargo_sync.backup_protocol.messages import BackupRefusal, BackupStatus
from cargo_sync.model.problems import Code, Problem, ProblemError

CONNECT: Final = 10.0
ANSWER: Final = 60.0
"""Seconds to wait for an answer, or for more of the content."""


@dataclass(frozen=True, slots=True)
class CoordinatorAddress:
    """The address of a framed port.

    sealed       True for TLS
    fingerprint  SHA-256 of the expected certificate, 64 hex digits; then CAs are not checked
    ca_file      CAs to trust instead of the system's, or ""
    """

    host: str
    port: int
    sealed: bool = False
    fingerprint: str = ""
    ca_file: str = ""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Connection:
    """One connection. Its calls raise ProblemError and nothing else."""

    def __init__(
        self, where: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._where = where
        self._reader = reader
        self._writer = writer

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the server's certificate, 64 hex digits. Only for a connection with TLS."""
        shown: ssl.SSLObject = self._writer.get_extra_info("ssl_object")
        return hashlib.sha256(shown.getpeercert(binary_form=True) or b"").hexdigest()

    async def ask(self, fields: Mapping[str, object]) -> None:
        """Sends a request; `send` sends its content afterwards."""
        await self.send(frames.frame(fields))

    async def send(self, piece: bytes | memoryview) -> None:
        async with _translated(self._where):
            self._writer.write(piece)
            async with asyncio.timeout(ANSWER):
                await self._writer.drain()

    async def answer(self, seconds: float | None = ANSWER) -> Mapping[str, object]:
        """The fields of the next answer.

        Args:
            seconds: within which the answer must begin; None for no limit.

        Raises:
            ProblemError: `refused` or `store_failed`, with the server's message.
        """
        async with _translated(self._where):
            async with asyncio.timeout(seconds):
                head = await self._reader.readexactly(frames.LENGTH.size)
            size = frames.length(head, frames.LONGEST_ANSWER)
            body = bytearray()
            async with asyncio.timeout(ANSWER):  # for all of it: pieces may trickle for ever
                while len(body) < size:
                    body += await self._some(size - len(body))
            return frames.read_answer(bytes(body))

    async def receive(self, most: int) -> bytes:
        """Receives a part of the content, 1 to `most` bytes."""
        async with _translated(self._where):
            return await self._some(most)

    async def _some(self, most: int) -> bytes:
        async with asyncio.timeout(ANSWER):
            piece = await self._reader.read(min(most, 2**20))
        if not piece:
            raise asyncio.IncompleteReadError(b"", most)
        return piece

    async def close(self) -> None:
        self._writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()


async def certificate(address: CoordinatorAddress) -> tuple[str, bool]:
    """The certificate's SHA-256 (64 hex digits), and whether the system's CAs trust it.

    It sends only TLS's own handshake.

    Raises:
        ProblemError: unreachable, unknown_host, tls.
    """
    try:
        async with connected(
            replace(address, sealed=True, fingerprint="", ca_file="")
        ) as connection:
            return connection.fingerprint, True
    except ProblemError as error:
        if error.problem.code != Code.CERTIFICATE:
            raise
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    async with _opened(address, unchecked) as connection:
        return connection.fingerprint, False


@asynccontextmanager
async def connected(address: CoordinatorAddress) -> AsyncIterator[Connection]:
    """Opens a connection for the duration of the block.

    Raises:
        ProblemError: unreachable, unknown_host, certificate, tls.
    """
    async with _opened(address, _trust(address) if address.sealed else None) as connection:
        if address.sealed and address.fingerprint:
            _check(address, connection.fingerprint)
        yield connection


@asynccontextmanager
async def _opened(
    address: CoordinatorAddress, context: ssl.SSLContext | None
) -> AsyncIterator[Connection]:
    where = str(address)
    async with _translated(where):
        async with asyncio.timeout(CONNECT):
            reader, writer = await asyncio.open_connection(
                address.host, address.port, ssl=context, limit=2**20
            )
    connection = Connection(where, reader, writer)
    try:
        yield connection
    finally:
        await connection.close()


def _trust(address: CoordinatorAddress) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=address.ca_file or None)
    if address.fingerprint:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _check(address: CoordinatorAddress, got: str) -> None:
    if got != address.fingerprint:
        message = f"{address} has another certificate than the trusted one: sha256:{got}"
        raise ProblemError(Problem(Code.CERTIFICATE, message, retry=False))


@asynccontextmanager
async def _translated(where: str) -> AsyncIterator[None]:
    try:
        yield
    except (OSError, EOFError, BackupRefusal) as error:
        raise ProblemError(_problem(error, where)) from error


def _problem(error: Exception, where: str) -> Problem:
    match error:
        case BackupRefusal():
            code = Code.STORE_FAILED if error.status is BackupStatus.STORE else Code.REFUSED
            return Problem(code, f"{where} answers: {error.sentence}", retry=False)
        case ssl.SSLCertVerificationError():
            return Problem(
                Code.CERTIFICATE, f"the certificate of {where} is not trusted", retry=False
            )
        case ssl.SSLError():
            return Problem(Code.TLS, f"{where} does not use TLS", retry=False)
        case socket.gaierror():
            return Problem(Code.UNKNOWN_HOST, f"there is no host {where}")
        case TimeoutError():
            return Problem(Code.TIMEOUT, f"{where} does not answer")
        case ConnectionRefusedError():
            return Problem(
                Code.UNREACHABLE, f"{where} cannot be reached: no program listens on this port"
            )
        case EOFError() | ConnectionError():
            return Problem(Code.CUT, f"the connection to {where} was cut")
        case _:
            return Problem(Code.UNREACHABLE, f"{where} cannot be reached: {error}")
