"""Calls that only test a server: whether it answers, accepts the login, and how fast it is.

The probes of docs/http-api.md are measured over HTTP, in the event loop; lanes are at least as
fast.
"""

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

from cargo_sync.model.problems import ProblemError
from cargo_sync.trees.cargo import bounds
from cargo_sync.trees.cargo.api import Api
from cargo_sync.trees.cargo.problems import asks_for_tls, bad_answer, decoded, needs_tls, translated
from cargo_sync.trees.cargo.replies import ProbeReply

PROBE_BYTES: Final = 64 * 2**20
"""How many bytes a server sends or accepts at most."""
HTTPS_PORT: Final = 443
_PIECE: Final = 256 * 1024
_NOISE: Final = b"cargo/probe"


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """How many bytes were sent in one direction, and in how many seconds."""

    bytes: int
    seconds: float

    @property
    def speed_bps(self) -> float:
        return self.bytes * 8 / self.seconds if self.seconds > 0 else 0.0


class ProbingApi(Api):
    """A separate `Api` for one test. All calls raise ProblemError and nothing else."""

    async def reach(self) -> float | None:
        """The server's clock in whole unix seconds, or None if it is not sent. Needs no login.

        Raises:
            ProblemError: no server answers there, or one that needs TLS.
        """
        with translated(self.login.url):
            async with await self._request("GET", "/login", None, {}) as response:
                if response.status == 400 and asks_for_tls(
                    await bounds.beginning(response, bounds.SMALL)
                ):
                    raise ProblemError(needs_tls(response.url.authority))
                date = response.headers.get("Date")
                return _seconds(date) if date else None

    async def certificate_ends(self) -> float | None:
        """When the server's certificate ends, unix seconds.

        None without TLS, and with a pinned certificate: that one is trusted for itself.
        """
        parts = urlsplit(self.login.url)
        if parts.scheme != "https" or self.login.fingerprint:
            return None
        trust = ssl.create_default_context(cafile=self.login.ca_file or None)
        with translated(self.login.url):
            _, writer = await asyncio.open_connection(
                parts.hostname, parts.port or HTTPS_PORT, ssl=trust
            )
        found = writer.get_extra_info("peercert") or {}
        writer.close()
        return ssl.cert_time_to_seconds(found["notAfter"]) if "notAfter" in found else None

    async def log_in(self) -> None:
        with translated(self.login.url):
            await self._log_in("")

    async def receive(self, most: int, seconds: float, steady: Callable[[], float]) -> ProbeResult:
        """Receives from the server, at most so many bytes and for about so many seconds."""
        count = 0
        with translated(self.login.url):
            response = await self._send(
                "GET", "/probe", None, {"bytes": min(most, PROBE_BYTES)}, stream=True
            )
            try:
                await self._expect(response)
                began = steady()
                async for chunk in response.content.iter_any():
                    count += len(chunk)
                    if steady() - began >= seconds:
                        break
                return ProbeResult(count, steady() - began)
            finally:
                response.close()  # without waiting for the rest

    async def send(self, most: int, seconds: float, steady: Callable[[], float]) -> ProbeResult:
        """Sends, at most so many bytes and for about so many seconds.

        Returns:
            What the server counted.
        """
        piece = hashlib.shake_128(_NOISE).digest(_PIECE)

        async def content() -> AsyncIterator[bytes]:
            left, until = min(most, PROBE_BYTES), steady() + seconds
            while left > 0 and steady() < until:
                yield piece[:left]
                left -= len(piece)

        assert self._session is not None, "the caller logs in first"
        kind = "application/octet-stream"
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": kind}
        where = f"{self.login.url}/v1/probe"
        with translated(self.login.url):
            async with self._session.post(
                where, data=content(), headers=headers, allow_redirects=False
            ) as response:
                await self._expect(response)
                counted = decoded(ProbeReply.read, await bounds.whole(response, self._large))
                return ProbeResult(counted.bytes, counted.seconds)


def _seconds(date: str) -> float:
    """An HTTP date as unix seconds. Raises ProblemError."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError) as error:
        raise bad_answer("a date is not valid") from error
