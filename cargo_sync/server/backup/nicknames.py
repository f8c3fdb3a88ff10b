"""Logins of the backup protocol: users with their password, and nicknames without one.

A nickname is a user like any other, with its own folder below one that the server's file names. It
is made when it sends its first file. With a password (`cargo_ctl user passwd`) it must log in with
it, and may also be used by jobs, curl and the interactive client.
"""

import logging
import os
from typing import Final

from cargo_sync.api.messages import ControlError
from cargo_sync.backup_protocol.messages import BackupRefusal, BackupStatus
from cargo_sync.backup_protocol.text import NO_NICKNAME
from cargo_sync.config import places
from cargo_sync.config.fields import served_folder
from cargo_sync.model import paths
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.world import Offload
from cargo_sync.server.accounts.access import Grants
from cargo_sync.server.accounts.logins import Logins
from cargo_sync.server.accounts.permits import Permit, Permits
from cargo_sync.server.accounts.registry import Registry
from cargo_sync.server.accounts.users import HashBook
from cargo_sync.server.grants.rights import Right
from cargo_sync.server.refusals import public
from cargo_sync.state.users import UserRow

MOST: Final = 10_000
"""The most nicknames: anybody who reaches the port can ask for one."""
WRONG: Final = "Apelido ou senha incorretos"
FULL: Final = "Não há lugar para outro apelido neste servidor"
OWN: Final = "default"
"""The name of a user's own workspace."""

_log = logging.getLogger(__name__)


class Nicknames:
    """Users without a password, in `folder`."""

    def __init__(self, folder: str, registry: Registry, hashes: HashBook, offload: Offload) -> None:
        self._folder = folder
        self._registry = registry
        self._hashes = hashes
        self._offload = offload

    async def has(self, name: str) -> bool:
        """Whether this is a nickname that needs no password."""
        user = self._registry.roster.user(name)
        return (
            user is not None
            and user.enabled
            and not user.given  # a user of the file without a password yet is not open to everybody
            and places.inside(user.path, self._folder)
            and await self._offload(self._hashes.get, name) is None
        )

    async def make(self, name: str) -> None:
        """Makes a user of this name, unless there is one.

        Raises:
            BackupRefusal: the name cannot be used, or the user cannot be made.
        """
        checked(name)
        registry = self._registry
        async with registry.changing:
            if registry.roster.user(name) is not None:
                return
            if (
                sum(places.inside(user.path, self._folder) for user in registry.roster.users)
                >= MOST
            ):
                raise BackupRefusal(FULL, BackupStatus.STORE)
            try:
                await self._offload(_present, self._folder)
                path = await registry.folder("user", os.path.join(self._folder, name), name)
                await self._offload(registry.user_rows.put, UserRow(name, path))
                await registry.refresh()
            except (ControlError, ProblemError, OSError, ValueError) as error:
                _log.error("the nickname %r could not be made: %s", name, error)
                raise BackupRefusal("O apelido não pôde ser criado", BackupStatus.STORE) from error
        _log.info("the nickname %r was made", name)


class UserLogin:
    """The logins of both ports; `nicknames` is None when everybody needs a password."""

    def __init__(
        self,
        sessions: Logins,
        spaces: Grants,
        permits: Permits,
        nicknames: Nicknames | None,
    ) -> None:
        self._sessions = sessions
        self._spaces = spaces
        self._permits = permits
        self._nicknames = nicknames

    async def enter(
        self, nickname: str, password: str | None, address: str, *, sends: bool
    ) -> Permit:
        """See `shelf.BackupLogin`."""
        try:
            if password is not None:
                await self._sessions.basic(nickname, password, address)
            else:
                await self._without_password(nickname, sends)
                if self._permits.refusal_of(nickname, address):
                    raise BackupRefusal(NO_NICKNAME)  # nobody has proved who they are
            access = self._spaces.get(nickname, OWN)
            right = Right.ADD if sends else Right.READ
            access.require(right)
            return self._permits.for_task(nickname, access, right, address=address)
        except ProblemError as error:
            raise _refused(error) from error

    async def _without_password(self, nickname: str, sends: bool) -> None:
        if self._nicknames is None:
            raise BackupRefusal(NO_NICKNAME)
        if sends:
            await self._nicknames.make(nickname)
        if not await self._nicknames.has(nickname):
            raise BackupRefusal(NO_NICKNAME)


def checked(nickname: str) -> str:
    """A nickname that can be the name of a user and of a folder.

    Raises:
        BackupRefusal: it cannot.
    """
    try:
        named = places.segment(nickname)
        paths.check(nickname)
    except (ValueError, ProblemError):
        named = ""
    if named != nickname or nickname.startswith("."):
        raise BackupRefusal(f"O apelido {nickname!r} não pode ser usado")
    return nickname


def _present(folder: str) -> None:
    """Makes the folder of all nicknames.

    Raises:
        ValueError, OSError: it cannot be used or made.
    """
    os.makedirs(served_folder(folder), exist_ok=True)


def _refused(error: ProblemError) -> BackupRefusal:
    match error.problem.code:
        case Code.UNAUTHORIZED:
            return BackupRefusal(WRONG)
        case Code.EXPIRED:
            return BackupRefusal("O acesso deste apelido expirou")
        case Code.FOREIGN_NETWORK:
            return BackupRefusal("Este apelido não pode ser usado a partir desta rede")
        case Code.THROTTLED | Code.BUSY:
            return BackupRefusal("Muitas tentativas: espere um pouco")
        case Code.UNKNOWN:
            return BackupRefusal(NO_NICKNAME)
        case _:
            return BackupRefusal(public(error.problem).message, BackupStatus.STORE)
