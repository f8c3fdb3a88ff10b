"""Problems in words for a person at a prompt: there is no job whose file could be looked at."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from cargo_sync.model.problems import Code, Problem

_HINTS: Final[Mapping[Code, str]] = {
    Code.UNAUTHORIZED: "",
    Code.UNKNOWN_HOST: "look at the address",
    Code.CERTIFICATE: "session.look tells its fingerprint: give it as tls_fingerprint if it is the right one, "
    "or its CA as ca_file",
    Code.REFUSED: "",
    Code.PYDIO_SERVER: "start `cargo_sync server` beside it, on its files' folder, and open a session there",
}
"""What to do, where a job is told to look at its file."""


def in_a_session(problem: Problem) -> Problem:
    """The problem with a hint that fits a session."""
    hint = _HINTS.get(problem.code)
    return problem if hint is None or not problem.hint else replace(problem, hint=hint)


def told(problem: Problem) -> dict[str, str]:
    """The problem as the control plane tells it."""
    worded = in_a_session(problem)
    return {"code": worded.code_text, "message": worded.message, "hint": worded.hint}
