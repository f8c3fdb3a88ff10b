"""Where a process's log goes: the terminal or systemd's journal, a file, and the memory."""

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, TextIO

from cargo_sync.api.escaping import escaped
from cargo_sync.config.process_shape import LogSettings
from cargo_sync.process.journal import Journal, is_ours
from cargo_sync.process.lines import LogLine, line_of
from cargo_sync.process.log_file import LogFile
from cargo_sync.process.ring import Ring

LineSink = Callable[[LogLine], None]
"""Takes a line and never raises: a log that cannot be written must not stop the process."""

_COLOURS: Final = {"critical": "31;1", "error": "31", "warning": "33", "info": "32", "debug": "2"}
_TALKATIVE: Final = ("asyncssh",)
"""Libraries that tell of each connection as news."""


class TerminalFormat:
    """Writes `time LEVEL job message` on one line, without control characters.

    Only the level is coloured, and only on a terminal.
    """

    def __init__(self, stream: TextIO, env: Mapping[str, str]) -> None:
        self._stream = stream
        self._coloured = stream.isatty() and not env.get("NO_COLOR")

    def __call__(self, line: LogLine) -> None:
        try:
            self._stream.write(self.text(line) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            return  # the other end is closed

    def text(self, line: LogLine) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(line.time))
        level, words = line.level.upper(), line.message
        if self._coloured:
            level = f"\x1b[{_COLOURS.get(line.level, '0')}m{level}\x1b[0m"
        if line.trace:
            words += f"\n{line.trace}"
        return f"{at} {level} {plain(line.about.get('job', '-'))} {plain(words)}"


def plain(text: str) -> str:
    """The text on one line, with control characters escaped."""
    return escaped(text.replace("\n", " | "))


class Logs(logging.Handler):
    """Makes each record into a line once, and gives it to all sinks."""

    def __init__(self, sinks: Sequence[LineSink]) -> None:
        super().__init__()
        self._sinks = sinks

    def emit(self, record: logging.LogRecord) -> None:
        line = line_of(record)
        for sink in self._sinks:
            sink(line)


@contextmanager
def logging_to(
    settings: LogSettings, level: str | None, env: Mapping[str, str], identifier: str
) -> Iterator[Ring]:
    """Logs as the settings say, until the block ends; the ring has the last lines.

    Args:
        settings: where the log goes.
        level: used instead of the level in the settings, unless it is None.
        env: the environment, for the journal and for colours.
        identifier: our name in the journal.
    """
    ring = Ring()
    terminal = TerminalFormat(sys.stderr, env)
    journal = Journal(identifier, terminal) if is_ours(env) else None
    sinks: list[LineSink] = [journal or terminal, ring]
    file = None
    if settings.file is not None:
        file = LogFile(
            settings.file,
            settings.max_size,
            settings.keep,
            lambda text: _log_error(sinks[:2], text),
        )
        sinks.append(file)
    handler = Logs(sinks)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel((level or settings.level).upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    try:
        yield ring
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        for opened in (journal, file):
            if opened is not None:
                opened.close()


def _log_error(sinks: Sequence[LineSink], text: str) -> None:
    line = LogLine(time.time(), "error", __name__, text, {})
    for sink in sinks:
        sink(line)
