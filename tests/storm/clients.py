"""Who uploads and downloads in a storm. Each client has files of its own.

A client sends an upload again only if it has no answer, or a refusal. When the answer is lost, it
asks first whether the file is there: what was committed is never sent twice.
"""

import base64
import http.client
import json
import random
import select
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Final, NamedTuple

from blake3 import blake3

from tests.e2e.processes import PASSWORD, USER
from tests.storm.coast import WORKSPACE, Coast
from tests.storm.tally import Tally

KIB, MIB = 2**10, 2**20
PIECE: Final = 64 * KIB
DEADLINE: Final = 120.0
"""Seconds for an answer."""
HOPELESS: Final = 240.0
"""Seconds after which something that waits has failed."""
FRAMES: Final = 4 * KIB
"""Bytes of a lane's frames for each file, beside one in 64 of its content."""


class Kept(NamedTuple):
    """An acknowledged content."""

    hash: str
    size: int


class Turns:
    """Who begins the next transfer, and when: so many, spread over so many seconds.

    After these it goes on until there is `enough`, whatever that is.
    """

    def __init__(self, count: int, seconds: float, enough: Callable[[], bool]) -> None:
        self.done = 0
        self._count = count
        self._enough = enough
        self._step = seconds / count
        self._began = time.monotonic()
        self._given = 0
        self._lock = threading.Lock()
        self.ended = threading.Event()

    def take(self, count: int) -> bool:
        """Waits for the time of the next `count` transfers; False if there are no more."""
        with self._lock:
            if self.ended.is_set() or (self._given >= self._count and self._enough()):
                return False
            at = self._began + self._given * self._step
            self._given += count
        self.ended.wait(max(0.0, at - time.monotonic()))
        return not self.ended.is_set()

    def give(self, count: int) -> None:
        with self._lock:
            self.done += count


def some_content(chance: random.Random, largest: int) -> bytes:
    """Bytes that no other file has; of 1 byte to 10 as often as of 1 MiB to 10."""
    size = max(1, int(largest ** chance.random()))
    return chance.randbytes(size)


class HttpClient:
    """Puts and gets files over HTTP.

    kept       what was acknowledged, by path
    ever       all that was: what was replaced is in the trash
    under_way  bytes of the upload that goes on now
    """

    def __init__(self, name: str, coast: Coast, tally: Tally, seed: str, largest: int) -> None:
        self.name = name
        self.kept: dict[str, Kept] = {}
        self.ever: set[Kept] = set()
        self.under_way = 0
        self._coast = coast
        self._tally = tally
        self._chance = random.Random(f"{seed}/{name}")
        self._largest = largest
        given = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        self._headers = {"Authorization": f"Basic {given}"}

    def run(self, turns: Turns) -> None:
        """Until there are no more turns."""
        while turns.take(1):
            chance = self._chance
            if not self.kept or chance.random() < 0.55:
                number = len(self.kept)
                again = bool(self.kept) and chance.random() < 0.1
                path = chance.choice(list(self.kept)) if again else f"{self.name}/{number:04}.bin"
                self.put(path, some_content(chance, self._largest), turns.ended.is_set)
            else:
                self.get(chance.choice(list(self.kept)), turns.ended.is_set)
            turns.give(1)

    def put(self, path: str, content: bytes, is_over: Callable[[], bool] = lambda: False) -> None:
        """Uploads until it is acknowledged."""
        wanted, began = Kept(blake3(content).hexdigest(), len(content)), time.monotonic()
        self.under_way = wanted.size
        while not self._is_late(began, f"the upload of {path}") and not is_over():
            status, sent = self._send(path, content)
            self._tally.count("HTTP", sent=sent)
            if status in (201, 204):
                break
            if status:
                self._tally.count("HTTP", refused=sent)
            elif sent < wanted.size or not self._is_there(path, wanted):
                self._tally.count("HTTP", cut=sent)
            else:
                break  # it was committed, and the answer was lost
            time.sleep(0.5)
        self.under_way = 0
        self.kept[path] = wanted
        self.ever.add(wanted)
        self._tally.count("HTTP", content=wanted.size)
        self._tally.done("upload, HTTP", 1, wanted.size, time.monotonic() - began)

    def get(self, path: str, is_over: Callable[[], bool] = lambda: False) -> bool:
        """Downloads until all of it has come; whether it was what it should be."""
        wanted, began = self.kept[path], time.monotonic()
        while not self._is_late(began, f"the download of {path}") and not is_over():
            content = self._fetch(path)
            if content is None:
                time.sleep(0.5)
                continue
            if blake3(content).hexdigest() != wanted.hash:
                what = f"{path} has {len(content)} bytes of another content than was acknowledged"
                self._tally.must_not(f"{what} ({wanted.size} bytes)")
                return False
            self._tally.done("download, HTTP", 1, wanted.size, time.monotonic() - began)
            return True
        return False

    def check(self, kept: dict[str, Kept]) -> None:
        """All of these can be read, and are what they should be."""
        for path, wanted in kept.items():
            began = time.monotonic()
            while (content := self._fetch(path)) is None:
                if self._is_late(began, f"{path}, at the end,"):
                    return
                time.sleep(0.3)
            if blake3(content).hexdigest() != wanted.hash:
                self._tally.must_not(f"{path} has {len(content)} bytes of another content")

    # -- within ------------------------------------------------------------------------------------

    def _is_late(self, began: float, what: str) -> bool:
        if time.monotonic() - began < HOPELESS:
            return False
        self._tally.must_not(f"{what} has waited for {HOPELESS:.0f} s in vain")
        return True

    def _send(self, path: str, content: bytes) -> tuple[int, int]:
        """The status of the answer, 0 for none; and how many bytes of the body were sent."""
        sent = 0
        with closing(self._connection()) as to:
            try:
                to.putrequest("PUT", _url(path))
                for header in self._headers.items():
                    to.putheader(*header)
                to.putheader("Content-Length", str(len(content)))
                to.endheaders()
                try:
                    for start in range(0, len(content), PIECE):
                        if select.select([to.sock], [], [], 0)[0]:
                            break  # it has answered already
                        piece = content[start : start + PIECE]
                        to.send(piece)
                        sent += len(piece)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # perhaps it has answered
                answer = to.getresponse()
                self._note(answer.status, answer.read())
                return answer.status, sent
            except (OSError, http.client.HTTPException) as error:
                self._tally.failed(f"upload: {type(error).__name__}")
                return 0, sent

    def _fetch(self, path: str) -> bytes | None:
        """The content; None if there is no whole answer."""
        with closing(self._connection()) as to:
            try:
                to.request("GET", _url(path), headers=self._headers)
                answer = to.getresponse()
                content = answer.read()
                if answer.status == 200:
                    return content
                if answer.status == 404:
                    self._tally.must_not(f"{path} was acknowledged, and is not there")
                self._note(answer.status, content)
            except (OSError, http.client.HTTPException) as error:
                self._tally.failed(f"download: {type(error).__name__}")
        return None

    def _is_there(self, path: str, wanted: Kept) -> bool:
        """Whether an upload was committed; asks until there is an answer."""
        began = time.monotonic()
        while not self._is_late(began, f"a question about {path}"):
            with closing(self._connection()) as to:
                try:
                    to.request("HEAD", _url(path), headers=self._headers)
                    answer = to.getresponse()
                    answer.read()
                    if answer.status in (200, 404):
                        return answer.headers.get("X-Blake3") == wanted.hash
                except (OSError, http.client.HTTPException):
                    pass
            time.sleep(0.3)
        return False

    def _note(self, status: int, body: bytes) -> None:
        if status >= 300:
            try:
                code = json.loads(body)["error"]["code"]
            except (ValueError, KeyError, TypeError):
                code = "?"
            self._tally.failed(f"HTTP {status} {code}")

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._coast.api, timeout=DEADLINE)


def _url(path: str) -> str:
    return f"/v1/files/{WORKSPACE}/{path}"


class JobClient:
    """Puts files into the folder of an upload job, and waits for them at a download job.

    kept       what has arrived, by path in the workspace
    under_way  bytes of the files that have not
    """

    name = "jobs"

    def __init__(self, coast: Coast, tally: Tally, seed: str, largest: int) -> None:
        self.kept: dict[str, Kept] = {}
        self.under_way = 0
        self._coast = coast
        self._tally = tally
        self._chance = random.Random(f"{seed}/{self.name}")
        self._largest = largest
        self._batch = 0

    def run(self, turns: Turns) -> None:
        """Until there are no more turns."""
        while turns.take(2 * (count := self._chance.randint(1, 8))):
            self.put(count, turns.ended.is_set)
            turns.give(2 * count)

    def put(self, count: int, is_over: Callable[[], bool] = lambda: False) -> None:
        """Puts some files, and waits until they have come down again."""
        began, self._batch = time.monotonic(), self._batch + 1
        wanted = dict[str, Kept]()
        for number in range(count):
            content = some_content(self._chance, self._largest)
            path = f"{self._batch:04}/{number}.bin"
            wanted[path] = Kept(blake3(content).hexdigest(), len(content))
            self.under_way += len(content)
            self._write(path, content)
        size = sum(one.size for one in wanted.values())
        left = dict(wanted)
        while left and not is_over():
            left = {path: one for path, one in left.items() if not self._has_come(path, one)}
            if time.monotonic() - began > HOPELESS:
                self._tally.must_not(f"{len(left)} files of jobs have waited for {HOPELESS:.0f} s")
                break
            time.sleep(0.1)
        self.under_way = 0
        self.kept |= {f"jobs/{path}": one for path, one in wanted.items()}
        self._tally.count("jobs", content=size, overhead=count * FRAMES + size // 64)
        seconds = time.monotonic() - began
        self._tally.done("upload and download, jobs", 2 * count, 2 * size, seconds)

    def _write(self, path: str, content: bytes) -> None:
        """A file that is there as a whole, or not at all."""
        whole = self._coast.near / path
        whole.parent.mkdir(exist_ok=True)
        part = self._coast.folder / "part"
        part.write_bytes(content)
        part.rename(whole)

    def _has_come(self, path: str, wanted: Kept) -> bool:
        found = self._coast.far / path
        try:
            content = found.read_bytes()
        except FileNotFoundError:
            return False
        if blake3(content).hexdigest() == wanted.hash:
            return True
        self._tally.must_not(f"{found} came with {len(content)} bytes of another content")
        return True
