"""`cargo_sync check`: the problems of files of settings, without starting anything."""

import os
from collections.abc import Iterable, Mapping

from cargo_sync.config.callbacks import ANYWHERE, CallbackLimits
from cargo_sync.config.certificates import certificate_warnings
from cargo_sync.config.daemon import DaemonShape, daemon_from
from cargo_sync.config.errors import ConfigError
from cargo_sync.config.job import job_from, missing_folder
from cargo_sync.config.job_document import read_job
from cargo_sync.config.job_folder import Neighbours, job_files, not_read
from cargo_sync.config.job_shape import JobShape
from cargo_sync.config.node import NodeShape, missing_directory, node_from
from cargo_sync.config.pydio import is_pydio
from cargo_sync.config.relaxed import Document
from cargo_sync.config.server import missing_folders, server_from
from cargo_sync.config.server_shape import ServerShape
from cargo_sync.config.shape import Shape

_SHAPES: tuple[tuple[str, type[Shape]], ...] = (
    ("job", JobShape),
    ("daemon", DaemonShape),
    ("server", ServerShape),
    ("node", NodeShape),
)


def check(paths: Iterable[str], env: Mapping[str, str], now: float) -> tuple[list[str], int]:
    """Checks the files at `paths`; a folder stands for its job files.

    The jobs are also compared with each other, as in a daemon, and with the limits of a daemon's
    file that comes before them. `now`, unix seconds, decides which certificates end soon.

    Returns:
        The lines to print, and the exit code, 0 or 2.
    """
    lines: list[str] = []
    jobs = Neighbours()
    callbacks = ANYWHERE
    failed = False
    for path in paths:
        try:
            files = [path]
            if os.path.isdir(path):
                files = job_files(path)
                lines.extend(f"warning: {ignored}" for ignored in not_read(path))
        except ConfigError as error:
            files, failed = [], True
            lines.extend(map(str, error.problems))
        for file in files:
            try:
                warnings, callbacks = _check_file(file, env, now, jobs, callbacks)
            except ConfigError as error:
                failed = True
                lines.extend(map(str, error.problems))
            else:
                lines.append(f"{file}: OK")
                lines.extend(f"{file}: warning: {warning}" for warning in warnings)
    return lines, 2 if failed else 0


def _check_file(
    path: str, env: Mapping[str, str], now: float, jobs: Neighbours, callbacks: CallbackLimits
) -> tuple[tuple[str, ...], CallbackLimits]:
    """Checks one file; a job is added to `jobs`.

    Returns:
        The file's warnings, and the limits of callbacks for the files that follow.

    Raises:
        ConfigError: with all problems.
    """
    document = read_job(path)
    match _kind(document):
        case "server":
            server = server_from(document, env)
            if absent := missing_folders(document, server):
                raise ConfigError(absent)
            files = server.tls
            found = certificate_warnings(files.cert, files.key, now) if files is not None else ()
            return (*server.warnings, *found), callbacks
        case "node":
            node = node_from(document, env)
            if wrong := missing_directory(document, node):
                raise ConfigError(wrong)
            return (), callbacks
        case "daemon":
            return (), daemon_from(document, env).callbacks
        case _:
            job = job_from(document, env)
            problems = jobs.clashes(job)
            jobs.add(job)
            if missing := missing_folder(job):
                problems.append(missing)
            if problems:
                raise ConfigError(problems)
            return (*job.warnings, *callbacks.warnings(job.events)), callbacks


def _kind(document: Document) -> str:
    """The kind of file with the most fields in this one; of several, the first."""
    if "coordinator" in document.value:
        return "node"  # pydio-sync's files have a directory, too
    if is_pydio(document):
        return "job"
    counts = {
        kind: len(document.value.keys() & shape.model_fields.keys()) for kind, shape in _SHAPES
    }
    best = max(counts, key=lambda kind: counts[kind])
    if counts[best]:
        return best
    if not document.value:
        return "daemon"  # all of its fields are optional
    message = "has no field of a job, a server, a daemon or a node file"
    raise ConfigError([document.problem((), message, "see docs/configuration.md")])
