"""How the work ends early: a signal asks, and whoever works looks between two steps."""

import threading

from cargo_sync.migration.sending import stopped


class WorkEnd:
    """Whether the work is to end. Any thread may use it."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        """The work is to end soon; what is done stays."""
        self._asked.set()

    def goes_on(self) -> bool:
        return not self._asked.is_set()

    def check(self) -> None:
        """Raises ProblemError `stopped` when the work is to end."""
        if self._asked.is_set():
            raise stopped()
