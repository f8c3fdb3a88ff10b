"""Command lines split as shells do it, and names quoted for bash."""

import pytest

from cargo_ctl.shells import TypedLine, for_bash, taken_apart

BREAKS = " \t\n\"'@><=;|&(:"


@pytest.mark.parametrize(
    ("line", "words", "incomplete", "head", "quote"),
    [
        ("cargo_ctl job ", ["cargo_ctl", "job"], "", 0, ""),
        ("c show my", ["c", "show"], "my", 0, ""),
        (r"c show my\ d", ["c", "show"], "my d", 0, ""),
        ('c "my job" "it\'s \\"q', ["c", "my job"], "it's \"q", 0, '"'),
        ("c 'a\\b", ["c"], "a\\b", 0, "'"),
        ("c nightly:e", ["c"], "nightly:e", 8, ""),
        (r"c nightly\:e", ["c"], "nightly:e", 0, ""),
        ("c me@h", ["c"], "me@h", 2, ""),
        ('c a"b c', ["c"], "ab c", 1, '"'),
        ("c ''", ["c"], "", 0, ""),
        ("c '' x", ["c", ""], "x", 0, ""),
        ("c a\\", ["c"], "a\\", 0, ""),
    ],
)
def test_a_line_is_taken_apart(
    line: str, words: list[str], incomplete: str, head: int, quote: str
) -> None:
    assert taken_apart(line, BREAKS) == TypedLine(words, incomplete, head, quote)


@pytest.mark.parametrize(
    ("line", "name", "inserted"),
    [
        ("c ", 'my "docs"', r"my\ \"docs\""),
        ("c ", "$HOME *", r"\$HOME\ \*"),
        ("c ", "~ana", r"\~ana"),
        ("c ", "naïve 日本", r"naïve\ 日本"),
        ('c "', 'a "b" $c `d` \\', r"a \"b\" \$c \`d\` \\"),
        ('c "', 'says "no"', r'says \"no\""'),
        ("c '", "it's", r"it'\''s"),
        ("c '", "its'", r"its'\'''"),
        ("c nightly:", "nightly:eu x", r"eu\ x"),
        ("c me@", "me@home", "@home"),
    ],
)
def test_bash_is_given_the_rest_quoted_as_it_stands(line: str, name: str, inserted: str) -> None:
    assert for_bash(name, taken_apart(line, BREAKS)) == inserted
