"""Fields of our own files that have another name now. The old one is an error that names the new
one."""

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
"""Dotted place in the file -> the new name there."""
