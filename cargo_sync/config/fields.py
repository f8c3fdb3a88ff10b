"""Types of fields that several files share, each with its check."""

import os
import re
import zoneinfo
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, InstanceOf, ValidationInfo

from cargo_sync.config import places, units
from cargo_sync.config.errors import quoted
from cargo_sync.config.expiry import parse_expiry
from cargo_sync.config.globs import GlobError
from cargo_sync.config.patterns import parsed
from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.config.secret import Secret, exposure, read_first_line
from cargo_sync.config.shape import describe, surroundings, wrong
from cargo_sync.config.system_keyring import password_of


@dataclass(frozen=True, slots=True)
class PasswordFile:
    """The password in a `password_file`, and a warning if others can read the file."""

    secret: Secret
    warning: str | None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be text in quotes, not {describe(value)}")
    return value


def _speed(value: Any) -> int:
    return units.parse_speed(_text(value))


def _clock(value: Any) -> int:
    return units.parse_clock(_text(value))


def _span(value: Any) -> float:
    return value if isinstance(value, float) else units.parse_span(_text(value))


def _secret(value: Any) -> Secret:
    text = _text(value)
    if not text:
        raise ValueError("is empty")
    return Secret(text)


def _job_password(value: Any, info: ValidationInfo) -> Secret:
    """Text, or where the system's keyring has it, for the job's user."""
    match value:
        case {"keyring": str(service), **rest} if service and not rest:
            user = info.data.get("username")
            # Without a valid user nobody is asked: that error is said alone.
            return Secret(service) if user is None else password_of(service, user)
        case dict():
            raise ValueError("is not such an object")
    return _secret(value)


def _remote(value: Any) -> RemoteAddress:
    return RemoteAddress.parse(_text(value))


def host_key(text: str) -> str:
    """A fingerprint of a host key, `SHA256:…`. Raises ValueError."""
    digest = text.strip().removeprefix("SHA256:").rstrip("=")
    if not re.fullmatch(r"[A-Za-z0-9+/]{43}", digest):
        raise ValueError("is not a fingerprint of a host key")
    return f"SHA256:{digest}"


def region(text: str) -> str:
    """The name of a region. Raises ValueError."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}", text):
        raise ValueError(f"{quoted(text)} is not a region")
    return text


def _local(text: str, info: ValidationInfo) -> str:
    around = surroundings(info)
    if around.folder is None and text and not text.startswith(("/", "~")):
        raise wrong(
            f"{text!r} is relative, but the file is sent to another folder; write an absolute path"
        )
    return places.local_path(text, around.folder or "/", around.env)


def _existing_file(text: str, info: ValidationInfo) -> str:
    path = _local(text, info)
    if not os.path.isfile(path):
        raise ValueError(f"there is no file {path}")
    return path


def _password_file(value: Any, info: ValidationInfo) -> PasswordFile:
    path = _local(_text(value), info)
    return PasswordFile(read_first_line(path), exposure(path))


def _zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {quoted(name)}") from None
    return name


def _pattern(text: str) -> str:
    try:
        parsed(text)
    except GlobError as error:
        raise ValueError(f"{quoted(text)} matches nothing: {error}") from None
    return text


def _ip(text: str) -> str:
    if not places.is_ip(text):
        raise ValueError(f"{quoted(text)} is not an IP address")
    return text


def _expiry(value: Any) -> float:
    return parse_expiry(_text(value))


def served_folder(path: str) -> str:
    """Checks that a folder can be served.

    The server makes the folder itself, but not those above it: a mistyped path must not be made.

    Raises:
        ValueError: it cannot be served.
    """
    places.not_reserved(path)
    if os.path.lexists(path) and not os.path.isdir(path):
        raise wrong(f"{path} is not a folder")
    above = os.path.dirname(path)
    if not os.path.isdir(above):
        raise wrong(f"there is no folder {above} to make {os.path.basename(path)} in")
    return path


def _size(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError(f"must be text in quotes, not {describe(value)}")
    return units.parse_size(value)


Expiry = Annotated[float, BeforeValidator(_expiry)]
Name = Annotated[str, AfterValidator(places.display_name)]
Segment = Annotated[str, AfterValidator(places.segment)]
LocalPath = Annotated[str, AfterValidator(_local)]
RootFolder = Annotated[LocalPath, AfterValidator(places.not_reserved)]
ServedFolder = Annotated[LocalPath, AfterValidator(served_folder)]
ExistingFile = Annotated[str, AfterValidator(_existing_file)]
RemotePath = Annotated[str, AfterValidator(places.remote_path)]
Remote = Annotated[InstanceOf[RemoteAddress], BeforeValidator(_remote)]
HostKey = Annotated[str, AfterValidator(host_key)]
Region = Annotated[str, AfterValidator(region)]
Fingerprint = Annotated[str, AfterValidator(places.fingerprint)]
Ip = Annotated[str, AfterValidator(_ip)]
Zone = Annotated[str, AfterValidator(_zone)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Speed = Annotated[int, BeforeValidator(_speed)]
ClockTime = Annotated[int, BeforeValidator(_clock)]
Span = Annotated[float, BeforeValidator(_span)]
Password = Annotated[InstanceOf[Secret], BeforeValidator(_secret)]
JobPassword = Annotated[InstanceOf[Secret], BeforeValidator(_job_password)]
StoredPassword = Annotated[InstanceOf[PasswordFile], BeforeValidator(_password_file)]
Days = Annotated[float, Field(ge=0)]
Size = Annotated[int, BeforeValidator(_size)]
Seconds = Annotated[float, Field(ge=0)]
Interval = Annotated[float, Field(gt=0)]
