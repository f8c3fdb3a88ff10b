"""A job from arguments of the command line, as in pydio-sync, from a file, or from both.

An argument wins over its field in the file. Errors name what the person wrote: the option, or the
file's field.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from cargo_sync.config import pydio
from cargo_sync.config.errors import ConfigError, FieldProblem
from cargo_sync.config.job import JobSettings, job_from, missing_folder
from cargo_sync.config.job_document import read_job
from cargo_sync.config.job_shape import full_mode
from cargo_sync.config.relaxed import Document
from cargo_sync.config.secret import Secret

SERVER: Final = "localhost"
"""The server if none is given."""

OPTIONS: Final[Mapping[str, str]] = {
    "server": "-s",
    "directory": "-d",
    "workspace": "-w",
    "user": "-u",
    "password": "-p",
    "direction": "-dir",
    "allow_plain": "--allow-plain",
    "tls_fingerprint": "--tls-fingerprint",
}
"""From pydio-sync's field to its option."""

_PASSWORD: Final = "PASSWORD_ARGUMENT"  # noqa: S105 - a variable's name


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of the command line; None for those that were not given.

    directory   absolute
    direction   up, down or bi
    password    the password itself
    variable    the environment variable with the password, in place of `password`
    file        path of a job file, in pydio-sync's fields or ours
    allow_plain      http:// is allowed to any host
    tls_fingerprint  of the server's certificate
    """

    server: str | None = None
    directory: str | None = None
    workspace: str | None = None
    user: str | None = None
    password: Secret | None = None
    variable: str | None = None
    direction: str | None = None
    file: str | None = None
    allow_plain: bool = False
    tls_fingerprint: str | None = None

    @property
    def place(self) -> str:
        """The name by which the job's daemon is found: its file, else its folder."""
        return self.file or self.directory or ""


def load(arguments: Arguments, env: Mapping[str, str]) -> JobSettings:
    """Reads the job, and its file (again).

    Raises:
        ConfigError: with all problems.
    """
    document = Document("", {}, {}) if arguments.file is None else read_job(arguments.file)
    theirs = pydio.is_pydio(document) or not document.value.keys() & set(pydio.FIELDS.values())
    said = _said(arguments)
    laid = _laid_over(document, said, theirs)
    # The variable's value is taken literally, and does not count as written in the file.
    secret = {} if arguments.password is None else {_PASSWORD: arguments.password.reveal()}
    try:
        return job_from(laid, {**env, **secret}, theirs=theirs)
    except ConfigError as error:
        raise _by_options(error, said, arguments.file) from error


def missing(arguments: Arguments, job: JobSettings) -> FieldProblem | None:
    """Why the job's local folder cannot be used now, or None."""
    problem = missing_folder(job)
    if problem is None:
        return None
    [named] = _by_options(ConfigError([problem]), _said(arguments), arguments.file).problems
    return named


def _said(arguments: Arguments) -> dict[str, str | bool]:
    """The arguments as pydio-sync's fields, or ours that it does not have."""
    texts = ("server", "directory", "workspace", "user", "direction", "tls_fingerprint")
    said: dict[str, str | bool] = {
        field: text.replace("${", "$${")
        for field in texts
        if (text := getattr(arguments, field)) is not None
    }
    if arguments.allow_plain:
        said["allow_plain"] = True
    if arguments.password is not None:
        said["password"] = f"${{{_PASSWORD}}}" if arguments.password.reveal() else ""
    elif arguments.variable is not None:
        said["password"] = f"${{{arguments.variable}}}"
    return said


def _laid_over(document: Document, said: Mapping[str, str | bool], theirs: bool) -> Document:
    value, lines = dict(document.value), dict(document.lines)
    for field, given in said.items():
        ours = pydio.FIELDS.get(field, field)
        name = field if theirs and ours not in document.value else ours
        if name == "sync_mode":
            given = full_mode(given)
        value[name] = given
        lines = {place: line for place, line in lines.items() if place[0] != name}
    if "password" in said:
        value.pop("password_file", None)
    if not value.keys() & {"server", "hostname"}:
        value["server" if theirs else "hostname"] = SERVER
    return Document(document.file, value, lines)


def _by_options(
    error: ConfigError, said: Mapping[str, str | bool], file: str | None
) -> ConfigError:
    """The same error, with an option's name instead of its field where the option is the source."""
    options: dict[str, str] = {}
    for field, option in OPTIONS.items():
        if file is None or field in said:
            options |= {field: option, pydio.FIELDS.get(field, field): option}

    def named(problem: FieldProblem) -> FieldProblem:
        option = options.get(problem.field)
        if option is None:
            return problem
        message = problem.message.replace('write "allow_plain": true', "give --allow-plain")
        return replace(problem, message=message, file=option, field="", line=None)

    return ConfigError(named(problem) for problem in error.problems)


def absolute(folder: str) -> str:
    """A typed folder as an absolute path; `~` stays for the job to resolve."""
    return folder if not folder or folder.startswith("~") else os.path.abspath(folder)
