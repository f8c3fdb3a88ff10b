"""What is told of objects, as values. A list of many is columns: one value per object in each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class ObjectHead:
    """One object.

    size         bytes
    etag         without quotes and `W/`; "" if the server gives none
    modified_ns  ns since 1970, in steps of a second
    metadata     what it was stored with, names in lower case; a server may have left some out
    version      its id on a bucket with versions, else ""
    sealed       it is encrypted with a key of its own: then the ETag is no MD5
    """

    size: int
    etag: str
    modified_ns: int
    metadata: Mapping[str, str]
    version: str = ""
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """What the answer to a PUT says.

    etag     as in `ObjectHead`, "" if it says none
    version  as in `ObjectHead`
    is_md5   the ETag is the MD5 of what was sent
    """

    etag: str
    version: str
    is_md5: bool


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """Some of the objects of a bucket: columns, one value per object in each.

    keys         as the server tells them: nothing is known of their form
    sizes        bytes
    etags        as in `ObjectHead`
    modified_ns  ns since 1970
    prefixes     what stands for all keys that begin with it, if a delimiter was given
    undecodable  keys and prefixes that are not UTF-8, percent-encoded: no call can reach them
    """

    keys: Sequence[str]
    sizes: Sequence[int]
    etags: Sequence[str]
    modified_ns: Sequence[int]
    prefixes: Sequence[str] = ()
    undecodable: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class VersionPage:
    """Some of the versions in a bucket: columns, as in `ObjectPage`.

    versions  their ids
    latest    whether it is what a GET without a version meets
    deleted   whether it is a marker of a deletion; its size is 0 and its ETag ""
    """

    keys: Sequence[str]
    versions: Sequence[str]
    latest: Sequence[bool]
    deleted: Sequence[bool]
    sizes: Sequence[int]
    etags: Sequence[str]
    modified_ns: Sequence[int]
    undecodable: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """An upload in parts that was neither completed nor aborted; begun at ns since 1970."""

    key: str
    upload: str
    begun_ns: int


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part that the server has of an upload: its number from 1, its ETag and its bytes."""

    number: int
    etag: str
    size: int


class Versioning(StrEnum):
    """Whether a bucket keeps what is replaced and deleted."""

    ON = "on"
    SUSPENDED = "suspended"
    OFF = "off"
