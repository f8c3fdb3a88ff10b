"""The file of a job: what is asked, in which order.

First the server, so that every later question can name what is there. An invitation is used up as
late as possible, after the questions that need no login; if the person gives up after that, the
login that it made is ended on the server.
"""

import asyncio
import contextlib
import json
import os
import shlex
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import click

from cargo_sync.api.invitation import Invitation, is_invitation
from cargo_sync.config import places, units
from cargo_sync.config.environment import literal
from cargo_sync.config.job_shape import full_mode
from cargo_sync.config.remote_address import RemoteAddress, RemoteKind
from cargo_sync.config.remote_kinds import NAMES
from cargo_sync.config.secret import read_first_line
from cargo_sync.init.far import FarLogin, FarSide, TrustedServer
from cargo_sync.init.forecast import forecast
from cargo_sync.init.near import NearSide, amount, made_folder
from cargo_sync.init.questions import InitError, Questions, first_line
from cargo_sync.model.jobs import Mode

TRIES: Final = 3
"""How often a person may type a password."""
SHOWN: Final = 20
"""Folders of the server that are named."""
OWN: Final = "default"
_MODES: Final = tuple(mode.value for mode in Mode)


@dataclass(frozen=True, slots=True)
class JobAnswers:
    """What the options say. None: it is asked for, or the default holds.

    path  of the job file; None for the folder of the daemon
    """

    path: str | None = None
    invite_file: str | None = None
    server: str | None = None
    user: str | None = None
    password_file: str | None = None
    fingerprint: str | None = None
    ca_file: str | None = None
    folder: str | None = None
    mode: str | None = None
    workspace: str | None = None
    remote_dir: str | None = None
    name: str | None = None
    speed: str | None = None


@dataclass(frozen=True, slots=True)
class WrittenJob:
    """The file of the job, its name, and whether the person wants a daemon to run now."""

    path: str
    name: str
    start: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """The folder of a job on the server."""

    workspace: str
    folder: str


def init_job(answers: JobAnswers, questions: Questions, env: Mapping[str, str]) -> WrittenJob:
    """Asks for a job, with its server, and writes it.

    Raises:
        InitError: nothing was written.
        click.Abort: the person gave up; nothing was written.
    """
    near = NearSide.found(env)
    path = None if answers.path is None else os.path.abspath(os.path.expanduser(answers.path))
    there = path is not None and os.path.lexists(path)
    if there and not questions.agree(f"{path} exists already. Replace it?", default=False):
        raise InitError(f"{path} exists already; nothing was written")
    with asyncio.Runner() as runner, contextlib.closing(FarSide(env, runner)) as far:
        return _Interview(answers, questions, near, far, path).held()


@dataclass(frozen=True, slots=True)
class _Interview:
    """The questions of one job. `path` is that of its file, or None for the daemon's folder."""

    answers: JobAnswers
    questions: Questions
    near: NearSide
    far: FarSide
    path: str | None

    def held(self) -> WrittenJob:
        """Asks everything, then writes."""
        server, invitation = self._server()
        login = None if invitation is not None else self._login(server)
        local = self.questions.ask(
            "--folder", "Folder on this machine", self.near.folder, given=self.answers.folder
        )
        question = "Upload to the server, download from it, or both ways (up, down, both)"
        mode = Mode(self.questions.ask("--mode", question, _mode, given=self.answers.mode))
        with self._entered(server, invitation, login) as entered:
            place = self._place(mode)
            settings = self._settings(server, entered, local, mode, place)
            self._tell(settings, mode, place)
            start = self._agreed()
            return self._written(server, entered, settings, start)

    # -- the server --------------------------------------------------------------------------------

    def _server(self) -> tuple[TrustedServer, Invitation | None]:
        """The server that shall be trusted, and the invitation to it, if it is one."""
        given = self.answers.server
        if given is not None and is_invitation(given):
            raise click.UsageError(
                "others can read a command line: give an invitation with --invite-file FILE"
            )
        if self.answers.invite_file is not None:
            given = first_line(self.answers.invite_file)
        while True:
            text = self.questions.ask(
                "--invite-file or --server",
                "Invitation, or address of the server",
                _invitation_or_url,
                given=given,
                default=None
                if self.questions.quiet
                else f"https://localhost:{places.DEFAULT_PORT}",
            )
            invitation = Invitation.parse(text) if is_invitation(text) else None
            url = _url(text if invitation is None else invitation.url)
            try:
                seen = self.far.reached(url, any_port=invitation is None and not _has_port(text))
            except InitError as error:
                self._again(error, given is None)
                continue
            if invitation is not None:
                return self.far.invited(seen, invitation, self.questions), invitation
            given, ca_file = self._fingerprint(), self.answers.ca_file
            ca_file = os.path.abspath(ca_file) if ca_file else ""
            return self.far.trusted(seen, self.questions, given, ca_file), None

    def _fingerprint(self) -> str:
        """The fingerprint that the option names, or ""."""
        given = self.answers.fingerprint
        if given is None:
            return ""
        return self.questions.ask("--tls-fingerprint", "", places.fingerprint, given=given)

    def _login(self, server: TrustedServer) -> FarLogin:
        """A login with a password."""
        given = self.answers.password_file
        for left in reversed(range(TRIES)):
            user = self.questions.ask("--user", "User", places.segment, given=self.answers.user)
            secret = (
                _password(given)
                if given is not None
                else self.questions.secret("--password-file", "Password")
            )
            try:
                return self.far.log_in(server, user, secret)
            except InitError as error:
                self._again(error, given is None and bool(left))
        raise AssertionError("the last try ends the loop")

    def _again(self, error: InitError, askable: bool) -> None:
        """Says what is wrong with an answer, if the person can give another one. Else it raises."""
        if not error.again or not askable or self.questions.quiet:
            raise error
        click.echo(f"Error: {error}", err=True)

    @contextlib.contextmanager
    def _entered(
        self, server: TrustedServer, invitation: Invitation | None, login: FarLogin | None
    ) -> Iterator[FarLogin]:
        """The login, made with the invitation if need be. What fails later ends that one again."""
        if login is None:
            assert invitation is not None, "without a login there is an invitation"
            login = self.far.redeem(server, invitation, _this_machine())
        try:
            yield login
        except BaseException:
            if login.device:
                click.echo(self._given_back(login), err=True)
            raise

    def _given_back(self, login: FarLogin) -> str:
        try:
            self.far.end_device()
        except InitError as error:
            return (
                f'This machine may still log in as {login.user}, as "{_shown(login.device)}" '
                f"({error}); the person who runs the server can revoke it."
            )
        return "Nothing was written. The invitation is used up: ask for another one."

    # -- the place on the server -------------------------------------------------------------------

    def _place(self, mode: Mode) -> _Place:
        needed = {"rw"} if mode.sends and mode.receives else {"rw", "wo" if mode.sends else "ro"}
        spaces = [space for space in self.far.spaces() if space.access in needed]
        if not spaces:
            what = "write to" if mode.sends else "read"
            raise InitError(f"you may not {what} any workspace of this server")
        names = [space.name for space in spaces]
        workspace = self.answers.workspace or (names[0] if len(names) == 1 else None)
        if workspace is None and not self.questions.quiet:
            click.echo("Your workspaces:")
            for space in spaces:
                click.echo(f"  {_shown(space.name)} ({space.access})")
        workspace = self.questions.choose(
            "--workspace",
            "Workspace",
            names,
            given=workspace,
            default=OWN if OWN in names else None,
        )
        return _Place(workspace, self._remote_dir(workspace))

    def _remote_dir(self, workspace: str) -> str:
        folders = [] if self.answers.remote_dir is not None else self.far.folders(workspace)
        if folders and not self.questions.quiet:
            more = f" and {len(folders) - SHOWN:,} more" if len(folders) > SHOWN else ""
            named = ", ".join(_shown(name) for name in folders[:SHOWN])
            click.echo(f"Folders on the server: {named}{more}")
        given = self.answers.remote_dir if folders or self.answers.remote_dir else "/"
        question = 'Folder on the server ("/" for all)'
        return self.questions.ask(
            "--remote-dir", question, places.remote_path, given=given, default="/"
        )

    # -- the job -----------------------------------------------------------------------------------

    def _settings(
        self, server: TrustedServer, login: FarLogin, local: str, mode: Mode, place: _Place
    ) -> dict[str, object]:
        """The fields of the job file, without its password."""
        name = self.questions.ask(
            "--name", "", places.display_name, given=self.answers.name or self.near.name(local)
        )
        settings: dict[str, object] = {
            "sync_name": name,
            "sync_mode": mode.value,
            "local_dir": local,
            "hostname": server.url,
        }
        if server.fingerprint:
            settings["tls_fingerprint"] = server.fingerprint
        if server.ca_file:
            settings["ca_file"] = server.ca_file
        if place.workspace != OWN:
            settings["workspace"] = place.workspace
        settings |= {"remote_dir": f"/{place.folder}", "username": login.user}
        if self.answers.speed is not None:
            settings["speed"] = self.questions.ask("--speed", "", _speed, given=self.answers.speed)
        return settings

    def _tell(self, settings: Mapping[str, object], mode: Mode, place: _Place) -> None:
        """What the job is, and what its first run would do."""
        local, name = str(settings["local_dir"]), str(settings["sync_name"])
        near, far = amount(local), self.far.amount(place.workspace, place.folder)
        click.echo(
            f"\nThe job {_shown(name)}:\n"
            f"  {_shown(local)}: {near}\n"
            f"  {_shown(place.workspace)}:/{_shown(place.folder)} on the server: {far}\n"
            f"{forecast(mode, near, far)}\n"
        )

    def _agreed(self) -> bool:
        """Whether a daemon shall run now. Raises InitError if the person does not want the job."""
        if self.path is None and self.near.running is None:
            return self.questions.agree(
                "Start it now, in this terminal, until Ctrl-C? (no: only write the file)",
                default=True,
            )
        what = f"Write it to {self.path}?" if self.path else "Add it to the running daemon?"
        if not self.questions.agree(what, default=True):
            raise InitError("nothing was written")
        return False

    def _written(
        self,
        server: TrustedServer,
        login: FarLogin,
        settings: Mapping[str, object],
        start: bool,
    ) -> WrittenJob:
        name = str(settings["sync_name"])
        self.far.remember(server)
        with contextlib.ExitStack() as made:
            made.enter_context(made_folder(str(settings["local_dir"])))
            secret = self.answers.password_file and os.path.abspath(self.answers.password_file)
            if secret is None:
                secret = made.enter_context(self.near.secret_file(name, login.secret))
            fields = literal({**settings, "password_file": secret})
            text = json.dumps(fields, indent=4, ensure_ascii=False) + "\n"
            if self.path is not None:
                written = self.near.write(self.path, text)
            else:
                written = self.near.add(name, text)
        start = start and not self.questions.quiet
        click.echo(f"Wrote {_shown(written)}. {self._next(written, start)}")
        return WrittenJob(written, name, start)

    def _next(self, written: str, start: bool) -> str:
        if start:
            return "In another terminal, `cargo_ctl watch` shows the job at work."
        if self.path is not None:
            run = f"cargo_sync daemon --job {shlex.quote(written)}"
        elif self.near.running is not None:
            run = "cargo_ctl watch"
        else:
            run = "cargo_sync daemon"
        return f"Next:\n\n    {run}\n"


def _invitation_or_url(text: str) -> str:
    """An invitation as it is, or an address. Raises ValueError."""
    if is_invitation(text):
        invitation = Invitation.parse(text)
        _url(invitation.url)
        return str(invitation)
    _url(text)
    return text.strip()


def _url(text: str) -> str:
    if "://" in text and (kind := RemoteAddress.parse(text).kind) is not RemoteKind.CARGO:
        raise ValueError(
            f"that is {NAMES[kind]}, and this command sets up jobs with Cargo servers; write the "
            "file by hand, as docs/remotes.md shows, and check it with cargo_ctl job test"
        )
    url = places.base_url(text)
    if url.startswith("http://") and not places.is_loopback(places.url_host(url)):
        raise ValueError("http:// is only for this machine; use https://")
    return url


def _mode(text: str) -> str:
    """A direction, also in a short form. Raises ValueError."""
    word = text.strip().lower()
    mode = "bidirectional" if word == "both" else full_mode(word)
    if mode not in _MODES:
        raise ValueError(f"{text.strip()!r} is not one of up, down and both")
    return str(mode)


def _has_port(text: str) -> bool:
    return urlsplit(text if "://" in text else f"//{text}").port is not None


def _speed(text: str) -> str:
    try:
        return units.format_speed(units.parse_speed(text))
    except ValueError as error:
        raise ValueError(f"{error} (expected: {units.SPEED_FORM})") from None


def _password(file: str) -> str:
    try:
        return read_first_line(file).reveal()
    except ValueError as error:
        raise click.UsageError(f"--password-file: {error}") from None


def _this_machine() -> str:
    """A name for this machine as a device."""
    name = "".join(one for one in socket.gethostname() if one.isprintable()).strip()
    return name[:100] or "a machine"


def _shown(text: str) -> str:
    """Foreign text that cannot control a terminal."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
