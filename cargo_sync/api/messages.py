"""The messages of the control plane as values: requests, replies and what the feed says.

JSON, version 1; docs/control-protocol.md describes them for people. Whatever bytes arrive, parsing
gives a value or raises `BadMessage`, nothing else; whatever a value holds, encoding gives UTF-8 (a
name with bytes that are no text is written with backslashes).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

VERSION = 1
LONGEST_ID = 128
LONGEST_COMMAND = 64
HEADER = frozenset({"v", "epoch", "seq", "time", "type", "cursor", "replay"})
"""Names that a feed message's own fields may not have."""

JsonObject = Mapping[str, object]
"""An object of JSON values, made by an encoder: nobody but a decoder looks into it."""


class ReplyCode(StrEnum):
    """Why a request was refused. Programs compare these; the message is for people."""

    BAD_MESSAGE = "bad_message"
    """Not one JSON object of the form of a request, nor a legacy order."""
    UNSUPPORTED_VERSION = "unsupported_version"
    UNKNOWN_COMMAND = "unknown_command"
    BAD_ARGUMENT = "bad_argument"
    """An argument is missing, unknown, of the wrong type or out of its bounds."""
    UNKNOWN_JOB = "unknown_job"
    UNKNOWN_TRANSFER = "unknown_transfer"
    """No file of this id is on its way; or the session has no get or put of it."""
    UNKNOWN_TEST = "unknown_test"
    """No such test, or it is older than an hour."""
    UNKNOWN_RUN = "unknown_run"
    """No such run, or its plan is older than an hour."""
    UNKNOWN_CALLBACK = "unknown_callback"
    """No callback of this id, or the job asks for none of this event."""
    NOT_HELD = "not_held"
    """There is nothing to approve."""
    DISABLED = "disabled"
    """The job's file says `"enabled": false`."""
    PAUSED = "paused"
    """The job must be started before it can do this."""
    OUTSIDE_WINDOW = "outside_window"
    """The job may not move files at this time of day; it begins by itself."""
    BAD_CONFIG = "bad_config"
    """A job's file could not be loaded; the job goes on as it was."""
    ONE_JOB = "one_job"
    """The daemon runs one job file and takes no other."""
    FORBIDDEN = "forbidden"
    """Whoever asks may not do this: a key that may only watch, a plain port, a key that was
    revoked."""
    UNKNOWN_KEY = "unknown_key"
    KEY_EXISTS = "key_exists"
    """A key of this name, or this very key, is admitted already."""
    NO_KEYS = "no_keys"
    """There is no port that keys would open."""
    UNKNOWN_USER = "unknown_user"
    UNKNOWN_WORKSPACE = "unknown_workspace"
    USER_EXISTS = "user_exists"
    WORKSPACE_EXISTS = "workspace_exists"
    IN_FILE = "in_file"
    """The server's file says it, and wins: it is changed there."""
    UNKNOWN_SESSION = "unknown_session"
    """It was closed, or unused for too long; or the daemon that had it is gone."""
    BUSY = "busy"
    """Too many requests are being answered; try again."""
    INTERNAL = "internal"
    """A mistake in the daemon; its log has the details."""


class ControlError(Exception):
    """What a handler raises to refuse a request: a code for programs, a sentence and a hint for
    people."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __repr__(self) -> str:
        return f"ControlError({str(self.code)!r}, {self.message!r}, {self.hint!r})"


class BadMessage(Exception):  # noqa: N818 - it says what was received, which is not our error
    """Bytes that are no message: `code` is bad_message or unsupported_version, `id` as far as it
    was read."""

    def __init__(
        self, message: str, *, code: str = ReplyCode.BAD_MESSAGE, id: str = "", hint: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.id = id
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Request:
    """A command to carry out. `id` ties the reply to it and makes a repetition harmless; "" does
    neither."""

    cmd: str
    args: JsonObject = field(default_factory=dict)
    id: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The error half of a reply. `code` is one of `ReplyCode`, or one that a later version knows."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request: a result, or an error and no result."""

    id: str
    result: JsonObject = field(default_factory=dict)
    error: Refusal | None = None


@dataclass(frozen=True, slots=True)
class FeedMessage:
    """One message of the feed.

    topic   what was subscribed to begins this, such as "job/nightly/status"
    type    status, progress, transfer, notice or session
    epoch   one life of the daemon: when it changes, every topic counts from the start again
    seq     counts by one a topic, from 1
    time    unix seconds
    fields  the rest of the JSON object, by type
    cursor  of the event row that this tells of, where there is one
    replay  an old message, sent again because somebody subscribed
    missed  messages of this topic that were lost just before this one; known to the receiver alone
    """

    topic: str
    type: str
    epoch: str
    seq: int
    time: float
    fields: dict[str, Any] = field(default_factory=dict)
    cursor: int | None = None
    replay: bool = False
    missed: int = 0


def encode(value: Any) -> bytes:
    """`value` as JSON. Raises TypeError for what JSON cannot hold; text that is not UTF-8 is
    escaped."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return orjson.dumps(_readable(value))


def _readable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_readable(key): _readable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(item) for item in value]
    return value


def encode_request(request: Request) -> bytes:
    return encode({"v": VERSION, "id": request.id, "cmd": request.cmd, "args": request.args})


def encode_reply(reply: Reply) -> bytes:
    """The reply as JSON. Raises TypeError when the result holds what JSON cannot."""
    body: dict[str, Any] = {"v": VERSION, "id": reply.id, "ok": reply.error is None}
    if reply.error is None:
        return encode(body | {"result": reply.result})
    error = {"code": str(reply.error.code), "message": reply.error.message}
    if reply.error.hint:
        error["hint"] = reply.error.hint
    return encode(body | {"error": error})


def encode_feed(message: FeedMessage) -> bytes:
    """The second part of a feed message; the first is its topic.

    Raises:
        ValueError: a field has a name of the header.
    """
    if not HEADER.isdisjoint(message.fields):
        raise ValueError(f"the header has these names: {sorted(HEADER & message.fields.keys())}")
    head: dict[str, Any] = {
        "v": VERSION,
        "epoch": message.epoch,
        "seq": message.seq,
        "time": message.time,
        "type": message.type,
    }
    if message.cursor is not None:
        head["cursor"] = message.cursor
    if message.replay:
        head["replay"] = True
    return encode(head | message.fields)


def parse_request(raw: bytes) -> Request:
    """The request that `raw` is.

    `cmd` is required; `v` is 1 if left out, `args` none, `id` empty. Raises BadMessage.
    """
    fields = _object(raw)
    id = fields.get("id", "")
    if not isinstance(id, str) or len(id) > LONGEST_ID:
        raise BadMessage(f'"id" must be text of at most {LONGEST_ID} characters')
    _check_version(fields, id)
    unknown = fields.keys() - {"v", "id", "cmd", "args"}
    if unknown:
        raise BadMessage(
            f'unknown field "{min(unknown)[:LONGEST_COMMAND]}"',
            id=id,
            hint="a request has v, id, cmd and args",
        )
    cmd, args = fields.get("cmd"), fields.get("args", {})
    if not isinstance(cmd, str) or not 0 < len(cmd) <= LONGEST_COMMAND:
        raise BadMessage('"cmd" must be the name of a command', id=id, hint='such as "status"')
    if not isinstance(args, dict):
        raise BadMessage('"args" must be an object', id=id)
    return Request(cmd, args, id)


def parse_reply(raw: bytes) -> Reply:
    """The reply that `raw` is; fields that are not known are ignored. Raises BadMessage."""
    fields = _object(raw)
    id = fields.get("id")
    if not isinstance(id, str):
        raise BadMessage('a reply without "id"')
    _check_version(fields, id)
    if fields.get("ok") is True:
        result = fields.get("result")
        if not isinstance(result, dict):
            raise BadMessage('a reply without "result"', id=id)
        return Reply(id, result)
    error = fields.get("error")
    if not isinstance(error, dict):
        raise BadMessage('a reply without "error"', id=id)
    code, message, hint = (error.get(name, "") for name in ("code", "message", "hint"))
    if not (isinstance(code, str) and isinstance(message, str) and isinstance(hint, str)):
        raise BadMessage("a reply whose error is no text", id=id)
    return Reply(id, error=Refusal(code, message, hint))


def parse_feed(topic: bytes, raw: bytes) -> FeedMessage:
    """The feed message of these two parts. Raises BadMessage."""
    fields = _object(raw)
    _check_version(fields, "")
    for name in ("epoch", "type"):
        _need(isinstance(fields.get(name), str), name)
    for name in ("seq", "time"):
        _need(_number(fields.get(name)), name)
    cursor, replay = fields.get("cursor"), fields.get("replay", False)
    _need(cursor is None or _whole(cursor), "cursor")
    _need(isinstance(replay, bool), "replay")
    try:
        where = topic.decode()
    except UnicodeDecodeError as error:
        raise BadMessage("a topic that is no text") from error
    return FeedMessage(
        where,
        fields["type"],
        fields["epoch"],
        int(fields["seq"]),
        float(fields["time"]),
        {key: value for key, value in fields.items() if key not in HEADER},
        cursor,
        replay,
    )


def _need(holds: bool, name: str) -> None:
    if not holds:
        raise BadMessage(f'a feed message without a proper "{name}"')


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_FORMS = (
    "send one JSON object of UTF-8 text, or one of the orders START, PAUSE, RELOAD and LIST-JOBS"
)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(raw)
    except ValueError as error:
        raise BadMessage(f"this is not JSON: {error}", hint=_FORMS) from error
    if not isinstance(value, dict):
        raise BadMessage(
            "this is JSON, but not an object", hint='such as {"v":1,"id":"1","cmd":"status"}'
        )
    return value


def _check_version(fields: dict[str, Any], id: str) -> None:
    version = fields.get("v", VERSION)
    if not _whole(version) or version != VERSION:
        raise BadMessage(
            f'"v" must be {VERSION}',
            code=ReplyCode.UNSUPPORTED_VERSION,
            id=id,
            hint="this is the only version known",
        )
