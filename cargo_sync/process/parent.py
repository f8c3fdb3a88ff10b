"""Living as long as the process that started this one, which holds the other end of its input."""

import os
import threading
from collections.abc import Callable


def when_gone(gone: Callable[[], None], fd: int = 0) -> None:
    """Calls `gone` once, from a thread, when `fd` comes to its end; what is written there is read
    over."""

    def wait() -> None:
        try:
            while os.read(fd, 4096):
                pass
        except OSError:
            pass  # it was closed before we looked: nobody is there either
        gone()

    threading.Thread(target=wait, name="parent", daemon=True).start()
