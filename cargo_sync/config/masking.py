"""The secrets of a job file, hidden: people see and edit the text with `MASK` in their places.

A text that comes back with `MASK` means the secret that the file has there.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from cargo_sync.config.editing import Fields, fields_of, replaced
from cargo_sync.config.errors import ConfigError, FieldProblem
from cargo_sync.config.job_document import TYPE
from cargo_sync.config.options import SHOWN
from cargo_sync.config.relaxed import FieldPath, parse

MASK: Final = "<unchanged>"
_VARIABLE: Final = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_SECRET: Final = re.compile(r"pass|pasw|pwd|secret|token", re.IGNORECASE)
"""Names of fields, also mistyped ones, that may hold a secret."""
_NO_SECRET: Final = frozenset({"password_file", "key_passphrase_file"})
_ADDRESSES: Final = frozenset({"hostname", "server"})
"""Where people write a password before an @, which is an error."""


def secret_places(fields: Fields) -> Iterator[FieldPath]:
    """The places of a job file's content that hold a secret.

    Those are the password, the options of a cloud, and of each event its secret and the values of
    its headers. The name of a variable of the environment is no secret.
    """
    for name, value in fields.items():
        if name == "events" and isinstance(value, Mapping):
            yield from _of_events(value)
        elif name == "options":
            yield from _of_options(value)
        elif isinstance(value, Mapping) and TYPE in value:  # a job in a file of pydio-sync
            yield from ((name, *place) for place in secret_places(value))
        elif name in _ADDRESSES:
            if isinstance(value, str) and ("@" in value or value == MASK):
                yield (name,)
        elif name not in _NO_SECRET and _SECRET.search(name) and _is_secret(value):
            yield (name,)


def _of_options(options: object) -> Iterator[FieldPath]:
    if isinstance(options, Mapping):
        for name, value in options.items():
            if name not in SHOWN and _is_secret(value):
                yield ("options", name)
    elif _is_secret(options):
        yield ("options",)


def _of_events(events: Mapping[str, object]) -> Iterator[FieldPath]:
    for event, fields in events.items():
        if not isinstance(fields, Mapping):
            continue
        for name, value in fields.items():
            place = ("events", event, name)
            if name != "headers":
                if _SECRET.search(name) and _is_secret(value):
                    yield place
            elif isinstance(value, Mapping):
                yield from ((*place, header) for header, one in value.items() if _is_secret(one))
            elif _is_secret(value):
                yield place


def _is_secret(value: object) -> bool:
    """Whether a value stands there itself.

    Null is none, and neither is the name of a variable or where the system's keyring has it.
    """
    if isinstance(value, Mapping) and value.keys() == {"keyring"}:
        return not isinstance(value["keyring"], str)
    return value is not None and not (isinstance(value, str) and _VARIABLE.fullmatch(value))


def masked(text: str, file: str) -> str:
    """The text of a file with `MASK` instead of each secret.

    Raises:
        ConfigError: it is not relaxed JSON, so nobody knows where its secrets are.
    """
    text = text.replace("\r\n", "\n")
    for place in secret_places(fields_of(text, file)):
        text = replaced(text, place, MASK)
    return text


def unmasked(text: str, file: str, before: str | None) -> str:
    """The text with the secrets of the text `before` instead of `MASK`.

    Raises:
        ConfigError: it is not relaxed JSON, or there is no secret for a `MASK`.
    """
    fields = fields_of(text, file)
    places = [place for place in secret_places(fields) if _at(fields, place) == MASK]
    if not places:
        return text
    kept = parse(before, file).value if before is not None else {}
    document = parse(text, file)
    problems: list[FieldProblem] = []
    for place in places:
        found = _at(kept, place)
        if found is None or found == MASK:
            message = f'"{MASK}" stands for a secret that stays as it is, and there is none yet'
            problems.append(document.problem(place, message, "write it"))
        else:
            text = replaced(text, place, found)
    if problems:
        raise ConfigError(problems)
    return text


def _at(fields: object, place: FieldPath) -> object:
    """The value at a place, or None."""
    for part in place:
        if not isinstance(fields, Mapping):
            return None
        fields = fields.get(part)
    return fields
