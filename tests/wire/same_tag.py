"""Another content of the same AES-256-GCM tag, as only who knows the key can make it."""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 16


def other_of_same_tag(key: bytes, sealed: bytes) -> bytes:
    """What was sealed, with two blocks changed, so that it can be opened nevertheless.

    GCM adds up the blocks, each times a power of H. So the same sum comes out if a block changes by
    D, and the next one by D times H.
    """
    ecb = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    first = 1 << 120
    second = _times(first, int.from_bytes(ecb.update(bytes(BLOCK))))
    change = first.to_bytes(BLOCK) + second.to_bytes(BLOCK)
    begin = bytes(one ^ other for one, other in zip(sealed, change, strict=False))
    return begin + sealed[len(change) :]


def _times(one: int, other: int) -> int:
    """In the field of GCM, whose highest bit is the first one."""
    found = 0
    for bit in reversed(range(128)):
        if one >> bit & 1:
            found ^= other
        other = other >> 1 ^ (0xE1 << 120 if other & 1 else 0)
    return found
