"""The files of our pages (`cargo_sync/page/`), read once, when a program starts.

A request never reaches the file system: a name is looked up among those that were read, and any
other is unknown.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Final

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


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file: its bytes, media type, and ETag (with its quotes).

    A browser keeps it, and asks each time whether it is still the same (`Cache-Control: no-cache`).
    """

    content: bytes = field(repr=False)
    type: str
    etag: str


def page_files(shell: str, folders: Collection[str]) -> Mapping[str, PageFile]:
    """The files of one page, by their path below `cargo_sync/page`, such as `common/table.js`.

    Args:
        shell: the page's HTML file.
        folders: what else it uses, such as `common`; a folder that is missing has no files.

    Raises:
        FileNotFoundError: there is no such shell.
    """
    root = files("cargo_sync.page")
    found = {shell: _file(root / shell)}
    for folder in folders:
        found.update(_below(root / folder, f"{folder}/"))
    return MappingProxyType(found)


def _below(folder: Traversable, prefix: str) -> Iterator[tuple[str, PageFile]]:
    if not folder.is_dir():
        return
    for each in folder.iterdir():
        if each.is_dir():
            yield from _below(each, f"{prefix}{each.name}/")
        elif _type(each.name):
            yield prefix + each.name, _file(each)


def _file(file: Traversable) -> PageFile:
    content = file.read_bytes()
    return PageFile(content, _type(file.name), f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def _type(name: str) -> str:
    return TYPES.get(name[name.rfind(".") :], "")
