"""Sessions at a backup coordinator, with or without TLS, with or without a password."""

from collections.abc import Mapping
from dataclasses import replace

from cargo_ctl.client.backup_settings import MenuSettings
from cargo_ctl.session.opening import WRONG, Person, Wanted, looked, settle
from cargo_ctl.session.session import OpenSession, SessionLogin
from cargo_sync.api.client import Client, CommandError
from cargo_sync.api.server_trust import SeenServer, TrustQuestions

_CERTIFICATE, _REFUSED = "certificate", "refused"
_LOCKED = ("Apelido não encontrado", "Apelido ou senha incorretos")
"""The coordinator's sentences for an unknown nickname and for a wrong password."""
_NO_TLS = frozenset({"tls", "cut", "protocol", "timeout"})
"""The codes with which TLS fails if the coordinator does not use it."""


class SessionOpener:
    """Opens sessions; the person is asked in `words`.

    `password` is the one to use, "" if it is not known yet.
    """

    def __init__(
        self,
        client: Client,
        wanted: Wanted,
        person: Person | None,
        env: Mapping[str, str],
        words: TrustQuestions,
    ) -> None:
        self.password = wanted.password
        self._client = client
        self._wanted = wanted
        self._person = person
        self._env = env
        self._words = words

    def forget(self) -> None:
        """Forget a typed password: it belongs to another coordinator or nickname."""
        self.password = self._wanted.password

    def ask(self, question: str) -> bool:
        """Whether a password was typed; asks only once, and only at a terminal."""
        if self._person is None or self.password:
            return False
        self.password = self._person.ask_secret(question)
        return bool(self.password)

    def open(self, settings: MenuSettings) -> OpenSession:
        """Open a session, with TLS if the coordinator offers it.

        Without TLS only to this machine, or if the user agrees. Raises SessionRefused, CommandError
        and NotRunning.
        """
        typed = settings.coordinator
        if "://" in typed:
            return self._open_at(typed, settings.nickname)
        try:
            return self._open_at(f"tls://{typed}", settings.nickname)
        except CommandError as error:
            if error.code not in _NO_TLS:
                raise
        _, plain = self._settled(SeenServer(f"tcp://{typed}"))
        return self._open_at(f"tcp://{typed}", settings.nickname, plain)

    def _open_at(self, url: str, nickname: str, allow_plain: bool = False) -> OpenSession:
        wanted = self._wanted
        login = SessionLogin(
            url,
            nickname,
            self.password,
            wanted.fingerprint,
            wanted.ca_file,
            wanted.allow_plain or allow_plain,
            kind="backup",
        )
        try:
            return OpenSession.open(self._client, login)
        except CommandError as error:
            if error.code != _CERTIFICATE or wanted.fingerprint or wanted.ca_file:
                raise
        fingerprint, _ = self._settled(looked(self._client, url))
        return OpenSession.open(self._client, replace(login, fingerprint=fingerprint))

    def _settled(self, look: SeenServer) -> tuple[str, bool]:
        return settle(look, self._wanted, self._person, self._env, self._words)


def is_locked(error: CommandError) -> bool:
    """Whether the coordinator may need a password: it does not say which nicknames have one."""
    return error.code == WRONG or (
        error.code == _REFUSED and any(sentence in error.message for sentence in _LOCKED)
    )
