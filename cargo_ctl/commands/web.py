"""`cargo_ctl web`: the page of jobs and servers, and who may log in there."""

import errno
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

import click

from cargo_ctl.password import password, password_file
from cargo_ctl.reach import BAD_INPUT, FAILED
from cargo_ctl.web import settings
from cargo_ctl.web.settings import ROLES, WebFile, WebFileError, WebUser, is_user_name
from cargo_sync.api.roles import Role
from cargo_sync.choice import OneOf

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from cargo_ctl.web.certificate import WebCertificate
    from cargo_ctl.web.link_file import LinkFile
    from cargo_ctl.web.reachable import Listen
    from cargo_ctl.web.source import Place

_LISTEN = "127.0.0.1:8480"


class _WebUserName(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """The name of a user of the page; Tab offers those in the file."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> "list[CompletionItem[str]]":
        """The matching names; none if the file cannot be read: Tab must never print an error."""
        from click.shell_completion import CompletionItem

        with suppress(WebFileError):
            users = settings.read(_path(ctx.params.get("config"))).users
            names = sorted(name for name in users if name.startswith(incomplete))
            return [CompletionItem(name, help=str(users[name].role)) for name in names]
        return []


_config = click.option(
    "--config",
    metavar="FILE",
    help="Who may log in. Default: cargo_sync/web.json in your configuration folder.",
)


@click.group(invoke_without_command=True)
@click.option("--listen", metavar="HOST:PORT", help=f"Where browsers reach it. Default: {_LISTEN}.")
@click.option(
    "--connect",
    "connects",
    multiple=True,
    metavar="[NAME=]PLACE",
    help="A daemon or server to show: its name, folder or address, or a key file. Can be given "
    "several times. Default: your own daemon and server.",
)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="URL",
    help="Another address of the page, such as that of a proxy: https://cargo.example.",
)
@click.option(
    "--trusted-proxy",
    "proxies",
    multiple=True,
    metavar="ADDRESS",
    help="The address or network of a proxy whose X-Forwarded-For is believed, so that wrong "
    "passwords of one person make nobody else wait.",
)
@click.option("--cert", metavar="FILE", help="The certificate for TLS, with its chain, in PEM.")
@click.option("--cert-key", metavar="FILE", help="Its key, in PEM.")
@click.option("--no-open", is_flag=True, help="Do not open a browser, only print the link.")
@click.option("--no-link", is_flag=True, help="No link: only users may log in.")
@_config
@click.pass_context
def web(
    ctx: click.Context,
    listen: str | None,
    connects: tuple[str, ...],
    origins: tuple[str, ...],
    proxies: tuple[str, ...],
    cert: str | None,
    cert_key: str | None,
    no_open: bool,
    no_link: bool,
    config: str | None,
) -> None:
    """Show jobs and servers in a browser, until Ctrl-C.

    It prints a link that works once, and opens it; run it again for another one. Only this machine
    can reach the page. With --listen it can be reached from others: then it uses TLS, and people
    log in as users of the page (`web user add`). docs/web.md explains it.

    \b
    Examples:
      cargo_ctl web
      cargo_ctl web --connect daemon --connect backup=backup.key
      cargo_ctl web --listen 0.0.0.0:8480 --no-link
      cargo_ctl web user add ana --role watch
    """
    if ctx.invoked_subcommand is not None:
        return
    file = _read(config)
    pem = (cert or "", cert_key or "") if cert or cert_key else (file.cert, file.key)
    _serve(
        _Wanted(
            _path(config),
            file,
            listen or file.listen or _LISTEN,
            connects or _outer(ctx),
            origins or file.origins,
            proxies or file.proxies,
            pem,
            not no_link,
            not no_open,
        )
    )


@web.group()
def user() -> None:
    """Manage who may log in at the page. Changes work at once, also while it runs.

    \b
    Examples:
      cargo_ctl web user add ana --role watch
      cargo_ctl web user list
    """


@user.command("list")
@_config
def list_(config: str | None) -> None:
    """List the users of the page and their roles.

    \b
    Example:
      cargo_ctl web user list
    """
    users = _read(config).users
    width = max(map(len, users), default=0)
    for name in sorted(users):
        click.echo(f"{name:<{width}}  {users[name].role}")
    if not users:
        click.echo("nobody yet: cargo_ctl web user add NAME --role watch")


@user.command()
@click.argument("name")
@click.option(
    "--role",
    required=True,
    type=OneOf(list(ROLES)),
    help="watch may only look; control may do everything.",
)
@password_file
@_config
def add(name: str, role: str, password_file: str | None, config: str | None) -> None:
    """Add a user of the page. The command asks for the password twice.

    \b
    Examples:
      cargo_ctl web user add ana --role watch
      cargo_ctl web user add ben --role control --password-file ben.password
    """
    if not is_user_name(name):
        raise click.BadParameter(
            'a name has letters, digits and `_ . @ -`, at most 64, and is not "link"',
            param_hint="NAME",
        )

    from cargo_ctl.web.accounts import hashed

    _new(_read(config).users, name)
    hash = hashed(password(password_file, name))

    def change(users: dict[str, WebUser]) -> None:
        _new(users, name)
        users[name] = WebUser(name, Role(role), hash)

    _change(config, change, new=True)
    click.echo(f"added: {name}, role {role}")


@user.command()
@click.argument("name", type=_WebUserName())
@password_file
@_config
def passwd(name: str, password_file: str | None, config: str | None) -> None:
    """Set a new password. The user's sessions end.

    \b
    Example:
      cargo_ctl web user passwd ana
    """
    from cargo_ctl.web.accounts import hashed

    _known(_read(config).users, name)
    hash = hashed(password(password_file, name))

    def change(users: dict[str, WebUser]) -> None:
        users[name] = WebUser(name, _known(users, name).role, hash)

    _change(config, change)
    click.echo(f"{name} has a new password")


@user.command()
@click.argument("name", type=_WebUserName())
@_config
def remove(name: str, config: str | None) -> None:
    """Remove a user of the page. Their sessions end at once.

    \b
    Example:
      cargo_ctl web user remove ana
    """

    def change(users: dict[str, WebUser]) -> None:
        _known(users, name)
        del users[name]

    _change(config, change)
    click.echo(f"removed: {name}")


def _serve(wanted: "_Wanted") -> None:
    """Serve the page until a signal comes."""
    import asyncio

    from cargo_ctl.web.link_file import LinkFileError
    from cargo_ctl.web.process import WebSettings, logged, run

    listen, origins, proxies = wanted.parsed()
    link = wanted.link and listen.is_loopback
    if not link and not wanted.file.users:
        _fail(BAD_INPUT, "nobody could log in", "cargo_ctl web user add NAME --role control")
    certificate = wanted.certificate(listen)
    chosen = WebSettings(
        wanted.places(os.environ), listen, origins, proxies, wanted.path, certificate, link
    )
    if certificate is not None:
        click.echo(f"certificate {certificate.fingerprint}", err=True)
    try:
        with logged():
            asyncio.run(run(chosen, os.environ, wanted.ready))
    except LinkFileError as error:
        _fail(FAILED, str(error))
    except OSError as error:
        if error.errno == errno.EADDRINUSE and wanted.link and _again(listen, wanted):
            return
        _fail(
            FAILED,
            f"the page cannot listen at {listen}: {os.strerror(error.errno or 0)}",
            "choose another port with --listen",
        )


class _Wanted:
    """What was asked for, by options or by the file."""

    def __init__(
        self,
        path: str,
        file: WebFile,
        listen: str,
        connects: Sequence[str],
        origins: Sequence[str],
        proxies: Sequence[str],
        pem: tuple[str, str],
        link: bool,
        opens: bool,
    ) -> None:
        self.path = path
        self.file = file
        self.link = link
        self._listen = listen
        self._connects = connects
        self._origins = origins
        self._proxies = proxies
        self._pem = pem
        self._opens = opens

    def parsed(self) -> "tuple[Listen, Sequence[str], Sequence[str]]":
        """Where it listens, other addresses of the page, and networks of trusted proxies."""
        from cargo_ctl.web.reachable import listen_of, network_of, origin_of

        try:
            return (
                listen_of(self._listen),
                [origin_of(each) for each in self._origins],
                [network_of(each) for each in self._proxies],
            )
        except ValueError as error:
            _fail(BAD_INPUT, str(error))

    def places(self, env: Mapping[str, str]) -> "Sequence[Place]":
        """The daemons and servers."""
        from cargo_ctl.web.places import PlaceError, named, usual

        try:
            if self._connects:
                return named(self._connects)
            return named([f"{name}={place}" for name, place in self.file.sources.items()]) or usual(
                env
            )
        except PlaceError as error:
            _fail(BAD_INPUT, str(error))

    def certificate(self, listen: "Listen") -> "WebCertificate | None":
        """For TLS, which everything but loopback needs."""
        cert, key = self._pem
        if bool(cert) != bool(key):
            _fail(BAD_INPUT, "--cert and --cert-key belong together")
        if not cert and listen.is_loopback:
            return None
        from cargo_ctl.web.certificate import WebCertificate, WebCertificateError, own_certificate

        try:
            if cert:
                return WebCertificate(cert, key)
            return own_certificate(os.path.dirname(self.path), listen)
        except WebCertificateError as error:
            _fail(BAD_INPUT, str(error))

    def ready(self, link: str, file: "LinkFile | None") -> None:
        """Say where the page is, and open it."""
        click.echo(link)
        if file is None:
            return
        from cargo_ctl.web.link_file import has_screen, open_browser

        click.echo("This link works once; `cargo_ctl web` says the next one.", err=True)
        if self._opens and has_screen(os.environ) and not open_browser(file.path):
            click.echo("No browser could be opened: open the link yourself.", err=True)


def _again(listen: "Listen", wanted: _Wanted) -> bool:
    """If the page runs there already, say its link and open it."""
    from cargo_ctl.web.link_file import LinkFile

    file = LinkFile(os.environ, listen.port)
    if not (link := file.read()):
        return False
    click.echo(f"The page already runs at {listen}.", err=True)
    wanted.ready(link, file)
    return True


def _outer(ctx: click.Context) -> Sequence[str]:
    """`--connect` of `cargo_ctl` itself."""
    connect = ctx.parent.params.get("connect") if ctx.parent is not None else None
    return [connect] if connect else []


def _path(config: str | None) -> str:
    return os.path.realpath(config) if config else settings.default_path(os.environ)


def _read(config: str | None) -> WebFile:
    try:
        return settings.read(_path(config))
    except WebFileError as error:
        _fail(BAD_INPUT, str(error))


def _new(users: Mapping[str, WebUser], name: str) -> None:
    if name in users:
        _fail(BAD_INPUT, f"there is a user {name} already", f"cargo_ctl web user passwd {name}")


def _known(users: Mapping[str, WebUser], name: str) -> WebUser:
    from cargo_sync.suggest import did_you_mean

    if (found := users.get(name)) is None:
        _fail(BAD_INPUT, f"the page has no user {name}", did_you_mean(name, users))
    return found


def _change(
    config: str | None, change: Callable[[dict[str, WebUser]], None], *, new: bool = False
) -> None:
    try:
        settings.change_users(_path(config), change, new=new)
    except WebFileError as error:
        _fail(BAD_INPUT, str(error))


def _fail(exit_code: int, message: str, hint: str = "") -> NoReturn:
    """End with one line on standard error."""
    from cargo_ctl.render.words import escaped

    text = f"cargo_ctl: {message} ({hint})" if hint else f"cargo_ctl: {message}"
    click.echo(escaped(text), err=True)
    sys.exit(exit_code)
