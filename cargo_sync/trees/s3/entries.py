"""Objects as entries, what is kept in their metadata, and keys that cannot be paths."""

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.entries import BY_UMASK, FILE, FOLDER, Entry
from cargo_sync.model.known_hashes import HashKind, KnownHash
from cargo_sync.model.problems import Code, Problem
from cargo_sync.s3.objects import ObjectHead
from cargo_sync.trees.remote.contract import NewFile

HASH: Final = "cargo-blake3"
TIME: Final = "cargo-mtime-ns"
MODE: Final = "cargo-mode"
MD5: Final = "cargo-md5"
"""The MD5 of the content that the BLAKE3 is of, in hex: some clients keep the metadata when they
replace an object, so the BLAKE3 is believed only of an object whose ETag is this."""
PART: Final = "cargo-part"
"""Bytes of each part but the last one, of what was sent in parts."""
TRANSFER: Final = "cargo-transfer"
"""The id of the transfer that has sent it in parts."""
RCLONE_TIME: Final = "mtime"
"""rclone's: seconds since 1970, with a fraction."""
LONGEST_KEY: Final = 1_024
"""Bytes of a key."""
_SECOND: Final = 10**9
_HASH_FORM: Final = re.compile(r"[0-9a-f]{64}")
_MD5_FORM: Final = re.compile(r"[0-9a-f]{32}")
_PARTS_FORM: Final = re.compile(r"[0-9a-f]{32}-([1-9]\d{0,4})")
_PART_FORM: Final = re.compile(r"[1-9]\d{0,11}")
_NS_FORM: Final = re.compile(r"-?\d{1,19}")
_MODE_FORM: Final = re.compile(r"[0-7]{1,4}")
_SECONDS_FORM: Final = re.compile(r"(-?)(\d{1,10})(?:\.(\d{1,9})\d*)?")


def file_entry(name: str, size: int, etag: str, modified_ns: int) -> Entry:
    """An object as a file: HEADs tell the time in whole seconds, and so do we of all."""
    time = modified_ns // _SECOND * _SECOND
    return Entry(name, FILE, size, time, BY_UMASK, version_of(etag, size, time))


def entry_of_head(name: str, head: ObjectHead) -> Entry:
    """An object as a file, from its head."""
    return file_entry(name, head.size, head.etag, head.modified_ns)


def folder_entry(name: str) -> Entry:
    """A folder: nothing is known of it but that something is in it."""
    return Entry(name, FOLDER, mode=BY_UMASK, version=1)


def version_of(etag: str, size: int, time: int) -> int:
    """63 bits of the ETag; of size and time for a server that has none. Never 0 or 1."""
    text = etag or f"{size} {time}"
    return max(2, int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) >> 1)


def metadata_of(file: NewFile, md5: str) -> Mapping[str, str]:
    """What is kept beside a content that has this MD5, in hex."""
    found = _kept_of(file)
    if file.hash:
        found |= {HASH: file.hash, MD5: md5}
    return found


def parts_metadata_of(file: NewFile, part: int) -> Mapping[str, str]:
    """What is kept beside a content that is sent in parts of so many bytes: its hash comes last."""
    return _kept_of(file) | {PART: str(part), TRANSFER: file.transfer}


def _kept_of(file: NewFile) -> dict[str, str]:
    found = {TIME: str(file.mtime_ns)}
    if file.mode != BY_UMASK:
        found[MODE] = f"{file.mode & 0o7777:o}"
    return found


def hash_of(head: ObjectHead) -> str:
    """BLAKE3 of the content, as it was stored; "" if it is not known, or may be another one's."""
    text = head.metadata.get(HASH, "")
    md5 = _plain_md5(head)
    is_its = md5 != "" and head.metadata.get(MD5) == md5
    return text if is_its and _HASH_FORM.fullmatch(text) else ""


def is_from(head: ObjectHead, file: NewFile) -> bool:
    """Whether an object was just stored as this file: older versions may have the same content."""
    told = head.metadata
    ours = told.get(HASH) == file.hash or told.get(TRANSFER) == file.transfer
    return ours and head.size == file.size and time_of(head) == file.mtime_ns


def known_hash_of(head: ObjectHead, *, gives_md5: bool = False) -> KnownHash | None:
    """What is known of the content: our BLAKE3, else the MD5 that the server says.

    Nothing is taken from metadata alone, and nothing of ours that does not fit the ETag.

    Args:
        head: of the object.
        gives_md5: the server was found to give the MD5 as the ETag of what came in one request. As
            long as that is not known, only an equal one says something.

    Returns:
        None if nothing is known.
    """
    if ours := hash_of(head):
        return KnownHash(HashKind.BLAKE3, ours)
    if md5 := _plain_md5(head):
        return KnownHash(HashKind.MD5, md5, certain=gives_md5)
    if parts := _PARTS_FORM.fullmatch("" if head.sealed else head.etag.lower()):
        part = _part_of(head, int(parts[1]))
        return KnownHash(HashKind.MD5_OF_PARTS, parts[0], gives_md5 and part > 0, part)
    return None


def _plain_md5(head: ObjectHead) -> str:
    """What may be the MD5 of a content that came in one request; else ""."""
    etag = "" if head.sealed else head.etag.lower()
    return etag if _MD5_FORM.fullmatch(etag) else ""


def _part_of(head: ObjectHead, count: int) -> int:
    """Bytes of each part, as we have sent it; 0 if that does not fit so many parts."""
    text = head.metadata.get(PART, "")
    part = int(text) if _PART_FORM.fullmatch(text) else 0
    return part if part and -(-head.size // part) == count else 0


def time_of(head: ObjectHead) -> int:
    """The file's time, ns since 1970: as it was stored by us or rclone, else the object's."""
    text = head.metadata.get(TIME, "")
    if _NS_FORM.fullmatch(text) and abs(int(text)) < 2**63:
        return int(text)
    if match := _SECONDS_FORM.fullmatch(head.metadata.get(RCLONE_TIME, "")):
        sign, seconds, fraction = match.groups()
        ns = int(seconds) * _SECOND + int((fraction or "").ljust(9, "0") or 0)
        return -ns if sign else ns
    return head.modified_ns


def mode_of(head: ObjectHead) -> int | None:
    """The file's permission bits, if they were stored."""
    text = head.metadata.get(MODE, "")
    return int(text, 8) if _MODE_FORM.fullmatch(text) else None


def key_problem(path: str) -> Problem | None:
    """Why a key, without the folder's prefix, is no path of a file here; None if it is one."""
    if not path or "//" in f"/{path}" or path.endswith("/"):
        message = f"the object {path[:200]!r} has a part without a name: it is left out"
        return Problem(Code.BAD_PATH, message, "")
    return paths.refusal(path)


def wrong_part(path: str) -> str:
    """The shortest beginning of a path, up to the end of a part, that is no path."""
    end = -1
    while (end := path.find("/", end + 1)) >= 0 and key_problem(path[:end]) is None:
        pass
    return path if end < 0 else path[:end]


def not_empty_marker(path: str) -> Problem:
    """An object has the name of what keeps an empty folder, and a content."""
    message = f"the object {path[:200]!r} is left out: it has a content, and the name of a folder"
    return Problem(Code.BAD_PATH, message, "", "give the object another name")


def collision(path: str) -> Problem:
    """An object has the name of a folder beside it."""
    return Problem(
        Code.NAME_COLLISION,
        f"the object {path!r} is left out: there is a folder of this name, too",
        path,
        "rename the object or the folder",
    )


def undecodable(key: str) -> Problem:
    """A key that is not UTF-8; it comes percent-encoded."""
    return Problem(Code.BAD_NAME, f"the object {key[:200]!r} is left out: it is not UTF-8", "")
