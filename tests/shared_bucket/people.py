"""Who changes files: in a folder, over HTTP, and by rclone in the bucket.

Each person works at one file after another. What is removed in a folder is known exactly: the new
file changes places with the old one, in one step of the system.
"""

import ctypes
import http.client
import itertools
import json
import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import quote

from blake3 import blake3

from tests.shared_bucket.diary import Diary, Removal, Side, Version

FOLDERS: Final = ("films", "films/2026", "music", "notes", "notes/a b/é", "rough")
NAMES: Final = tuple(f"{number}.dat" for number in range(7))
MIB: Final = 2**20
_AT_FDCWD: Final = -100
_NOREPLACE, _EXCHANGE = 1, 2
_PATIENCE: Final = 120.0


class Person(Protocol):
    """Somebody who changes files."""

    @property
    def name(self) -> str: ...

    def step(self) -> None:
        """Does one thing."""


class Author:
    """Contents and paths by chance. No content is there twice."""

    def __init__(self, name: str, seed: str, diary: Diary) -> None:
        self.name = name
        self.chance = random.Random(f"{seed}/{name}")
        self.diary = diary
        self._numbers = itertools.count(1)

    def content(self) -> bytes:
        """Of 100 bytes to 20 KB, seldom of 100 KB, and of some MiB."""
        kind = self.chance.random()
        size = self.chance.randint(100, 20_000)
        if kind < 0.05:
            size = self.chance.randint(70_000, 200_000)
        elif kind < 0.055:
            size = self.chance.randint(9 * MIB, 18 * MIB)
        start = f"{self.name} {next(self._numbers)} {self.chance.random()}\n".encode()
        return start + self.chance.randbytes(size)

    def path(self) -> str:
        """One of the few that all share, or a new one."""
        folder = self.chance.choice(FOLDERS)
        if self.chance.random() < 0.15:
            return f"{folder}/{self.name}-{next(self._numbers)}.dat"
        return f"{folder}/{self.chance.choice(NAMES)}"

    def wrote(self, side: Side, path: str, content: bytes, start: float) -> None:
        """Notes a version, which is there now."""
        digest = blake3(content).hexdigest()
        self.diary.wrote(Version(digest, len(content), self.name, side, path, start, time.time()))


class FolderPerson:
    """Changes files in a folder of the disk, each in one step."""

    def __init__(self, author: Author, side: Side, root: Path, aside: Path) -> None:
        self.name = author.name
        self._author = author
        self._side = side
        self._root = root
        self._aside = aside
        aside.mkdir(exist_ok=True)
        self._rename = ctypes.CDLL(None, use_errno=True).renameat2

    def step(self) -> None:
        """Writes a file, or removes one."""
        if self._author.chance.random() < 0.2:
            self._remove(self._author.path())
        else:
            self._write(self._author.path(), self._author.content())

    def _write(self, path: str, content: bytes) -> None:
        whole, part = self._root / path, self._aside / "new"
        part.write_bytes(content)
        start = time.time()
        flag = _NOREPLACE
        while not self._renamed(part, whole, flag):
            # What is there comes and goes meanwhile, and so do folders.
            flag = _EXCHANGE if whole.exists() else _NOREPLACE
            whole.parent.mkdir(parents=True, exist_ok=True)
        self._author.wrote(self._side, path, content, start)
        if flag == _EXCHANGE:
            self._note(path, part, start)

    def _remove(self, path: str) -> None:
        start, old = time.time(), self._aside / "old"
        try:
            os.rename(self._root / path, old)
        except FileNotFoundError:
            return
        self._note(path, old, start)

    def _note(self, path: str, removed: Path, start: float) -> None:
        digest = blake3(removed.read_bytes()).hexdigest()
        removed.unlink()
        self._author.diary.removed(Removal(self.name, self._side, path, start, time.time(), digest))

    def _renamed(self, part: Path, whole: Path, flag: int) -> bool:
        ends = (_AT_FDCWD, os.fsencode(part), _AT_FDCWD, os.fsencode(whole))
        return bool(self._rename(*ends, flag) == 0)


class HttpPerson:
    """Puts and deletes files over HTTP. The server keeps what that replaces."""

    def __init__(self, author: Author, port: int, login: tuple[str, str]) -> None:
        self.name = author.name
        self._author = author
        self._port = port
        self._login = dict(zip(("username", "password"), login, strict=True))
        self._headers: dict[str, str] = {}

    def step(self) -> None:
        """Puts a file, or deletes one."""
        if not self._headers:
            _, answer = self._asked("POST", "login", json.dumps(self._login).encode())
            self._headers["Authorization"] = f"Bearer {json.loads(answer)['token']}"
        path, start = self._author.path(), time.time()
        if self._author.chance.random() < 0.2:
            self._delete(path)
            return
        content = self._author.content()
        status, answer = self._asked("PUT", f"files/default/{_quoted(path)}", content)
        if status == 409:  # ben has replaced it at once
            return
        assert status in (201, 204), answer
        self._author.wrote(Side.SERVER, path, content, start)

    def _delete(self, path: str) -> None:
        """Deletes a file, if it still is what was seen."""
        below = "workspaces/default"
        status, answer = self._asked("GET", f"{below}/entry?path={_quoted(path)}")
        if status == 404:
            return
        version = json.loads(answer)["entry"][5]
        operation = {"op": "delete", "path": path, "expected": version}
        wanted = json.dumps({"run": self.name, "operations": [operation]}).encode()
        status, answer = self._asked("POST", f"{below}/operations", wanted)
        assert status == 200, answer

    def _asked(self, method: str, url: str, content: bytes | None = None) -> tuple[int, bytes]:
        to = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE)
        with closing(to):
            to.request(method, f"/v1/{url}", content, self._headers)
            answer = to.getresponse()
            return answer.status, answer.read()


def _quoted(path: str) -> str:
    return "/".join(quote(name, safe="") for name in path.split("/"))


class RclonePerson:
    """Copies, syncs and deletes with rclone, which knows nothing of any job."""

    def __init__(
        self, author: Author, rclone: str, place: str, settings: Mapping[str, str], aside: Path
    ) -> None:
        self.name = author.name
        self._author = author
        self._rclone = rclone
        self._place = place
        self._settings = settings
        self._aside = aside

    def step(self) -> None:
        """One command of rclone."""
        kind = self._author.chance.random()
        if kind < 0.15:
            path = self._author.path()
            self._run("deletefile", f"{self._place}/{path}", path=path, ends=(0, 4))
        elif kind < 0.65:
            path = self._author.path()
            [file] = self._make([path])
            self._run("copyto", str(file), f"{self._place}/{path}", made=[path])
        else:
            self._several("copy" if kind < 0.85 else "sync")

    def _several(self, command: str) -> None:
        folder = self._author.chance.choice(FOLDERS[1:])  # one that none of the others lies in
        names = self._author.chance.sample(NAMES, 3)
        made = [f"{folder}/{name}" for name in names]
        self._make(made)
        below = folder if command == "sync" else None
        self._run(
            command, str(self._aside / folder), f"{self._place}/{folder}", made=made, below=below
        )

    def _make(self, paths: Iterable[str]) -> list[Path]:
        shutil.rmtree(self._aside, ignore_errors=True)
        made = []
        for path in paths:
            file = self._aside / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(self._author.content())
            made.append(file)
        return made

    def _run(
        self,
        *command: str,
        made: Iterable[str] = (),
        path: str = "",
        below: str | None = None,
        ends: tuple[int, ...] = (0,),
    ) -> None:
        """Runs rclone, and notes what it made and may have removed."""
        start = time.time()
        done = subprocess.run(
            [self._rclone, *command],
            env=os.environ | dict(self._settings),
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
        assert done.returncode in ends, f"rclone {command}: {done.returncode} {done.stderr}"
        for one in (*made, *([path] if path else ())):
            self._removed(one, start)
        for one in made:
            self._author.wrote(Side.BUCKET, one, (self._aside / one).read_bytes(), start)
        if below is not None:
            self._removed(below, start, below=True)

    def _removed(self, path: str, start: float, *, below: bool = False) -> None:
        one = Removal(self.name, Side.BUCKET, path, start, time.time(), below=below)
        self._author.diary.removed(one)
