"""Lists and current folders of both sides: ls, cwd, cd."""

import os
from collections.abc import Callable, Iterable
from dataclasses import asdict

from cargo_ctl.render import listing
from cargo_ctl.render.words import escaped
from cargo_ctl.session.session import RemoteEntry
from cargo_ctl.shell.commands.trash import list_trash
from cargo_ctl.shell.location import name_of, shown
from cargo_ctl.shell.sides import (
    Meant,
    local_entries,
    local_entry,
    local_meant,
    remote_meant,
    usable,
)
from cargo_ctl.shell.state import CommandFailed, Shell
from cargo_ctl.shell.verbs import Completes, Given, ShellVerb

_LS = (
    ("l", "one line per file, with mode, size and time"),
    ("a", "not needed: hidden files are always listed"),
)


def ls(shell: Shell, given: Given) -> None:
    """List files on the server."""
    words = given.options.words
    if given.flag("t"):
        list_trash(shell, words)
        return
    if not words:
        _show(shell, given, [("", _remote_content(shell, shell.here.remote))])
        return
    _show_meant(
        shell, given, usable(shell, remote_meant(shell, words)), _remote_content, _remote_entry
    )


def local_ls(shell: Shell, given: Given) -> None:
    """List local files."""
    words = given.options.words
    if not words:
        _show(shell, given, [("", _local_content(shell, shell.here.local))])
        return
    _show_meant(shell, given, local_meant(shell, words), _local_content, _local_entry)


def cwd(shell: Shell, _given: Given) -> None:
    """Show the current folder on the server."""
    path = shown(shell.here.remote)
    shell.output.show({"path": path, "workspace": shell.here.workspace}, escaped(path))


def local_cwd(shell: Shell, _given: Given) -> None:
    """Show the current local folder."""
    shell.output.show({"path": shell.here.local}, escaped(shell.here.local))


def cd(shell: Shell, given: Given) -> None:
    """Change the folder on the server."""
    words = given.options.words
    if not words:
        shell.here = shell.here.in_remote("")
        return
    [meant] = _single(usable(shell, remote_meant(shell, words)), words[0].text)
    if not meant.folder:
        raise CommandFailed(f"{shown(meant.path)} is not a folder", code="not_a_folder")
    shell.here = shell.here.in_remote(meant.path)


def local_cd(shell: Shell, given: Given) -> None:
    """Change the local folder."""
    words = given.options.words
    if not words:
        shell.here = shell.here.in_local(shell.here.home)
        return
    [meant] = _single(local_meant(shell, words), words[0].text)
    if not meant.folder:
        raise CommandFailed(f"{meant.path} is not a folder", code="not_a_folder")
    if not os.access(meant.path, os.X_OK):
        raise CommandFailed(f"no permission to enter {meant.path}", code="unreadable")
    shell.here = shell.here.in_local(meant.path)


def _single(meant: list[Meant], typed: str) -> list[Meant]:
    if len(meant) != 1:
        raise CommandFailed(f"{typed} matches {len(meant)} names", "give one name", "bad_argument")
    return meant


def _show_meant(
    shell: Shell,
    given: Given,
    meant: list[Meant],
    content: Callable[[Shell, str], Iterable[RemoteEntry]],
    entry: Callable[[Shell, str], RemoteEntry],
) -> None:
    """Show the files as one list, then the content of each folder, with titles if needed."""
    files = [entry(shell, each.path) for each in meant if not each.folder]
    folders = [each for each in meant if each.folder]
    lists: list[tuple[str, Iterable[RemoteEntry]]] = [("", files)] if files else []
    for each in folders:
        title = name_of(each.path) or "/"
        lists.append((title if len(meant) > 1 else "", content(shell, each.path)))
    _show(shell, given, lists)


def _show(shell: Shell, given: Given, lists: Iterable[tuple[str, Iterable[RemoteEntry]]]) -> None:
    shown_rows, texts = [], []
    for title, found in lists:
        entries = list(found)
        shown_rows += [
            {name: value for name, value in asdict(each).items() if name != "id"}
            | ({"folder": title} if title else {})
            for each in entries
        ]
        rows = [
            listing.ListedRow(each.name, each.kind, each.size, each.mtime, each.mode)
            for each in entries
        ]
        text = (
            listing.long(rows)
            if given.flag("l") and rows
            else listing.names(rows, shell.output.columns)
        )
        texts.append(f"{escaped(title)}:\n{text}" if title else text)
    shell.output.show({"entries": shown_rows}, "\n\n".join(texts).rstrip("\n"))


def _remote_content(shell: Shell, path: str) -> Iterable[RemoteEntry]:
    return shell.session.entries(path, lambda message: shell.output.note(escaped(message)))


def _remote_entry(shell: Shell, path: str) -> RemoteEntry:
    found = shell.session.stat(path)
    if found is None:
        raise CommandFailed(f"there is no {shown(path)} on the server", code="unknown")
    return found


def _local_content(_shell: Shell, path: str) -> Iterable[RemoteEntry]:
    try:
        return local_entries(path)
    except OSError as error:
        raise CommandFailed(
            f"{path} cannot be listed: {error.strerror}", code="unreadable"
        ) from error


def _local_entry(_shell: Shell, path: str) -> RemoteEntry:
    try:
        return local_entry(path)
    except OSError as error:
        raise CommandFailed(
            f"{path} cannot be read: {error.strerror}", code="unreadable"
        ) from error


VERBS = (
    ShellVerb(
        "ls",
        "[<dir>]",
        "list the files on the server",
        ls,
        most=None,
        flags=(*_LS, ("t", "what was deleted and replaced, and is in the trash")),
        examples=("ls", "ls -l docs", "ls *.mov", "ls -t"),
        aliases=("dir",),
        completes=Completes.REMOTE,
    ),
    ShellVerb(
        "!ls",
        "[<dir>]",
        "list the files on your side",
        local_ls,
        most=None,
        flags=_LS,
        examples=("!ls", "!ls -l ~/films"),
        aliases=("lls",),
        completes=Completes.LOCAL,
    ),
    ShellVerb("cwd", "", "show the current folder on the server", cwd, aliases=("pwd",)),
    ShellVerb("!cwd", "", "show the current folder on your side", local_cwd, aliases=("lpwd",)),
    ShellVerb(
        "cd",
        "<dir>",
        "change the folder on the server; without an argument, to the root",
        cd,
        most=1,
        examples=("cd docs", "cd ..", "cd /"),
        completes=Completes.REMOTE_FOLDER,
    ),
    ShellVerb(
        "!cd",
        "<dir>",
        "change the folder on your side; without an argument, to your home",
        local_cd,
        most=1,
        examples=("!cd ~/films",),
        aliases=("lcd",),
        completes=Completes.LOCAL_FOLDER,
    ),
)
