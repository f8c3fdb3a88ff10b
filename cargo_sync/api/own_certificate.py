"""A certificate that a program makes for itself, because nobody has given it one.

It is long-lived, P-256, and has all names and addresses of its program. Who trusts it trusts it for
itself, not for who signed it.
"""

import datetime
import ipaddress
import os
from collections.abc import Iterable
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

YEARS: Final = 10


def make_certificate(
    cert: str, key: str, called: str, names: Iterable[str], now: datetime.datetime
) -> None:
    """Writes a new certificate and its key as PEM files, unless both are there.

    Args:
        cert: the path of the certificate.
        key: the path of its key.
        called: what the certificate calls its owner, such as "Cargo server".
        names: host names and IP addresses that it is for; duplicates are ignored.
        now: with a time zone. It is valid from one day earlier, for clocks that are slow.

    Raises:
        OSError: they cannot be written.
    """
    if os.path.exists(cert) and os.path.exists(key):
        return
    secret, public = _make(called, names, now)
    # The certificate is written last: if it is there, both are.
    _write(key, secret, 0o600)
    _write(cert, public, 0o644)


def _make(called: str, names: Iterable[str], now: datetime.datetime) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, called)])
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
