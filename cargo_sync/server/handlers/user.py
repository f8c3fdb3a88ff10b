"""`user.…`: list, show, add, set, enable, disable, remove, passwd."""

from dataclasses import replace
from typing import Any, Final

from cargo_sync.api.messages import ControlError, ReplyCode
from cargo_sync.config import places
from cargo_sync.config.server import UserSettings
from cargo_sync.control.limits import speed
from cargo_sync.control.router import Handler
from cargo_sync.model.world import Offload
from cargo_sync.server import views
from cargo_sync.server.accounts.logins import PASSWORD_LENGTH
from cargo_sync.server.accounts.registry import Registry
from cargo_sync.server.accounts.roster import RATES
from cargo_sync.server.accounts.users import Users
from cargo_sync.server.feed import Tell
from cargo_sync.server.flows.sampler import FlowSampler
from cargo_sync.server.handlers.refusals import in_file
from cargo_sync.state.users import UserRow

_PASSWORDS: Final = ("password", "password_file", "password_hash")


class UserHandlers:
    """Answers about users, and changes them. `tell` puts a notice into the feed."""

    def __init__(
        self, registry: Registry, logins: Users, sampler: FlowSampler, offload: Offload, tell: Tell
    ) -> None:
        self._registry = registry
        self._logins = logins
        self._sampler = sampler
        self._offload = offload
        self._tell = tell

    def table(self) -> dict[str, Handler]:
        return {
            "user.list": self.list,
            "user.show": self.show,
            "user.add": self.add,
            "user.set": self.set,
            "user.enable": self.enable,
            "user.disable": self.disable,
            "user.remove": self.remove,
            "user.passwd": self.passwd,
        }

    async def list(self, _: dict[str, Any]) -> dict[str, Any]:
        flows = self._sampler.readings()
        users = sorted(self._registry.roster.users, key=lambda one: one.username)
        return {"users": [views.user(one, flows) for one in users]}

    async def show(self, args: dict[str, Any]) -> dict[str, Any]:
        user = self._registry.user(args["user"])
        return views.whole_user(
            user,
            self._sampler.readings(),
            self._registry.roster.workspaces,
            self._registry.file_name,
        )

    async def add(self, args: dict[str, Any]) -> dict[str, Any]:
        name = _name(args["user"])
        _password(args)
        rates = _rates("user.add", args)
        hash = await self._logins.hash(args["password"])
        async with self._registry.changing:
            if self._registry.roster.user(name) is not None:
                raise ControlError(
                    ReplyCode.USER_EXISTS,
                    f'there is a user "{name}" already',
                    "`user.set` changes them",
                )
            path = await self._registry.folder("user", args["path"], name)
            row = UserRow(name, path, **rates, enabled=args.get("enabled", True))
            await self._offload(self._registry.user_rows.add, row, hash)
            self._logins.changed((name,))
            await self._registry.refresh(frozenset((name,)))
        self._tell(name, "added")
        return self._row(name)

    async def set(self, args: dict[str, Any]) -> dict[str, Any]:
        path = {"path": args["path"]} if "path" in args else {}
        changes: dict[str, Any] = path | _rates("user.set", args)
        async with self._registry.changing:
            user = self._registry.user(args["user"])
            if not changes:
                raise ControlError(
                    ReplyCode.BAD_ARGUMENT, "user.set needs something to set", "such as a speed"
                )
            in_file(self._registry, user, *changes)
            if "path" in changes:
                changes["path"] = await self._registry.folder(
                    "user", changes["path"], user.username
                )
            await self._put(user, changes)
        self._tell(user.username, "changed")
        return self._row(user.username)

    async def enable(self, args: dict[str, Any]) -> dict[str, Any]:
        return await self._switch(args["user"], True)

    async def disable(self, args: dict[str, Any]) -> dict[str, Any]:
        return await self._switch(args["user"], False)

    async def remove(self, args: dict[str, Any]) -> dict[str, Any]:
        async with self._registry.changing:
            user = self._registry.user(args["user"])
            in_file(self._registry, user, "username")
            await self._offload(self._registry.user_rows.remove, user.username)
            self._logins.changed((user.username,))
            await self._registry.refresh(frozenset((user.username,)))
        self._tell(user.username, "removed")
        return {"user": user.username, "path": user.path}

    async def passwd(self, args: dict[str, Any]) -> dict[str, Any]:
        _password(args)
        async with self._registry.changing:
            user = self._registry.user(args["user"])
            in_file(self._registry, user, *_PASSWORDS)
            await self._logins.set_password(user.username, args["password"])
            await self._registry.refresh(frozenset((user.username,)))
        self._tell(user.username, "password")
        return self._row(user.username)

    async def _switch(self, name: str, enabled: bool) -> dict[str, Any]:
        async with self._registry.changing:
            user = self._registry.user(name)
            in_file(self._registry, user, "enabled")
            await self._put(user, {"enabled": enabled})
        if user.enabled != enabled:
            self._tell(name, "enabled" if enabled else "disabled")
        return self._row(name)

    async def _put(self, user: UserSettings, changes: dict[str, Any]) -> None:
        rows = self._registry.user_rows
        kept = (await self._offload(rows.all)).get(user.username) or UserRow(user.username)
        await self._offload(rows.put, replace(kept, **changes))
        await self._registry.refresh()

    def _row(self, name: str) -> dict[str, Any]:
        return views.user(self._registry.user(name), self._sampler.readings())


def _name(name: str) -> str:
    try:
        if places.segment(name) != name:
            raise ValueError("begins or ends with a space")
    except ValueError as error:
        raise ControlError(
            ReplyCode.BAD_ARGUMENT,
            f'"user" {error}',
            'a name has 1 to 100 characters without "/" and ":"',
        ) from None
    return name


def _rates(cmd: str, args: dict[str, Any]) -> dict[str, int | None]:
    """Those that are given. Raises ControlError(bad_argument)."""
    return {field: speed(cmd, field, args[field]) for field in RATES if field in args}


def _password(args: dict[str, Any]) -> None:
    """Raises ControlError(bad_argument), without a word of what it is."""
    if len(args["password"]) > PASSWORD_LENGTH:
        raise ControlError(
            ReplyCode.BAD_ARGUMENT, f'"password" has more than {PASSWORD_LENGTH} characters'
        )
