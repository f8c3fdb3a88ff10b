"""Invitations over HTTP: a device or a password for a token, without a login."""

from functools import partial
from typing import Annotated, Final

from aiohttp import web
from pydantic import AfterValidator, Field

from cargo_sync.config import places
from cargo_sync.process.http.answers import answer
from cargo_sync.process.http.fields import Asked, text
from cargo_sync.process.http.limits import read_login
from cargo_sync.server.accounts.invitations import Invitations
from cargo_sync.server.accounts.logins import PASSWORD_LENGTH
from cargo_sync.server.http.answers import logged_in
from cargo_sync.server.http.authentication import Authentication

SHORTEST: Final = 8
"""Characters of a password that people choose themselves."""


class _Invited(Asked):
    user: Annotated[str, text(200)]
    token: Annotated[str, text(200)] = Field(repr=False)


class _Device(_Invited):
    device: Annotated[
        str,
        AfterValidator(places.display_name),
        Field(description="a name of 1 to 100 characters"),
    ]


class _Password(_Invited):
    password: Annotated[
        str,
        Field(
            min_length=SHORTEST,
            max_length=PASSWORD_LENGTH,
            description=f"text of {SHORTEST} to {PASSWORD_LENGTH:,} characters",
        ),
    ] = Field(repr=False)


class InvitationRoutes:
    """The handlers for those who were invited."""

    def __init__(self, entrance: Authentication, invitations: Invitations) -> None:
        self._entrance = entrance
        self._invitations = invitations

    def routes(self, v1: str) -> list[web.RouteDef]:
        return [
            web.post(f"{v1}/invites/redeem", self.redeem),
            web.post(f"{v1}/invites/password", self.password),
            web.delete(f"{v1}/device", self.end_device),
        ]

    async def redeem(self, request: web.Request) -> web.Response:
        asked = _Device.read(await read_login(request))
        prove = partial(self._invitations.redeem, asked.user, asked.token, asked.device)
        made = await self._entrance.let_in(request, prove)
        return answer(made._asdict())

    async def password(self, request: web.Request) -> web.Response:
        asked = _Password.read(await read_login(request))
        prove = partial(self._invitations.choose_password, asked.user, asked.token, asked.password)
        return answer(logged_in(await self._entrance.let_in(request, prove)))

    async def end_device(self, request: web.Request) -> web.Response:
        token = self._entrance.token(request)
        await self._entrance.let_in(request, partial(self._invitations.end_device, token))
        return web.Response(status=204)
