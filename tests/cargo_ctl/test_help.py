"""Every command explains itself, with examples that parse; the manual pages say the same."""

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cargo_ctl import manual
from tests.cargo_ctl.walk import PROGRAMS, everything, examples, parse

DOCS = Path(__file__).parents[2] / "docs"
COMMANDS = everything()


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_help_with_examples_that_parse(name: str, command: click.Command) -> None:
    text = f"{command.help}\n{command.epilog or ''}"
    assert command.help and "Example" in text, f"{name} --help shows no example"
    lines = examples(text)
    assert any(line.startswith(name) for line in lines), f"no example of {name} calls it"
    for line in lines:
        parse(line)
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            assert option.help, f"{name} {option.opts[0]} is not explained"


def test_how_many_is_asked_for_in_one_way() -> None:
    limits = [
        sorted(option.opts)
        for _, command in COMMANDS
        for option in command.params
        if {"-n", "--limit"} & set(option.opts)
    ]
    assert len(limits) == 11 and all(opts == ["--limit", "-n"] for opts in limits)


def test_the_list_of_commands_is_whole_and_nothing_in_it_is_cut() -> None:
    text = CliRunner().invoke(PROGRAMS["cargo_ctl"], ["--help"], terminal_width=80).output
    listed = text.partition("Every day:")[2].partition("Examples:")[0]
    first = [name.split()[1] for name, _ in COMMANDS if name.startswith("cargo_ctl ")]
    assert re.findall(r"^  ([a-z]+)  ", listed, re.MULTILINE) == list(dict.fromkeys(first))
    assert "..." not in listed


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_manual_is_up_to_date(program: str) -> None:
    kept = (DOCS / "man" / f"{program}.1").read_text(encoding="utf-8")
    assert kept == manual.page(program, PROGRAMS[program]), "run: make man"


def test_the_manual_holds_every_command_and_nothing_that_acts_by_mistake(tmp_path: Path) -> None:
    page = manual.page("cargo_ctl", PROGRAMS["cargo_ctl"])
    headings = [line for line in page.splitlines() if line.startswith(".SS ")]
    leaves = [
        name.split(" ", 1)[1].replace("-", r"\-")
        for name, command in COMMANDS
        if name.startswith("cargo_ctl ") and not isinstance(command, click.Group)
    ]
    assert [
        next((h for h in headings if h.startswith(f".SS {leaf} ")), "") != "" for leaf in leaves
    ] == [True for _ in leaves]
    assert page.isascii()

    help = ".SH is no macro 'here', nor \\fB there – `é`.\n\n\b\nExample:\n  .odd --one"
    odd = click.Command("odd", help=help)
    text = manual.page("odd", odd)
    assert (
        "\n\\&.SH is no macro \\(aqhere\\(aq, nor \\efB there \\[u2013] \\(ga\\[u00E9]\\(ga."
        in text
    )
    assert "\n\\&  .odd" not in text and "  .odd \\-\\-one" in text
    if groff := shutil.which("groff"):
        file = tmp_path / "page.1"
        file.write_text(page)
        done = subprocess.run(
            [groff, "-man", "-Tascii", "-ww", "-z", str(file)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""


def test_the_examples_of_the_guide_parse() -> None:
    guide = (DOCS / "cargo_ctl.md").read_text(encoding="utf-8")
    lines = examples(guide) + re.findall(r"\| `(cargo_ctl [^`]+)` \|$", guide, re.MULTILINE)
    assert len(lines) > 30
    for line in lines:
        parse(line)


def test_the_guide_names_every_command() -> None:
    guide = (DOCS / "cargo_ctl.md").read_text(encoding="utf-8")
    for name, command in COMMANDS:
        if name.startswith("cargo_ctl ") and not isinstance(command, click.Group):
            assert f"`{name.removeprefix('cargo_ctl ')}" in guide, (
                f"docs/cargo_ctl.md says nothing of {name}"
            )
