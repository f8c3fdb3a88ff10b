"""How one logs in to an SSH server, and which server is trusted."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import asyncssh

from cargo_sync.model.problems import Code, Problem, ProblemError

_OWN_HOSTS: Final = "~/.ssh/known_hosts"


@dataclass(frozen=True, slots=True)
class SftpLogin:
    """One user of one SSH server.

    password       gives the password when it is needed; None: the user has none
    key_file       a private key, in OpenSSH's or PEM's form; None: none
    passphrase     of that key; None: it has none
    agent          the keys of the running agent (SSH_AUTH_SOCK) may be used
    host_key       `SHA256:…`, the only key that the server may have; None: `known_hosts` decides
    known_hosts    a file in OpenSSH's form; None: that of the user who runs Cargo
    """

    host: str
    port: int
    username: str
    password: Callable[[], str] | None = field(default=None, repr=False)
    key_file: str | None = None
    passphrase: Callable[[], str] | None = field(default=None, repr=False)
    agent: bool = False
    host_key: str | None = None
    known_hosts: str | None = None

    @property
    def where(self) -> str:
        """The server, for people."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class HostKeys(asyncssh.SSHClient):
    """Which host key is trusted: the one in the job, or what is known of the host.

    only_look  no key is accepted, so that the connection ends before anybody logs in
    seen       the fingerprint that the server has shown; "" before
    """

    def __init__(self, login: SftpLogin, *, only_look: bool = False) -> None:
        self._login = login
        self._only_look = only_look
        self._known = False
        self.seen = ""

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        self.seen = key.get_fingerprint("sha256")
        if self._login.host_key is not None:
            self._known = self.seen == self._login.host_key
        else:
            self._known = _is_known(self._login, host, addr, port, key)
        return self._known and not self._only_look

    @property
    def is_known(self) -> bool:
        """Whether the key that was seen is trusted."""
        return self._known

    def refusal(self) -> Problem:
        """Why the key that was seen is not trusted."""
        login = self._login
        if login.host_key is not None:
            return Problem(
                Code.CERTIFICATE,
                f"{login.where} shows the host key {self.seen}, not the trusted {login.host_key}",
                hint="if this is the server's new key, set host_key in the job to it",
                retry=False,
            )
        return Problem(
            Code.CERTIFICATE,
            f"the host key of {login.where} is not known: {self.seen}",
            hint="if the administrator of the server gives the same text, set host_key in the job "
            "to it",
            retry=False,
        )


def _is_known(login: SftpLogin, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
    path = os.path.expanduser(login.known_hosts or _OWN_HOSTS)
    try:
        known = asyncssh.read_known_hosts(path)
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        message = f"the file {path} of known hosts cannot be read"
        raise ProblemError(Problem(Code.BAD_SETTINGS, message, retry=False)) from error
    trusted, _, revoked, *_ = known.match(host, addr, port)
    return key in trusted and key not in revoked


def private_keys(login: SftpLogin) -> list[asyncssh.SSHKey]:
    """The key in the login's file; this may take a second, for a key with a passphrase.

    Raises:
        ProblemError: `bad_settings`: it cannot be read.
    """
    if login.key_file is None:
        return []
    path = os.path.expanduser(login.key_file)
    passphrase = login.passphrase() if login.passphrase is not None else None
    try:
        return [asyncssh.read_private_key(path, passphrase)]
    except (asyncssh.KeyEncryptionError, asyncssh.KeyImportError) as error:
        raise ProblemError(_refusal(path, passphrase, error)) from error
    except OSError as error:
        message = f"the key {path} cannot be read: {(error.strerror or 'it failed').lower()}"
        raise ProblemError(Problem(Code.BAD_SETTINGS, message, retry=False)) from error


def _refusal(path: str, passphrase: str | None, error: ValueError) -> Problem:
    """Why a key file is not read."""
    if passphrase is None and "passphrase" in str(error).lower():
        message, hint = f"the key {path} has a passphrase", "set key_passphrase_file in the job"
    elif isinstance(error, asyncssh.KeyEncryptionError):
        message = f"the key {path} has a passphrase, and this is not the right one"
        hint = "check key_passphrase_file in the job"
    else:
        message, hint = f"the file {path} holds no private key that Cargo can read", ""
    return Problem(Code.BAD_SETTINGS, message, hint=hint, retry=False)
