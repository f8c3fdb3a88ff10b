"""How many files and sockets may be open at once."""

import resource
from contextlib import suppress
from typing import Final

DESCRIPTORS: Final = 65_536


def more_descriptors() -> None:
    """Raises the limit as far as the system allows: each waiting client needs a descriptor."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # macOS has a second limit that cannot be read
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
