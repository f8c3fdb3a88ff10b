"""A daemon as a child process: started, shown by its feed, ended together with its front end."""

import contextlib
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from typing import IO

from cargo_ctl.watching import FeedView
from cargo_sync.api.addresses import Addresses, is_live
from cargo_sync.api.client import NotRunning, subscribe
from cargo_sync.api.topics import ALL

_LOOK = 0.05
_QUIET = 0.25
_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end the child, as SIGTERM. A closed terminal must end it too; for a daemon, SIGHUP
would mean "reload"."""


def run_watched(command: Sequence[str], addresses: Addresses, view: FeedView) -> int:
    """Run `command`, a daemon with `addresses`, until it ends; its exit code, 128 + n for signal n.

    Signals to this process are passed on to the child. The child has its own process session, so
    that Ctrl-C at the terminal reaches it only once. It ends when its standard input ends: so also
    if this process is killed.
    """
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="backslashreplace",
        start_new_session=True,
    )
    assert child.stderr is not None
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    reader = threading.Thread(target=_read, args=(child.stderr, lines), daemon=True)
    reader.start()
    with child, _forwarding(child):
        while child.poll() is None:
            if is_live(addresses.feed):
                _watch(child, addresses, view, lines)
            _say(lines, view)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_LOOK)
        reader.join(timeout=1.0)
        _say(lines, view)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _watch(
    child: "subprocess.Popen[str]",
    addresses: Addresses,
    view: FeedView,
    lines: "queue.SimpleQueue[str]",
) -> None:
    with contextlib.suppress(NotRunning), subscribe(addresses, ALL) as subscription:
        while child.poll() is None:
            view.take(subscription.receive(_QUIET))
            _say(lines, view)
        # Its last messages may still be in the queue.
        while (message := subscription.receive(0)) is not None:
            view.take(message)


def _say(lines: "queue.SimpleQueue[str]", view: FeedView) -> None:
    with contextlib.suppress(queue.Empty):
        while True:
            view.say(lines.get_nowait())


def _read(stream: IO[str], lines: "queue.SimpleQueue[str]") -> None:
    for line in stream:
        lines.put(line.rstrip("\n"))


@contextlib.contextmanager
def _forwarding(child: "subprocess.Popen[str]") -> Iterator[None]:
    def forward(_number: int, _frame: object) -> None:
        child.send_signal(signal.SIGTERM)

    before = {number: signal.signal(number, forward) for number in _FORWARDED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
