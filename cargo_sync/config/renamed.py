"""Old names of fields in our own files. An old name is an error that gives the new one."""

from collections.abc import Mapping
from types import MappingProxyType

RENAMED_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "control.host": "listen",
        "control.port": "listen",
        "keep.events": "history_rows",
        "keep.events_days": "history_days",
    }
)
"""From the dotted place in the file to its new name."""
