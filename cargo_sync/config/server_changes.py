"""Which changes of a server's file take effect while it runs, and which at its next start."""

from dataclasses import fields
from typing import Final

from cargo_sync.config.server import ServerSettings

_LIVE: Final = frozenset(
    {
        "users_dir",
        "users",
        "workspaces",
        "global_upload_bandwidth",
        "global_download_bandwidth",
        "events",
        "keep",
        "warnings",
        "file",
    }
)
"""Settings that are applied while the server runs."""
_WRITTEN: Final = {"host": "listen", "port": "listen"}
"""Settings that have another name in the file."""


def waiting(settings: ServerSettings, fresh: ServerSettings) -> list[str]:
    """The changed fields of the file that need a restart."""
    changed = [
        _WRITTEN.get(field.name, field.name)
        for field in fields(ServerSettings)
        if field.name not in _LIVE and getattr(settings, field.name) != getattr(fresh, field.name)
    ]
    return list(dict.fromkeys(changed))
