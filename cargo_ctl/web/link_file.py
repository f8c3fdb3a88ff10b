"""The link to the page, in a file that only this user can read.

A browser is opened with this file, which leads it to the link: other users see the arguments of
programs, but not the file. A second `cargo_ctl web` finds the link of the running one there.
"""

import html
import os
import re
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from cargo_sync.api.addresses import runtime_dirs
from cargo_sync.api.trust import PathStep, own_fault

_NAME: Final = "open.html"
_LARGEST: Final = 4096
_REFRESH: Final = re.compile(r'content="0;url=([^"]{1,1000})"')


class LinkFileError(Exception):
    """The file cannot be written; the text is for people."""


class LinkFile:
    """The file of the page at one port.

    path  of the file
    """

    def __init__(self, env: Mapping[str, str], port: int) -> None:
        self._runtime = runtime_dirs(env)[0]
        self._folder = os.path.join(self._runtime, f"web-{port}")
        self.path = os.path.join(self._folder, _NAME)

    def write(self, link: str) -> None:
        """Replaces the link. Raises LinkFileError."""
        text = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Cargo</title>'
            '<meta name="referrer" content="no-referrer">'
            f'<meta http-equiv="refresh" content="0;url={html.escape(link)}">'
            f'<p><a href="{html.escape(link)}">Cargo</a></p></html>\n'
        )
        fresh = f"{self.path}.new"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            for folder in (self._runtime, self._folder):
                os.makedirs(folder, mode=0o700, exist_ok=True)
            if fault := own_fault(_step(self._runtime), _step(self._folder), os.getuid()):
                raise LinkFileError(f"the link cannot be kept in {self._folder}: {fault}")
            with open(os.open(fresh, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(fresh, self.path)
        except OSError as error:
            raise LinkFileError(f"{self.path} cannot be written: {error.strerror}") from error

    def read(self) -> str:
        """The link of the process that runs; "" if there is none."""
        with suppress(OSError, UnicodeDecodeError):
            if own_fault(_step(self._runtime), _step(self._folder), os.getuid()):
                return ""
            with open(self.path, encoding="utf-8") as file:
                found = _REFRESH.search(file.read(_LARGEST))
            return html.unescape(found[1]) if found else ""
        return ""

    def remove(self) -> None:
        """Nobody runs any more."""
        with suppress(OSError):
            os.unlink(self.path)
            os.rmdir(self._folder)


def _step(path: str) -> PathStep:
    found = os.lstat(path)
    return PathStep(path, found.st_mode, found.st_uid)


def has_screen(env: Mapping[str, str]) -> bool:
    """Whether a browser with windows can be opened; one in this terminal would take it over."""
    if sys.platform == "darwin":
        return True
    return bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY"))


def open_browser(path: str) -> bool:
    """Opens a file in the browser of this user; whether that worked."""
    import webbrowser
    from pathlib import Path

    with suppress(webbrowser.Error, OSError):
        return stat.S_ISREG(os.lstat(path).st_mode) and webbrowser.open(Path(path).as_uri())
    return False
