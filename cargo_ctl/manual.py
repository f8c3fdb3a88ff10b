r"""Manual pages from click's commands: `python -m cargo_ctl.manual FOLDER PROGRAM=MODULE:COMMAND…`.

The pages use the macros of man(7). One page has a whole program: its commands one after the other,
each with its options and examples. The text comes from the help of the commands; blocks after `\b`
keep their lines.
"""

import importlib
import inspect
import os
import re
import sys
from collections.abc import Iterator

import click

_HEADING = re.compile(r"(Examples?|Exit codes|Topics):")


def page(program: str, command: click.Command) -> str:
    """The manual page of `command` in section 1, under the name `program`.

    The same commands give the same page: it has no date.
    """
    context = click.Context(command, info_name=program, **command.context_settings)
    about = command.get_short_help_str(limit=200).rstrip(".")
    lines = [
        f'.TH "{_text(program).upper()}" "1" "" "Cargo" "Cargo"',
        ".SH NAME",
        f"{_text(program)} \\- {_text(about)}",
        ".SH SYNOPSIS",
        f".B {_text(program)}",
        _text(" ".join(command.collect_usage_pieces(context))),
        ".SH DESCRIPTION",
        *_body(command),
        ".SH OPTIONS",
        *_options(_rows(command, context)),
    ]
    if isinstance(command, click.Group):
        common = _rows(command, context)
        lines.append(".SH COMMANDS")
        for sub, name in _leaves(command, context):
            lines += [
                f".SS {_text(name)} {_text(' '.join(sub.collect_usage_pieces(context)))}",
                *_body(sub),
            ]
            lines += _options([row for row in _rows(sub, context) if row not in common])
    if command.epilog:
        lines += _blocks(command.epilog, ".SH")
    return "\n".join(lines) + "\n"


def _leaves(
    group: click.Group, context: click.Context, above: str = ""
) -> Iterator[tuple[click.Command, str]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if command.hidden:
            continue
        if isinstance(command, click.Group):
            yield from _leaves(command, context, f"{above}{name} ")
        else:
            yield command, f"{above}{name}"


def _body(command: click.Command) -> list[str]:
    return _blocks(inspect.cleandoc(command.help or ""), "")


def _blocks(text: str, heading: str) -> list[str]:
    r"""The paragraphs of `text`; lines after `\b` are kept.

    A title such as `Examples:` becomes a `heading`, if one is given.
    """
    lines: list[str] = []
    for block in re.split(r"\n\s*\n", text.strip()):
        kept, _, rest = block.partition("\b\n")
        if "\b" not in block:
            lines += [".PP", _text(" ".join(block.split()))]
            continue
        for row in (kept + rest).splitlines():
            title = _HEADING.fullmatch(row.strip())
            if title and heading:
                lines.append(f"{heading} {_text(title[1].upper())}")
            elif title:
                lines += [".PP", _text(row.strip())]
        rows = [row for row in (kept + rest).splitlines() if not _HEADING.fullmatch(row.strip())]
        lines += [".PP", ".nf", *(_text(row) for row in rows), ".fi"]
    return lines


def _rows(command: click.Command, context: click.Context) -> list[tuple[str, str]]:
    """(names, help) of each option, and of each argument that has a help text."""
    found = (option.get_help_record(context) for option in command.get_params(context))
    return [row for row in found if row and row[1]]


def _options(rows: list[tuple[str, str]]) -> list[str]:
    return [
        line for names, help in rows for line in (".TP", f"\\fB{_text(names)}\\fR", _text(help))
    ]


def _text(text: str) -> str:
    """`text` with everything escaped that troff would interpret."""
    escaped = (
        text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    )
    escaped = escaped.replace("…", "...")  # not every output of roff has it
    escaped = re.sub(r"[^\x00-\x7f]", lambda match: f"\\[u{ord(match[0]):04X}]", escaped)
    return f"\\&{escaped}" if escaped.startswith((".", "\\(aq")) else escaped


def write(folder: str, programs: dict[str, str]) -> None:
    """Write `<program>.1` into `folder` for each program and its `module:command`."""
    os.makedirs(folder, exist_ok=True)
    for program, where in programs.items():
        module, _, name = where.partition(":")
        command = getattr(importlib.import_module(module), name)
        with open(os.path.join(folder, f"{program}.1"), "w", encoding="utf-8") as file:
            file.write(page(program, command))


if __name__ == "__main__":
    write(sys.argv[1], dict(argument.split("=", 1) for argument in sys.argv[2:]))
