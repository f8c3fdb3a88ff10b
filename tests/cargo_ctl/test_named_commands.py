"""Each command line that pages, help and messages name exists, with its options."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cargo_sync import pydio
from tests.cargo_ctl.walk import PROGRAMS, everything

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
"""Not the changelog, which names commands of earlier versions."""
PROGRAM = "|".join(PROGRAMS)
QUOTED = re.compile(rf"`((?:{PROGRAM}) [^`\n]+)`")
BLOCK = re.compile(r"^(`{3,})[^\n]*\n(.*?)^\1$", re.DOTALL | re.MULTILINE)
LINE = re.compile(rf"^\s*(?:\$ )?((?:{PROGRAM}) [^\n]+)$", re.MULTILINE)
TOLD = re.compile(rf"(?:: |\()((?:{PROGRAM}) [^\n();,]+)")
NAMED = re.compile(rf"[`(: ](?:{PROGRAM}) ")
PLACEHOLDER = re.compile(r"[A-Z…<{]|.*[…|]")


def lines_of(page: Path) -> Iterator[str]:
    """What is in backticks, in blocks of code and in indented lines of a page."""
    text = page.read_text(encoding="utf-8")
    yield from QUOTED.findall(text)
    for _, block in BLOCK.findall(text):
        yield from LINE.findall(block)
    yield from re.findall(rf"^    ((?:{PROGRAM}) [^\n]+)$", text, re.MULTILINE)


def messages() -> Iterator[str]:
    """What the texts of the code name: in backticks, after a colon, and in lines of their own."""
    for path in [p for name in ("cargo_sync", "cargo_ctl") for p in (ROOT / name).rglob("*.py")]:
        code = path.read_text(encoding="utf-8")
        if not NAMED.search(code):
            continue
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            elif isinstance(node, ast.JoinedStr):
                text = "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "…"
                    for part in node.values
                )
            else:
                continue
            for form in (QUOTED, LINE, TOLD):
                yield from form.findall(text)


def unknown(line: str) -> str:
    """What of a command line does not exist; "" if all of it does."""
    program, *words = shlex.split(re.split(r" {2,}| [&|<>#]( |$)", line)[0], posix=False)
    if program == "cargo_sync" and pydio.is_meant(words):
        command: click.Command = pydio.pydio_sync
    else:
        command = PROGRAMS[program]
    options = {"--help", "--version"}
    for place, word in enumerate(words):
        options |= {opt for each in command.params for opt in each.opts}
        if word.startswith("-") and not word.startswith(("-…", "--…")):
            if word.partition("=")[0].rstrip(".,…") not in options and len(word) > 1:
                return word
        elif isinstance(command, click.Group):
            before = words[place - 1] if place else ""
            takes = [each for each in command.params if before in each.opts]
            if PLACEHOLDER.match(word) or (takes and not getattr(takes[0], "is_flag", False)):
                continue
            found = command.get_command(click.Context(command), word)
            if found is None:
                return word
            command = found
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_a_page_exist(page: Path) -> None:
    assert [(line, what) for line in lines_of(page) if (what := unknown(line))] == []


def test_the_commands_of_messages_exist() -> None:
    found = sorted(set(messages()))
    assert len(found) > 100
    assert [(line, what) for line in found if (what := unknown(line))] == []


def test_the_commands_of_help_exist() -> None:
    texts = [f"{command.help}\n{command.epilog or ''}" for _, command in everything()]
    found = [line for text in texts for form in (QUOTED, LINE) for line in form.findall(text)]
    assert len(found) > 80
    assert [(line, what) for line in found if (what := unknown(line))] == []


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("cargo_ctl client", "client"),
        ("cargo_ctl job shwo NAME", "shwo"),
        ("cargo_ctl --connect box job shwo", "shwo"),
        ("cargo_ctl job show NAME --yse", "--yse"),
        ("cargo_sync serve --config FILE", "serve"),
        ("cargo_sync -s URL -x DIR", "-x"),
        ("cargoclient --mode=client --hots=URL", "--hots=URL"),
        ("cargo_ctl job … --json", ""),
        ("cargo_ctl --connect laptop.key job list --server", ""),
    ],
)
def test_what_does_not_exist_is_found(line: str, what: str) -> None:
    assert unknown(line) == what
