"""Lines in, commands out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_ctl.shell.parser import CommandLine, LineError, options, parse_line, quoted, split

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=()), min_size=1)


def words(text: str) -> list[str]:
    return [word.text for word in split(text)]


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("get a b", ["get", "a", "b"]),
        ("get 'my file' \"an other\" a\\ third", ["get", "my file", "an other", "a third"]),
        ("get 'a'\"b\"c", ["get", "abc"]),
        ("get '' \"\"", ["get", "", ""]),
        ('get \'it\\s\' "say \\"hi\\"" \\\'', ["get", "it\\s", 'say "hi"', "'"]),
        ("get $'a\\x1b\\u202e\\n\\t\\'\\\\'", ["get", "a\x1b\u202e\n\t'\\"]),
        ("get C:\\\\x 日本 👩‍👧", ["get", "C:\\x", "日本", "👩‍👧"]),
        ("get a\\", ["get", "a\\"]),
        ("  \t ", []),
    ],
)
def test_words(line: str, meant: list[str]) -> None:
    assert words(line) == meant


@pytest.mark.parametrize(
    ("word", "pattern"),
    [
        ("*.mov", "*.mov"),
        ("'*'x*", "[*]x*"),
        ("\\[a]?", "[[]a]?"),
        ("'*.mov'", ""),
        ("plain", ""),
        ("[ab]", "[ab]"),
    ],
)
def test_patterns_are_what_is_not_quoted(word: str, pattern: str) -> None:
    assert split(word)[0].pattern == pattern


@pytest.mark.parametrize(
    ("line", "verb", "local", "rest", "beside"),
    [
        ("!ls -l", "ls", True, "-l", False),
        ("! ls", "ls", True, "", False),
        ("!grep 'x", "grep", True, "'x", False),
        ("get a &", "get", False, "a &", True),
        ("get '&'", "get", False, "'&'", False),
        ("get a&", "get", False, "a&", False),
    ],
)
def test_the_local_side_and_beside(
    line: str, verb: str, local: bool, rest: str, beside: bool
) -> None:
    found = parse_line(line)
    assert isinstance(found, CommandLine)
    assert (found.verb, found.local, found.rest, found.beside) == (verb, local, rest, beside)


@pytest.mark.parametrize("line", ["", "   ", "# get a", "  #"])
def test_no_command(line: str) -> None:
    assert parse_line(line) is None


@pytest.mark.parametrize(
    "line", ["get 'a", 'get "a', "get $'a", "!", "get $'\\x1'", "get $'\\u12'"]
)
def test_lines_that_mean_nothing(line: str) -> None:
    with pytest.raises(LineError):
        parse_line(line)


def test_options() -> None:
    found = options(split("-r a -fo b c -- -d"), "rf", "o")
    assert (sorted(found.flags), found.values["o"].text) == (["f", "r"], "b")
    assert [word.text for word in found.words] == ["a", "c", "-d"]
    quoted_one = options(split("'-r' \\-f -"), "rf")
    assert [word.text for word in quoted_one.words] == ["-r", "-f", "-"]
    for bad in ("-x", "-of a", "-o"):
        with pytest.raises(LineError):
            options(split(bad), "rf", "o")


@given(NAMES, st.sampled_from(["", "'", '"']))
def test_every_name_can_be_typed(name: str, quote: str) -> None:
    typed = f"get {quoted(name, quote)} next"
    assert words(typed) == ["get", name, "next"]
    [_, word, _] = split(typed)
    assert not word.pattern
    assert not any(char < " " or "\x7f" <= char < "\xa0" for char in typed)
    assert options((word,), "rf").words == (word,)


@given(st.text())
def test_whatever_is_typed_means_something_or_is_refused(text: str) -> None:
    try:
        parse_line(text)
    except LineError as error:
        assert str(error).strip(), "a refusal says why"


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("a.txt", "a.txt"),
        ("my file", "my\\ file"),
        ("it's", "it\\'s"),
        ("-rf", "'-rf'"),
        ("~", "'~'"),
        ("&", "'&'"),
        ("a\x1b'", "$'a\\x1b\\''"),
        ("日本", "日本"),
    ],
)
def test_names_are_quoted_no_more_than_they_must(name: str, typed: str) -> None:
    assert quoted(name) == typed
