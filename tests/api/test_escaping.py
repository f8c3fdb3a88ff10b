"""Foreign names, as they are shown."""

import json

import pytest

from cargo_sync.api.escaping import escaped, json_escaped, lines_escaped


@pytest.mark.parametrize(
    ("name", "shown", "in_lines"),
    [
        ("a é/🎬.mov", "a é/🎬.mov", "a é/🎬.mov"),
        ("a\x1b[2J\n\tb", r"a\x1b[2J\x0a\x09b", "a\x1b[2J\n\tb"),
        ("\x7f\x9b", r"\x7f\x9b", r"\x7f\x9b"),
        ("photo\u202egpj.exe", r"photo\u202egpj.exe", r"photo\u202egpj.exe"),
        ("\u200e\u200f\u061c", r"\u200e\u200f\u061c", r"\u200e\u200f\u061c"),
        ("\u2066\u2069\u2028", r"\u2066\u2069\u2028", r"\u2066\u2069\u2028"),
        ("caf\udce9", r"caf\udce9", r"caf\udce9"),
    ],
)
def test_what_a_reader_would_not_see_is_escaped(name: str, shown: str, in_lines: str) -> None:
    assert (escaped(name), lines_escaped(name)) == (shown, in_lines)


def test_json_means_the_same() -> None:
    value = {"na\u202eme": "a\x9b\u2066é\n"}
    line = json_escaped(json.dumps(value, ensure_ascii=False))
    assert line == r'{"na\u202eme": "a\u009b\u2066é\n"}'
    assert json.loads(line) == value
