"""The user of the FTP servers, and the ports of their data connections."""

from typing import Final

from tests.remotes.server import Login

LOGIN: Final = Login("ana", "canary-ftp-9a")
HASHED: Final = (
    "$6$cargotests$5tTGYB8aOYkVw5.rcmal9N5h3tqazPCSjag1pQBcTVVp9Z4R"
    "6pVULiLMEjOYgkxO2y8OvcsQlU.lGYs4grcUQ."
)
"""Its password, as `openssl passwd -6` hashes it."""
PASSIVE: Final = ("32100", "32700")
"""The first and the last port: above those of tests/ports.py, below those that a system gives."""
