"""Tells, in the terminal of a new daemon, how its first job gets on: until its first file is moved.

`FirstRun` decides, from messages of the feed; `told` is the thread around it.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from cargo_sync.api import topics
from cargo_sync.api.addresses import DAEMON, AddressError, instance_addresses, is_live, runtime_dir
from cargo_sync.api.client import CommandError, NotAdmitted, NotRunning, subscribe
from cargo_sync.api.escaping import escaped
from cargo_sync.api.messages import FeedMessage

START: Final = 60.0
"""Seconds until the daemon must answer."""
LOOK: Final = 0.05

_MOVED: Final[Mapping[str, str]] = {"uploaded": "on the server", "downloaded": "here"}
_BAD: Final = ("held", "error", "waiting")


class FirstRun:
    """What a person is told about the job `name`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._moved = ""
        self._state = ("", "")
        self._said = ""
        self.over = False

    def take(self, message: FeedMessage) -> str:
        """A line about a message, or ""; after the last one `over` is true."""
        fields = message.fields
        if message.type == "status":
            self._state = (str(fields.get("state") or ""), str(fields.get("detail") or ""))
        elif message.type == "notice" and (where := _MOVED.get(str(fields.get("kind")))):
            count = int(fields.get("count") or 1)
            self._moved = f"{'1 file is' if count == 1 else f'{count:,} files are'} {where}"
        line = self._line()
        if not line or line == self._said:
            return ""
        self._said = line
        return f"{escaped(self._name)}: {escaped(line)}"

    def _line(self) -> str:
        state, detail = self._state
        if state == "synced":
            self.over = bool(self._moved)
            return f"synced, {self._moved or 'and waits for files'}"
        return f"{state}: {detail}" if state in _BAD else ""


def told(name: str, say: Callable[[str], object]) -> None:
    """Begins to tell, in a thread of its own, about a job of the daemon that is about to start."""
    threading.Thread(target=_tell, args=(name, say), name="first run", daemon=True).start()


def _tell(name: str, say: Callable[[str], object]) -> None:
    try:
        addresses = instance_addresses(runtime_dir(os.environ), DAEMON)
        until = time.monotonic() + START
        while not is_live(addresses.feed):
            if time.monotonic() > until:
                return
            time.sleep(LOOK)
        first = FirstRun(name)
        with subscribe(addresses, (topics.job_status(name), topics.notice(name))) as feed:
            for _, message in feed:
                if line := first.take(message):
                    say(line)
                if first.over:
                    return
    except (AddressError, CommandError, NotAdmitted, NotRunning):
        return  # the daemon has ended: it has said why
