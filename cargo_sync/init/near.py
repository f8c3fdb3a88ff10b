"""The daemon of a new job: its other jobs, its folder of job files, and the daemon itself."""

import contextlib
import itertools
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from cargo_sync.api.addresses import (
    DAEMON,
    AddressError,
    Addresses,
    instance_addresses,
    is_live,
    runtime_dirs,
    trusted,
)
from cargo_sync.api.client import Client, CommandError, NotAdmitted, NotRunning
from cargo_sync.api.own_files import config_file, write_private
from cargo_sync.config import places
from cargo_sync.config.daemon import load_daemon
from cargo_sync.config.errors import ConfigError
from cargo_sync.config.job import JobSettings, job_from
from cargo_sync.config.job_shape import DEFAULT_EXCLUDE
from cargo_sync.config.relaxed import parse
from cargo_sync.daemon.jobs.folder import slug
from cargo_sync.daemon.jobs.loading import JobFiles
from cargo_sync.init.forecast import FileAmount
from cargo_sync.init.questions import InitError
from cargo_sync.model.problems import ProblemError
from cargo_sync.plan.filters import Filters

PATIENCE: Final = 5.0
"""Seconds that counting may take."""


@dataclass(frozen=True, slots=True)
class NearSide:
    """This user's daemon, as far as it is there.

    jobs     those that it has
    running  its sockets, or None
    """

    env: Mapping[str, str]
    files: JobFiles
    jobs: tuple[JobSettings, ...]
    running: Addresses | None

    @classmethod
    def found(cls, env: Mapping[str, str]) -> "NearSide":
        """Looks. Raises InitError."""
        try:
            files = JobFiles.folder(load_daemon(None, env).jobs_dir, env)
            return cls(env, files, files.read().jobs, _running(env))
        except ConfigError as error:
            raise InitError(str(error)) from error

    # -- answers -----------------------------------------------------------------------------------

    def folder(self, text: str) -> str:
        """A local folder for a new job; a relative one starts from the current folder.

        Raises:
            ValueError: it cannot be one.
        """
        path = places.not_reserved(places.local_path(text.strip(), os.getcwd(), self.env))
        above = os.path.dirname(path)
        if os.path.lexists(path) and not os.path.isdir(path):
            raise ValueError(f"{path} is not a folder")
        if not os.path.isdir(above):
            raise ValueError(f"there is no folder {above}; make it first")
        real = os.path.realpath(path)
        for job in (one for one in self.jobs if one.enabled):
            taken = os.path.realpath(job.local_dir)
            if places.inside(real, taken) or places.inside(taken, real):
                raise ValueError(
                    f'{path} overlaps with {job.local_dir} of the job "{job.name}"; '
                    "a folder belongs to one job"
                )
        return path

    def name(self, folder: str) -> str:
        """A name for the job of a folder that no other job has."""
        taken = {job.name for job in self.jobs}
        base = places.display_name((os.path.basename(folder) or "all")[:90])
        names = (base if number == 1 else f"{base} {number}" for number in itertools.count(1))
        return next(name for name in names if name not in taken)

    # -- the job -----------------------------------------------------------------------------------

    def check(self, text: str) -> None:
        """Checks the text of a job file as a daemon does. Raises InitError."""
        try:
            self.files.judge(text, "the new job", ())
        except ConfigError as error:
            raise InitError(str(error)) from error

    def add(self, name: str, text: str) -> str:
        """Gives a job to the daemon, or puts it where the next one finds it. Returns its file.

        Raises:
            InitError: it is refused; nothing was written.
        """
        if self.running is not None:
            try:
                with Client(self.running.commands, key=self.running.key) as client:
                    added = client.call("job.add", {"text": text, "name": "the new job"})
            except (CommandError, NotAdmitted, NotRunning) as error:
                raise InitError(f"the daemon did not take the job: {error}") from error
            return str(added["file"])
        self.check(text)
        assert self.files.filing is not None, "the jobs of a folder"
        try:
            return self.files.filing.place(name, text)
        except ProblemError as error:
            raise InitError(str(error.problem)) from error

    def write(self, path: str, text: str) -> str:
        """Writes a job file of its own. Raises InitError."""
        try:
            job_from(parse(text, path), self.env)
            write_private(path, text)
        except ConfigError as error:
            raise InitError(str(error)) from error
        except OSError as error:
            message = f"{path}: cannot be written: {error.strerror or error}"
            raise InitError(message) from error
        return path

    @contextlib.contextmanager
    def secret_file(self, name: str, secret: str) -> Iterator[str]:
        """A new file with a secret, for `password_file`; it goes if the block fails.

        Raises:
            InitError: it cannot be written.
        """
        path = ""
        try:
            path = _new_file(config_file(self.env, "passwords"), slug(name), secret + "\n")
        except OSError as error:
            raise InitError(f"the password cannot be written: {error}") from error
        with _removed_on_failure(lambda: os.unlink(path)):
            yield path


@contextlib.contextmanager
def made_folder(path: str) -> Iterator[None]:
    """Makes a folder if there is none; it goes again if the block fails. Raises InitError."""
    if os.path.isdir(path):
        yield
        return
    try:
        os.mkdir(path)
    except OSError as error:
        raise InitError(f"{path} cannot be made: {error.strerror or error}") from error
    with _removed_on_failure(lambda: os.rmdir(path)):
        yield


def amount(folder: str) -> FileAmount:
    """How much a job would transfer of a local folder. What cannot be read counts as nothing."""
    filters, until = Filters((), DEFAULT_EXCLUDE), time.monotonic() + PATIENCE
    files = size = 0
    pending = [""]
    while pending:
        if time.monotonic() > until:
            return FileAmount(files, size, more=True)
        below = pending.pop()
        with contextlib.suppress(OSError), os.scandir(os.path.join(folder, below)) as entries:
            for entry in entries:
                path, status = os.path.join(below, entry.name), entry.stat(follow_symlinks=False)
                is_folder = stat.S_ISDIR(status.st_mode)
                if filters.excluded(path, is_folder):
                    continue
                if is_folder:
                    pending.append(path)
                elif stat.S_ISREG(status.st_mode):
                    files += 1
                    size += status.st_size
    return FileAmount(files, size)


def _running(env: Mapping[str, str]) -> Addresses | None:
    """This user's own daemon on this machine, if it runs."""
    for runtime in runtime_dirs(env):
        addresses = instance_addresses(runtime, DAEMON)
        if not is_live(addresses.commands):
            continue
        with contextlib.suppress(AddressError):
            found = trusted(addresses, env)
            if found.foreign is None:
                return found
    return None


def _new_file(folder: str, stem: str, text: str) -> str:
    """Writes a file under a name that is free, durably, for its owner only. Raises OSError."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for number in itertools.count(1):
        path = os.path.join(folder, stem if number == 1 else f"{stem}-{number}")
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            continue
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        return path
    raise AssertionError("there is always a next number")


@contextlib.contextmanager
def _removed_on_failure(remove: Callable[[], object]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            remove()
        raise
