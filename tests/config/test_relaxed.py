from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_sync.config.errors import ConfigError
from cargo_sync.config.relaxed import LIMIT, RELAXED_LIMIT, Raw, dotted, parse, read


def wrong(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, "F")
    return str(caught.value)


def test_what_people_write_by_hand() -> None:
    text = """
    // a comment
    {
        unquoted: 'single', /* another
        comment */ "numbers": [1, 2.5, 0x10, -3,],
        "yes": true, "nothing": null,
    }
    """
    assert parse(text, "F").value == {
        "unquoted": "single",
        "numbers": [1, 2.5, 16, -3],
        "yes": True,
        "nothing": None,
    }


@pytest.mark.parametrize("template", ["{{X}}", "{{ X }}", "{{  X}}"])
def test_a_template_outside_quotes_is_a_value_of_its_own(template: str) -> None:
    assert parse(
        f'{{"a": {template}, "b": [{template},], "c": {{"d": {template}}}}}', "F"
    ).value == {
        "a": Raw("X"),
        "b": [Raw("X")],
        "c": {"d": Raw("X")},
    }


def test_a_template_in_quotes_or_a_comment_is_text() -> None:
    text = (
        """{"a": "{{ X }}", 'b': '"{{X}}"', "c": "\\"{{X}}", """
        """/* {{ X }} */ "d": {{ X }} // {{ X }}\n}"""
    )
    assert parse(text, "F").value == {"a": "{{ X }}", "b": '"{{X}}"', "c": '"{{X}}', "d": Raw("X")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "F: is empty"),
        ("[1]", "F:1: must be an object (it begins with { and ends with })"),
        (
            '{"a": 1,\n "b" 2}',
            'F:2: unexpected "2" at line 2, column 6 (a comma, colon or quote is missing before '
            "it)",
        ),
        (
            '{"a": 1\n "b": 2}',
            'F:2: unexpected "\\"" at line 2, column 2 (a comma, colon or quote is missing '
            "before it)",
        ),
        (
            '{"a": {"b": 1}',
            'F:1: ends too early, at line 1, column 15 (a closing }, ] or " is missing)',
        ),
        (
            '{"a": "b\n}',
            "F:1: the line ends inside a text, at line 1, column 9 (a closing quote is missing)",
        ),
        ("{“a”: 1}", 'F:1: unexpected "“" at line 1, column 2 (use straight quotes: ")'),
        (
            '{"x": {{ X }}, "a": {{ "b" }} }',
            'F:1: unexpected "{" at line 1, column 22 (a template is {{ NAME }}, names only)',
        ),
        (
            '{"a": 1} 2',
            'F:1: unexpected "2" at line 1, column 10 (a comma, colon or quote is missing '
            "before it)",
        ),
        ('{"a":' * 500, "F: is nested too deeply"),
        ('{"a":' + "[" * 900 + "]" * 900 + "}", "F: is nested too deeply"),
        (r'{"a": ["\ud800"]}', r"F: contains half of a character, \ud800"),
        (r'{"\udfff": 1}', r"F: contains half of a character, \udfff"),
        (
            '{"a": "' + "x" * RELAXED_LIMIT + '",}',
            "F: is not strict JSON, and too large for relaxed JSON (65536 characters)",
        ),
        ('{"a": 1,\n"b": ' + "1" * 5000 + "}", "F:2: contains a number of too many digits"),
        ("{a: 1,\nb: " + "1" * 5000 + "}", "F:2: contains a number of too many digits"),
    ],
)
def test_syntax_errors_say_where_and_why(text: str, message: str) -> None:
    assert wrong(text) == message


def test_a_key_that_stands_twice_is_an_error_with_both_lines() -> None:
    text = '{\n"a": 1,\n"b": {"c": 1, "d": 2,\n"c": 3},\n"\\u0061": 4}'
    assert wrong(text).splitlines() == [
        "F:4: b.c: is there twice, first on line 3 (keep one of them)",
        "F:5: a: is there twice, first on line 2 (keep one of them)",
    ]


def test_every_value_knows_its_line() -> None:
    document = parse('{\n\n"a": [\n{"b": 1},\n{"b":\n2}],\n// c\nd: {{ X }}}', "F")
    assert {dotted(place): line for place, line in document.lines.items()} == {
        "a": 3,
        "a[0]": 4,
        "a[0].b": 4,
        "a[1]": 5,
        "a[1].b": 5,
        "d": 8,
    }
    assert document.line(("a", 1, "missing")) == 5
    assert document.line(("missing",)) is None


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    def wrong_file(name: str, content: bytes | None) -> str:
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ConfigError) as caught:
            read(str(path))
        return str(caught.value).removeprefix(str(path))

    assert wrong_file("missing", None) == ": cannot be read: No such file or directory"
    assert wrong_file(".", None).endswith(": cannot be read: Is a directory")
    assert (
        wrong_file("latin", b'{\n"a": "\xe9"}')
        == ":2: is not a text file in UTF-8 (save it as UTF-8)"
    )
    assert wrong_file("wide", '{"a": 1}'.encode("utf-16-le")) == (
        ":1: is not a text file in UTF-8 (it looks like UTF-16; save it as UTF-8)"
    )
    assert "is larger than" in wrong_file("large", b" " * (LIMIT + 1))


def test_windows_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b'\xef\xbb\xbf{\r\n"a": 1,\r\n}\r\n')
    assert read(str(path)).value == {"a": 1}


@given(st.text('{}[]",:\\n \\\\/*a1“\ufdd0', max_size=30))
def test_any_text_is_a_document_or_one_error_in_words(text: str) -> None:
    try:
        assert isinstance(parse(text, "F").value, dict)
    except ConfigError as error:
        assert error.problems
