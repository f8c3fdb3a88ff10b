"""XML answers as events, read piece by piece as they come. Nothing in them is trusted.

A document type is refused: an answer has none, and with it a document can name files, ask other
hosts, or grow a thousandfold. Depth and texts are bounded, so memory is flat.
"""

from collections.abc import Callable
from typing import Final
from xml.parsers import expat

from cargo_sync.model.problems import Code, Problem, ProblemError

DEEPEST: Final = 32
LONGEST: Final = 64 * 1024
"""Characters of the text of one element."""

Opened = Callable[[str, int], None]
"""Called with the name of an element and its depth; the outermost one has depth 1."""
Closed = Callable[[str, int, str], None]
"""Called with name, depth, and the text that stands directly before the closing tag."""


class XmlReader:
    """Tells the elements of one document while it comes.

    Names are `namespace}name`, or `name` without a namespace. The text of an element is what stands
    in front of its closing tag: that is all of it for an element without elements in it.
    """

    def __init__(self, opened: Opened, closed: Closed, *, longest: int = LONGEST) -> None:
        # Always as UTF-8, whatever the document says of itself.
        self._parser = expat.ParserCreate("utf-8", "}")
        self._parser.buffer_text = True
        depth = length = 0
        texts: list[str] = []

        def start(name: str, _: object) -> None:
            nonlocal depth, length
            depth += 1
            if depth > DEEPEST:
                raise bad_xml(f"it is nested more than {DEEPEST} elements deep")
            texts.clear()
            length = 0
            opened(name, depth)

        def end(name: str) -> None:
            nonlocal depth, length
            closed(name, depth, texts[0] if len(texts) == 1 else "".join(texts))
            texts.clear()
            length = 0
            depth -= 1

        def text(part: str) -> None:
            nonlocal length
            length += len(part)
            if length > longest:
                raise bad_xml(f"it has a text of more than {longest:,} characters")
            texts.append(part)

        self._parser.StartElementHandler = start
        self._parser.EndElementHandler = end
        self._parser.CharacterDataHandler = text
        self._parser.StartDoctypeDeclHandler = _refused_doctype

    def feed(self, piece: bytes) -> None:
        """Reads the next bytes.

        Raises:
            ProblemError: `bad_answer`: they are not XML, or beyond a bound.
        """
        self._parse(piece, last=False)

    def end(self) -> None:
        """Says that there are no more bytes.

        Raises:
            ProblemError: `bad_answer`: the document is not complete.
        """
        self._parse(b"", last=True)

    def _parse(self, piece: bytes, *, last: bool) -> None:
        try:
            self._parser.Parse(piece, last)
        except expat.ExpatError as error:
            raise bad_xml(str(error)) from error


def local(name: str) -> str:
    """The name of an element without its namespace."""
    return name.rpartition("}")[2]


def bad_xml(why: str) -> ProblemError:
    """The problem of an answer that cannot be read."""
    return ProblemError(
        Problem(
            Code.BAD_ANSWER,
            f"the server's answer is not valid: {why}",
            hint="check the address: something else may answer there",
        )
    )


def _refused_doctype(*_: object) -> None:
    raise bad_xml("it has a document type, which no answer needs")
