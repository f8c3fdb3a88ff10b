"""Login: the arguments of `session.open` -> a server, logged in."""

import os
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from cargo_sync.api.messages import ControlError, ReplyCode
from cargo_sync.api.session_commands import SessionOpenArgs
from cargo_sync.backup_protocol.client import CoordinatorAddress, certificate
from cargo_sync.config import fields, places
from cargo_sync.config.options import read_options
from cargo_sync.config.remote_address import RemoteAddress, RemoteKind
from cargo_sync.config.remote_kinds import check_meaning, check_region, user_name
from cargo_sync.config.secret import Secret
from cargo_sync.daemon.far.choice import far_place
from cargo_sync.daemon.far.login import VisitLogin
from cargo_sync.daemon.far.look import far_look
from cargo_sync.daemon.sessions.backup import BackupSession
from cargo_sync.daemon.sessions.files import FilesSession, Shared
from cargo_sync.daemon.sessions.remote import Remote
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.trees.cargo.look import ServerLook, look
from cargo_sync.trees.remote.tree import RemoteMemory

OWN: Final = "default"
"""The workspace of a login that names none."""
BACKUP_PORT: Final = 10001
"""The port of a backup server if its address has none."""


@dataclass(frozen=True, slots=True)
class ServerTrust:
    """How to know the server.

    fingerprint  SHA-256 of its certificate, 64 hex digits, or ""
    ca_file      the CAs that may sign its certificate, or "" for those of this machine
    allow_plain  a connection without TLS is allowed
    """

    fingerprint: str = ""
    ca_file: str = ""
    allow_plain: bool = False


async def open_remote(args: SessionOpenArgs, shared: Shared, world: World) -> Remote:
    """Logs in at the server that `session.open` names.

    Raises:
        ControlError: bad_argument.
        ProblemError: the server cannot be reached, or refuses the login.
    """
    trust, kind = _trust(args), args.kind
    password = None if args.password is None else Secret(args.password)
    if kind == "backup":
        address = _address(args.url)
        if not address.sealed and not (trust.allow_plain or places.is_loopback(address.host)):
            raise _plain(address.host, "tls")
        address = replace(address, fingerprint=trust.fingerprint, ca_file=trust.ca_file)
        backup = BackupSession(address, args.username, password, shared, world)
        await backup.open()
        return backup
    if kind != "files":
        raise _bad('"kind" must be "files" or "backup"')
    login = _login(args, password, trust)
    memory = RemoteMemory(shared.uploads, shared.ages, findings=shared.findings)
    files = FilesSession(far_place(login, shared.apis, memory, world), shared, world)
    try:
        await files.open(args.workspace, make=args.make)
    except BaseException:
        await files.close()
        raise
    return files


def _login(args: SessionOpenArgs, password: Secret | None, trust: ServerTrust) -> VisitLogin:
    """The login at a server with files. Raises ControlError, ProblemError."""
    remote = server_address(args.url)
    keyed = remote.kind is RemoteKind.SFTP and (args.key_file or args.agent)
    if password is None and not (keyed or remote.kind is RemoteKind.CLOUD):
        raise _bad('`session.open` needs the argument "password"')
    _check_fields(args, remote)
    _refuse_plain(remote, trust.allow_plain)
    passphrase = None if args.key_passphrase is None else Secret(args.key_passphrase)
    try:
        username = args.username
        if remote.kind is not RemoteKind.CLOUD or username:  # some services have no users
            user_name(username, remote.kind)
        region = None if args.region is None else fields.region(args.region)
        check_region(region, remote)
        host_key = None if args.host_key is None else fields.host_key(args.host_key)
        options = read_options(args.options)
    except ValueError as error:
        raise _bad(f"the login {error}") from None
    return VisitLogin(
        remote,
        username,
        password or Secret(""),
        workspace=args.workspace,
        tls_fingerprint=trust.fingerprint or None,
        ca_file=trust.ca_file or None,
        key_file=args.key_file,
        key_passphrase=passphrase,
        agent=args.agent,
        host_key=host_key,
        known_hosts=args.known_hosts,
        region=region,
        options=options,
    )


def _check_fields(args: SessionOpenArgs, remote: RemoteAddress) -> None:
    """Checks that all that was given means something there. Raises ControlError."""
    given = {
        "workspace": args.workspace != OWN,
        "tls_fingerprint": args.tls_fingerprint is not None,
        "ca_file": bool(args.ca_file),
        "key_file": args.key_file is not None,
        "agent": args.agent,
        "host_key": args.host_key is not None,
        "known_hosts": args.known_hosts is not None,
        "region": args.region is not None,
        "options": bool(args.options),
    }
    for field in (name for name, is_given in given.items() if is_given):
        try:
            check_meaning(field, remote)
        except ValueError as error:
            raise _bad(f'"{field}" {error}') from None


def server_address(text: str) -> RemoteAddress:
    """The address of a server with files. Raises ControlError(bad_argument)."""
    try:
        return RemoteAddress.parse(text)
    except ValueError as error:
        raise _bad(f'"url" {error}', "such as https://files.example.com:8443") from None


def has_port(text: str) -> bool:
    """Whether an address that `server_url` accepts names a port."""
    return urlsplit(text if "://" in text else f"//{text}").port is not None


def _trust(args: SessionOpenArgs) -> ServerTrust:
    fingerprint, ca_file = "", args.ca_file
    if args.tls_fingerprint is not None:
        try:
            fingerprint = places.fingerprint(args.tls_fingerprint)
        except ValueError as error:
            raise _bad(f'"tls_fingerprint" {error}') from None
    if ca_file and not os.access(ca_file, os.R_OK):
        raise _bad(f'"ca_file": {ca_file} cannot be read')
    return ServerTrust(fingerprint, ca_file, args.allow_plain)


async def look_at(text: str, known_hosts: str | None, world: World) -> ServerLook:
    """Looks which server answers at an address. Raises ControlError, ProblemError.

    `known_hosts` is a file in the form of OpenSSH; None: the user's.
    """
    if not text.strip().lower().startswith("tls://"):
        remote = server_address(text)
        if remote.kind is not RemoteKind.CARGO:
            return await far_look(remote, known_hosts, world)
        return await look(str(remote), any_port=not has_port(text))
    address = _address(text)
    fingerprint, trusted = await certificate(address)
    sentence = f"{address} uses TLS" + ("" if trusted else ", with a certificate of its own")
    return ServerLook(f"tls://{address}", "unknown", True, fingerprint, trusted, sentence)


def _address(text: str) -> CoordinatorAddress:
    """`host:10001`, `tcp://…` without TLS, `tls://…` or `https://…` with it."""
    scheme, separator, rest = text.strip().partition("://")
    scheme = scheme.lower() if separator else "tcp"
    rest = rest if separator else text.strip()
    if scheme not in ("tcp", "http", "tls", "https"):
        raise _bad('"url" must be host:port, tcp://host:port or tls://host:port')
    sealed = scheme in ("tls", "https")
    try:
        # The same rules as for other addresses hold; only the default port differs.
        url = places.base_url(f"https://{rest if has_port(rest) else f'{rest}:{BACKUP_PORT}'}")
    except ValueError as error:
        raise _bad(f'"url" {error}', "such as backup.example.com:10001") from None
    parts = urlsplit(url)
    return CoordinatorAddress(parts.hostname or "", parts.port or BACKUP_PORT, sealed)


def _refuse_plain(remote: RemoteAddress, allowed: bool) -> None:
    if not (remote.secure or allowed or remote.is_loopback):
        raise _plain(remote.host, replace(remote, secure=True).scheme)


def _plain(host: str, sealed: str) -> ProblemError:
    message = f"without TLS everybody on the network path to {host} can read password and files"
    hint = f"use {sealed}://, or allow_plain if the network is your own"
    return ProblemError(Problem(Code.PLAIN, message, hint=hint, retry=False))


def _bad(message: str, hint: str = "") -> ControlError:
    return ControlError(ReplyCode.BAD_ARGUMENT, message, hint)
