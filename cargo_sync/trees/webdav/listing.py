"""The answer to a PROPFIND, read while it comes (RFC 4918, 13 and 14.24). Nothing is trusted."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cargo_sync.trees.webdav.problems import no_webdav
from cargo_sync.wire.xml import XmlReader

ASKED: Final = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><resourcetype/>'
    b"<getcontentlength/><getlastmodified/><getetag/></prop></propfind>"
)
ASKED_WITH_CHECKSUMS: Final = ASKED.replace(
    b"<getetag/>",
    b'<getetag/><checksums xmlns="http://owncloud.org/ns"/><id xmlns="http://owncloud.org/ns"/>',
)
"""ownCloud's and Nextcloud's own, too. They have the second one of each file: so it says whether
other files may have checksums."""
LONGEST: Final = 16 * 1024
"""Characters of an href, and of any other text."""
_DAV: Final = "DAV:}"
_OWNCLOUD: Final = "http://owncloud.org/ns}"
_FIELDS: Final = frozenset({"getcontentlength", "getlastmodified", "getetag"})


@dataclass(frozen=True, slots=True)
class Answered:
    """What one `response` says.

    href        as it was written
    status      of all of it, 200 if it does not say one
    collection  it is a folder
    size, modified, etag  as they were written; "" if they are missing
    checksums   likewise, if they were asked for
    sums_files  the server may have checksums of files
    """

    href: str
    status: int
    collection: bool
    size: str
    modified: str
    etag: str
    checksums: str = ""
    sums_files: bool = False


class MultiStatus:
    """Tells each `response` of one answer while it comes."""

    def __init__(self, told: Callable[[Answered], None]) -> None:
        self._told = told
        self._reader = XmlReader(self._opened, self._closed, longest=LONGEST)
        self._clear()

    def feed(self, piece: bytes) -> None:
        """Reads the next bytes. Raises ProblemError: `bad_answer`."""
        self._reader.feed(piece)

    def end(self) -> None:
        """Says that there are no more bytes. Raises ProblemError: the answer is not complete."""
        self._reader.end()

    def _clear(self) -> None:
        self._href = ""
        self._status = self._part_status = 200
        self._collection = self._part_collection = False
        self._known: dict[str, str] = {}
        self._part: dict[str, str] = {}

    def _opened(self, name: str, depth: int) -> None:
        if depth == 1 and name != f"{_DAV}multistatus":
            raise no_webdav("it is no list of WebDAV")
        if depth == 6 and name == f"{_DAV}collection":
            self._part_collection = True

    def _closed(self, name: str, depth: int, text: str) -> None:
        if name.startswith(_OWNCLOUD):
            self._closed_own(name[len(_OWNCLOUD) :], depth, text.strip())
        if not name.startswith(_DAV):
            return
        match depth, name[len(_DAV) :]:
            case 3, "href":
                self._href = text.strip()
            case 3, "status":
                self._status = _status(text)
            case 4, "status":
                self._part_status = _status(text)
            case 5, field if field in _FIELDS:
                self._part[field] = text.strip()
            case 3, "propstat":
                self._end_part()
            case 2, "response":
                self._end_response()

    def _closed_own(self, name: str, depth: int, text: str) -> None:
        """A property of ownCloud's; each checksum may stand in an element of its own."""
        if (depth, name) == (5, "id"):
            self._part[name] = text
        elif text and (depth, name) in ((5, "checksums"), (6, "checksum")):
            self._part["checksums"] = f"{self._part.get('checksums', '')} {text}".strip()

    def _end_part(self) -> None:
        """What a server does not know of a file comes too, with another status."""
        if 200 <= self._part_status < 300:
            self._known |= self._part
            self._collection |= self._part_collection
        self._part, self._part_status, self._part_collection = {}, 200, False

    def _end_response(self) -> None:
        known = self._known
        self._told(
            Answered(
                self._href,
                self._status,
                self._collection,
                known.get("getcontentlength", ""),
                known.get("getlastmodified", ""),
                known.get("getetag", ""),
                known.get("checksums", ""),
                "checksums" in known or "id" in known,
            )
        )
        self._clear()


def _status(text: str) -> int:
    """The number in `HTTP/1.1 200 OK`."""
    number = text.split()[1:2]
    if not number or not (number[0].isascii() and number[0].isdigit()):
        raise no_webdav("it has a status that is no number")
    return int(number[0][:3])
