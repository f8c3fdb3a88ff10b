"""Reading what a client asks: fields of a body and of a query, checked, with errors that name the
field."""

import re
from collections.abc import Mapping
from typing import Any, Final

from cargo_sync.model import paths
from cargo_sync.model.problems import ProblemError
from cargo_sync.server.refusals import bad_request

LARGEST: Final = 2**63 - 1
"""What fits SQLite and JSON readers alike."""


def text(body: Mapping[str, Any], field: str, most: int = 4096) -> str:
    """A text of at most `most` characters. Raises ProblemError "bad_request"."""
    value = body.get(field)
    if not isinstance(value, str) or len(value) > most:
        raise bad_request(f'"{field}" must be text of at most {most} characters')
    return value


def path(body: Mapping[str, Any], field: str) -> str:
    """A path in a workspace, "" for the workspace itself. Raises ProblemError "bad_path",
    "bad_request"."""
    return paths.check(text(body, field, paths.PATH_BYTES))


def whole(
    body: Mapping[str, Any], field: str, default: int | None = None, most: int = LARGEST
) -> int:
    """A whole number, 0 to `most`; without a default it must be given. Raises ProblemError
    "bad_request"."""
    value = body.get(field, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise bad_request(f'"{field}" must be a whole number from 0 to {most}')
    return value


def rate(body: Mapping[str, Any], field: str) -> int | None:
    """Bits a second, 1 or more; null for no limit. Raises ProblemError "bad_request"."""
    if field in body and body[field] is None:
        return None
    value = whole(body, field)
    if value < 1:
        raise bad_request(f'"{field}" must be at least 1 bit a second, or null for no limit')
    return value


def run(body: Mapping[str, Any]) -> str:
    """The id of the run that something belongs to: what is displaced goes to the trash under its
    name.

    Raises ProblemError "bad_request". A request without one is a run of its own kind, "http".
    """
    value = body.get("run", "http")
    if not isinstance(value, str) or not _RUN.fullmatch(value):
        raise bad_request('"run" must be 1 to 64 letters, digits, "-" or "_"')
    return value


def rows(body: Mapping[str, Any], field: str, most: int) -> list[Any]:
    """A list of at most `most` items. Raises ProblemError "bad_request"."""
    value = body.get(field)
    if not isinstance(value, list):
        raise bad_request(f'"{field}" must be a list')
    if len(value) > most:
        raise bad_request(f'"{field}" has {len(value):,} items; at most {most:,} are taken at once')
    return value


_RUN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class Query:
    """The query of an address. Unknown fields are errors, as they are everywhere."""

    def __init__(self, given: Mapping[str, str], *known: str) -> None:
        """Raises ProblemError "bad_request"."""
        self._given = given
        if unknown := sorted(set(given) - set(known)):
            raise bad_request(
                f'"{unknown[0][:40]}" is not a field here', "there is " + ", ".join(known)
            )

    def whole(self, field: str, default: int, most: int = LARGEST) -> int:
        value = self._given.get(field)
        if value is None:
            return default
        # int() alone would take spaces, signs, underscores and other scripts' digits.
        if not (value.isascii() and value.isdigit()) or len(value) > 19 or int(value) > most:
            raise bad_request(f'"{field}" must be a whole number from 0 to {most}')
        return int(value)

    def cursor(self, field: str) -> int:
        """A sequence that a client has seen; -1, like nothing, for one that has seen none."""
        return 0 if self._given.get(field) == "-1" else self.whole(field, 0)

    def path(self, field: str) -> str:
        try:
            return paths.check(self._given.get(field, ""))
        except ProblemError as error:
            raise error.at("") from None

    def name(self, field: str) -> str:
        return self._given.get(field, "")
