"""docs/interactive.md and the help know every command and option."""

import re
from pathlib import Path

from cargo_ctl.shell.table import VERBS, about

PAGE = Path(__file__).parents[3].joinpath("docs", "interactive.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(!?[a-z]+)` \| (.*)$", PAGE, re.MULTILINE))


def test_every_command_has_its_line() -> None:
    for verb in VERBS:
        row = ROWS[verb.name]
        for alias in verb.aliases:
            assert f"`{alias}`" in row or alias == "?"
        if verb.argument:
            assert verb.argument.split("…")[0].strip("[]") in row.replace("\\|", "|")


def test_every_option_is_told_of() -> None:
    for verb in VERBS:
        letters = [letter for letter, _ in verb.flags] + [letter for letter, _, _ in verb.valued]
        for letter in letters:
            assert f"  -{letter} " in about(verb)
        if verb.least or verb.flags:
            assert "  examples:\n    " in about(verb)
