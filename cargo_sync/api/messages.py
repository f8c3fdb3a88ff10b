"""The messages of the control protocol as values: requests, replies and messages of the feed.

They are JSON, version 1; docs/control-protocol.md describes them. Parsing any bytes gives a value
or raises `BadMessage`, nothing else. Encoding always gives UTF-8; bytes of a name that are not
UTF-8 are escaped with backslashes.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from cargo_sync.api.keys import is_key_name
from cargo_sync.api.roles import Role

VERSION = 1
LONGEST_ID = 128
LONGEST_COMMAND = 64
LONGEST_LIST = 100
"""Texts in one argument that is a list."""
HEADER = frozenset({"v", "epoch", "seq", "time", "type", "cursor", "replay"})
"""Names that other fields of a feed message must not have."""

JsonObject = Mapping[str, object]
"""An object of JSON values that an encoder made; only decoders may read it."""


class ReplyCode(StrEnum):
    """Why a request was refused. Programs compare these; the message is for people."""

    BAD_MESSAGE = "bad_message"
    """The message is neither a request in JSON nor a legacy order."""
    UNSUPPORTED_VERSION = "unsupported_version"
    UNKNOWN_COMMAND = "unknown_command"
    BAD_ARGUMENT = "bad_argument"
    """An argument is missing, unknown, of the wrong type or out of its range."""
    UNKNOWN_JOB = "unknown_job"
    UNKNOWN_TRANSFER = "unknown_transfer"
    """No transfer has this id, or the session has no such get or put."""
    UNKNOWN_TEST = "unknown_test"
    """There is no such test, or it is older than an hour."""
    UNKNOWN_RUN = "unknown_run"
    """There is no such run, or its plan is older than an hour."""
    UNKNOWN_CALLBACK = "unknown_callback"
    """No callback has this id, or the job asks for none for this event."""
    UNKNOWN_CONFLICT = "unknown_conflict"
    """No conflict has this number, or it was resolved long ago."""
    RESOLVED = "resolved"
    """The conflict is resolved already."""
    NOT_HELD = "not_held"
    """There is nothing to approve."""
    DISABLED = "disabled"
    """The job's file has `"enabled": false`."""
    PAUSED = "paused"
    """The job must be started first."""
    OUTSIDE_WINDOW = "outside_window"
    """The job may not move files at this time of day; it starts by itself."""
    BAD_CONFIG = "bad_config"
    """A job's file could not be loaded; the job keeps its old settings."""
    ONE_JOB = "one_job"
    """The daemon runs only one job file."""
    FORBIDDEN = "forbidden"
    """The caller may not do this: its key may only watch or was revoked, or the port is plain."""
    UNKNOWN_KEY = "unknown_key"
    KEY_EXISTS = "key_exists"
    """There is a key with this name, or the same key, already."""
    NO_KEYS = "no_keys"
    """The process has no port with keys."""
    UNKNOWN_USER = "unknown_user"
    UNKNOWN_WORKSPACE = "unknown_workspace"
    UNKNOWN_INVITATION = "unknown_invitation"
    """No open invitation has this id: it may have been used, or have expired."""
    UNKNOWN_DEVICE = "unknown_device"
    UNKNOWN_NODE = "unknown_node"
    UNKNOWN_SERVER = "unknown_server"
    NOT_DRAINED = "not_drained"
    """The storage node may have copies that are needed."""
    USER_EXISTS = "user_exists"
    WORKSPACE_EXISTS = "workspace_exists"
    IN_FILE = "in_file"
    """The server's file sets it, and has priority: change it there."""
    UNKNOWN_SESSION = "unknown_session"
    """The session was closed or not used for too long, or the daemon was restarted."""
    BUSY = "busy"
    """Too many requests run at the same time; try again."""
    INTERNAL = "internal"
    """A bug in the daemon; its log has the details."""


class ControlError(Exception):
    """Raised by handlers to refuse a request: a code for programs, message and hint for people."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __repr__(self) -> str:
        return f"ControlError({str(self.code)!r}, {self.message!r}, {self.hint!r})"


class BadMessage(Exception):  # noqa: N818 - it describes what was received, not an error of ours
    """Bytes that are not a message.

    code  bad_message or unsupported_version
    id    of the message, if it could be read; else ""
    """

    def __init__(
        self, message: str, *, code: str = ReplyCode.BAD_MESSAGE, id: str = "", hint: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.id = id
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Principal:
    """A person for whom a front end sends a request, such as one who is logged in at a page.

    name  for the audit: letters, digits and `_ . @ -`, at most 64
    role  what this person may do: `watch` or `control`
    """

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Request:
    """A command to execute.

    id        is in the reply too, and makes a repetition harmless; "" does neither
    sent_for  the person for whom it is sent, if it is not the caller: `for` in JSON
    """

    cmd: str
    args: JsonObject = field(default_factory=dict)
    id: str = ""
    sent_for: Principal | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """The error in a reply. `code` is one of `ReplyCode`, of a problem, or of a later version."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to a request: a result, or an error without a result."""

    id: str
    result: JsonObject = field(default_factory=dict)
    error: Refusal | None = None


@dataclass(frozen=True, slots=True)
class FeedMessage:
    """One message of the feed.

    topic   such as "job/nightly/status"; a subscription is a prefix of it
    type    status, progress, transfer, notice or session
    epoch   differs for each start of the daemon: each topic counts from 1 again
    seq     the number of the message in its topic, from 1
    time    unix seconds
    fields  the other fields of the JSON object, which depend on the type
    cursor  of the event row that it reports, if there is one
    replay  an old message, sent again to a new subscriber
    missed  messages of this topic that were lost before this one; the receiver sets it
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
    """`value` as JSON; text that is not UTF-8 is escaped. Raises TypeError for other types."""
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
    """The request as JSON. Raises TypeError if JSON cannot hold its arguments."""
    body = {"v": VERSION, "id": request.id, "cmd": request.cmd, "args": request.args}
    if request.sent_for is not None:
        body["for"] = {"name": request.sent_for.name, "role": str(request.sent_for.role)}
    return encode(body)


def encode_reply(reply: Reply) -> bytes:
    """The reply as JSON. Raises TypeError if JSON cannot hold its result."""
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
    """Decodes a request. Raises BadMessage.

    `cmd` is required. The defaults of the others: `v` is 1, `args` is empty, `id` is "".
    """
    fields = _object(raw)
    id = fields.get("id", "")
    if not isinstance(id, str) or len(id) > LONGEST_ID:
        raise BadMessage(f'"id" must be text of at most {LONGEST_ID} characters')
    _check_version(fields, id)
    unknown = fields.keys() - {"v", "id", "cmd", "args", "for"}
    if unknown:
        raise BadMessage(
            f'unknown field "{min(unknown)[:LONGEST_COMMAND]}"',
            id=id,
            hint="a request has v, id, cmd, args and for",
        )
    cmd, args = fields.get("cmd"), fields.get("args", {})
    if not isinstance(cmd, str) or not 0 < len(cmd) <= LONGEST_COMMAND:
        raise BadMessage('"cmd" must be the name of a command', id=id, hint='such as "status"')
    if not isinstance(args, dict):
        raise BadMessage('"args" must be an object', id=id)
    return Request(cmd, args, id, _person(fields["for"], id) if "for" in fields else None)


def _person(value: object, id: str) -> Principal:
    if isinstance(value, dict) and value.keys() == {"name", "role"}:
        name, role = value["name"], value["role"]
        if is_key_name(name) and role in (Role.WATCH, Role.CONTROL):
            return Principal(name, Role(role))
    raise BadMessage(
        '"for" must be an object with the name of a person and the role watch or control', id=id
    )


def parse_reply(raw: bytes) -> Reply:
    """Decodes a reply; unknown fields are ignored. Raises BadMessage."""
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
        raise BadMessage("a reply whose error is not text", id=id)
    return Reply(id, error=Refusal(code, message, hint))


def parse_feed(topic: bytes, raw: bytes) -> FeedMessage:
    """Decodes a feed message from its two parts. Raises BadMessage."""
    try:
        where = topic.decode()
    except UnicodeDecodeError as error:
        raise BadMessage("a topic that is not text") from error
    return _feed_message(where, _object(raw))


def last_messages(page: JsonObject) -> list[FeedMessage]:
    """The messages in the result of `feed.last`; those that cannot be decoded are left out."""
    rows, found = page.get("messages"), []
    for row in rows if isinstance(rows, list) else ():
        with suppress(BadMessage):
            if isinstance(row, dict) and isinstance(topic := row.pop("topic", None), str):
                found.append(_feed_message(topic, row))
    return found


def _feed_message(topic: str, fields: dict[str, Any]) -> FeedMessage:
    _check_version(fields, "")
    for name in ("epoch", "type"):
        _need(isinstance(fields.get(name), str), name)
    for name in ("seq", "time"):
        _need(_number(fields.get(name)), name)
    cursor, replay = fields.get("cursor"), fields.get("replay", False)
    _need(cursor is None or _whole(cursor), "cursor")
    _need(isinstance(replay, bool), "replay")
    return FeedMessage(
        topic,
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
        raise BadMessage(f'a feed message without a valid "{name}"')


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
            hint="there is no other version yet",
        )
