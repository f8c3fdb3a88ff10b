"""How many files and sockets may be open at once."""

import resource
from contextlib import suppress
from typing import Final

DESCRIPTORS: Final = 65_536


def more_descriptors() -> None:
    """As many as the system lets this user have: each waiting client is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # macOS has a second limit, which it does not tell
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
