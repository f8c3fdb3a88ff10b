"""A job as pydio-sync was given one: by arguments of the command line, by a file, or by both.

An argument wins over the field of the file that it stands for. Errors name what the person wrote:
the option, or the file's field.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from cargo_sync.config import pydio
from cargo_sync.config.errors import ConfigError, FieldProblem
from cargo_sync.config.job import JobSettings, job_from, missing_folder
from cargo_sync.config.relaxed import Document, read
from cargo_sync.config.secret import Secret

SERVER: Final = "localhost"
"""Where the server is when nobody says."""

OPTIONS: Final[Mapping[str, str]] = {
    "server": "-s",
    "directory": "-d",
    "workspace": "-w",
    "user": "-u",
    "password": "-p",
    "direction": "-dir",
}
"""pydio-sync's field -> the option that says it."""

_PASSWORD: Final = "PASSWORD_ARGUMENT"  # noqa: S105 - a variable's name


@dataclass(frozen=True, slots=True)
class Arguments:
    """What the command line says; None is what it does not say.

    directory   absolute
    direction   up, down or bi
    password    itself; or `variable` is the name of the environment variable that holds it
    file        path of a job file, in pydio-sync's fields or ours
    """

    server: str | None = None
    directory: str | None = None
    workspace: str | None = None
    user: str | None = None
    password: Secret | None = None
    variable: str | None = None
    direction: str | None = None
    file: str | None = None

    @property
    def place(self) -> str:
        """What this job is known by to those who look for its daemon: its file, else its folder."""
        return self.file or self.directory or ""


def load(arguments: Arguments, env: Mapping[str, str]) -> JobSettings:
    """The job; its file is read (again). Raises ConfigError with every problem."""
    document = Document("", {}, {}) if arguments.file is None else read(arguments.file)
    theirs = pydio.is_pydio(document) or not document.value.keys() & set(pydio.FIELDS.values())
    said = _said(arguments)
    laid = _laid_over(document, said, theirs)
    # What a variable holds is taken as it stands, and counts as nothing that the file holds.
    secret = {} if arguments.password is None else {_PASSWORD: arguments.password.reveal()}
    try:
        return job_from(laid, {**env, **secret}, theirs=theirs)
    except ConfigError as error:
        raise _by_options(error, said, arguments.file) from error


def missing(arguments: Arguments, job: JobSettings) -> FieldProblem | None:
    """What keeps the job from its local folder now, if anything."""
    problem = missing_folder(job)
    if problem is None:
        return None
    [named] = _by_options(ConfigError([problem]), _said(arguments), arguments.file).problems
    return named


def _said(arguments: Arguments) -> dict[str, str]:
    """pydio-sync's fields, as far as arguments say them."""
    said: dict[str, str] = {
        field: text.replace("${", "$${")
        for field in ("server", "directory", "workspace", "user", "direction")
        if (text := getattr(arguments, field)) is not None
    }
    if arguments.password is not None:
        said["password"] = f"${{{_PASSWORD}}}" if arguments.password.reveal() else ""
    elif arguments.variable is not None:
        said["password"] = f"${{{arguments.variable}}}"
    return said


def _laid_over(document: Document, said: Mapping[str, str], theirs: bool) -> Document:
    value, lines = dict(document.value), dict(document.lines)
    for field, given in said.items():
        ours = pydio.FIELDS.get(field, field)
        name = field if theirs and ours not in document.value else ours
        if name == "sync_mode":
            given = pydio.DIRECTIONS.get(given, given)
        value[name] = given
        lines = {place: line for place, line in lines.items() if place[0] != name}
    if "password" in said:
        value.pop("password_file", None)
    if not value.keys() & {"server", "hostname"}:
        value["server" if theirs else "hostname"] = SERVER
    return Document(document.file, value, lines)


def _by_options(error: ConfigError, said: Mapping[str, str], file: str | None) -> ConfigError:
    """`error`, with the option in place of a field that came from one, or that only one could
    give."""
    options: dict[str, str] = {}
    for field, option in OPTIONS.items():
        if file is None or field in said:
            options |= {field: option, pydio.FIELDS.get(field, field): option}

    def named(problem: FieldProblem) -> FieldProblem:
        option = options.get(problem.field)
        return problem if option is None else replace(problem, file=option, field="", line=None)

    return ConfigError(named(problem) for problem in error.problems)


def absolute(folder: str) -> str:
    """A folder as it was typed, from where it was typed; `~` is left for the job to read."""
    return folder if not folder or folder.startswith("~") else os.path.abspath(folder)
