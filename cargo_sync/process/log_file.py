"""The log as a file: one JSON object per line; rotation keeps it small.

A problem of the disk never stops the process. Lines that cannot be written are counted, and the
number is logged when writing works again. If the file was moved away (logrotate), the next line
makes a new one.
"""

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import orjson

from cargo_sync.process.lines import LogLine

Write = Callable[[int, bytes], int]
_AGAIN: Final = 64
"""After so many lines, a file that could not be opened is tried again."""


class LogFile:
    """The file at `path`, mode 0600.

    When it would get larger than `max_size` bytes, it becomes `path.1`, `path.1` becomes `path.2`,
    and so on up to `path.<keep>`. Calls must come one at a time: a logging handler has a lock.

    write  `os.write`, or a replacement in tests
    warn   called once with a message when lines begin to be lost
    """

    def __init__(
        self,
        path: str,
        max_size: int,
        keep: int,
        warn: Callable[[str], None],
        write: Write = os.write,
    ) -> None:
        self._path = path
        self._max_size = max_size
        self._keep = keep
        self._warn = warn
        self._write = write
        self._fd = -1
        self._torn = False
        self._lost = 0

    def __call__(self, line: LogLine) -> None:
        if self._lost and self._fd < 0 and self._lost % _AGAIN:
            self._lost += 1
            return
        text = orjson.dumps(line.values) + b"\n"
        try:
            self._make_room(len(text))
            if self._lost:
                self._put(orjson.dumps(self._gap(line).values) + b"\n")
                self._lost = 0
            self._put(text)
        except OSError as error:
            self._lost += 1
            if self._lost == 1:
                self._warn(
                    f"the log file {self._path} cannot be written: {error.strerror or error};"
                    " it is tried again"
                )

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _put(self, text: bytes) -> None:
        if self._torn:
            text = b"\n" + text
        written = self._write(self._fd, text)
        if written < len(text):
            self._torn = True
            raise OSError(errno.ENOSPC, "the disk is full")
        self._torn = False

    def _gap(self, line: LogLine) -> LogLine:
        message = f"{self._lost} lines before this one could not be written"
        return LogLine(line.time, "warning", __name__, message, {})

    def _make_room(self, length: int) -> None:
        """Opens the file for the next `length` bytes, after a rotation if it is too large."""
        if self._fd >= 0 and not self._same():
            self.close()
        if self._fd < 0:
            self._fd = self._open()
        size = os.fstat(self._fd).st_size
        if size and size + length > self._max_size:
            self.close()
            self._rotate()
            self._fd = self._open()

    def _open(self) -> int:
        # O_NONBLOCK, because the path may be a pipe that no process reads.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
        fd = os.open(self._path, flags, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise OSError(errno.EINVAL, "it is not a regular file")
            os.fchmod(fd, 0o600)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _same(self) -> bool:
        """Whether the open file is still the one at the path."""
        try:
            there, opened = os.stat(self._path), os.fstat(self._fd)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (opened.st_dev, opened.st_ino)

    def _rotate(self) -> None:
        names = [self._path, *(f"{self._path}.{number}" for number in range(1, self._keep + 1))]
        for older, newer in zip(reversed(names), [*reversed(names[:-1])], strict=False):
            with suppress(FileNotFoundError):
                os.replace(newer, older)
        if self._keep == 0:
            os.truncate(self._path, 0)
