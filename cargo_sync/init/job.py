"""The file of a job: what is asked, in which order.

First the server, so that every later question can name what is there. An invitation is used up as
late as possible, after the questions that need no login; if the person gives up after that, the
login that it made is ended on the server.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import click

from cargo_sync.api.invitation import Invitation, is_invitation
from cargo_sync.config import places
from cargo_sync.config.remote_address import RemoteAddress, RemoteKind
from cargo_sync.init.far import FarLogin, FarSide, TrustedServer
from cargo_sync.init.near import NearSide
from cargo_sync.init.new_job import (
    TRIES,
    JobAnswers,
    NewJob,
    WrittenJob,
    password_of,
    shown,
)
from cargo_sync.init.questions import InitError, Questions, first_line
from cargo_sync.init.remote_job import RemoteInterview
from cargo_sync.model.jobs import Mode

SHOWN: Final = 20
"""Folders of the server that are named."""
OWN: Final = "default"


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
        return _Interview(answers, questions, NewJob(near, questions, path, answers), far).held()


@dataclass(frozen=True, slots=True)
class _Interview:
    """The questions of one job."""

    answers: JobAnswers
    questions: Questions
    new_job: NewJob
    far: FarSide

    def held(self) -> WrittenJob:
        """Asks everything, then writes."""
        found = self._server()
        if isinstance(found, RemoteAddress):
            return RemoteInterview(self.answers, self.questions, self.new_job, self.far).held(found)
        server, invitation = found
        login = None if invitation is not None else self._login(server)
        local, mode = self.new_job.folder(), self.new_job.mode()
        with self._entered(server, invitation, login) as entered:
            place = self._place(mode)
            settings = self._settings(server, entered, local, mode, place)
            amount = self.far.amount(place.workspace, place.folder)
            self.new_job.tell(settings, f"{place.workspace}:/{place.folder} on the server", amount)
            start = self.new_job.agreed()
            self.far.remember(server)
            return self.new_job.written(settings, {"password_file": entered.secret}, start)

    # -- the server --------------------------------------------------------------------------------

    def _server(self) -> tuple[TrustedServer, Invitation | None] | RemoteAddress:
        """The server that shall be trusted, and the invitation to it, if it is one.

        Or the address of somebody else's server.
        """
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
            if (remote := _others(text)) is not None:
                return remote
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
                password_of(given)
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
                f'This machine may still log in as {login.user}, as "{shown(login.device)}" '
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
                click.echo(f"  {shown(space.name)} ({space.access})")
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
            named = ", ".join(shown(name) for name in folders[:SHOWN])
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
        settings = self.new_job.settings(local, mode, server.url)
        if server.fingerprint:
            settings["tls_fingerprint"] = server.fingerprint
        if server.ca_file:
            settings["ca_file"] = server.ca_file
        if place.workspace != OWN:
            settings["workspace"] = place.workspace
        settings |= {"remote_dir": f"/{place.folder}", "username": login.user}
        return settings


def _invitation_or_url(text: str) -> str:
    """An invitation as it is, or an address. Raises ValueError."""
    if is_invitation(text):
        invitation = Invitation.parse(text)
        _url(invitation.url)
        return str(invitation)
    if _others(text) is None:
        _url(text)
    return text.strip()


def _others(text: str) -> RemoteAddress | None:
    """The address of somebody else's server; None: it is another one. Raises ValueError."""
    if is_invitation(text) or "://" not in text:
        return None
    remote = RemoteAddress.parse(text)
    return None if remote.kind is RemoteKind.CARGO else remote


def _url(text: str) -> str:
    url = places.base_url(text)
    if url.startswith("http://") and not places.is_loopback(places.url_host(url)):
        raise ValueError("http:// is only for this machine; use https://")
    return url


def _has_port(text: str) -> bool:
    return urlsplit(text if "://" in text else f"//{text}").port is not None


def _this_machine() -> str:
    """A name for this machine as a device."""
    name = "".join(one for one in socket.gethostname() if one.isprintable()).strip()
    return name[:100] or "a machine"
