import pytest

from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.wire.xml import DEEPEST, XmlReader, local


def told(*pieces: bytes, longest: int = 100) -> list[tuple[str, int, str]]:
    """The elements of a document that comes in pieces, as they are closed."""
    found: list[tuple[str, int, str]] = []
    opened: list[str] = []

    def close(name: str, depth: int, text: str) -> None:
        assert opened.pop() == name and len(opened) == depth - 1
        found.append((name, depth, text))

    reader = XmlReader(lambda name, _: opened.append(name), close, longest=longest)
    for piece in pieces:
        reader.feed(piece)
    reader.end()
    return found


def test_elements_have_names_with_namespaces_depths_and_texts() -> None:
    document = '<d:a xmlns:d="DAV:"> <d:b>ü &amp; v</d:b><c/>x</d:a>'.encode()
    whole = [("DAV:}b", 2, "ü & v"), ("c", 2, ""), ("DAV:}a", 1, "x")]
    assert told(document) == whole
    assert told(*(document[n : n + 1] for n in range(len(document)))) == whole
    assert [local(name) for name, _, _ in whole] == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document type"),
        (b"<a>&b;</a>", "undefined entity"),
        (b"<a>" * (DEEPEST + 1), "nested"),
        (b"<a>" + b"x" * 101 + b"</a>", "100 characters"),
        (b"<a><b></a></b>", "mismatched"),
        (b"<a>", "no element"),
        (b"", "no element"),
        (b"<a>\xff</a>", "not well-formed"),
        (b'<?xml version="1.0" encoding="none-such"?><a>\xe4</a>', "not well-formed"),
    ],
)
def test_what_cannot_be_read_is_refused(document: bytes, why: str) -> None:
    with pytest.raises(ProblemError, match=why) as caught:
        told(document)
    assert caught.value.problem.code == Code.BAD_ANSWER
