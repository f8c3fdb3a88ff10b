"""Job files of pydio-sync, read as ours.

`translated` makes a document in our fields with the author's line numbers; `in_their_words` renames
the fields in an error back to the author's.

Fields of pydio-sync: server, workspace, directory, remote_folder, user, password, direction (up,
down, bi), solve (for bi), filters {includes, excludes}, active, label, and fields that only chose
how that program worked: frequency, timeout, poolsize, id. A file may also contain our fields.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from cargo_sync.config.errors import ConfigError, FieldProblem
from cargo_sync.config.job_document import TYPE
from cargo_sync.config.job_shape import MODES, JobShape
from cargo_sync.config.relaxed import Document, FieldPath
from cargo_sync.config.shape import NO_FIELD, name_hint

FIELDS: Final[Mapping[str, str]] = {
    "server": "hostname",
    "directory": "local_dir",
    "remote_folder": "remote_dir",
    "user": "username",
    "direction": "sync_mode",
    "label": "sync_name",
    "active": "enabled",
}
"""Their names and ours, where they differ. `solve` is another one, in a job of both directions."""

_FILTERS: Final[Mapping[str, str]] = {"includes": "include", "excludes": "exclude"}
_DROPPED: Final = frozenset({
    TYPE, "id", "solve", "timeout", "poolsize", "frequency", "monitor", "trust_ssl",
    "poll_interval", "online_timer", "server_configs",
    "hide_up_dir", "hide_bi_dir", "hide_down_dir",
})  # fmt: skip
"""Fields without a meaning here: Cargo decides about lanes and retries itself. `solve` has one in
a job of both directions."""

SOLUTIONS: Final[Mapping[str, str]] = {
    "both": "keep_both",
    "local": "local",
    "remote": "remote",
    "manual": "ask",
}
"""Their `solve` and our `conflicts`, in a job of both directions."""

_ALWAYS: Final = frozenset({"manual", "time"})


def is_pydio(document: Document) -> bool:
    """Whether the file uses pydio-sync's fields."""
    return bool({"directory", TYPE} & document.value.keys()) or (
        "server" in document.value and "user" in document.value
    )


def translated(document: Document) -> tuple[Document, list[str]]:
    """The document in our fields, and warnings about what works differently.

    Raises:
        ConfigError: an unknown direction; a field that is there in both spellings.
    """
    value: dict[str, Any] = {}
    lines: dict[FieldPath, int] = {}
    problems: list[FieldProblem] = []
    warnings = _of_pydio(document)
    for field, given in document.value.items():
        ours = FIELDS.get(field, field)
        if ours != field and ours in document.value:
            problems.append(
                document.problem((field,), f'is the same field as "{ours}"', "keep one of them")
            )
        if _is_dropped(document, field, given):
            warnings += _dropped(field, given)
            continue
        match field:
            case "solve":
                ours = "conflicts"
                given, refused = _solution(document, given)
                problems += refused
            case "direction":
                given, refused = _direction(document, given)
                problems += refused
            case "filters" if isinstance(given, dict):
                given = {_FILTERS.get(name, name): item for name, item in given.items()}
        value[ours] = given
        lines |= _lines(document, field, ours)
    if "direction" not in document.value and "sync_mode" not in document.value:
        value["sync_mode"] = "bidirectional"
    if problems:
        raise ConfigError(problems)
    kept = TYPE in document.value and not value.keys() & {"password", "password_file"}
    if kept and (server := document.value.get("server")):
        # It keeps passwords in the system's keyring, under the server's address as it is written.
        value["password"] = {"keyring": server}
    value.setdefault("sync_name", _name(value))
    return Document(document.file, value, lines), warnings


def _is_dropped(document: Document, field: str, given: Any) -> bool:
    """Whether a field has no meaning here; also what its program writes for "nothing"."""
    if field == "solve":
        return not _both_ways(document)
    if field == "start_time" and isinstance(given, dict):  # for "frequency": "time"
        return True
    return field in _DROPPED or (TYPE in document.value and given in ("", None))


def _lines(document: Document, field: str, ours: str) -> dict[FieldPath, int]:
    """The lines of a field and of what is in it, by our names."""
    lines = {}
    for place, line in document.lines.items():
        if place[0] == field:
            inner = place[1:]
            if field == "filters" and inner and isinstance(inner[0], str):
                inner = (_FILTERS.get(inner[0], inner[0]), *inner[1:])
            lines[(ours, *inner)] = line
    return lines


def in_their_words(error: ConfigError) -> ConfigError:
    """The same error with the field names that the author used."""
    back = {ours: theirs for theirs, ours in FIELDS.items()}
    inside = {f"filters.{ours}": f"filters.{theirs}" for theirs, ours in _FILTERS.items()}

    known = {*FIELDS, *_DROPPED, *(JobShape.model_fields.keys() - back.keys())}

    def named(problem: FieldProblem) -> FieldProblem:
        if problem.message == NO_FIELD and "." not in problem.field:
            return replace(problem, hint=name_hint(problem.field, known))
        for ours, theirs in inside.items():
            if problem.field.startswith(ours):
                return replace(problem, field=theirs + problem.field[len(ours) :])
        return replace(problem, field=back.get(problem.field, problem.field))

    return ConfigError(named(problem) for problem in error.problems)


def _direction(document: Document, given: Any) -> tuple[Any, list[FieldProblem]]:
    if isinstance(given, str) and given in MODES:
        return MODES[given], []
    message = f'"{given}" is not allowed' if isinstance(given, str) else "must be text in quotes"
    return given, [document.problem(("direction",), message, 'expected: "up", "down" or "bi"')]


def _solution(document: Document, given: Any) -> tuple[Any, list[FieldProblem]]:
    if isinstance(given, str) and given in SOLUTIONS:
        return SOLUTIONS[given], []
    message = f'"{given}" is not allowed' if isinstance(given, str) else "must be text in quotes"
    expected = 'expected: "both", "local", "remote" or "manual"'
    return given, [document.problem(("solve",), message, expected)]


def _both_ways(document: Document) -> bool:
    """Whether the job has both directions; that is also the meaning of a missing direction."""
    theirs = document.value.get("direction")
    return theirs in ("bi", None) and document.value.get("sync_mode") not in ("upload", "download")


def _dropped(field: str, given: Any) -> list[str]:
    if field == "frequency" and isinstance(given, str) and given in _ALWAYS:
        return [
            f'frequency "{given}" has no effect: the job looks for changes itself, every "sleep" '
            'seconds; "start_time" and "end_time" limit it to some hours'
        ]
    if field == "trust_ssl" and given is True:
        return [
            "trust_ssl has no effect: a server with a certificate of its own is trusted by the "
            'fingerprint of it; write "tls_fingerprint", or give --tls-fingerprint'
        ]
    if field == "solve" and given not in ("manual", "both", None):
        return [f'solve "{given}" has no effect: nothing is lost, replaced files are in the trash']
    return []


def _of_pydio(document: Document) -> list[str]:
    """A warning if the address of Pydio itself stands where ours would have a port."""
    server = document.value.get("server") if TYPE in document.value else None
    if not isinstance(server, str) or "+" in server:
        return []
    try:
        if urlsplit(server if "://" in server else f"//{server}").port is not None:
            return []
    except ValueError:
        return []  # it is said elsewhere
    scheme = "http" if server.lower().startswith("http://") else "https"
    return [
        "server is taken for a Cargo server, at port 8443; if it is Pydio, begin it with "
        f"pydio+{scheme}://"
    ]


def _name(value: Mapping[str, object]) -> str:
    """A name for a job that has none: the workspace and the folder."""
    folder = os.path.basename(str(value.get("local_dir", "")).rstrip("/"))
    return " ".join(part for part in (str(value.get("workspace", "")), folder) if part) or "pydio"
