"""Whether a private key for SSH has a passphrase. The daemon reads the key, not this program."""

import base64
import binascii

_LONGEST = 64 * 1024
_OPENSSH = "-----BEGIN OPENSSH PRIVATE KEY-----"
_MAGIC = b"openssh-key-v1\0"
_PLAIN = b"\0\0\0\4none"
"""The name of the cipher, in OpenSSH's format (PROTOCOL.key): no cipher."""


def is_locked(file: str) -> bool:
    """Whether the key in a file has a passphrase. False if that cannot be seen."""
    try:
        with open(file, encoding="ascii") as opened:
            lines = opened.read(_LONGEST).split("\n")
    except (OSError, UnicodeDecodeError):
        return False
    if lines[0].strip() != _OPENSSH:
        return any("ENCRYPTED" in line for line in lines[:3])
    try:
        content = base64.b64decode("".join(line.strip() for line in lines[1:3]))
    except binascii.Error:
        return False
    return content.startswith(_MAGIC) and not content[len(_MAGIC) :].startswith(_PLAIN)
