"""TLS of the page: a given certificate, or one that is made at the first start.

Its files are looked at once a minute: a renewed certificate is taken while the process runs. The
names in the certificate are those under which the page may be asked for.
"""

import asyncio
import datetime
import hashlib
import logging
import os
import socket
import ssl
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from cargo_ctl.web.reachable import Listen
from cargo_sync.api.own_certificate import make_certificate

LOOK: Final = 60.0

_log = logging.getLogger(__name__)


class WebCertificateError(Exception):
    """A certificate that cannot be used; the text is for people."""


class WebCertificate:
    """The certificate in two PEM files.

    context      for the listener; what it hands out changes with the files
    names        host names and addresses in the certificate
    fingerprint  SHA-256, for people to compare

    Raises:
        WebCertificateError: it cannot be used.
    """

    def __init__(self, cert: str, key: str) -> None:
        self._cert = cert
        self._key = key
        self._stamp = self._stamped()
        self._load(_new_context())  # with an error it does not half replace what is served
        self.context = _new_context()
        self._load(self.context)
        found = _first(cert)
        self.names = _names(found)
        der = found.public_bytes(serialization.Encoding.DER)
        self.fingerprint = f"sha256:{hashlib.sha256(der).hexdigest()}"

    async def run(self) -> None:
        """Looks at the files until cancelled."""
        while True:
            await asyncio.sleep(LOOK)
            self.look()

    def look(self) -> None:
        """Takes the files if they have changed and belong together."""
        stamp = self._stamped()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._load(_new_context())
            self._load(self.context)
            _log.info("new connections get the new certificate in %s", self._cert)
        except WebCertificateError as error:
            _log.error("the old certificate is still used: %s", error)

    def _load(self, context: ssl.SSLContext) -> None:
        try:
            # Without a password OpenSSL would ask for that of an encrypted key on the terminal.
            context.load_cert_chain(self._cert, self._key, password="")
        except OSError as error:  # ssl.SSLError is one, without a sentence for people
            raise WebCertificateError(
                f"{self._cert} and {self._key} cannot be used: they must be PEM files that belong "
                "together, and the key must have no password"
            ) from error

    def _stamped(self) -> tuple[tuple[int, ...] | None, ...]:
        return tuple(_stamp(path) for path in (self._cert, self._key))


def own_certificate(folder: str, listen: Listen) -> WebCertificate:
    """The certificate of this page in `folder`, which is made at the first start.

    Raises:
        WebCertificateError: it cannot be made or used.
    """
    cert, key = os.path.join(folder, "web.crt"), os.path.join(folder, "web.key")
    names = ["localhost", socket.gethostname(), "127.0.0.1", "::1"]
    names += [] if listen.is_any else [listen.host]
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        make_certificate(cert, key, "Cargo web page", names, datetime.datetime.now(datetime.UTC))
    except OSError as error:
        raise WebCertificateError(f"{cert} cannot be written: {error.strerror}") from error
    return WebCertificate(cert, key)


def _new_context() -> ssl.SSLContext:
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


def _first(path: str) -> x509.Certificate:
    try:
        with open(path, "rb") as file:
            return x509.load_pem_x509_certificate(file.read())
    except (OSError, ValueError) as error:
        raise WebCertificateError(f"{path} has no certificate in PEM") from error


def _names(certificate: x509.Certificate) -> frozenset[str]:
    """Its host names, without those that have a `*`, and its addresses."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    names = [name for name in found.get_values_for_type(x509.DNSName) if "*" not in name]
    return frozenset([*names, *map(str, found.get_values_for_type(x509.IPAddress))])


def _stamp(path: str) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
