"""Other servers: open, close."""

import click

from cargo_ctl.render.words import count, escaped
from cargo_ctl.session.opening import SessionRefused
from cargo_ctl.session.options import wanted_by_words
from cargo_ctl.session.session import OpenSession
from cargo_ctl.shell.parser import LineError
from cargo_ctl.shell.state import CommandFailed, Shell
from cargo_ctl.shell.verbs import Completes, Given, ShellVerb


def open_server(shell: Shell, given: Given) -> None:
    """Open another server, or say which one is open."""
    words = given.options.words
    if not words:
        _show(shell, "" if shell.session.id else "no server is open")
        return
    _check_nothing_runs(shell)
    home = shell.here.home
    try:
        wanted = wanted_by_words(
            [
                home + word.text[1:]
                if word.text.startswith("~/") and not word.quoted
                else word.text
                for word in words
            ]
        )
    except click.UsageError as error:
        raise LineError(error.format_message()) from error
    try:
        session = shell.opening.open(wanted)
    except SessionRefused as error:
        raise CommandFailed(error.message, error.hint, "refused") from error
    except EOFError:
        raise CommandFailed("not opened", code="refused") from None
    shell.change_to(session)
    _show(shell)


def close_server(shell: Shell, _given: Given) -> None:
    """Log out; the client goes on."""
    url = shell.session.url
    if not shell.session.id:
        raise CommandFailed("no server is open", "open URL opens one", "not_open")
    _check_nothing_runs(shell)
    shell.change_to(OpenSession.closed(shell.session.client))
    shell.output.show({"closed": url}, f"closed {escaped(url)}")


def _show(shell: Shell, none: str = "") -> None:
    session = shell.session
    text = none or f"{escaped(session.username or '-')} at {escaped(session.url)}"
    if session.workspace:
        text += f", workspace {escaped(session.workspace)}"
    shell.output.show(
        {"url": session.url, "username": session.username, "workspace": session.workspace}, text
    )


def _check_nothing_runs(shell: Shell) -> None:
    shell.transfers.listen(0)
    running = [id for id in shell.beside if shell.transfers.runs(id)]
    if running:
        raise CommandFailed(
            f"{count(len(running), 'transfer')} of this server in the background",
            "wait, or cancel",
            "busy",
        )


VERBS = (
    ShellVerb(
        "open",
        "[<url> [--user <name>] …]",
        "log in at another server, with the options of cargo_ctl shell; without an argument, show "
        "which one is open",
        open_server,
        most=None,
        examples=(
            "open",
            "open files.example.org",
            "open sftp://nas.example.org/films --user ana --key-file ~/.ssh/id_ed25519",
            "open s3://films --region eu-west-1 --user ACCESSKEY --password-file key",
        ),
        completes=Completes.SERVER,
        raw=True,
    ),
    ShellVerb("close", "", "log out, and stay in the client", close_server),
)
