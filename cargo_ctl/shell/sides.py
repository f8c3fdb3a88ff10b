"""The files and folders that the words of a command mean, on both sides."""

import glob
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from cargo_ctl.render.words import escaped
from cargo_ctl.session.session import RemoteEntry
from cargo_ctl.shell.location import name_of, parent_of, shown
from cargo_ctl.shell.parser import Word
from cargo_ctl.shell.patterns import Lister, expand
from cargo_ctl.shell.state import CommandFailed, Shell
from cargo_sync.api.client import CommandError
from cargo_sync.suggest import did_you_mean

_NO_FOLDER = frozenset({"unknown", "vanished", "not_found", "not_a_folder", "symlink"})


@dataclass(frozen=True, slots=True)
class Meant:
    """A path that a word means: remote `a/b`, or local and absolute.

    matched  by a pattern
    refused  why it cannot be used, or ""
    """

    path: str
    folder: bool
    matched: bool = False
    refused: str = ""


def remote_meant(shell: Shell, words: Sequence[Word]) -> list[Meant]:
    """The files and folders on the server that `words` mean.

    At the end come names that cannot be used, with the reason. Raises CommandFailed for a missing
    one.
    """
    refused: list[str] = []

    def names_in(folder: str) -> list[tuple[str, bool]]:
        try:
            return [
                (each.name, each.folder)
                for each in shell.session.entries(shell.here.remote_path(folder), refused.append)
            ]
        except CommandError as error:
            if error.code in _NO_FOLDER:
                return []
            raise

    def one(word: Word) -> Meant:
        path = shell.here.remote_path(word.text)
        found = shell.session.stat(path)
        if found is None:
            raise CommandFailed(
                f"there is no {shown(path)} on the server", _hint(shell, path), "unknown"
            )
        return Meant(path, found.folder)

    meant = _meant(words, names_in, one, shell.here.remote_path, "on the server")
    return meant + [Meant("", False, True, message) for message in refused]


def usable(shell: Shell, meant: Iterable[Meant]) -> list[Meant]:
    """Those that can be used; a note tells of each of the others."""
    found = list(meant)
    for each in found:
        if each.refused:
            shell.output.note(escaped(each.refused))
    return [each for each in found if not each.refused]


def local_meant(shell: Shell, words: Sequence[Word]) -> list[Meant]:
    """The local files and folders that `words` mean. Raises CommandFailed for a missing one."""

    def one(word: Word) -> Meant:
        path = shell.here.local_path(word.text, home=not word.quoted)
        if not os.path.lexists(path):
            raise CommandFailed(f"there is no {path} here", "!ls lists the folder", "unknown")
        return Meant(path, os.path.isdir(path))

    def names_in(folder: str) -> list[tuple[str, bool]]:
        return local_names(shell.here.local_path(folder, home=False))

    at_home = [_at_home(word, shell.here.home) for word in words]
    return _meant(
        at_home, names_in, one, lambda path: shell.here.local_path(path, home=False), "here"
    )


def not_text(path: str) -> str:
    """Why a path cannot be sent to the daemon, or "": in a message it would mean another file."""
    if any("\ud800" <= char <= "\udfff" for char in path):
        return f"{path}: the name is not valid UTF-8"
    return ""


def local_names(folder: str) -> list[tuple[str, bool]]:
    """The names in a local folder; nothing if it is not a folder or cannot be read."""
    try:
        with os.scandir(folder) as found:
            return [(each.name, _is_folder(each)) for each in found]
    except OSError:
        return []


def local_entries(folder: str) -> list[RemoteEntry]:
    """The content of a local folder, by name. Raises OSError."""
    with os.scandir(folder) as found:
        return sorted((local_entry(each.path) for each in found), key=lambda entry: entry.name)


def local_entry(path: str) -> RemoteEntry:
    """The file or folder at a local path; a link is not followed. Raises OSError."""
    found = os.lstat(path)
    kind = {0o040000: "folder", 0o120000: "link", 0o100000: "file"}.get(
        found.st_mode & 0o170000, "other"
    )
    return RemoteEntry(name_of(path), kind, found.st_size, found.st_mtime, found.st_mode & 0o7777)


def _at_home(word: Word, home: str) -> Word:
    """`word` with the home folder in its pattern instead of `~`."""
    if not word.pattern.startswith("~/") or word.quoted:
        return word
    return replace(word, pattern=glob.escape(home) + word.pattern[1:])


def _meant(
    words: Sequence[Word],
    names_in: Lister,
    one: Callable[[Word], Meant],
    resolved: Callable[[str], str],
    where: str,
) -> list[Meant]:
    meant: dict[str, Meant] = {}
    for word in words:
        if not word.pattern:
            each = one(word)
            meant.setdefault(each.path, each)
            continue
        found = expand(word.pattern, names_in)
        if not found:
            raise CommandFailed(f"nothing matches {word.text} {where}", code="unknown")
        for match in found:
            meant.setdefault(resolved(match.path), Meant(resolved(match.path), match.folder, True))
    return list(meant.values())


def _hint(shell: Shell, path: str) -> str:
    try:
        names = [each.name for each in islice(shell.session.entries(parent_of(path)), 1000)]
    except CommandError:
        return ""
    return did_you_mean(name_of(path), names)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
