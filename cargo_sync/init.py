"""`cargo_sync init server|job`: asks some questions and writes a file of settings, mode 0600."""

import json
import os
import secrets
import shlex
from collections.abc import Callable
from typing import Any

import argon2
import click

from cargo_sync.choice import OneOf
from cargo_sync.config import places, units
from cargo_sync.config.errors import ConfigError
from cargo_sync.config.job import load_job
from cargo_sync.config.server import load_server


def run_init(kind: str, path: str | None) -> int:
    """Asks for the settings of a `server` or `job` and writes them.

    Args:
        kind: server or job.
        path: of the file; None asks for it too.

    Returns:
        The exit code: 0 when a file was written, 1 when the person kept the old one, 2 when it
        cannot be written.

    Raises:
        click.Abort: the person gave up.
    """
    settings, default, command = _server() if kind == "server" else _job()
    target = os.path.abspath(
        os.path.expanduser(path or click.prompt("Write it to", default=default))
    )
    if os.path.lexists(target) and not click.confirm(
        f"{target} exists already. Replace it?", default=False
    ):
        click.echo("Nothing was written.")
        return 1
    try:
        _write(target, settings)
    except OSError as error:
        click.echo(f"{target}: cannot be written: {error.strerror or error}", err=True)
        return 2
    try:
        _ = load_server(target, os.environ) if kind == "server" else load_job(target, os.environ)
    except ConfigError as error:
        click.echo(str(error), err=True)
        return 2
    click.echo(f"Wrote {target}. Next:\n\n    {command(target)}\n")
    return 0


_Settings = dict[str, object]
"""The content of the file."""
_Command = Callable[[str], str]


def _server() -> tuple[_Settings, str, _Command]:
    click.echo("A server, with its first user. All fields: docs/configuration.md")
    listen = click.prompt(
        "Listen on", default=f"0.0.0.0:{places.DEFAULT_PORT}", value_proc=_checked(_listen)
    )
    username = click.prompt("Name of the user", value_proc=_checked(places.segment))
    password = click.prompt("Password of the user", hide_input=True, confirmation_prompt=True)
    path = click.prompt(
        "Folder of the user's files (made if it is missing)",
        default=os.path.join(places.home(os.environ), f"cargo-{username}"),
        value_proc=_checked(_folder),
    )
    user = {
        "username": username,
        "password_hash": argon2.PasswordHasher().hash(password),
        "path": path,
    }
    default = places.server_file(os.environ)
    return (
        {"listen": listen, "initial_port": _lane_port(listen), "users": [user]},
        default,
        lambda file: (
            "cargo_sync server" + ("" if file == default else f" --config {shlex.quote(file)}")
        ),
    )


def _job() -> tuple[_Settings, str, _Command]:
    click.echo("A job: it keeps a folder on this machine in sync with a folder on a server.")
    name = click.prompt("Name of the job", value_proc=_checked(places.display_name))
    mode = click.prompt(
        "Upload to the server, download from it, or both ways",
        type=OneOf(["upload", "download", "bidirectional"]),
    )
    local = click.prompt("Folder on this machine", value_proc=_checked(_folder))
    if not os.path.isdir(local) and click.confirm(
        f"There is no folder {local}. Make it?", default=True
    ):
        os.makedirs(local)
    url = click.prompt(
        "Address of the server", default="https://localhost:8443", value_proc=_checked(_url)
    )
    settings: _Settings = {
        "sync_name": name,
        "sync_mode": mode,
        "local_dir": local,
        "hostname": url,
    }
    if url.startswith("https://"):
        pin = click.prompt(
            "Fingerprint of its certificate, as the server prints it "
            "(empty: it has a public certificate)",
            default="",
            show_default=False,
            value_proc=_optional(_fingerprint),
        )
        if pin:
            settings["tls_fingerprint"] = pin
    settings["remote_dir"] = click.prompt(
        "Folder on the server", default="/", value_proc=_checked(_remote)
    )
    settings["username"] = click.prompt("User name", value_proc=_checked(places.segment))
    settings["password"] = click.prompt("Password", hide_input=True)
    speed = click.prompt(
        "Highest speed, such as 10mbps (empty: no limit)",
        default="",
        show_default=False,
        value_proc=_optional(_speed),
    )
    if speed:
        settings["speed"] = speed
    jobs = os.path.join(_config_folder(), "jobs")
    file = (
        "".join(character if character.isalnum() else "-" for character in name).strip("-") or "job"
    )

    def command(written: str) -> str:
        alone = "" if os.path.dirname(written) == jobs else f" --job {shlex.quote(written)}"
        return f"cargo_sync daemon{alone}"

    return settings, os.path.join(jobs, f"{file}.json"), command


def _config_folder() -> str:
    return os.path.join(places.xdg(os.environ, "XDG_CONFIG_HOME", ".config"), "cargo_sync")


def _checked(check: Callable[[str], str]) -> Callable[[str], str]:
    """The check in the form that click needs: click asks again after an error."""

    def proc(text: str) -> str:
        try:
            return check(text)
        except ValueError as error:
            raise click.UsageError(str(error)) from None

    return proc


def _optional(check: Callable[[str], str]) -> Callable[[str], str]:
    return _checked(lambda text: check(text) if text.strip() else "")


def _listen(text: str) -> str:
    host, port = places.listen_address(text)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _lane_port(listen: str) -> int:
    """The port after the API's, so that a second server does not conflict with the first."""
    _, port = places.listen_address(listen)
    return port + 1 if 0 < port < 65535 else places.DEFAULT_PORT + 1


def _folder(text: str) -> str:
    """A relative folder starts from the current folder, not from the folder of the file."""
    path = places.local_path(text.strip(), os.getcwd(), os.environ)
    above = os.path.dirname(path)
    if not os.path.isdir(above):
        raise ValueError(f"there is no folder {above}; make it first")
    if os.path.lexists(path) and not os.path.isdir(path):
        raise ValueError(f"{path} is not a folder")
    return path


def _url(text: str) -> str:
    url = places.base_url(text)
    if url.startswith("http://") and not places.is_loopback(places.url_host(url)):
        raise ValueError("http:// is only for this machine; use https://")
    return url


def _speed(text: str) -> str:
    try:
        return units.format_speed(units.parse_speed(text))
    except ValueError as error:
        raise ValueError(f"{error} (expected: {units.SPEED_FORM})") from None


def _fingerprint(text: str) -> str:
    try:
        return places.fingerprint(text)
    except ValueError as error:
        raise ValueError(
            f"{error} (expected: 64 hex digits, as the server prints them at its start)"
        ) from None


def _remote(text: str) -> str:
    return "/" + places.remote_path(text)


def _write(path: str, settings: _Settings) -> None:
    """Writes the file completely or not at all; only the owner can read it, from the first byte."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    draft = f"{path}.{secrets.token_hex(4)}.new"
    with os.fdopen(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        json.dump(_literal(settings), file, indent=4, ensure_ascii=False)
        file.write("\n")
    os.replace(draft, path)


def _literal(value: Any) -> Any:
    """A text that is read back as `value`: an answer such as a password may contain `${`."""
    match value:
        case str():
            return value.replace("${", "$${")
        case dict():
            return {key: _literal(item) for key, item in value.items()}
        case list():
            return [_literal(item) for item in value]
        case _:
            return value
