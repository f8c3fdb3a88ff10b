r"""Foreign names as text that is safe to show: in a terminal, a log, a page.

A name may hold control characters, which a terminal obeys; marks that change the reading direction,
with which `photo\u202egpj.exe` is read as `photoexe.jpg`; line separators; and bytes that are not
valid text. All of them are shown as escapes.
"""

import re
from typing import Final

_BEYOND_ASCII: Final = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""DEL, C1, marks of direction, line separators, lone surrogates."""
_UNSAFE: Final = re.compile(f"[\x00-\x1f{_BEYOND_ASCII}]")
_MARKS: Final = re.compile(f"[{_BEYOND_ASCII}]")


def escaped(name: object) -> str:
    r"""`name` with its control characters escaped: `a\x1b[2J`; it has no line break."""
    return _UNSAFE.sub(_escape, str(name))


def lines_escaped(text: str) -> str:
    r"""Like `escaped`, for a text of several lines: line breaks, tabs and other C0 stay."""
    return _MARKS.sub(_escape, text)


def json_escaped(text: str) -> str:
    """JSON with escapes for what JSON itself allows to be as it is; it is the same value."""
    return _MARKS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
