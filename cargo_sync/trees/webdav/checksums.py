"""Checksums of contents, as ownCloud, Nextcloud and rclone have them: a property of each file.

It is a list such as `SHA1:<hex> MD5:<hex> ADLER32:<hex>`. A server may have none of some files.

Nextcloud keeps what the client said that sent the file, and compares it with nothing. So a file
with another checksum may still be the same, and is read there.
"""

from hashlib import sha1
from typing import Final

from cargo_sync.model.known_hashes import HashKind, KnownHash

_KINDS: Final = (("SHA1:", HashKind.SHA1, 40), ("MD5:", HashKind.MD5, 32))
"""How each is written, the better one first, and how many hex digits it has."""


def known_hash(checksums: str) -> KnownHash | None:
    """The best hash of such a list; None if it has none that can be used."""
    for word, kind, digits in _KINDS:
        for one in checksums.split():
            digest = one[len(word) :].lower()
            is_hex = len(digest) == digits and all(digit in "0123456789abcdef" for digit in digest)
            if one.upper().startswith(word) and is_hex:
                return KnownHash(kind, digest)
    return None


def checksum(content: memoryview) -> dict[str, str]:
    """The header of a PUT with the checksum of a whole file.

    ownCloud refuses a content that has another one, Nextcloud keeps it for its own clients.
    """
    return {"OC-Checksum": f"SHA1:{sha1(content, usedforsecurity=False).hexdigest()}"}
