"""Commands that were renamed. The error for an old name suggests the new one."""

from collections.abc import Mapping
from types import MappingProxyType

RENAMED_COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "events": "history",
        "limits.set": "bandwidth.set",
        "limits.show": "bandwidth.show",
    }
)
"""In the control protocol."""

RENAMED_WORDS: Mapping[str, str] = MappingProxyType({"events": "history", "limits": "bandwidth"})
"""On the command line of `cargo_ctl`."""
