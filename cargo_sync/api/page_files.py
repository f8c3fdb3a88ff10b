"""The files of our pages (`cargo_sync/page/`), read once, when a program starts.

A request never reaches the file system: a name is looked up among those that were read, and any
other is unknown. A page's document refers to few files, which are put together here
(`api.page_pack`); the others are served too, each as it is.
"""

import gzip
import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Final

from cargo_sync.api.page_pack import put_together

TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".svg": "image/svg+xml",
        ".png": "image/png",
    }
)
"""By the end of a file's name. Other files, such as Python's own, are not served."""


_YEAR: Final = 365 * 86_400
_WORTH: Final = 1_000
"""A file of fewer bytes is not compressed."""


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """How a request for a file is answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file: its bytes, media type, and ETag (with its quotes).

    lasting  its name changes with its content: a browser keeps it, and does not ask again. Of any
             other file it asks each time whether it is still the same (`Cache-Control: no-cache`)
    small    the content in gzip; b"" if it is not worth it
    """

    content: bytes = field(repr=False)
    type: str
    etag: str
    lasting: bool = False
    small: bytes = field(default=b"", repr=False)

    def answer(self, request: Mapping[str, str]) -> PageAnswer:
        """The answer to a GET with these headers."""
        fits = self.small and "gzip" in _listed(request.get("Accept-Encoding", ""))
        tag = f'{self.etag[:-1]}-gzip"' if fits else self.etag
        kept = f"public, max-age={_YEAR}, immutable" if self.lasting else "no-cache"
        headers = {"ETag": tag, "Cache-Control": kept, "Vary": "Accept-Encoding"}
        if tag in _listed(request.get("If-None-Match", "")):
            return PageAnswer(304, headers)
        headers["Content-Type"] = self.type
        if fits:
            return PageAnswer(200, headers | {"Content-Encoding": "gzip"}, self.small)
        return PageAnswer(200, headers, self.content)


def page_files(shell: str, folders: Collection[str]) -> Mapping[str, PageFile]:
    """The files of one page, by their path below `page/`, such as `common/table.js`.

    Args:
        shell: the page's HTML file.
        folders: what else it uses, such as `common`; a folder that is missing has no files.

    Raises:
        FileNotFoundError: there is no such shell.
        PageError: the page cannot be put together.
    """
    root = files("cargo_sync.page")
    found: dict[str, PageFile] = {}
    html = (root / shell).read_text(encoding="utf-8")
    for folder in folders:
        found.update(_below(root / folder, f"{folder}/"))
    page = put_together(html, {name: file.content for name, file in found.items()})
    for name, content in page.files.items():
        found[name] = _file(name, content, lasting=True)
    found[shell] = _file(shell, page.html.encode())
    return MappingProxyType(found)


def _below(folder: Traversable, prefix: str) -> Iterator[tuple[str, PageFile]]:
    if not folder.is_dir():
        return
    for each in folder.iterdir():
        if each.is_dir():
            yield from _below(each, f"{prefix}{each.name}/")
        elif _type(each.name):
            yield prefix + each.name, _file(each.name, each.read_bytes())


def _file(name: str, content: bytes, *, lasting: bool = False) -> PageFile:
    small = gzip.compress(content, mtime=0) if len(content) >= _WORTH else b""
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return PageFile(content, _type(name), etag, lasting, small)


def _listed(header: str) -> list[str]:
    """The values of a header with commas, without what follows a semicolon but for a `q=0`."""
    each = (one.strip() for one in header.split(","))
    return [
        one.partition(";")[0].strip() for one in each if not one.replace(" ", "").endswith(";q=0")
    ]


def _type(name: str) -> str:
    return TYPES.get(name[name.rfind(".") :], "")
