"""Ctrl-C cancels the running command, but never between starting a transfer and keeping its id."""

import contextlib
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Delay a Ctrl-C until the end of the `with`; a second Ctrl-C is not delayed."""
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
    """Let SIGTERM and a closed terminal raise SystemExit, so that sessions are closed."""

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, end) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
