"""From an address to an open session: check the certificate, ask for the login, open."""

import getpass
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from cargo_ctl.session.key_file import is_locked
from cargo_ctl.session.session import OpenSession, SessionLogin
from cargo_sync.api import server_trust as trust
from cargo_sync.api.client import Client, CommandError
from cargo_sync.api.known_servers import keep_fingerprint, known_fingerprint
from cargo_sync.api.own_files import config_file
from cargo_sync.api.server_trust import SeenServer, TrustQuestions, TrustVerdict, seen_server

_TRIES = 3
_LOOK = 60.0
_LONGEST_PASSWORD = 4096
WRONG = "unauthorized"
_USABLE = frozenset({"cargo", "cloud", "ftp", "s3", "sftp", "webdav"})
_PYDIO = ("pydio+https://", "pydio+http://")
"""A Pydio server at another address is told what its address is."""
_QUESTIONS = ("Username: ", "Password: ")
_QUESTIONS_S3 = ("Access key: ", "Secret key: ")


class SessionRefused(Exception):  # noqa: N818 - a decision, not an error of the program
    """No session is opened; message and hint say why, and what to do.

    usage  whether the reason is how the program was called
    """

    def __init__(self, message: str, hint: str = "", *, usage: bool = False) -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.message = message
        self.hint = hint
        self.usage = usage


class Person(Protocol):
    """The user at a terminal."""

    def confirm(self, question: str, words: TrustQuestions) -> bool:
        """The answer to a yes-or-no question; Enter means no."""

    def ask(self, question: str) -> str:
        """A typed line."""

    def ask_secret(self, question: str) -> str:
        """A typed line that is not shown."""

    def say(self, text: str) -> None:
        """Show a line to the user."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says about a session.

    `user` and `password` are "" if the program must ask for them. `options` are those of a cloud;
    `make`: the folder in the address is made if it is not there.
    """

    url: str
    user: str = ""
    password: str = ""
    fingerprint: str = ""
    ca_file: str = ""
    allow_plain: bool = False
    workspace: str = ""
    host_key: str = ""
    key_file: str = ""
    key_passphrase: str = ""
    agent: bool = False
    region: str = ""
    known_hosts: str = ""
    options: Mapping[str, object] | None = field(default=None, repr=False)
    make: bool = False

    @property
    def has_key(self) -> bool:
        """Whether something else proves who the user is, so that no password is needed."""
        return bool(self.key_file) or self.agent or self.options is not None


def open_session(
    client: Client, wanted: Wanted, person: Person | None, env: Mapping[str, str]
) -> OpenSession:
    """Open a session; without a `person` everything must be in `wanted`.

    Raises SessionRefused, CommandError and NotRunning.
    """
    if person is None and not _is_complete(wanted):
        raise SessionRefused(
            "there is no terminal to ask for the username and the password",
            "give --user NAME and --password-file FILE",
            usage=True,
        )
    login = look_at(client, wanted, person, env)
    locked = bool(wanted.key_file and not wanted.key_passphrase and is_locked(wanted.key_file))
    if locked and person is None:
        message = f"the key {wanted.key_file} has a passphrase, and there is no terminal to ask"
        raise SessionRefused(message, "give --key-passphrase-file FILE", usage=True)
    for left in reversed(range(_TRIES)):
        login = _who(login, person, wanted)
        if locked and person is not None:
            login = replace(login, key_passphrase=person.ask_secret("Passphrase of the key: "))
        try:
            return OpenSession.open(client, login)
        except CommandError as error:
            asked = not (wanted.password or wanted.has_key)
            if error.code != WRONG or person is None or not asked or not left:
                raise
            person.say(error.message)
            login = replace(login, username=wanted.user, password="")
    raise AssertionError("the last try ends the loop")


def _is_complete(wanted: Wanted) -> bool:
    """Whether nothing must be asked for. A service of a cloud may know no users."""
    named = wanted.user or wanted.options is not None
    return bool(named and (wanted.password or wanted.has_key))


def look_at(
    client: Client, wanted: Wanted, person: Person | None, env: Mapping[str, str]
) -> SessionLogin:
    """A login for the server, after its certificate was checked.

    Raises SessionRefused, CommandError and NotRunning.
    """
    look = looked(client, wanted.url, wanted.known_hosts)
    if look.kind not in _USABLE and not look.url.startswith(_PYDIO):
        raise SessionRefused(look.message or f"no Cargo server answers at {wanted.url}")
    is_ssh = look.kind == "sftp"
    fingerprint, plain = settle(look, wanted, person, env, trust.questions_about(look))
    return SessionLogin(
        look.url,
        wanted.user,
        wanted.password,
        "" if is_ssh else fingerprint,
        wanted.ca_file,
        plain,
        wanted.workspace,
        host_key=fingerprint if is_ssh else "",
        key_file=wanted.key_file,
        key_passphrase=wanted.key_passphrase,
        agent=wanted.agent,
        region=wanted.region,
        known_hosts=wanted.known_hosts if is_ssh else "",
        options=wanted.options,
        make=wanted.make,
    )


def looked(client: Client, url: str, known_hosts: str = "") -> SeenServer:
    """Who answers at an address. Raises CommandError and NotRunning."""
    args = {"url": url, "known_hosts": known_hosts} if known_hosts else {"url": url}
    return seen_server(client.call("session.look", args, _LOOK), url)


def settle(
    look: SeenServer,
    wanted: Wanted,
    person: Person | None,
    env: Mapping[str, str],
    words: TrustQuestions = trust.ENGLISH,
) -> tuple[str, bool]:
    """The fingerprint that the server must have, and whether the connection may be unencrypted.

    The person is asked in `words`. A fingerprint of "" means that certificate authorities decide.
    Raises SessionRefused.
    """
    place, file = trust.place_of(look.url), config_file(env, "known_servers")
    try:
        known = known_fingerprint(file, place)
        verdict = trust.decide(
            look,
            known,
            given=wanted.host_key if look.kind == "sftp" else wanted.fingerprint,
            ca_file=wanted.ca_file,
            allow_plain=wanted.allow_plain,
            terminal=person is not None,
        )
        seen = verdict.fingerprint
        match verdict.verdict:
            case TrustVerdict.CHANGED:
                raise SessionRefused(*trust.changed(place, known, seen, file))
            case TrustVerdict.UNKNOWN:
                raise SessionRefused(*trust.unknown(look))
            case TrustVerdict.PLAIN:
                raise SessionRefused(*trust.plain(look.url))
            case TrustVerdict.ASK:
                assert person is not None
                asked = words.first_time.format(place=place, fingerprint=seen)
                if not person.confirm(asked, words):
                    raise SessionRefused(words.not_trusted.format(place=place))
                keep_fingerprint(file, place, seen)
            case TrustVerdict.ASK_PLAIN:
                assert person is not None
                if not person.confirm(words.plain.format(place=place), words):
                    raise SessionRefused(words.not_plain.format(place=place))
    except OSError as error:
        raise SessionRefused(f"{file} cannot be read or written: {error.strerror}") from error
    return seen, wanted.allow_plain or verdict.verdict is TrustVerdict.ASK_PLAIN


def read_password(file: str) -> str:
    """The first line of a file that only its owner can read. Raises SessionRefused."""
    try:
        with open(file, encoding="utf-8") as opened:
            others = os.fstat(opened.fileno()).st_mode & 0o077
            password = opened.readline(_LONGEST_PASSWORD).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not a text file in UTF-8"
        raise SessionRefused(
            f"the password file {file} cannot be read: {why}", usage=True
        ) from error
    if others and os.path.isfile(file):
        raise SessionRefused(
            f"other users can read the password file {file}", f"run: chmod 600 {file}", usage=True
        )
    if not password:
        raise SessionRefused(f"the first line of the password file {file} is empty", usage=True)
    return password


def read_options(file: str) -> Mapping[str, object]:
    """The object in a JSON file that only its owner can read. Raises SessionRefused."""
    try:
        with open(file, encoding="utf-8") as opened:
            others = os.fstat(opened.fileno()).st_mode & 0o077
            found = json.load(opened)
    except OSError as error:
        message = f"the file of options {file} cannot be read: {error.strerror}"
        raise SessionRefused(message, usage=True) from error
    except ValueError as error:
        raise SessionRefused(f"the file of options {file} is not JSON", usage=True) from error
    if others and os.path.isfile(file):
        message, hint = f"other users can read the file of options {file}", f"run: chmod 600 {file}"
        raise SessionRefused(message, hint, usage=True)
    if not isinstance(found, dict):
        message = f"the file of options {file} has no object"
        raise SessionRefused(message, 'such as {"endpoint": "https://…"}', usage=True)
    return found


def _who(login: SessionLogin, person: Person | None, wanted: Wanted) -> SessionLogin:
    if person is None:
        return login
    name, secret = _QUESTIONS_S3 if login.url.startswith("s3") else _QUESTIONS
    known = login.username or wanted.options is not None
    username = login.username if known else person.ask(name).strip()
    if wanted.has_key:
        return replace(login, username=username)
    return replace(login, username=username, password=login.password or person.ask_secret(secret))


class Prompter:
    """The user at this terminal. Ctrl-C raises KeyboardInterrupt, Ctrl-D raises EOFError."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def confirm(self, question: str, words: TrustQuestions) -> bool:
        return self.ask(f"{question} {words.choice} ").strip().lower() in words.yes

    def ask(self, question: str) -> str:
        return input(question)

    def ask_secret(self, question: str) -> str:
        return getpass.getpass(question)

    def say(self, text: str) -> None:
        self._say(text)
