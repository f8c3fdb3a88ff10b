r"""A line as a command: words as in a shell, options, the local side.

Spaces separate words. Between 'single quotes' every character means itself. In "double quotes" and
without quotes, a backslash makes the next character mean itself. In $'…' there are \n, \t, \x1b and
\u202e, so that every name can be typed. `*`, `?` and `[` are patterns unless they are quoted. A `!`
before a command means the local side; ` &` at the end runs its transfers in the background.
"""

import re
from dataclasses import dataclass, field

_SAFE = re.compile(r"[\w@%+=:,./-]+")
_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_CODE = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r"}
MAGIC = frozenset("*?[")
_VERB = re.compile(r"(!?)\s*(\S*)")


class LineError(Exception):
    """A line that is not a valid command; the text is for people."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a line.

    text     the word without quotes
    pattern  the same for `fnmatch`, quoted characters in brackets; "" if it is not a pattern
    start    where it begins in the line, with its quotes
    open     the quote that was not closed: `'`, `"` or `$'`; "" for none
    quoted   it begins with a quote or backslash, so it is not an option, and its `~` is plain
    """

    text: str
    pattern: str = ""
    start: int = 0
    open: str = ""
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class CommandLine:
    """One command.

    verb    its name as typed, without the `!`
    local   there was a `!` before it
    words   what follows, with the options
    rest    the line after the verb, as typed
    beside  it ended with ` &`: its transfers run in the background
    """

    verb: str
    local: bool = False
    words: tuple[Word, ...] = ()
    rest: str = ""
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a command, and its other words.

    flags   the letters that were given, such as {"r", "f"}
    values  the words after options that take one, by letter
    """

    flags: frozenset[str] = frozenset()
    values: dict[str, Word] = field(default_factory=dict)
    words: tuple[Word, ...] = ()


def parse_line(text: str) -> CommandLine | None:
    """The command of a line; None for an empty line and for a `# comment`. Raises LineError."""
    text = text.strip()
    if not text or text.startswith("#"):
        return None
    found = _VERB.match(text)
    assert found is not None
    local, verb = bool(found[1]), found[2]
    if not verb:
        raise LineError("! needs a command, such as !ls")
    rest = text[found.end() :].strip()
    try:
        words = split(text[found.end() :], found.end())
    except LineError:
        if not local:  # a line for a shell: it may understand what we do not
            raise
        words = ()
    if words and words[-1].open:
        if not local:
            raise LineError(f"the quote {words[-1].open} is not closed")
        words = ()
    beside = bool(words) and words[-1].text == "&" and not words[-1].quoted
    return CommandLine(verb, local, words[:-1] if beside else words, rest, beside)


def split(text: str, offset: int = 0) -> tuple[Word, ...]:
    """The words of `text`, also an unfinished one. Raises LineError for a code without digits."""
    words: list[Word] = []
    at = 0
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if at == len(text):
            return tuple(words)
        word, at = _word(text, at, offset)
        words.append(word)


def _word(text: str, start: int, offset: int) -> tuple[Word, int]:
    taken: list[tuple[str, bool]] = []  # characters, and whether they only mean themselves
    at, quote = start, ""
    quoted = text[at] in "'\"\\" or text.startswith("$'", at)
    while at < len(text) and (quote or not text[at].isspace()):
        char = text[at]
        if quote and char == quote[-1]:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        elif not quote and text.startswith("$'", at):
            quote = "$'"
            at += 1
        elif char == "\\" and quote == "$'":
            one, at = _code(text, at + 1)
            taken.append((one, True))
        elif char == "\\" and quote != "'" and at + 1 < len(text):
            at += 1
            taken.append((text[at], True))
        else:
            taken.append((char, bool(quote)))
        at += 1
    meant = "".join(char for char, _ in taken)
    magic = any(char in MAGIC and not literal for char, literal in taken)
    pattern = (
        "".join(f"[{c}]" if literal and c in MAGIC else c for c, literal in taken) if magic else ""
    )
    return Word(meant, pattern, start + offset, quote, quoted), at


def _code(text: str, at: int) -> tuple[str, int]:
    """The character of the code after a backslash, and the place of the code's last character."""
    found = _CODE.match(text, at)
    if found is not None:
        return chr(int(found[1] or found[2], 16)), found.end() - 1
    if at >= len(text):
        return "\\", at
    if text[at] in "xu":
        raise LineError(f"\\{text[at]} needs {2 if text[at] == 'x' else 4} hexadecimal digits")
    return _LETTERS.get(text[at], text[at]), at


def options(words: tuple[Word, ...], flags: str, valued: str = "") -> Options:
    """The options among `words`: the letters of `flags`, and of `valued`, which take the next word.

    `--` ends the options; a single `-` is a word. Raises LineError.
    """
    given: set[str] = set()
    values: dict[str, Word] = {}
    rest: list[Word] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word.text == "--" and not word.quoted:
            rest += queue
            break
        if word.quoted or len(word.text) < 2 or word.text[0] != "-":
            rest.append(word)
            continue
        for letter in word.text[1:]:
            if letter in valued:
                if not queue or letter != word.text[-1]:
                    raise LineError(f"-{letter} needs a word after it")
                values[letter] = queue.pop(0)
            elif letter in flags:
                given.add(letter)
            else:
                raise LineError(_unknown(word.text, letter, flags + valued))
    return Options(frozenset(given), values, tuple(rest))


def _unknown(text: str, letter: str, known: str) -> str:
    options = ", ".join(f"-{each}" for each in known) or "none"
    return f"there is no option -{letter}; options: {options} (for a name: -- {text})"


def quoted(name: str, quote: str = "") -> str:
    """`name` as it can be typed: plain, in `quote` if that is open, else with backslashes.

    A name with control characters becomes $'…', in the form in which names are shown.
    """
    if _CONTROLS.search(name):
        escaped = name.replace("\\", "\\\\").replace("'", "\\'")
        return "$'" + _CONTROLS.sub(lambda match: _written(ord(match[0])), escaped) + "'"
    if quote == '"':
        return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    if quote or not name:
        return "'" + name.replace("'", "'\\''") + "'"
    if name == "&" or name.startswith(("-", "~", "#", "!")):
        return "'" + name.replace("'", "'\\''") + "'"
    return name if _SAFE.fullmatch(name) else re.sub(r"([^\w@%+=:,./-])", r"\\\1", name)


def _written(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
