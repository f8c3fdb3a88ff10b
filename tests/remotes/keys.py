"""Keys for SSH."""

import base64
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Key:
    """A private key in a file.

    public       its line in `authorized_keys`
    fingerprint  `SHA256:…`, as ssh-keygen shows it
    """

    path: Path
    public: str
    fingerprint: str


def make(path: Path) -> Key:
    """Makes a key for SSH, without a passphrase."""
    secret = Ed25519PrivateKey.generate()
    pem = secret.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    public = secret.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    digest = hashlib.sha256(base64.b64decode(public.split()[1])).digest()
    return Key(path, public.decode(), f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}")
