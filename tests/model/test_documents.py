"""Documents from outside: what is too deep or has too many values is refused before it is built."""

import orjson
import pytest

from cargo_sync.model import documents
from cargo_sync.model.documents import DEPTH, parsed


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        "[[[" * 50,
        {"rows": [["a [1], {2}.txt"] * 100, [1] * 100]},
        [[]] * 100,
        {"a": [{"b": index} for index in range(100)]},
    ],
    ids=["null", "number", "text of brackets", "names with brackets", "lists", "objects"],
)
def test_what_is_flat_is_parsed_as_it_is(value: object) -> None:
    assert parsed(orjson.dumps(value), 10) == value


def test_lists_and_objects_lie_at_most_32_deep_in_each_other() -> None:
    assert parsed(nested(DEPTH), 1000)
    mixed = b'{"a":[' * 16 + b"]}" * 16
    assert parsed(mixed, 1000)
    wide = b"[1,[]," * DEPTH + b"[[]]" + b"]" * DEPTH
    texts = b'["[]{}","[",[],' * DEPTH + b"{}" + b"]" * DEPTH
    for content in (nested(DEPTH + 1), b"[" + mixed + b"]", nested(1024), wide, texts):
        with pytest.raises(ValueError, match="deeper than 32 levels"):
            parsed(content, 1000)


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (b"[1,2,3]", 3),
        (b"[[],{},[]]", 6),
        (b'["a,b","c\\\\",",","\\"[,[,"]', 4),
        (b'{"a,a":1,"b[b":2}', 2),
    ],
)
def test_values_of_a_large_document_are_counted_without_the_texts(
    content: bytes, values: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "LARGE", 1)
    assert parsed(content, values) == orjson.loads(content)
    with pytest.raises(ValueError, match="more than"):
        parsed(content, values - 1)


@pytest.mark.parametrize(
    "piece", [b"[],", b"{},", b"1,", b'"",', b'"', b"[", b"]", b'\\"', b'"\\'], ids=repr
)
def test_a_large_document_of_small_values_is_refused(piece: bytes) -> None:
    content = b"[" + piece * (3 * 2**20 // len(piece)) + b"1]"
    with pytest.raises(ValueError):
        parsed(content, 131_072)
