"""Ends a process together with its parent, which has the other end of its standard input."""

import os
import threading
from collections.abc import Callable


def when_gone(gone: Callable[[], None], fd: int = 0) -> None:
    """Calls `gone` once, in a thread, when `fd` reaches its end; what comes from it is ignored."""

    def wait() -> None:
        try:
            while os.read(fd, 4096):
                pass
        except OSError:
            pass  # it was closed already: the parent is gone too
        gone()

    threading.Thread(target=wait, name="parent", daemon=True).start()
