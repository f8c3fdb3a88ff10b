"""What shells type and take: a command line taken apart as its shell does, a name quoted as it
wants it.

Bash splits the line at COMP_WORDBREAKS and replaces what comes after the last of them, quotes
included; what it is given it inserts as it is. So whoever answers must know where that is, and
quote. Zsh and fish take names as they are and quote by themselves.
"""

import re
from typing import NamedTuple

_SPACES = " \t\n"
_KEPT = "@"
"""Of these readline (rl_special_prefixes) replaces the break itself too."""
_PLAIN = re.compile(r"[^\w./:=@%+,-]")
_IN_DOUBLE = re.compile(r'[\\"$`]')


class TypedLine(NamedTuple):
    """A line as far as the cursor.

    words       those that are complete, without their quotes; the program first
    incomplete  the word at the cursor, without its quotes; "" where a new one begins
    head        how much of it, in characters, stands before what bash replaces
    quote       the quote that is open at the cursor, or ""
    """

    words: list[str]
    incomplete: str
    head: int
    quote: str


def taken_apart(line: str, breaks: str = "") -> TypedLine:
    """`line` by the rules of a POSIX shell. Variables and substitutions stay as they are
    written."""
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
    """What bash inserts for `name` where `line` ends: the rest of it, quoted as the line is
    there."""
    rest = name[line.head :]
    if line.quote == "'":
        return _closed(rest.replace("'", "'\\''"), "'")
    if line.quote:
        return _closed(_IN_DOUBLE.sub(r"\\\g<0>", rest), line.quote)
    quoted = _PLAIN.sub(r"\\\g<0>", rest)
    return f"\\{quoted}" if quoted.startswith("~") else quoted


def _closed(text: str, quote: str) -> str:
    """Bash closes a quote by itself, but not after a name that ends with one."""
    return text + quote if text.endswith(quote) else text
