"""An endless source of job files: valid, broken and hostile ones, each repeatable by its seed.

No file leads out of the folder that it is made for, and none to another machine: hosts are ports of
loopback where nobody listens.
"""

import json
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

from cargo_sync.config.events import METHODS, VARIABLES
from cargo_sync.config.job_shape import JobShape

NOBODY: Final = "http://127.0.0.1:9"
ODD: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 3.5, 1e308, -1e308, 10**30, float("inf"), float("nan"), "", " ",
    "\0", "\ud800", "é" * 300, "x" * 5_000, "../..", "/", "~", "~root", "[9-0]", "${HOME}",
    "${nothing}", "{{ FILE_NAME }}", "{{", [], [[]], {}, {"": ""}, [None], ["a", 1],
)  # fmt: skip
PATTERNS: Final = (
    "*.tmp", "/a/**/b", "!keep", "a/", "[a-z]*", "[9-0]", "[!]", "[", "\\", "**", "**/**/**/x",
    "*a*a*a*a*a*a*a*a*a*b", "?" * 200, "{a,b}", "#", "!", "//", "a//b", "\u202e",
    "[[:alpha:]]", "é",
)  # fmt: skip
TEXTS: Final = (
    b"", b"{", b"}", b"[]", b"null", b'"', b"{}", b"\xff\xfe", b"\xef\xbb\xbf{}", b"{" * 5_000,
    b"[" * 100_000, b'{"a":' * 2_000, b"/*", b"//", b"{'a': 1,}", b"{{ A }}", b"\0" * 100,
    b'{"sync_name": ' + b"9" * 10_000 + b"}", b'{"a": 1e999999}', b'{"a": 0x}', b'{"a": "\\u12"}',
    b'{"a": "\\ud800"}', b"{a: {{ B }}}", b'{"a": 1, "a": 2}', b"{" + b'"k":1,' * 500 + b"}",
)  # fmt: skip


class JobFileMutations:
    """Job files for `folder`, whose local folders are below it."""

    def __init__(self, seed: int, folder: Path) -> None:
        self._random = Random(seed)
        self._folder = folder
        self._number = 0
        self._before = b"{}"

    def file(self) -> tuple[str, bytes]:
        """The next one: its name and its content."""
        self._number += 1
        kinds: Sequence[Callable[[], bytes]] = (
            self._valid,
            self._odd,
            self._odd,
            self._odd,
            self._mutated,
            self._mutated,
            self._spliced,
            self._text,
        )
        content = self._random.choice(kinds)()
        self._before = content
        return self._name(), content

    def job(self) -> dict[str, Any]:
        """The fields of a valid job, some of the optional ones with them."""
        chance, number = self._random, self._number
        fields: dict[str, Any] = {
            "sync_name": chance.choice(
                (f"job {number}", f"é{number}", f"a/b{number}", f"-{number}")
            ),
            "sync_mode": chance.choice(("upload", "download")),
            "local_dir": str(self._folder / f"local{chance.randrange(20)}"),
            "hostname": chance.choice((NOBODY, "https://127.0.0.1:9/x", "http://[::1]:9")),
            "username": "ana",
            "password": "canary-7d1f",
        }
        optional: dict[str, Callable[[], Any]] = {
            "remote_dir": lambda: chance.choice(("", "/", "a/b", "é")),
            "workspace": lambda: chance.choice(("default", "other")),
            "speed": lambda: chance.choice(("10mbps", None, [self._row()], [self._row()] * 2)),
            "priority": lambda: chance.randint(0, 100),
            "sleep": lambda: chance.choice((0.001, 1, 3600, 1e9, 1e18, 1e300)),
            "settle": lambda: chance.choice((0, 0.5, 1e9, 1e300)),
            "watch": lambda: chance.random() < 0.5,
            "enabled": lambda: chance.random() < 0.5,
            "start_time": lambda: chance.choice(("22:00", "00:00", "2:5")),
            "end_time": lambda: chance.choice(("06:00", "24:00", "23:59")),
            "timezone": lambda: chance.choice(("UTC", "Europe/Madrid", "America/Vancouver")),
            "filters": self._filters,
            "delete": lambda: chance.choice(("keep", "propagate")),
            "after_transfer": lambda: chance.choice(("keep", "delete", {"move": "done"})),
            "trash_days": lambda: chance.choice((0, 14, 1e9, 1e300)),
            "events": self._events,
        }
        for name in chance.sample(sorted(optional), chance.randrange(6)):
            fields[name] = optional[name]()
        return fields

    def _valid(self) -> bytes:
        return _encoded(self.job())

    def _odd(self) -> bytes:
        """One to three fields, or parts of one, have an odd value; some of the fields are ours."""
        chance = self._random
        fields = self.job()
        for _ in range(chance.randint(1, 3)):
            name = chance.choice((*JobShape.model_fields, "nonsense", "sync_nmae", ""))
            value = self._hostile(name) if chance.random() < 0.5 else chance.choice(ODD)
            if isinstance(fields.get(name), dict) and chance.random() < 0.5:
                fields[name] = {**fields[name], chance.choice((*fields[name], "x")): value}
            elif chance.random() < 0.1:
                fields.pop(name, None)
            else:
                fields[name] = value
        return _encoded(fields)

    def _hostile(self, name: str) -> Any:
        """A value that this very field may stumble over."""
        chance, folder = self._random, self._folder
        paths = [
            str(folder / each) for each in ("pipe", "loop", "zero", "socket", "file", "gone/a/b")
        ]
        values: dict[str, Sequence[Any]] = {
            "sync_name": ("keeper", "a" * 100, "a" * 101, ".", "\u202ename", "a\nb", "a\x1b[2J"),
            "local_dir": (*paths, str(folder / "keeper"), str(folder), "/proc/self", "/dev/null"),
            "password_file": (*paths, "/dev/null", "/dev/zero", "/proc/self/mem"),
            "ca_file": (*paths, "/dev/zero", "/proc/self/mem"),
            "hostname": (
                "http://[", "https://127.0.0.1:99999", "https://127.0.0.1:0", "http://a:b@127.0.0.1",
                "https://127.0.0.1:9/?q#f", "ftp://127.0.0.1", "//127.0.0.1", "http://127.1:9",
            ),
            "remote_dir": ("../x", "a/../b", ".cargo_sync", "a/.Cargo_Sync/b", "a\0b", "x/" * 999),
            "tls_fingerprint": ("ab" * 32, "AB:" * 31 + "AB", "sha256:" + "0" * 64, "zz" * 32),
            "timezone": ("/etc/localtime", "../../etc/passwd", "", "UTC\0", "é", "a" * 5_000),
            "start_time": ("25:00", "10:60", "-1:00", "9" * 50 + ":00", "１２:００"),
            "end_time": ("25:00", "00:00", "24:01", "٠٩:٠٠"),
            "speed": ("-1mbps", "1e400mbps", "9" * 400 + "bps", "0", [self._row()] * 500, [[]]),
            "after_transfer": ({"move": "/"}, {"move": ""}, {"move": "~"}, {"move": "../x"}, {}),
            "filters": (
                {"exclude": ["*a" * 300 + "b"]},
                {"exclude": ["a"] * 2_000},
                {"include": [chance.choice(ODD)]},
                {"exclude": "*.tmp"},
            ),
            "events": (
                {"onStart": {"url": "{{ FILE_NAME }}"}},
                {"onStart": {"url": NOBODY, "headers": {"a\r\nb": "c"}}},
                {"onStart": {"url": NOBODY, "secret": "whsec_!!"}},
                {"onNothing": {"url": NOBODY}},
                {"onStart": [{"url": NOBODY}] * 1_000},
                {"onStart": {"url": NOBODY, "body": {"a": "{{ " * 1_000}}},
            ),
        }  # fmt: skip
        return chance.choice(values.get(name, ODD))

    def _mutated(self) -> bytes:
        """Some bytes of a valid file are changed, cut out or doubled."""
        raw = bytearray(_encoded(self.job()))
        for _ in range(self._random.randint(1, 4)):
            at = self._random.randrange(len(raw) or 1)
            match self._random.randrange(4):
                case 0:
                    raw[at : at + 1] = bytes([self._random.randrange(256)])
                case 1:
                    del raw[at : at + self._random.randint(1, 30)]
                case 2:
                    raw[at:at] = raw[at : at + self._random.randint(1, 200)]
                case 3:
                    raw[at:at] = self._random.choice(
                        (b"{", b"}", b"[", b'"', b"\\", b"\0", b",", b"/*")
                    )
        return bytes(raw)

    def _spliced(self) -> bytes:
        """The beginning of one file and the end of another."""
        other = _encoded(self.job())
        at = self._random.randrange(len(self._before) + 1)
        return self._before[:at][:100_000] + other[self._random.randrange(len(other)) :]

    def _text(self) -> bytes:
        return self._random.choice(TEXTS)

    def _row(self) -> dict[str, str]:
        hour = self._random.randrange(23)
        return {"from": f"{hour:02}:00", "to": f"{hour + 1:02}:00", "speed": "1mbps"}

    def _filters(self) -> dict[str, list[str]]:
        some = [self._random.choice(PATTERNS) for _ in range(self._random.randrange(6))]
        return {self._random.choice(("include", "exclude")): some}

    def _events(self) -> dict[str, Any]:
        one = {
            "method": self._random.choice(METHODS),
            "url": f"{NOBODY}/{{{{ SYNC_NAME }}}}",
            "body": self._random.choice(("{{ SYNC_MODE }}", {"a": "{{ SYNC_NAME }}"}, "x")),
        }
        return {self._random.choice(sorted(VARIABLES)): one}

    def _name(self) -> str:
        odd = self._random.choice(("é", " ", "'", "[", "%", "\u202e", "\n", "a" * 100))
        return f"{self._number}{odd if self._random.random() < 0.1 else ''}.json"


def _encoded(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=True).encode()


def traps(folder: Path) -> None:
    """What the hostile values above name: a pipe that nobody writes to, links, a device."""
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "zero").symlink_to("/dev/zero")
    (folder / "file").write_text("secret\n")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "socket"))
