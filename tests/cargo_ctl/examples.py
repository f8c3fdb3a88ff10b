"""Example results of a daemon."""

from typing import Any

NOW = 1_700_000_000.0

SYNCING: dict[str, Any] = {
    "name": "nightly",
    "mode": "upload",
    "state": "syncing",
    "detail": "",
    "local_dir": "/home/ana/photos",
    "remote": "https://files.example/default/photos",
    "next_at": None,
    "errors": 0,
    "progress": {
        "files_done": 120,
        "files_total": 3_000,
        "bytes_done": 64_000_000,
        "bytes_total": 256_000_000,
        "speed_bps": 98_400_000,
        "eta_s": 15.6,
    },
    "last_run": None,
}
FAILING: dict[str, Any] = {
    "name": "my docs\x1b[31m",
    "mode": "download",
    "state": "error",
    "detail": "1 file could not be read",
    "local_dir": "/home/ana/docs",
    "remote": "https://files.example/docs",
    "next_at": NOW + 40,
    "errors": 1,
    "progress": {
        "files_done": 0,
        "files_total": 0,
        "bytes_done": 0,
        "bytes_total": 0,
        "speed_bps": 0,
        "eta_s": None,
    },
    "last_run": {
        "run": "3f2a",
        "started": NOW - 72,
        "ended": NOW - 60,
        "files": 3_000,
        "bytes": 256_000_000,
        "errors": 1,
        "problem": "the server does not answer",
    },
}
STATUS: dict[str, Any] = {
    "state": "error",
    "jobs": {"syncing": 1, "error": 1, "synced": 0},
    "totals": SYNCING["progress"],
    "uptime_s": 12_345,
}
SHOWN: dict[str, Any] = FAILING | {
    "settings": {
        "sleep": 3,
        "filters": {"exclude": ["*.tmp", ".DS_Store"]},
        "speed": None,
        "watch": True,
    },
    "causes": [
        {"path": "a\nb.txt", "message": "permission denied", "tries": 3, "next_at": NOW + 65},
        {"path": "", "message": "the server does not answer", "tries": 1, "next_at": None},
    ],
    "warnings": ["start_time and end_time are checked, but not acted on yet"],
    "held": {
        "deletions": 120,
        "overwrites": 1,
        "tree": 200,
        "before": 30,
        "first": ["a\x1b[31m", "b"],
        "ids": ["5f0c2a91"],
        "message": "the job would delete 120 ('a\x1b[31m')",
    },
}
TRANSFERS: dict[str, Any] = {
    "transfers": [
        {
            "id": "1f2e3d4c5b6a",
            "job": "nightly",
            "path": "video/long.mov",
            "mode": "upload",
            "size": 2_147_483_648,
            "done": 1_073_741_824,
            "speed_bps": 800_000_000,
            "eta_s": 10.7,
            "rtt_ms": 12.345,
            "lost": 0,
        },
        {
            "id": "99",
            "job": "docs",
            "path": "b\x07",
            "mode": "download",
            "size": 10,
            "done": 0,
            "speed_bps": 0,
            "eta_s": None,
            "rtt_ms": None,
            "lost": None,
        },
    ]
}
PLANNED: list[dict[str, Any]] = [
    {"op": "mkdir", "path": "new", "size": None, "why": "new"},
    {"op": "put", "path": "new/a b.bin", "size": 12_300_000, "why": "new"},
    {"op": "overwrite", "path": "old\x1b.txt", "size": 5, "why": "changed"},
    {"op": "delete", "path": "gone.txt", "size": 7, "why": "gone at the source"},
]
PLAN_TOTALS: dict[str, int] = {
    "put": 1,
    "bytes": 12_300_005,
    "mkdir": 1,
    "delete": 1,
    "overwrite": 1,
    "adopt": 0,
}

LOGGED: dict[str, Any] = {
    "rows": [
        {"number": 8, "time": NOW, "level": "info", "logger": "a", "message": "up"},
        {
            "number": 9,
            "time": NOW + 1,
            "level": "error",
            "logger": "a",
            "job": "my docs\x1b[31m",
            "message": "failed: b\x07",
            "trace": "Traceback\n  ValueError: \x1b[2J",
        },
    ],
    "next": 9,
    "lost": 0,
}
