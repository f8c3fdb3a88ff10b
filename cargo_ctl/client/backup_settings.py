"""The settings that the backup menu keeps: nickname, download folder, address; no password."""

import json
import re
from dataclasses import asdict, dataclass

from cargo_sync.api.own_files import write_private

DEFAULT_PORT = 10001
OLD_PORT = 10000
_ADDRESS = re.compile(
    r"(?P<scheme>(tls|tcp)://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:(?P<port>\d{1,5}))?"
)
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class MenuSettings:
    """The settings; `complete` if the menu's first three entries can be used."""

    nickname: str = ""
    download_dir: str = ""
    coordinator: str = f"localhost:{DEFAULT_PORT}"

    @property
    def complete(self) -> bool:
        return bool(self.nickname and self.download_dir)


def read_settings(file: str) -> MenuSettings:
    """The settings in `file`; a missing or damaged file or field counts as not set."""
    try:
        with open(file, encoding="utf-8") as opened:
            kept = json.load(opened)
    except (OSError, ValueError):
        return MenuSettings()
    fields = asdict(MenuSettings())
    if isinstance(kept, dict):
        fields |= {
            name: kept[name] for name in fields if isinstance(kept.get(name), str) and kept[name]
        }
    return MenuSettings(**fields)


def write_settings(file: str, settings: MenuSettings) -> None:
    """Write `file`, which only this user can read. Raises OSError."""
    write_private(file, json.dumps(asdict(settings), ensure_ascii=False, indent=2) + "\n")


def is_nickname(text: str) -> bool:
    """Whether `text` can be a nickname: 1 to 100 printable characters without `/` and `:`."""
    return 0 < len(text) <= _LONGEST and text.isprintable() and not set("/:") & set(text)


def address(text: str) -> str | None:
    """`host:port` of a typed address, with its tls:// or tcp://; None if it is not an address."""
    found = _ADDRESS.fullmatch(text.strip())
    if found is None:
        return None
    port = int(found["port"] or DEFAULT_PORT)
    return f"{found['scheme'] or ''}{found['host']}:{port}" if 0 < port < 65536 else None
