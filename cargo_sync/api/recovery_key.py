"""The recovery key of a server: by it a new machine gets the server's state back from its nodes.

It is 128 random bits, which a person writes down: 32 letters and digits in groups of four, of
which the last 32 bits are a checksum. Nobody keeps it. A server has two keys that are derived from
it (HKDF with SHA-256, RFC 5869): one seals its snapshots, the other one is the public half of an
Ed25519 pair (RFC 8032), by which a node knows who may ask for them.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

BYTES: Final = 16
KEY: Final = 32
"""Bytes of a derived key."""
_CHECK: Final = 4
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: without letters that look like others."""
_READ_AS: Final = str.maketrans("OIL", "011")
_BITS: Final = 5
_GROUP: Final = 4
_LETTERS: Final = (BYTES + _CHECK) * 8 // _BITS


@dataclass(frozen=True, slots=True)
class RecoveryKey:
    """A recovery key. Neither `repr` nor an error shows it; `str` does, for a person."""

    _secret: bytes = field(repr=False)

    @classmethod
    def new(cls) -> Self:
        """A key that nobody can guess."""
        return cls(secrets.token_bytes(BYTES))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a key as a person writes it: hyphens, spaces, upper and lower case do not count.

        Raises:
            ValueError: it is not a recovery key. The message does not quote it.
        """
        letters = "".join(text.split()).replace("-", "").upper().translate(_READ_AS)
        if any(one not in _ALPHABET for one in letters):
            raise ValueError("is not a recovery key: it has a character that is in none")
        if len(letters) != _LETTERS:
            raise ValueError(
                f"is not a recovery key: it has {len(letters)} letters and digits, not {_LETTERS}"
            )
        number = 0
        for one in letters:
            number = number << _BITS | _ALPHABET.index(one)
        whole = number.to_bytes(BYTES + _CHECK)
        secret, check = whole[:BYTES], whole[BYTES:]
        if _checksum(secret) != check:
            raise ValueError("is not a recovery key: a letter or digit of it is wrong")
        return cls(secret)

    def __str__(self) -> str:
        number = int.from_bytes(self._secret + _checksum(self._secret))
        shifts = range((_LETTERS - 1) * _BITS, -1, -_BITS)
        letters = "".join(_ALPHABET[number >> shift & 31] for shift in shifts)
        groups = (letters[start : start + _GROUP] for start in range(0, _LETTERS, _GROUP))
        return "-".join(groups)

    @property
    def sealing(self) -> bytes:
        """The key that seals snapshots: 32 bytes."""
        return self._derived(b"cargo recovery: snapshots")

    @property
    def verifier(self) -> bytes:
        """The public key by which a node knows who may ask: 32 bytes."""
        return self._pair().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, message: bytes) -> bytes:
        """The signature of a message, for `verifier`."""
        return self._pair().sign(message)

    def _pair(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self._derived(b"cargo recovery: proof"))

    def _derived(self, use: bytes) -> bytes:
        return HKDF(SHA256(), KEY, salt=None, info=use).derive(self._secret)


def _checksum(secret: bytes) -> bytes:
    return hashlib.sha256(b"cargo recovery key" + secret).digest()[:_CHECK]
