"""Deletions, one by one or many in a call.

Of many, each is checked: an answer that does not mention a key does not mean that it is gone.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.s3.answers import Records
from cargo_sync.s3.connection import S3Connection
from cargo_sync.s3.content import S3Content
from cargo_sync.s3.errors import S3Error, S3Refusal, refused
from cargo_sync.s3.requests import NAMESPACE, S3Request, checked_key, if_match_header

MOST: Final = 1000
"""Keys in a call."""

_ANSWER: Final[Records] = {"Deleted": ("Key",), "Error": ("Key", "Code", "Message")}
_PLAIN: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")
"""Keys that XML can hold, and that come back as they were sent."""
_NOT_OFFERED: Final = (400, 404, 405, 411, 501)


def delete_request(key: str, version: str = "", if_match: str = "") -> S3Request:
    """The deletion of one object, or of a version of it."""
    return S3Request(
        "DELETE",
        f"{key!r} could not be deleted",
        checked_key(key),
        [("versionId", version)] if version else [],
        if_match_header(if_match) if if_match else {},
        idempotent=not if_match,
    )


async def delete_many(connection: S3Connection, keys: Sequence[str]) -> Mapping[str, Problem]:
    """Deletes objects. Returns those that could not be deleted, and why.

    A server that does not offer many deletions in a call, or does not confirm one of them, is
    asked for single ones.

    Raises:
        S3Error: the server cannot be reached, or refuses all of it.
    """
    failed: dict[str, Problem] = {}
    singly = [key for key in keys if not _fits(key)]
    together = [key for key in keys if _fits(key)]
    for start in range(0, len(together), MOST):
        some = together[start : start + MOST]
        try:
            done, problems = await _together(connection, some)
        except S3Error as error:
            if error.status not in _NOT_OFFERED or error.server_code == "NoSuchBucket":
                raise
            singly += together[start:]
            break
        failed |= problems
        singly += [key for key in some if key not in done and key not in problems]
    for key in singly:
        try:
            await connection.headers(delete_request(key))
        except ProblemError as error:
            if isinstance(error, S3Error) and not error.status:
                raise
            failed[key] = error.problem
    return failed


async def _together(
    connection: S3Connection, keys: Sequence[str]
) -> tuple[set[str], Mapping[str, Problem]]:
    """The keys that the server confirms, and the problems of others."""
    what = f"{len(keys)} objects could not be deleted"
    listed = "".join(f"<Object><Key>{escape(key)}</Key></Object>" for key in keys)
    body = f'<Delete xmlns="{NAMESPACE}">{listed}</Delete>'
    content, _ = await connection.with_md5(S3Content((body.encode(),)))  # it always wants this one
    request = S3Request("POST", what, query=[("delete", "")], content=content)
    answer = await connection.answer(request, _ANSWER)
    done = {row[1] for row in answer.rows if row[0] == "Deleted"}
    problems = {}
    for _, key, code, message in (row for row in answer.rows if row[0] == "Error"):
        fields = {"Code": code, "Message": message}
        refusal = S3Refusal(f"{key!r} could not be deleted", connection.where, 500, {}, fields, 0.0)
        if code != "NoSuchKey":
            problems[key] = refused(refusal).problem
    return done, problems


def _fits(key: str) -> bool:
    return _PLAIN.fullmatch(key) is not None and key == key.strip()
