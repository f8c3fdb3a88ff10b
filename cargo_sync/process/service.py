"""What a long-running process is given by whoever started it."""

from dataclasses import dataclass, field

from cargo_sync.process.ring import Ring
from cargo_sync.process.systemd import Notifier


@dataclass(frozen=True, slots=True)
class Service:
    """The process around an application.

    log       the last lines of its log
    notifier  tells a service manager how it stands; without one it says nothing
    """

    log: Ring = field(default_factory=Ring)
    notifier: Notifier = field(default_factory=lambda: Notifier({}))
