"""Somebody else's server while a job is set up: looked at, logged in to, counted."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import asyncssh

from cargo_sync.api.server_trust import SeenServer
from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.daemon.far.choice import far_folder
from cargo_sync.daemon.far.login import VisitLogin
from cargo_sync.daemon.far.look import far_look
from cargo_sync.init.far import PATIENCE
from cargo_sync.init.forecast import FileAmount
from cargo_sync.init.questions import InitError
from cargo_sync.model.entries import FILE
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.system import system_world
from cargo_sync.trees.remote.contract import RemoteFolder, RemoteListing

T = TypeVar("T")

_AGAIN = frozenset({Code.UNAUTHORIZED, Code.UNREACHABLE})


@dataclass(slots=True)
class RemoteSide:
    """The server. Its calls block; they raise InitError.

    is_there  the folder exists; known after the login
    """

    runner: asyncio.Runner
    world: World
    is_there: bool = False
    _folder: RemoteFolder | None = field(default=None, init=False)

    @classmethod
    @contextlib.contextmanager
    def on(cls, runner: asyncio.Runner) -> Iterator["RemoteSide"]:
        """One that is closed at the end of the block."""
        with ThreadPoolExecutor(4) as pool:
            side = cls(runner, system_world(pool, time.time))
            try:
                yield side
            finally:
                side.close()

    def seen(self, remote: RemoteAddress, known_hosts: str | None) -> SeenServer:
        """Who answers at an address."""
        found = self._run(far_look(remote, known_hosts, self.world))
        return SeenServer(
            found.url, found.kind, found.sealed, found.trusted, found.fingerprint, found.message
        )

    def log_in(self, login: VisitLogin) -> None:
        """Logs in, and looks whether the folder is there."""
        self.close()
        folder = self._folder = self._made(login)
        try:
            self.runner.run(folder.open(make=False))
            self.is_there = True
        except ProblemError as error:
            if error.problem.code is not Code.ROOT_GONE:
                raise _init_error(error) from error
            self.is_there = False

    def amount(self) -> FileAmount:
        """How much is in the folder."""
        return self._run(self._counted()) if self.is_there else FileAmount()

    def try_writing(self) -> None:
        """Writes a file of ours there, which goes again."""
        if self.is_there:
            assert self._folder is not None, "log_in comes first"
            self._run(self._folder.find_out())

    def close(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            self.runner.run(_closed(folder))

    def _made(self, login: VisitLogin) -> RemoteFolder:
        try:
            return far_folder(login, self.world)
        except ProblemError as error:
            raise _init_error(error) from error

    async def _counted(self) -> FileAmount:
        assert self._folder is not None, "log_in comes first"
        files = size = 0
        until = time.monotonic() + PATIENCE
        async for seen in self._folder.walk():
            for listing in seen:
                if isinstance(listing, RemoteListing):
                    found = [one for one in listing.entries if one.kind == FILE]
                    files, size = files + len(found), size + sum(one.size for one in found)
            if time.monotonic() > until:
                return FileAmount(files, size, True)
        return FileAmount(files, size)

    def _run(self, work: Awaitable[T]) -> T:
        async def done() -> T:
            return await work

        try:
            return self.runner.run(done())
        except ProblemError as error:
            raise _init_error(error) from error


def is_locked(key_file: str) -> bool:
    """Whether a private key has a passphrase. Raises InitError: it is no key."""
    try:
        asyncssh.read_private_key(key_file)
    except asyncssh.KeyEncryptionError:
        return True
    except asyncssh.KeyImportError as error:
        if "assphrase" in str(error):
            return True
        raise InitError(f"{key_file} is not a private key: {error}") from error
    except OSError as error:
        raise InitError(f"{key_file} cannot be read: {error.strerror}") from error
    return False


async def _closed(folder: RemoteFolder) -> None:
    with contextlib.suppress(ProblemError):
        await folder.close()


def _init_error(error: ProblemError) -> InitError:
    problem = error.problem
    words = problem.message + (f" ({problem.hint})" if problem.hint else "")
    return InitError(words.replace(" in the job", ""), again=problem.code in _AGAIN)
