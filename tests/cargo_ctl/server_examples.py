"""Example results of a server."""

from typing import Any

ANA: dict[str, Any] = {
    "user": "ana", "path": "/srv/ana", "enabled": True, "upload_speed": 50_000_000,
    "download_speed": None,
    "upload_bandwidth": 200_000_000, "download_bandwidth": None, "from": "file", "flows": 2,
    "quota": None, "used": {"bytes": 1_200_000, "files": 3}, "expires": None, "expired": False,
    "networks": [],
}  # fmt: skip
BEN: dict[str, Any] = {
    "user": "ben\x1b[31m", "path": "/srv/b\n", "enabled": False, "upload_speed": None,
    "download_speed": None,
    "upload_bandwidth": None, "download_bandwidth": 1_000, "from": "command", "flows": 0,
    "quota": {"bytes": 500 * 10**9, "files": None},
    "used": {"bytes": 412 * 10**9, "files": 3_000}, "expires": None, "expired": False,
    "networks": ["10.0.0.0/8"],
}  # fmt: skip
UP: dict[str, Any] = {
    "id": "1f2e3d4c", "user": "ana", "direction": "upload", "workspace": "default",
    "folder": "in/box",
    "bytes": 1_200_000, "speed_bps": 8_000_000, "granted": 50_000_000, "rtt_ms": 12.345, "lost": 0,
    "since": 1_700_000_000.0,
}  # fmt: skip
DOWN: dict[str, Any] = UP | {
    "id": "99887766", "direction": "download", "workspace": "music\x07", "folder": "", "bytes": 0,
    "speed_bps": 0, "granted": None, "rtt_ms": None, "lost": None, "since": 1_700_000_001.0,
}  # fmt: skip
MUSIC: dict[str, Any] = {
    "workspace": "music", "path": "/srv/music",
    "grants": {"ana": "rw", "ben": {"access": "wo", "path": "in/ben"}},
    "quota": {"bytes": 2 * 10**12, "files": None}, "used": {"bytes": 0, "files": 0},
    "from": "command",
    "in_file": [],
}  # fmt: skip
STATUS: dict[str, Any] = {
    "kind": "server", "users": {"enabled": 2, "disabled": 1}, "workspaces": 1, "away": 1,
    "errors": [
        {"folder": "/b", "code": "root_in_use", "message": "'/b' is in use", "hint": "stop it"}
    ],
    "unoffered": 0, "flows": 2,
    "data_connections": {"open": 2, "most": 100},
    "totals": {"uploads": 1, "downloads": 2, "upload_bps": 98_400_000, "download_bps": 0},
    "uptime_s": 12_345,
}  # fmt: skip
BANDWIDTH: dict[str, Any] = {
    "bandwidth": [
        {"name": "upload", "file": 200_000_000, "override": 100_000_000, "now": 100_000_000},
        {"name": "download", "file": None, "now": None},
    ]
}  # fmt: skip
INVITED: dict[str, Any] = {
    "user": "ana", "path": "/srv/ana", "added": True, "id": "5f0c7a12", "ends": 1_700_000_000.0,
    "invitation": "cargo://ana@files.example:8443#yFd5.",
}  # fmt: skip
LOGINS: dict[str, Any] = {
    "devices": [
        {"name": "laptop", "made": 1_700_000_000.0, "used": None},
        {"name": "old\x1b", "made": 1_700_000_000.0, "used": 1_700_000_060.0},
    ],
    "invitations": [{"id": "5f0c7a12", "user": "ana", "ends": 1_700_000_000.0}],
}
FILE_ROW: dict[str, Any] = {
    "cursor": 4711, "time": 1_700_000_000.0, "workspace": "music", "kind": "moved",
    "path": "live/clip 12.mov", "from": "in/clip 12.mov", "bytes": 4_200_000, "hash": "ab" * 32,
    "version": 17, "user": "ana", "address": "10.0.0.7", "origin": "20261129T081500Z-5f0c7a12",
    "flow": None, "speed_bps": 95_000_000,
}  # fmt: skip
FILES_TOLD: dict[str, Any] = {
    "workspace": "music", "kind": "uploaded", "user": "ana", "count": 500, "bytes": 20_000_000,
    "paths": ["a.txt", "b.txt", "c.txt", "d.txt"], "address": "10.0.0.7", "origin": "http",
    "flow": None, "speed_bps": None,
}  # fmt: skip
PAST: dict[str, Any] = {
    "last_seen": {"time": 1_700_000_000.0, "address": "10.0.0.7"},
    "moved": {
        "today": {"files_up": 1, "bytes_up": 4_200, "files_down": 0, "bytes_down": 0},
        "kept": {"files_up": 3, "bytes_up": 9_000, "files_down": 2, "bytes_down": 5},
    },
}  # fmt: skip
HELLO: dict[str, Any] = {"kind": "server", "instance": "server"}
