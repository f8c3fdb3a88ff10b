"""`user.…`: list, show, add, set, enable, disable, remove, passwd."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from cargo_sync.api.arguments import Args
from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.api.server_commands import (
    USER_ADD,
    USER_DISABLE,
    USER_ENABLE,
    USER_LIST,
    USER_PASSWD,
    USER_REMOVE,
    USER_SET,
    USER_SHOW,
    OneUser,
    UserAddArgs,
    UserPasswordArgs,
    UserSetArgs,
    UserSpeeds,
)
from cargo_sync.config import places
from cargo_sync.config.server import UserSettings
from cargo_sync.control.limits import speed
from cargo_sync.control.routes import Route
from cargo_sync.model.world import Offload
from cargo_sync.server.accounts.invitations import PASSWORDS, Invitations
from cargo_sync.server.accounts.logins import PASSWORD_LENGTH
from cargo_sync.server.accounts.registry import Registry
from cargo_sync.server.accounts.roster import RATES, SETTABLE
from cargo_sync.server.accounts.users import Users
from cargo_sync.server.handlers.refusals import in_file
from cargo_sync.server.handlers.terms import terms
from cargo_sync.server.history.users import UserHistory
from cargo_sync.server.reporting import views
from cargo_sync.server.reporting.feed import Tell
from cargo_sync.state.users import UserRow


class UserHandlers:
    """Commands about users. `tell` publishes a notice in the feed."""

    def __init__(
        self,
        registry: Registry,
        logins: Users,
        invitations: Invitations,
        flows: Callable[[], Sequence[JsonObject]],
        history: UserHistory,
        offload: Offload,
        tell: Tell,
    ) -> None:
        self._registry = registry
        self._logins = logins
        self._invitations = invitations
        self._flows = flows
        self._history = history
        self._offload = offload
        self._tell = tell

    def routes(self) -> Sequence[Route[Any]]:
        return (
            Route(USER_LIST, self.list),
            Route(USER_SHOW, self.show),
            Route(USER_ADD, self.add),
            Route(USER_SET, self.set),
            Route(USER_ENABLE, self.enable),
            Route(USER_DISABLE, self.disable),
            Route(USER_REMOVE, self.remove),
            Route(USER_PASSWD, self.passwd),
        )

    async def list(self, _: Args) -> JsonObject:
        flows = self._flows()
        users = sorted(self._registry.roster.users, key=lambda one: one.username)
        used = await self._registry.used(users)
        return {
            "users": [
                views.user(one, flows, size, self._logins.is_over(one.expires))
                for one, size in zip(users, used, strict=True)
            ]
        }

    async def show(self, args: OneUser) -> JsonObject:
        user, invitations = self._registry.user(args.user), self._invitations
        [used] = await self._registry.used([user])
        shown = views.whole_user(
            user,
            self._flows(),
            self._registry.roster.workspaces,
            used,
            self._logins.is_over(user.expires),
            self._registry.file_name,
        )
        devices = await invitations.devices_of(user.username)
        return {
            **shown,
            **await self._history.of(user.username),
            "devices": [views.device(row) for row in devices],
            "invitations": [
                views.invitation(row, invitations.ends(row))
                for row in await invitations.all()
                if row.user == user.username
            ],
        }

    async def add(self, args: UserAddArgs) -> JsonObject:
        name = user_name(args.user)
        _check_length(args.password)
        given = {**_rates("user.add", args), **terms("user.add", args)}
        hash = await self._logins.hash(args.password)
        async with self._registry.changing:
            if self._registry.roster.user(name) is not None:
                raise ControlError(
                    ReplyCode.USER_EXISTS,
                    f'there is already a user "{name}"',
                    "change them with `user.set`",
                )
            path = await self._registry.folder_of_new(name, args.path)
            row = _with(UserRow(name, path, enabled=args.enabled), given)
            await self._offload(self._registry.user_rows.add, row, hash)
            self._logins.changed((name,))
            await self._registry.refresh(frozenset((name,)))
        self._tell(name, "added")
        return await self._row(name)

    async def set(self, args: UserSetArgs) -> JsonObject:
        given = {**_rates("user.set", args), **terms("user.set", args)}
        changed = list(dict.fromkeys(SETTABLE[name] for name in given))
        changed = changed if args.path is None else ["path", *changed]
        async with self._registry.changing:
            user = self._registry.user(args.user)
            if not changed:
                raise ControlError(
                    ReplyCode.BAD_ARGUMENT, "`user.set` needs something to set", "such as a speed"
                )
            in_file(self._registry, user, *changed)
            row = _with(await self._kept(user), given)
            if args.path is not None:
                path = await self._registry.folder("user", args.path, user.username)
                row = replace(row, path=path)
            await self._put(row)
        self._tell(user.username, "changed")
        return await self._row(user.username)

    async def enable(self, args: OneUser) -> JsonObject:
        return await self._switch(args.user, True)

    async def disable(self, args: OneUser) -> JsonObject:
        return await self._switch(args.user, False)

    async def remove(self, args: OneUser) -> JsonObject:
        async with self._registry.changing:
            user = self._registry.user(args.user)
            in_file(self._registry, user, "username")
            await self._offload(self._registry.user_rows.remove, user.username)
            await self._history.forget(user.username)
            self._logins.changed((user.username,))
            await self._registry.refresh(frozenset((user.username,)))
        self._tell(user.username, "removed")
        return {"user": user.username, "path": user.path}

    async def passwd(self, args: UserPasswordArgs) -> JsonObject:
        _check_length(args.password)
        async with self._registry.changing:
            user = self._registry.user(args.user)
            in_file(self._registry, user, *PASSWORDS)
            await self._logins.set_password(user.username, args.password)
            await self._registry.refresh(frozenset((user.username,)))
        self._tell(user.username, "password")
        return await self._row(user.username)

    async def _switch(self, name: str, enabled: bool) -> JsonObject:
        async with self._registry.changing:
            user = self._registry.user(name)
            in_file(self._registry, user, "enabled")
            await self._put(replace(await self._kept(user), enabled=enabled))
        if user.enabled != enabled:
            self._tell(name, "enabled" if enabled else "disabled")
        return await self._row(name)

    async def _kept(self, user: UserSettings) -> UserRow:
        """The row of a user in the state; an empty one if there is none."""
        rows = await self._offload(self._registry.user_rows.all)
        return rows.get(user.username) or UserRow(user.username)

    async def _put(self, row: UserRow) -> None:
        await self._offload(self._registry.user_rows.put, row)
        await self._registry.refresh()

    async def _row(self, name: str) -> JsonObject:
        user = self._registry.user(name)
        [used] = await self._registry.used([user])
        over = self._logins.is_over(user.expires)
        return views.user(user, self._flows(), used, over)


def user_name(name: str) -> str:
    """Checks the name of a new user.

    Raises:
        ControlError: `bad_argument`.
    """
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


def _rates(cmd: str, args: UserSpeeds) -> Mapping[str, int | None]:
    """The speeds that were given, bits per second.

    Raises:
        ControlError: `bad_argument`.
    """
    sent = {field: getattr(args, field) for field in RATES}
    return {field: speed(cmd, field, text) for field, text in sent.items() if text is not None}


def _with(row: UserRow, given: Mapping[str, object]) -> UserRow:
    """`row` with these settings (SETTABLE); others stay as they are."""
    settings = asdict(row)
    settings.update(given)
    return UserRow(**settings)


def _check_length(password: str) -> None:
    """Checks the length of a password, which an error never shows.

    Raises:
        ControlError: `bad_argument`.
    """
    if len(password) > PASSWORD_LENGTH:
        raise ControlError(
            ReplyCode.BAD_ARGUMENT, f'"password" has more than {PASSWORD_LENGTH} characters'
        )
