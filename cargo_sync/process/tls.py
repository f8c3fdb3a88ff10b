"""The certificate of a port: a given one, or one made at the first start, which clients pin.

A pinned certificate is trusted for itself, not for who signed it.
"""

import asyncio
import datetime
import hashlib
import logging
import os
import ssl
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from cargo_sync.api.own_certificate import make_certificate
from cargo_sync.config.certificates import end_warning, key_exposure
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.model.world import World
from cargo_sync.process.wakeup import Wakeup

DAY: Final = 86400.0
LOOK: Final = 30.0
"""Seconds between two looks at the files."""
SERVER: Final = "server"

_Stamp = tuple[tuple[int, ...] | None, tuple[int, ...] | None]
_UNKNOWN: Final[_Stamp] = ((), ())

_log = logging.getLogger(__name__)


class Certificate(NamedTuple):
    """PEM files of a certificate (with its chain) and its key. Clients pin the fingerprint.

    ends     unix seconds
    content  a digest of both files
    """

    cert: str
    key: str
    fingerprint: str
    ends: float
    content: bytes


def own(cert: str, key: str) -> Certificate:
    """A certificate from given files.

    Raises:
        ProblemError: `certificate`, when it cannot be read or is not one.
    """
    pem, secret = _read(cert), _read(key)
    first = _first(pem, cert)
    digest = hashlib.sha256(first.public_bytes(serialization.Encoding.DER)).hexdigest()
    content = hashlib.sha256(hashlib.sha256(pem).digest() + hashlib.sha256(secret).digest())
    ends = first.not_valid_after_utc.timestamp()
    return Certificate(cert, key, f"sha256:{digest}", ends, content.digest())


def self_made(
    folder: str, names: Iterable[str], now: datetime.datetime, program: str = SERVER
) -> Certificate:
    """The certificate in `folder`; it is made if there is none.

    Args:
        folder: of both files.
        names: host names and IP addresses that it is for; duplicates are ignored.
        now: with a time zone. It is valid from one day earlier, for clocks that are slow.
        program: the kind of program, which names the files and is in the certificate.

    Raises:
        ProblemError: it cannot be written or read.
    """
    cert, key = (os.path.join(folder, f"{program}.{kind}") for kind in ("crt", "key"))
    try:
        make_certificate(cert, key, f"Cargo {program}", names, now)
    except OSError as error:
        raise ProblemError(from_os_error(error, folder)) from error
    return own(cert, key)


def context(certificate: Certificate) -> ssl.SSLContext:
    """The TLS context of a listener: TLS 1.2 and newer.

    Raises:
        ProblemError: `certificate`, when key and certificate do not belong together or cannot be
            read.
    """
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # Without a password OpenSSL would ask for that of an encrypted key on the terminal.
        made.load_cert_chain(certificate.cert, certificate.key, password="")
    except OSError as error:  # ssl.SSLError is one, without a sentence for people
        why = "the key must be in PEM, without a password, and belong to this certificate"
        raise _bad(f"{certificate.cert} and {certificate.key} cannot be used: {why}") from error
    return made


class ServedCertificate:
    """The certificate of the listeners while a program runs.

    Its files are looked at twice a minute: if they have changed and belong together, new
    connections get what they hold. Until then the old certificate is served.

    served    what new connections get
    warnings  what somebody should do, as of the last look
    """

    def __init__(self, certificate: Certificate, world: World) -> None:
        """Raises ProblemError: `certificate`, when it cannot be used."""
        self.served = certificate
        self.warnings: tuple[str, ...] = ()
        self._context = context(certificate)
        self._world = world
        self._looking = asyncio.Lock()
        self._stamp = _UNKNOWN
        self._stays = ""
        """Why the files are not taken, or ""."""
        self._told: dict[str, float] = {}
        """When each kind of warning was last logged, by the steady clock."""

    def context(self) -> ssl.SSLContext:
        """For a new connection."""
        return self._context

    async def run(self) -> None:
        """Looks at the files, until cancelled."""
        never = Wakeup()
        while True:
            await self.look()
            await never.wait(LOOK)

    async def look_again(self) -> str:
        """Looks at the files now, whatever was seen before, for a reload.

        Returns:
            What changed, or why nothing does; "" if the files hold what is served.
        """
        self._stamp = _UNKNOWN
        self._told.clear()
        taken = await self.look()
        return taken or self._stays

    async def look(self) -> str:
        """Looks at the files once, and logs the warnings that are new, or a day old.

        Returns:
            That another certificate is served now, or "".
        """
        async with self._looking:
            cert, key = self.served.cert, self.served.key
            stamp, exposed = await self._world.offload(_looked_at, cert, key)
            taken = "" if stamp == self._stamp else await self._take()
            # It was looked at before it was read: what is written meanwhile is seen next time.
            self._stamp = stamp
            end = end_warning(cert, self.served.ends, self._world.wall())
            self._warn({"end": end, "key": exposed, "stays": self._stays})
            return taken

    async def _take(self) -> str:
        """Serves what the files hold, if they belong together."""
        try:
            fresh = await self._world.offload(own, self.served.cert, self.served.key)
            if fresh.content != self.served.content:
                self._context = await self._world.offload(context, fresh)
                self.served = fresh
                self._stays = ""
                taken = f"new connections get the new certificate, {fresh.fingerprint}"
                _log.info("%s", taken)
                return taken
            self._stays = ""
        except ProblemError as error:
            self._stays = f"the old certificate is still served: {error}"
        return ""

    def _warn(self, found: Mapping[str, str]) -> None:
        now = self._world.steady()
        found = {kind: warning for kind, warning in found.items() if warning}
        self.warnings = tuple(found.values())
        self._told = {kind: at for kind, at in self._told.items() if kind in found}
        for kind, warning in found.items():
            if kind not in self._told or now - self._told[kind] >= DAY:
                self._told[kind] = now
                _log.warning("%s", warning)


def _looked_at(cert: str, key: str) -> tuple[_Stamp, str]:
    """What tells whether the files have changed, and a warning if others can read the key."""
    return (_stamped(cert), _stamped(key)), key_exposure(key)


def _stamped(path: str) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    # The ctime too: a copy can have the size and the time of what it replaces.
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _first(pem: bytes, path: str) -> x509.Certificate:
    """The first certificate of a file, which clients pin. Raises ProblemError."""
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise _bad(f"{path} has no certificate in PEM") from error


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise _bad(f"{path} cannot be read: {error.strerror or error}") from error


def _bad(message: str) -> ProblemError:
    hint = (
        "set tls.cert and tls.key to PEM files that belong together, "
        "or leave tls out for a self-signed certificate"
    )
    return ProblemError(Problem(Code.CERTIFICATE, message, hint=hint, retry=False))
