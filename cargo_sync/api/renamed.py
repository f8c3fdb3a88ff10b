"""Commands that have another name now. The old one is an error that names the new one."""

from collections.abc import Mapping
from types import MappingProxyType

RENAMED_COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "events": "history",
        "limits.set": "bandwidth.set",
        "limits.show": "bandwidth.show",
    }
)
"""Of the control protocol."""

RENAMED_WORDS: Mapping[str, str] = MappingProxyType({"events": "history", "limits": "bandwidth"})
"""Of `cargo_ctl`'s command line."""
