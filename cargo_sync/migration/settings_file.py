"""The place of a workspace in the server's file: `path` or `store` is exchanged, the rest stays.

Comments, order and layout stay as a person wrote them. The file is replaced at once, with its mode;
if it is a link, what it leads to is.
"""

import os
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from cargo_sync.config.editing import dumped, fields_of
from cargo_sync.config.errors import ConfigError, FieldProblem
from cargo_sync.config.relaxed import parse, read_text
from cargo_sync.config.server import ServerSettings, WorkspaceSettings, server_from
from cargo_sync.config.spans import spans
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error


class NewPlace(NamedTuple):
    """Where a workspace is to be: a folder, or with so many copies on storage nodes, or in `store`.

    store  what the workspace's `store` says then
    """

    path: str = ""
    copies: int = 0
    store: Mapping[str, object] | None = None

    @property
    def member(self) -> tuple[str, object]:
        """The field of the file, and its value."""
        if self.path:
            return "path", self.path
        return "store", self.store or {"nodes": {"copies": self.copies}}

    @property
    def line(self) -> str:
        """The same as it is written there."""
        key, value = self.member
        return f'"{key}": {_one_line(value)}'

    @property
    def shown(self) -> str:
        """The same for people: a password stays hidden."""
        key, value = self.member
        return f'"{key}": {_one_line(_hidden(value))}'


class ChangedFile(NamedTuple):
    """A text that is checked, and what it says.

    line  how the workspace says there where it is, for people, without a password
    """

    text: str
    settings: ServerSettings
    line: str


def with_place(file: str, name: str, place: NewPlace, env: Mapping[str, str]) -> ChangedFile:
    """The text of the server's file with another place of a workspace. Nothing is written.

    Raises:
        ConfigError: the file cannot be read, has no such workspace, or would be wrong then.
    """
    text = read_text(file)
    newline = "\r\n" if "\r\n" in text else "\n"
    text = text.replace("\r\n", "\n")
    at = _number(text, name, file)
    members = spans(text)
    old = next(
        members[found]
        for found in (("workspaces", at, "path"), ("workspaces", at, "store"))
        if found in members
    )
    changed = text[: old.start] + place.line + text[old.end :]
    changed = changed.replace("\n", newline)
    settings = server_from(parse(changed, file), env)
    return ChangedFile(changed, settings, place.shown)


def write(file: str, text: str) -> None:
    """Replaces the file, durably. Raises ProblemError: it cannot be written; it is as it was."""
    place = os.path.realpath(file)
    folder = os.path.dirname(place)
    try:
        found = os.stat(place)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{os.path.basename(place)}.")
        try:
            with open(handle, "w", encoding="utf-8", newline="") as out:
                out.write(text)
                out.flush()
                os.fchmod(out.fileno(), stat.S_IMODE(found.st_mode))
                if os.geteuid() == 0:
                    os.fchown(out.fileno(), found.st_uid, found.st_gid)
                os.fsync(out.fileno())
            os.replace(temporary, place)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        above = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(above)
        finally:
            os.close(above)
    except OSError as error:
        raise ProblemError(from_os_error(error, place)) from error


def workspace_of(settings: ServerSettings, name: str) -> WorkspaceSettings | None:
    """The workspace of this name in the file."""
    return next((one for one in settings.workspaces if one.name == name), None)


def named(settings: ServerSettings, name: str) -> WorkspaceSettings:
    """The workspace of this name in the file.

    Raises:
        ProblemError: there is none.
    """
    found = workspace_of(settings, name)
    if found is None:
        names = ", ".join(repr(one.name) for one in settings.workspaces) or "none"
        message = f"{settings.file} has no workspace {name!r}"
        hint = f"it has {names}; one that a command has made must be put into the file first"
        raise ProblemError(Problem(Code.UNKNOWN_WORKSPACE, message, hint=hint, retry=False))
    return found


def _hidden(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    return {name: "…" if name == "password" else _hidden(one) for name, one in value.items()}


def store_in(file: str) -> Mapping[str, object]:
    """The `store` that a file has for a workspace. Raises ConfigError."""
    found = fields_of(read_text(file), file)
    if list(found) != ["s3"]:
        message = "is not what a workspace's store may be"
        hint = 'write {"s3": {"address": …, "username": …, "password_file": …}}'
        raise ConfigError([FieldProblem(file, "s3", None, message, hint)])
    return found


def _number(text: str, name: str, file: str) -> int:
    """Which of the workspaces of a file has this name. Raises ConfigError."""
    listed = fields_of(text, file).get("workspaces")
    if isinstance(listed, list):
        for number, one in enumerate(listed):
            if isinstance(one, Mapping) and one.get("name") == name:
                return number
    hint = "one that a command has made, or whose name is a variable, cannot be moved"
    message = f"there is no workspace with the name {name!r}"
    raise ConfigError([FieldProblem(file, "workspaces", None, message, hint)])


def _one_line(value: object) -> str:
    if not isinstance(value, Mapping):
        return dumped(value)
    items = [f"{dumped(str(key))}: {_one_line(item)}" for key, item in value.items()]
    return f"{{{', '.join(items)}}}"
