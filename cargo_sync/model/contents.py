"""The hash of a content, as a name."""

import re
from typing import Final

EMPTY_HASH: Final = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
"""Of the content of no bytes, which is stored nowhere."""
_DIGITS: Final = 64
_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_HEX: Final = b"0123456789abcdef"


def is_hash(text: str) -> bool:
    """Whether a text from outside is the hash of a content: then it is also a safe file name."""
    return _HASH.fullmatch(text) is not None


def are_hashes(text: str) -> bool:
    """As `is_hash`, of some hashes one after the other."""
    return not (len(text) % _DIGITS or text.encode(errors="replace").translate(None, _HEX))
