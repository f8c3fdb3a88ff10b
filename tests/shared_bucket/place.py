"""The programs: a Cargo server, a daemon with two jobs over one folder, and a bucket."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from benchmarks.remotes.far import Far, far_of
from cargo_sync.api.client import CommandError, NotRunning
from tests.e2e.processes import Place
from tests.remotes.installed import of_python
from tests.remotes.remotes import Remotes
from tests.remotes.running import Running
from tests.remotes.test_s3_client import KNOWN
from tests.shared_bucket.diary import Side

JOBS: Final = {"server": Side.SERVER, "bucket": Side.BUCKET}
"""The jobs by their names: what each follows."""
_COMMON: Final[Mapping[str, Any]] = {
    # What people do here would often be held.
    "delete": "propagate", "guard": False, "sleep": 1,
}  # fmt: skip
_TURN: Final = 300.0
_TRIES: Final = 20


class SharedBucket(Place):
    """The programs and their folders.

    shared  the folder that both jobs have
    far     the bucket
    obeys   whether its server obeys conditions, so that nothing falls between a look and a PUT
    """

    def __init__(self, folder: Path, server: Running, *, versions: bool) -> None:
        super().__init__(folder)
        self._server = server
        known = KNOWN.get(server.name)
        self.obeys = known is not None and known.put_if_match
        self.far: Far = far_of(server)
        if versions:
            self.about_versions("keep", self.bucket)
        self.shared = folder / "shared"
        self.shared.mkdir()
        common = dict(_COMMON) | {"local_dir": str(self.shared), "enabled": False}
        self.job("server", "bidirectional", **common)
        self.job("bucket", "bidirectional", **common | dict(self.far.fields))

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return urlsplit(self.far.url).path.strip("/")

    @property
    def rclone_place(self) -> str:
        """The bucket as rclone names it."""
        return self.far.below

    def begin_all(self) -> None:
        """Starts the server and the daemon."""
        self.start("server")
        self.start("daemon")

    @contextmanager
    def turn(self, job: str) -> Iterator[None]:
        """One job is enabled; then it is not any more, and has let go of the folder."""
        self._enable(job, True)
        try:
            yield
        finally:
            self._enable(job, False)

    def _enable(self, job: str, is_enabled: bool) -> None:
        try:
            self.edit(job, enabled=is_enabled)
        except CommandError:  # it was asked again, and a job that stops is not there
            self.until(lambda: self._is_enabled(job) is is_enabled, f"{job} is read again")

    def _is_enabled(self, job: str) -> bool | None:
        try:
            return bool(self.shown(job)["state"] != "disabled")
        except CommandError:
            return None

    def call(self, cmd: str, **args: Any) -> dict[str, Any]:
        """Asks again if there is no answer: on a busy machine it is late."""
        for _ in range(_TRIES):
            with suppress(NotRunning):
                return super().call(cmd, **args)
        return super().call(cmd, **args)

    def until(self, holds: Callable[[], object], what: str, patience: float = _TURN) -> None:
        """With more patience: a story runs beside other work."""
        super().until(holds, what, patience)

    def one_look(self, job: str) -> None:
        """Waits until a look that has begun after this call has ended, with nothing left to do."""
        asked = time.time()
        self.call("job.sync", job=job)

        def done() -> bool:
            shown = self.shown(job)
            last = shown["last_run"]
            return shown["state"] == "synced" and (shown["succeeded_at"] or 0) >= asked and last

        self.until(done, f"a look of {job}", _TURN)

    def about_versions(self, *command: str) -> str:
        """What the program about versions writes."""
        endpoint = f"http://{urlsplit(self.far.url).netloc}"
        program = Path(__file__).with_name("bucket_versions.py")
        login = self._server.login
        return subprocess.run(
            [of_python("python"), "-P", str(program), endpoint, login.user, *command],
            env=os.environ | {"SECRET": login.password},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout


@contextmanager
def shared_bucket(folder: Path, name: str, *, versions: bool) -> Iterator[SharedBucket]:
    """All programs, which run."""
    folder.chmod(0o711)
    remotes = Remotes(folder / "remotes")
    (folder / "remotes").mkdir(mode=0o711)
    try:
        place = SharedBucket(folder, remotes.get(name), versions=versions)
        try:
            place.begin_all()
            yield place
        finally:
            place.close()
    finally:
        remotes.close()
