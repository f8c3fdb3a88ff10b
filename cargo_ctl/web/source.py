"""A source: one daemon or server of the page. It is called in threads of its own.

A source that hangs keeps its own threads busy, and nobody else's.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from cargo_ctl.web.errors import UNANSWERED, sentence
from cargo_ctl.web.threads import CallThreads
from cargo_sync.api.addresses import Addresses, find
from cargo_sync.api.client import Client, CommandError, NotRunning
from cargo_sync.api.messages import JsonObject, Principal
from cargo_sync.api.roles import Role

AT_ONCE: Final = 4
"""Calls to one source at the same time; more wait."""
TIMEOUT: Final = 30.0
_LOOK: Final = 2.0
"""Seconds for a source to say who it is, while nobody follows it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a source is.

    name     on the page
    connect  as for `--connect`
    usual    nobody named it: it is on the page only if it has answered at some time
    kind     "daemon" or "server", as far as it is known before it answers
    """

    name: str
    connect: str
    usual: bool = False
    kind: str = "daemon"

    def find(self, env: Mapping[str, str]) -> Addresses:
        """Its addresses now. Raises AddressError and NotRunning."""
        found = find(self.connect, env)
        if found is None:
            raise NotRunning(self.connect)
        return found


@dataclass(frozen=True, slots=True)
class Presence:
    """What is known of a source. Without `up`, `detail` says in a sentence why.

    host   "" if it has never answered
    epoch  of its feed
    """

    up: bool = False
    detail: str = ""
    kind: str = ""
    host: str = ""
    version: str = ""
    epoch: str = ""


class WebSource:
    """Calls one daemon or server.

    presence  as of the last answer, or of the last try
    role      what this process may do there
    """

    def __init__(self, place: Place, env: Mapping[str, str]) -> None:
        self.place = place
        self._env = env
        self._threads = CallThreads(f"calls {place.name}", AT_ONCE)
        self._idle: list[Client] = []
        self.presence = Presence(kind=place.kind if place.usual else "")
        self.role = Role.CONTROL

    @property
    def name(self) -> str:
        return self.place.name

    @property
    def kind(self) -> str:
        """What it is, as far as is known: "daemon" or "server"."""
        return self.presence.kind or self.place.kind

    async def call(
        self,
        cmd: str,
        args: JsonObject | None = None,
        timeout: float = TIMEOUT,
        *,
        id: str = "",
        person: Principal | None = None,
    ) -> JsonObject:
        """The result of a command, for a person or for this process itself.

        Raises:
            CommandError: it was refused.
            NotRunning, NotAdmitted, AddressError: nobody answers there, or not to us.
        """
        return await self._threads.run(partial(self._call, cmd, args or {}, timeout, id, person))

    async def look(self) -> Presence:
        """Asks who it is."""
        try:
            self.presence = present(await self.call("hello", timeout=_LOOK))
        except UNANSWERED as error:
            self.gone(error)
        return self.presence

    def gone(self, error: Exception) -> None:
        """It does not answer; what it said before about itself is kept."""
        was = self.presence
        self.presence = Presence(False, sentence(error, self.kind), was.kind, was.host, was.version)

    def addresses(self) -> Addresses:
        """Where it is now. Raises AddressError and NotRunning."""
        found = self.place.find(self._env)
        self.role = _role(found)
        return found

    def close(self) -> None:
        """Ends idle connections; calls that run end by themselves."""
        while self._idle:
            self._idle.pop().close()

    def _call(
        self, cmd: str, args: JsonObject, timeout: float, id: str, person: Principal | None
    ) -> JsonObject:
        client = self._client()
        # Only who has control may say for whom it asks; with less, all may only watch anyway.
        sent_for = person if self.role is Role.CONTROL else None
        try:
            result = client.call(cmd, args, timeout, id=id, sent_for=sent_for)
        except CommandError:
            self._keep(client)
            raise
        except BaseException:
            client.close()
            raise
        self._keep(client)
        return result

    def _keep(self, client: Client) -> None:
        """One idle connection is kept for the next call."""
        if self._idle:
            client.close()
        else:
            self._idle.append(client)

    def _client(self) -> Client:
        """A connection that nobody uses. Raises AddressError and NotRunning."""
        addresses = self.addresses()
        with suppress(IndexError):
            while (client := self._idle.pop()) is not None:
                if (client.address, client.key) == (addresses.commands, addresses.key):
                    return client
                client.close()
        return Client(addresses.commands, key=addresses.key)


def present(hello: JsonObject) -> Presence:
    """What a source says of itself; what it does not say is ""."""
    versions = hello.get("versions")
    version = versions.get("cargo", "") if isinstance(versions, dict) else ""
    kind, host, epoch = (str(hello.get(name, "")) for name in ("kind", "host", "epoch"))
    return Presence(True, "", kind, host, str(version), epoch)


def _role(addresses: Addresses) -> Role:
    """What this process may do there, as far as it knows."""
    if addresses.key is not None:
        with suppress(ValueError):
            return Role(addresses.key.role)
        return Role.WATCH
    return Role.PLAIN if addresses.commands.startswith("tcp://") else Role.CONTROL
