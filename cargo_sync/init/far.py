"""The server of a new job: reached, trusted, logged in to, and looked at."""

import asyncio
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

from cargo_sync.api import server_trust
from cargo_sync.api.invitation import Invitation
from cargo_sync.api.known_servers import keep_fingerprint, known_fingerprint
from cargo_sync.api.own_files import config_file
from cargo_sync.api.server_trust import SeenServer, TrustVerdict, questions_about
from cargo_sync.init.forecast import FileAmount
from cargo_sync.init.questions import InitError, Questions
from cargo_sync.model.entries import FILE, FOLDER
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.trees.cargo import replies
from cargo_sync.trees.cargo.api import Api, ServerLogin, segment
from cargo_sync.trees.cargo.invitation import InvitedApi
from cargo_sync.trees.cargo.look import look
from cargo_sync.trees.cargo.replies import JoinedReply, SpaceReply, SpacesReply

PATIENCE: Final = 5.0
"""Seconds that counting may take."""
PAGE: Final = 10_000
LISTED: Final = 1_000
"""Names of a folder that are looked at for a choice."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TrustedServer:
    """A server that may get a password.

    fingerprint  its certificate must have it; "" if certificate authorities decide
    ca_file      which authorities, or "" for those of this machine
    keep         remember the fingerprint for this address, or ""
    plain        the connection is not encrypted, which was allowed
    """

    url: str
    fingerprint: str = ""
    ca_file: str = ""
    keep: str = ""
    plain: bool = False


class FarLogin(NamedTuple):
    """Who logs in, and with what; `device` is "" for a password."""

    user: str
    secret: str
    device: str = ""


@dataclass(slots=True)
class FarSide:
    """The server while a job is set up. Its calls block; it is closed at the end.

    env     the environment, for the files of this user
    runner  runs the calls
    """

    env: Mapping[str, str]
    runner: asyncio.Runner
    _api: Api | None = field(default=None, init=False)

    # -- before the login --------------------------------------------------------------------------

    def reached(self, url: str, *, any_port: bool) -> SeenServer:
        """What answers at an address; with `any_port` also at the usual port of other servers.

        Raises:
            InitError: no Cargo server does.
        """
        found = self._run(look(url, any_port=any_port))
        if found.kind != "cargo":
            raise InitError(found.message, again=True)
        return SeenServer(
            found.url, found.kind, found.sealed, found.trusted, found.fingerprint, found.message
        )

    def trusted(
        self,
        seen: SeenServer,
        questions: Questions,
        given: str = "",
        ca_file: str = "",
        *,
        allow_plain: bool = False,
    ) -> TrustedServer:
        """The server, if the person trusts its certificate. They are asked once for each.

        Args:
            seen: what answers.
            questions: to the person.
            given: the fingerprint (or host key) that an option names, or "".
            allow_plain: a connection without encryption is allowed.
            ca_file: the authorities that an option names, or "".

        Raises:
            InitError: it is not trusted.
        """
        place, file = server_trust.place_of(seen.url), config_file(self.env, "known_servers")
        try:
            known = known_fingerprint(file, place)
        except OSError as error:
            raise InitError(f"{file} cannot be read: {error.strerror}") from error
        trust = server_trust.decide(
            seen,
            known,
            given=given,
            ca_file=ca_file,
            allow_plain=allow_plain,
            terminal=not questions.quiet,
        )
        text = questions_about(seen)
        match trust.verdict:
            case TrustVerdict.GO_ON:
                plain = allow_plain and not seen.sealed
                return TrustedServer(seen.url, trust.fingerprint, ca_file, plain=plain)
            case TrustVerdict.ASK:
                asked = text.first_time.format(place=place, fingerprint=trust.fingerprint)
                if not questions.agree(asked, default=False):
                    raise InitError(text.not_trusted.format(place=place))
                return TrustedServer(seen.url, trust.fingerprint, keep=trust.fingerprint)
            case TrustVerdict.ASK_PLAIN if seen.kind != "cargo":
                if not questions.agree(text.plain.format(place=place), default=False):
                    raise InitError(text.not_plain.format(place=place))
                return TrustedServer(seen.url, plain=True)
            case TrustVerdict.CHANGED:
                words = server_trust.changed(place, known, trust.fingerprint, file)
            case TrustVerdict.UNKNOWN:
                words = server_trust.unknown(seen)
            case TrustVerdict.PLAIN | TrustVerdict.ASK_PLAIN:
                words = server_trust.plain(seen.url)
        raise InitError("{} ({})".format(*words))

    def invited(
        self, seen: SeenServer, invitation: Invitation, questions: Questions
    ) -> TrustedServer:
        """The server of an invitation, which has told its certificate already.

        Raises:
            InitError: another server answers.
        """
        if seen.trusted or not seen.sealed or not invitation.fingerprint:
            return self.trusted(seen, questions)
        if seen.fingerprint != invitation.fingerprint:
            place = server_trust.place_of(seen.url)
            raise InitError(
                f"THE CERTIFICATE OF {place} IS NOT THAT OF THE INVITATION: "
                "somebody may be listening, or the server has a new one.\n"
                f"  in the invitation  sha256:{invitation.fingerprint}\n"
                f"  {place} has  sha256:{seen.fingerprint}\n"
                "Nothing was sent. Ask the person who invited you for another invitation."
            )
        return TrustedServer(seen.url, seen.fingerprint)

    # -- the login ---------------------------------------------------------------------------------

    def log_in(self, server: TrustedServer, user: str, secret: str) -> FarLogin:
        """Logs in; only then the calls below work.

        Raises:
            InitError: it is refused; another password may help.
        """
        trust = (server.fingerprint, server.ca_file)
        login = ServerLogin(server.url, user, lambda: secret, *trust)
        self.close()
        api = self._api = Api(login, time.monotonic)
        self._run(api.get("/workspaces", SpacesReply.read))
        return FarLogin(user, secret)

    def redeem(self, server: TrustedServer, invitation: Invitation, device: str) -> FarLogin:
        """Uses an invitation up: this machine becomes a device.

        Raises:
            InitError: the server refuses it.
        """
        login = ServerLogin(server.url, invitation.user, str, server.fingerprint, server.ca_file)
        api = InvitedApi(login, time.monotonic)
        try:
            made = self._run(api.redeem(invitation.token, device))
        finally:
            self.runner.run(api.close())
        self.log_in(server, made.user, made.secret)
        return FarLogin(made.user, made.secret, made.device)

    def join(
        self,
        server: TrustedServer,
        invitation: Invitation,
        address: str,
        ports: tuple[int, int],
        fingerprint: str,
    ) -> JoinedReply:
        """Uses an invitation up: this machine becomes a storage node of the server.

        Raises:
            InitError: the server refuses it.
        """
        login = ServerLogin(server.url, invitation.user, str, server.fingerprint, server.ca_file)
        api = InvitedApi(login, time.monotonic)
        try:
            return self._run(api.join(invitation.token, address, ports, fingerprint))
        finally:
            self.runner.run(api.close())

    def end_device(self) -> None:
        """Ends this machine's login, which nobody wants any more.

        Raises:
            InitError: the server cannot be told.
        """
        self._run(self._logged_in.delete("/device"))

    # -- what is there -----------------------------------------------------------------------------

    def spaces(self) -> list[SpaceReply]:
        """The workspaces that the user may use, by name."""
        found = self._run(self._logged_in.get("/workspaces", SpacesReply.read))
        return sorted(found.workspaces, key=lambda space: space.name)

    def folders(self, space: str) -> list[str]:
        """The first folders at the top of a workspace. Raises InitError."""
        where = f"/workspaces/{segment(space)}/tree"
        page = self._run(self._logged_in.get(where, replies.folder, path="", limit=LISTED))
        return [entry.name for entry in page.entries if entry.kind == FOLDER]

    def amount(self, space: str, folder: str) -> FileAmount:
        """How much is in a folder of a workspace; nothing if there is no such folder.

        Raises:
            InitError: the server does not tell.
        """
        return self._run(self._counted(space, folder))

    async def _counted(self, space: str, folder: str) -> FileAmount:
        where, until = f"/workspaces/{segment(space)}/changes", time.monotonic() + PATIENCE
        files = size = since = 0
        while True:
            try:
                page = await self._logged_in.get(
                    where, replies.changes, since=since, under=folder, limit=PAGE
                )
            except ProblemError as error:
                if error.problem.code != Code.UNKNOWN:
                    raise
                return FileAmount()
            entries = [one for _, one in page.changes if one is not None and one.kind == FILE]
            files += len(entries)
            size += sum(one.size for one in entries)
            since = page.next
            if not page.more or time.monotonic() > until:
                return FileAmount(files, size, page.more)

    # ----------------------------------------------------------------------------------------------

    def remember(self, server: TrustedServer) -> None:
        """Keeps what the person has answered about the server's certificate. Raises InitError."""
        if not server.keep:
            return
        file = config_file(self.env, "known_servers")
        try:
            keep_fingerprint(file, server_trust.place_of(server.url), server.keep)
        except OSError as error:
            raise InitError(f"{file} cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """Ends the connections."""
        if self._api is not None:
            self.runner.run(self._api.close())

    @property
    def _logged_in(self) -> Api:
        assert self._api is not None, "log_in comes first"
        return self._api

    def _run(self, work: Awaitable[T]) -> T:
        async def done() -> T:
            return await work

        try:
            return self.runner.run(done())
        except ProblemError as error:
            again = error.problem.code in (Code.UNAUTHORIZED, Code.UNREACHABLE, Code.UNKNOWN_HOST)
            raise InitError(str(error.problem), again=again) from error
