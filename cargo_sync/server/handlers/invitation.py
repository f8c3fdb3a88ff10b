"""`user.invite`, `user.invitation.…` and `user.device.…`: logins without a password from others."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from cargo_sync.api.arguments import Args
from cargo_sync.api.invitation import opening
from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.api.server_commands import (
    USER_DEVICE_REVOKE,
    USER_INVITATION_LIST,
    USER_INVITATION_REVOKE,
    USER_INVITE,
    OneInvitation,
    UserDeviceArgs,
    UserInviteArgs,
)
from cargo_sync.config import places
from cargo_sync.config.server import UserSettings
from cargo_sync.control.routes import Route
from cargo_sync.model.world import Offload
from cargo_sync.server.accounts.invitations import Invitations, is_token
from cargo_sync.server.accounts.registry import Registry
from cargo_sync.server.accounts.users import Users
from cargo_sync.server.handlers.user import user_name
from cargo_sync.server.reporting import views
from cargo_sync.server.reporting.feed import Tell
from cargo_sync.state.accounts import NO_PASSWORD
from cargo_sync.state.users import UserRow
from cargo_sync.suggest import did_you_mean

_EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound


class ServerEnds(NamedTuple):
    """How clients reach a server, as far as it knows.

    host, port   where it listens
    prefix       "" or a path such as `/files`
    fingerprint  of its certificate, 64 hex digits; "" without TLS
    public_ip    the address of its data port for clients, or None
    proxied      a proxy stands in front of it
    """

    host: str
    port: int
    prefix: str
    fingerprint: str
    public_ip: str | None = None
    proxied: bool = False

    @property
    def scheme(self) -> str:
        """Of its address, unless somebody says another one."""
        return "https" if self.fingerprint or self.proxied else "http"


class InvitationHandlers:
    """Commands about invitations and devices. `tell` publishes a notice in the feed."""

    def __init__(
        self,
        registry: Registry,
        users: Users,
        invitations: Invitations,
        ends: Callable[[], ServerEnds],
        offload: Offload,
        tell: Tell,
    ) -> None:
        self._registry = registry
        self._users = users
        self._invitations = invitations
        self._ends = ends
        self._offload = offload
        self._tell = tell

    def routes(self) -> Sequence[Route[Any]]:
        return (
            Route(USER_INVITE, self.invite),
            Route(USER_INVITATION_LIST, self.list),
            Route(USER_INVITATION_REVOKE, self.revoke),
            Route(USER_DEVICE_REVOKE, self.revoke_device),
        )

    async def invite(self, args: UserInviteArgs) -> JsonObject:
        if not is_token(args.token):
            raise _bad('"token" must be 16 random bytes in base64url: 22 characters')
        ends = self._ends()
        url = reached_at(ends, args.address)
        user, added = await self._invited(args)
        row = await self._invitations.add(user.username, args.token, args.seconds)
        return {
            "user": user.username,
            "path": user.path,
            "added": added,
            "id": row.id,
            "ends": self._invitations.ends(row),
            "invitation": opening(user.username, url, ends.fingerprint),
        }

    async def list(self, _: Args) -> JsonObject:
        rows = await self._invitations.all()
        return {"invitations": [views.invitation(row, self._invitations.ends(row)) for row in rows]}

    async def revoke(self, args: OneInvitation) -> JsonObject:
        if not await self._invitations.revoke(args.id):
            raise ControlError(
                ReplyCode.UNKNOWN_INVITATION,
                f'there is no invitation "{args.id}"; it may have been used or have expired',
                "`user.invitation.list` names all",
            )
        return {"id": args.id}

    async def revoke_device(self, args: UserDeviceArgs) -> JsonObject:
        user = self._registry.user(args.user).username
        names = [row.name for row in await self._invitations.devices_of(user)]
        if args.device is not None and args.device not in names:
            hint = did_you_mean(args.device, names) or f"`user.show` names all devices of {user}"
            raise ControlError(
                ReplyCode.UNKNOWN_DEVICE, f'{user} has no device "{args.device}"', hint
            )
        wanted = names if args.device is None else [args.device]
        return {"user": user, "devices": await self._invitations.revoke_devices(user, wanted)}

    async def _invited(self, args: UserInviteArgs) -> tuple[UserSettings, bool]:
        """The user, and whether they are new.

        Raises:
            ControlError: they cannot be invited, or not be added.
            ProblemError: the folder of a new one cannot be opened.
        """
        async with self._registry.changing:
            user = self._registry.roster.user(args.user)
            if user is None:
                user = await self._added(user_name(args.user), args.path)
                return user, True
        if not user.enabled:
            raise _bad(f"{user.username} is disabled", "first let them in: `user.enable`")
        if args.path not in (None, user.path):
            raise _bad(
                f"{user.username} exists already, and has the folder {user.path}",
                "invite them without a folder",
            )
        return user, False

    async def _added(self, name: str, path: str | None) -> UserSettings:
        registry = self._registry
        folder = await registry.folder_of_new(name, path)
        await self._offload(registry.user_rows.add, UserRow(name, folder), NO_PASSWORD)
        self._users.changed((name,))
        await registry.refresh(frozenset((name,)))
        self._tell(name, "added")
        return registry.user(name)


def known_address(ends: ServerEnds) -> str:
    """The address for clients as far as the server knows it by itself, or ""."""
    try:
        return reached_at(ends, None)
    except ControlError:
        return ""


def reached_at(ends: ServerEnds, given: str | None) -> str:
    """The address for clients, `https://host:port/prefix`: what somebody has `given`, completed.

    Raises:
        ControlError: `bad_argument`: it cannot be used, or nothing was given and the server does
            not know.
    """
    if given is None:
        host = ends.host if ends.host not in _EVERYWHERE else ends.public_ip
        if ends.proxied or host is None:
            why = "is behind a proxy" if ends.proxied else "listens on all addresses"
            raise _bad(
                f"the server {why}, so it does not know by which address clients reach it",
                "say it: --address HOST, such as files.example.org",
            )
        given = host
    text = f"[{given}]" if places.is_ip(given) and ":" in given else given.strip()
    scheme, separator, rest = text.partition("://")
    try:
        if not separator:
            scheme, rest = ends.scheme, text
        parts = urlsplit(f"//{rest}")
        if parts.port is None and ends.proxied:
            raise ValueError("needs the port of the proxy, such as files.example.org:443")
        port = "" if parts.port is not None else f":{ends.port}"
        path = parts.path.rstrip("/") or ends.prefix
        return places.base_url(f"{scheme}://{parts.netloc}{port}{path}")
    except ValueError as error:
        raise _bad(f'"address" {error}', "such as files.example.org:8443") from None


def _bad(message: str, hint: str = "") -> ControlError:
    return ControlError(ReplyCode.BAD_ARGUMENT, message, hint)
