"""Ctrl-C: it cancels the command that runs, and never falls between an order and the knowledge of
it."""

import contextlib
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def held() -> Iterator[None]:
    """A Ctrl-C within waits for the end of the `with`; a second one does not."""
    pressed: list[bool] = []

    def note(_number: int, _frame: object) -> None:
        if pressed:
            raise KeyboardInterrupt
        pressed.append(True)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


@contextlib.contextmanager
def ending_in_order() -> Iterator[None]:
    """SIGTERM and a closed terminal end the program by an exception, so that sessions are
    closed."""

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, end) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
