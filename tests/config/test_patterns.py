"""Patterns never crash: they mean what git makes of them, or are an error of their field."""

import random
from pathlib import Path

import pytest

from cargo_sync.config.errors import ConfigError
from cargo_sync.config.job import load_job
from cargo_sync.config.patterns import Pattern, parsed
from cargo_sync.plan.filters import Filters
from tests.config.samples import job, write

NEVER = [
    ("!", "no name follows"),
    ("//", "no name follows"),
    ("\\", "nothing follows its last backslash"),
    ("a/b\\", "nothing follows its last backslash"),
    ("[9-0", 'the "[" has no "]"'),
    ("/[]", 'the "[" has no "]"'),
    ("[a-\\", 'the "[" has no "]"'),
    ("x[[:digit:", 'the "[" has no "]"'),
    ("[[:number:]]", 'there is no class "[:number:]"'),
]


@pytest.mark.parametrize(("pattern", "reason"), NEVER)
def test_what_can_never_match_is_an_error_of_its_field(
    tmp_path: Path, pattern: str, reason: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_job(write(tmp_path, job(filters={"exclude": ["*.log", pattern]})), {})
    [problem] = caught.value.problems
    assert problem.field == "filters.exclude[1]"
    assert f'"{pattern}" matches nothing: {reason}' in problem.message
    assert not Filters(exclude=[pattern]).excluded(pattern, False)


@pytest.mark.parametrize("text", ["", "   ", "# a comment", "\r"])
def test_blank_lines_and_comments_are_no_patterns(text: str) -> None:
    assert parsed(text) is None


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("*.bak  ", Pattern(False, False, False, "*.bak")),
        ("a\\  ", Pattern(False, False, False, "a\\ ")),
        ("a\\\\ ", Pattern(False, False, False, "a\\\\")),
        ("!/a/", Pattern(True, True, True, "a")),
        ("a/b", Pattern(False, False, True, "a/b")),
        ("\\!a", Pattern(False, False, False, "\\!a")),
    ],
)
def test_a_line_is_read_as_by_git(text: str, pattern: Pattern) -> None:
    assert parsed(text) == pattern


_PIECES = [
    *"ab09-[]!^\\/*?#. ~&|:é",
    *("[:alpha:]", "**", "[!", "[^", "[9-0]", "[]-", "\x00", "\n", "\t", "--", "&&", "\U0010ffff"),
]


@pytest.mark.parametrize("seed", range(8))
def test_no_pattern_crashes(tmp_path: Path, seed: int) -> None:
    """A pattern is an error of its field, or can be matched; nothing else happens."""
    chance = random.Random(seed)
    used = 0
    for _ in range(60):
        some = [
            "".join(chance.choices(_PIECES, k=chance.randint(1, 9)))
            for _ in range(chance.randint(1, 3))
        ]
        file = write(tmp_path, job(filters={"include": some[1:], "exclude": some[:1]}))
        try:
            loaded = load_job(file, {})
        except ConfigError as error:
            assert {one.field.partition("[")[0] for one in error.problems} <= {
                "filters.include",
                "filters.exclude",
            }
            continue
        used += 1
        filters = Filters(loaded.include, loaded.exclude)
        for path in ("a", "b0/a", "[9-0]", "a/b/é", "--"):
            filters.excluded(path, False)
            filters.excluded(path, True)
    assert 10 < used < 60, "the pieces make both good and bad patterns"
