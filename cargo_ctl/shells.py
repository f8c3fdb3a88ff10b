"""How shells split a command line, and how they want a name quoted.

Bash splits the line at COMP_WORDBREAKS and replaces everything after the last of them, quotes
included. It inserts the answer unchanged. So the answer must begin at that place, and be quoted.
Zsh and fish take plain names and quote them themselves.
"""

import re
from typing import NamedTuple

_SPACES = " \t\n"
_KEPT = "@"
"""Word breaks that readline replaces too (rl_special_prefixes)."""
_PLAIN = re.compile(r"[^\w./:=@%+,-]")
_IN_DOUBLE = re.compile(r'[\\"$`]')


class TypedLine(NamedTuple):
    """A line up to the cursor.

    words       the complete words, without their quotes; the program first
    incomplete  the word at the cursor, without its quotes; "" where a new one begins
    head        how many characters of it come before the part that bash replaces
    quote       the quote that is open at the cursor, or ""
    """

    words: list[str]
    incomplete: str
    head: int
    quote: str


def taken_apart(line: str, breaks: str = "") -> TypedLine:
    """`line` split by the rules of a POSIX shell; variables and substitutions are not expanded."""
    words: list[str] = []
    word, head, quote, inside = "", 0, "", False
    at = 0
    while at < len(line):
        char = line[at]
        at += 1
        if quote == "'":
            quote, word = ("", word) if char == quote else (quote, word + char)
        elif quote and char == quote:
            quote = ""
        elif char == "\\" and at < len(line) and (not quote or line[at] in '$`"\\'):
            word, inside = word + line[at], True
            at += 1
        elif quote:
            word += char
        elif char in "'\"":
            quote, inside, head = char, True, len(word)
        elif char in _SPACES:
            if inside:
                words.append(word)
            word, head, inside = "", 0, False
        else:
            word, inside = word + char, True
            if char in breaks:
                head = len(word) - (char in _KEPT)
    return TypedLine(words, word, head, quote)


def for_bash(name: str, line: TypedLine) -> str:
    """What bash must insert for `name` at the end of `line`: its rest, quoted as the line is."""
    rest = name[line.head :]
    if line.quote == "'":
        return _closed(rest.replace("'", "'\\''"), "'")
    if line.quote:
        return _closed(_IN_DOUBLE.sub(r"\\\g<0>", rest), line.quote)
    quoted = _PLAIN.sub(r"\\\g<0>", rest)
    return f"\\{quoted}" if quoted.startswith("~") else quoted


def _closed(text: str, quote: str) -> str:
    """`text` with its quote closed if bash would not do it: after a name that ends with one."""
    return text + quote if text.endswith(quote) else text
