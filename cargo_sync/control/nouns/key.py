"""`key.…`: the keys of clients over TCP."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from cargo_sync.api.arguments import Args
from cargo_sync.api.common_commands import KEY_ADD, KEY_LIST, KEY_REVOKE, KeyAddArgs, OneKey
from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.control.endpoint import Endpoint
from cargo_sync.control.keyring import Admitted, Keyring
from cargo_sync.control.routes import Route
from cargo_sync.model.problems import Code
from cargo_sync.model.world import Offload, Ts


class KeyHandlers:
    """Lists, adds and revokes the keys of an endpoint."""

    def __init__(self, endpoint: Endpoint, offload: Offload) -> None:
        self._endpoint = endpoint
        self._offload = offload
        self._one_at_a_time = asyncio.Lock()

    def routes(self) -> Sequence[Route[Any]]:
        return (
            Route(KEY_LIST, self.list),
            Route(KEY_ADD, self.add),
            Route(KEY_REVOKE, self.revoke),
        )

    async def list(self, _: Args) -> JsonObject:
        return {"keys": [_row(key) for key in self._keys().all()]}

    async def add(self, args: KeyAddArgs) -> JsonObject:
        keys = self._keys()
        key = await self._changed(keys.add, args.name, args.public, args.role)
        port = next(port for port in self._endpoint.ports if port.keyed)
        return {"key": _row(key), "server": keys.own.public, "address": port.reached_at}

    async def revoke(self, args: OneKey) -> JsonObject:
        key = await self._changed(self._keys().revoke, args.name)
        self._endpoint.cut()
        return {"key": _row(key)}

    def _keys(self) -> Keyring:
        if self._endpoint.keyring is None:
            why = "the port is plain" if self._endpoint.ports else "there is no port"
            raise ControlError(ReplyCode.NO_KEYS, f"this process has no keys: {why}", _HINT)
        return self._endpoint.keyring

    async def _changed(self, change: Callable[[*Ts], Admitted], *args: *Ts) -> Admitted:
        async with self._one_at_a_time:
            try:
                return await self._offload(change, *args)
            except OSError as error:
                raise ControlError(
                    Code.OS_ERROR, f"the keys cannot be written: {error.strerror}"
                ) from error


_HINT = 'set "listen" in "control" of its file, without "plain_loopback"'


def _row(key: Admitted) -> JsonObject:
    return {"name": key.name, "public": key.public, "role": key.role.value, "made": key.made}
