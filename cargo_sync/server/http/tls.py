"""The server's certificate: a given one, or one made at the first start, which clients pin.

A pinned certificate is trusted for itself, not for who signed it. It is long-lived, P-256, and has
all names and addresses of this server.
"""

import datetime
import hashlib
import ipaddress
import logging
import os
import ssl
from collections.abc import Iterable
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cargo_sync.config.certificates import certificate_warnings
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.model.world import World
from cargo_sync.process.wakeup import Wakeup

YEARS: Final = 10
DAY: Final = 86400.0
_CERT, _KEY = "server.crt", "server.key"

_log = logging.getLogger(__name__)


class Certificate(NamedTuple):
    """PEM files of a certificate (with its chain) and its key. Clients pin the fingerprint."""

    cert: str
    key: str
    fingerprint: str


def own(cert: str, key: str) -> Certificate:
    """A certificate from given files.

    Raises:
        ProblemError: `certificate`, when it cannot be read or is not one.
    """
    return Certificate(cert, key, fingerprint(_read(cert)))


def self_made(folder: str, names: Iterable[str], now: datetime.datetime) -> Certificate:
    """The certificate in `folder`; it is made if there is none.

    Args:
        folder: of both files.
        names: host names and IP addresses that it is for; duplicates are ignored.
        now: with a time zone. It is valid from one day earlier, for clocks that are slow.

    Raises:
        ProblemError: it cannot be written or read.
    """
    cert, key = os.path.join(folder, _CERT), os.path.join(folder, _KEY)
    if not (os.path.exists(cert) and os.path.exists(key)):
        secret, public = _make(names, now)
        try:  # the certificate is written last: if it is there, both are
            _write(key, secret, 0o600)
            _write(cert, public, 0o644)
        except OSError as error:
            raise ProblemError(from_os_error(error, folder)) from error
    return own(cert, key)


def fingerprint(pem: bytes) -> str:
    """`sha256:` and the SHA-256 of the first certificate in `pem`, as 64 hex digits.

    Raises:
        ProblemError: `certificate`, when there is none.
    """
    try:
        first = x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise _bad("it has no certificate in PEM") from error
    return "sha256:" + hashlib.sha256(first.public_bytes(serialization.Encoding.DER)).hexdigest()


def context(certificate: Certificate) -> ssl.SSLContext:
    """The TLS context of a listener: TLS 1.2 and newer.

    Raises:
        ProblemError: `certificate`, when key and certificate do not belong together or cannot be
            read.
    """
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        made.load_cert_chain(certificate.cert, certificate.key)
    except (ssl.SSLError, OSError) as error:
        raise _bad(f"{certificate.cert} and {certificate.key} cannot be used: {error}") from error
    return made


class ServedCertificate:
    """The certificate of the listeners while a server runs.

    It is looked at at the start, after a reload and once a day. If the file has another one, new
    connections get that.

    context   of the listeners
    warnings  of its files, as they were when they were looked at
    """

    def __init__(self, certificate: Certificate, world: World) -> None:
        """Raises ProblemError: `certificate`, when it cannot be used."""
        self.context = context(certificate)
        self.warnings: tuple[str, ...] = ()
        self._served = certificate
        self._world = world
        self._again = Wakeup()

    def look_again(self) -> None:
        """Looks at the files soon."""
        self._again.set()

    async def run(self) -> None:
        """Looks at the files, until cancelled."""
        while True:
            await self.look()
            await self._again.wait(DAY)

    async def look(self) -> None:
        """Looks at the files once, and logs the warnings."""
        cert, key = self._served.cert, self._served.key
        offload = self._world.offload
        found = await offload(certificate_warnings, cert, key, self._world.wall())
        try:
            fresh = await offload(own, cert, key)
            if fresh != self._served:
                await offload(context, fresh)  # the files may not belong together (yet)
                self.context.load_cert_chain(cert, key)
                self._served = fresh
                _log.info("new connections get the new certificate, %s", fresh.fingerprint)
        except ProblemError as error:
            found.append(f"the old certificate stays: {error}")
        self.warnings = tuple(dict.fromkeys(found))
        for warning in self.warnings:
            _log.warning("%s", warning)


def _make(names: Iterable[str], now: datetime.datetime) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Cargo server")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365 * YEARS))
        .add_extension(
            x509.SubjectAlternativeName([_general(name) for name in dict.fromkeys(names)]), False
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return secret, certificate.public_bytes(serialization.Encoding.PEM)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: str, content: bytes, mode: int) -> None:
    """Writes a file completely or not at all; from the first byte it has its mode."""
    fresh = path + ".new"
    with open(
        os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode), "wb"
    ) as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


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
