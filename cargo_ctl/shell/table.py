"""All commands by name, their help, and the running of a line."""

import os
import signal
import subprocess
from types import MappingProxyType

from cargo_ctl.render.table import table
from cargo_ctl.shell.commands import client, files, folders, jobs, moving, servers, trash
from cargo_ctl.shell.parser import CommandLine, LineError, Options, options, parse_line
from cargo_ctl.shell.state import CommandFailed, Shell
from cargo_ctl.shell.verbs import Completes, Given, ShellVerb
from cargo_sync.suggest import did_you_mean


def _help(shell: Shell, given: Given) -> None:
    words = given.options.words
    if not words:
        rows = [
            {"command": each.name, "argument": each.argument, "does": each.does} for each in VERBS
        ]
        shell.output.show({"commands": rows}, _overview())
        return
    verb = find(words[0].text)
    shell.output.show(
        {"command": verb.name, "argument": verb.argument, "does": verb.does}, about(verb)
    )


VERBS: tuple[ShellVerb, ...] = (
    ShellVerb(
        "help",
        "[<command>]",
        "this table, or the options and examples of one command",
        _help,
        most=1,
        examples=("help get",),
        aliases=("?",),
        completes=Completes.VERB,
    ),
    *servers.VERBS,
    *files.VERBS[:2],
    *folders.VERBS,
    *moving.VERBS,
    *files.VERBS[2:],
    *trash.VERBS,
    *jobs.VERBS,
    *client.VERBS,
)
_SHELL = ("!<command>", "", "run any other command in a shell on your side")
BY_NAME = MappingProxyType(
    {name: verb for verb in VERBS for name in (verb.name, *verb.aliases)}
)  # aliases of local commands have no `!`


def find(name: str) -> ShellVerb:
    """The command with this name. Raises LineError, with a similar name if there is one."""
    verb = BY_NAME.get(name)
    if verb is None:
        hint = did_you_mean(name, BY_NAME) or "help lists all commands"
        raise LineError(f"there is no command {name} ({hint})")
    return verb


def run(shell: Shell, text: str) -> None:
    """Run a line.

    Raises LineError, CommandFailed, CommandError, NotRunning, and KeyboardInterrupt for a cancelled
    command.
    """
    line = parse_line(text)
    if line is None:
        return
    name = f"!{line.verb}" if line.local else line.verb
    if line.local and name not in BY_NAME:
        _in_a_shell(shell, text.strip()[1:])
        return
    verb = find(name)
    verb.run(shell, _given(verb, line))


def about(verb: ShellVerb) -> str:
    """The help of one command: its arguments, options and examples."""
    known = "".join(letter for letter, _ in verb.flags)
    usage = " ".join(
        part for part in (verb.name, f"[-{known}]" if known else "", verb.argument) if part
    )
    lines = [usage, f"  {verb.does}"]
    lines += [f"  -{letter}  {does}" for letter, does in verb.flags]
    lines += [f"  -{letter} <{word}>  {does}" for letter, word, does in verb.valued]
    if verb.can_wait:
        lines.append("  & at the end  run in the background; see also: transfers, wait, cancel")
    if verb.aliases:
        lines.append(f"  also: {', '.join(verb.aliases)}")
    if verb.examples:
        lines += ["  examples:", *(f"    {each}" for each in verb.examples)]
    return "\n".join(lines)


def _overview() -> str:
    rows = [(each.name, each.argument, each.does) for each in VERBS]
    return table(("COMMAND", "ARGUMENT", "DESCRIPTION"), [*rows, _SHELL])


def _given(verb: ShellVerb, line: CommandLine) -> Given:
    flags = "".join(letter for letter, _ in verb.flags)
    valued = "".join(letter for letter, _, _ in verb.valued)
    found = Options(words=line.words) if verb.raw else options(line.words, flags, valued)
    if line.beside and not verb.can_wait:
        raise LineError(f"{verb.name} cannot run in the background; get and put can")
    number = len(found.words)
    if number < verb.least or (verb.most is not None and number > verb.most):
        usage = f"{verb.name} {verb.argument}".strip()
        more = "" if number < verb.least else "; put a name with spaces in quotes"
        raise LineError(f"usage: {usage}{more}")
    return Given(found, line.beside)


def _in_a_shell(shell: Shell, command: str) -> None:
    if not shell.output.columns:
        raise LineError(f"!{command.strip()}: other programs can only be started at a terminal")
    program = os.environ.get("SHELL") or "/bin/sh"
    try:
        child = subprocess.Popen([program, "-c", command], cwd=shell.here.local)
    except OSError as error:
        raise CommandFailed(
            f"{program} cannot be started in {shell.here.local}: {error.strerror}"
        ) from error
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is only for the child
    try:
        child.wait()
    finally:
        signal.signal(signal.SIGINT, before)
