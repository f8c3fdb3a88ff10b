"""What an application gets from its process."""

from dataclasses import dataclass, field

from cargo_sync.process.ring import Ring
from cargo_sync.process.systemd import Notifier


@dataclass(frozen=True, slots=True)
class Service:
    """The process around an application.

    log       the last lines of its log
    notifier  sends the state of the process to the service manager, if there is one
    """

    log: Ring = field(default_factory=Ring)
    notifier: Notifier = field(default_factory=lambda: Notifier({}))
