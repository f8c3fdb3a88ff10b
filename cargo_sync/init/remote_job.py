"""The questions of a job with somebody else's server, by its kind."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import click

from cargo_sync.config import fields, places
from cargo_sync.config.options import NO_OPTIONS, CloudOptions, read_options
from cargo_sync.config.remote_address import RemoteAddress, RemoteKind
from cargo_sync.config.remote_kinds import check_meaning, user_name
from cargo_sync.config.secret import Secret
from cargo_sync.daemon.far.login import VisitLogin
from cargo_sync.init.far import FarSide, TrustedServer
from cargo_sync.init.new_job import TRIES, JobAnswers, NewJob, WrittenJob, password_of
from cargo_sync.init.questions import InitError, Questions
from cargo_sync.init.remote import RemoteSide, is_locked

_USER: Final = {RemoteKind.S3: "Access key", RemoteKind.CLOUD: "User (Enter: none)"}
_SECRET: Final = {RemoteKind.S3: "Secret key"}


@dataclass(frozen=True, slots=True)
class RemoteInterview:
    """The questions after the address."""

    answers: JobAnswers
    questions: Questions
    new_job: NewJob
    far: FarSide

    def held(self, remote: RemoteAddress) -> WrittenJob:
        """Asks everything, tries the login, then writes."""
        self._check_options(remote)
        with RemoteSide.on(self.far.runner) as side:
            server = self._trusted(side, remote)
            login, secrets = self._logged_in(side, remote, server)
            local, mode = self.new_job.folder(), self.new_job.mode()
            if not (side.is_there or mode.sends):
                raise InitError(f"there is no folder {remote} to download from")
            settings = self.new_job.settings(local, mode, str(remote))
            settings |= self._fields(login, server)
            self.new_job.tell(settings, str(remote.below(login.remote_dir)), side.amount())
            start = self.new_job.agreed()
            if mode.sends:
                side.try_writing()
            self.far.remember(server)
            return self.new_job.written(settings, secrets, start)

    # -- the server --------------------------------------------------------------------------------

    def _check_options(self, remote: RemoteAddress) -> None:
        """Raises click.UsageError: an option has no meaning for this kind of server."""
        answers = self.answers
        given = {
            "workspace": answers.workspace is not None,
            "tls_fingerprint": answers.fingerprint is not None,
            "ca_file": answers.ca_file is not None,
            "key_file": answers.key_file is not None,
            "key_passphrase_file": answers.key_passphrase_file is not None,
            "agent": answers.agent,
            "host_key": answers.host_key is not None,
            "known_hosts": answers.known_hosts is not None,
            "region": answers.region is not None,
            "options": answers.options_file is not None,
        }
        for field in (name for name, is_given in given.items() if is_given):
            try:
                check_meaning(field, remote)
            except ValueError as error:
                option = "options_file" if field == "options" else field
                raise click.UsageError(f"--{option.replace('_', '-')} {error}") from None

    def _trusted(self, side: RemoteSide, remote: RemoteAddress) -> TrustedServer:
        answers = self.answers
        known_hosts = _absolute(answers.known_hosts)
        if known_hosts and not os.path.isfile(known_hosts):
            raise click.UsageError(f"--known-hosts: there is no file {known_hosts}")
        seen = side.seen(remote, known_hosts or None)
        if remote.kind is RemoteKind.SFTP:
            given = self._checked("--host-key", fields.host_key, answers.host_key)
        else:
            given = self._checked("--tls-fingerprint", places.fingerprint, answers.fingerprint)
        ca_file = _absolute(answers.ca_file)
        return self.far.trusted(
            seen, self.questions, given, ca_file, allow_plain=answers.allow_plain
        )

    def _checked(self, option: str, check: Callable[[str], str], given: str | None) -> str:
        return "" if given is None else self.questions.ask(option, "", check, given=given)

    # -- the login ---------------------------------------------------------------------------------

    def _logged_in(
        self, side: RemoteSide, remote: RemoteAddress, server: TrustedServer
    ) -> tuple[VisitLogin, dict[str, str]]:
        """A login that the server takes, and its secrets by the fields of a job file."""
        for left in reversed(range(TRIES)):
            login, secrets = self._login(remote, server)
            try:
                side.log_in(login)
            except InitError as error:
                typed = secrets and self.answers.password_file is None and not self.questions.quiet
                if not (error.again and typed and left):
                    raise
                click.echo(f"Error: {error}", err=True)
            else:
                return login, secrets
        raise AssertionError("the last try ends the loop")

    def _login(
        self, remote: RemoteAddress, server: TrustedServer
    ) -> tuple[VisitLogin, dict[str, str]]:
        answers, kind = self.answers, remote.kind
        is_ssh = kind is RemoteKind.SFTP
        login = VisitLogin(
            remote,
            self._user(kind),
            Secret(""),
            remote_dir=self._checked("--remote-dir", places.remote_path, answers.remote_dir),
            workspace=self._workspace(kind),
            tls_fingerprint=None if is_ssh else server.fingerprint or None,
            ca_file=server.ca_file or None,
            agent=answers.agent,
            host_key=server.fingerprint or None if is_ssh else None,
            known_hosts=_absolute(answers.known_hosts) or None,
            region=self._region(remote),
            options=self._options(),
        )
        if is_ssh and not answers.agent:
            keyed, secrets = self._key(login)
            if keyed.key_file is not None:
                return keyed, secrets
        if answers.agent or (kind is RemoteKind.CLOUD and answers.password_file is None):
            return login, {}
        given = answers.password_file
        asked = _SECRET.get(kind, "Password")
        secret = (
            password_of(given)
            if given is not None
            else self.questions.secret("--password-file", asked)
        )
        return replace(login, password=Secret(secret)), {"password_file": secret}

    def _user(self, kind: RemoteKind) -> str:
        def check(text: str) -> str:
            text = text.strip()
            return text if kind is RemoteKind.CLOUD and not text else user_name(text, kind)

        default = "" if kind is RemoteKind.CLOUD else None
        question = _USER.get(kind, "User")
        return self.questions.ask(
            "--user", question, check, given=self.answers.user, default=default
        )

    def _key(self, login: VisitLogin) -> tuple[VisitLogin, dict[str, str]]:
        answers = self.answers
        given = answers.key_file
        if given is None and answers.password_file is not None:
            return login, {}
        question = "Private key file (Enter: log in with a password)"
        file = self.questions.ask("--key-file", question, _key_file, given=given, default="")
        if not file:
            return login, {}
        keyed = replace(login, key_file=file)
        phrase = answers.key_passphrase_file
        if phrase is not None:
            secret = password_of(phrase, "--key-passphrase-file")
        elif is_locked(file):
            secret = self.questions.secret("--key-passphrase-file", "Passphrase of the key")
        else:
            return keyed, {}
        return replace(keyed, key_passphrase=Secret(secret)), {"key_passphrase_file": secret}

    def _workspace(self, kind: RemoteKind) -> str:
        if kind is not RemoteKind.PYDIO:
            return "default"
        question = "Workspace (its id or alias)"
        return self.questions.ask(
            "--workspace", question, places.segment, given=self.answers.workspace
        )

    def _region(self, remote: RemoteAddress) -> str | None:
        given = self.answers.region
        if given is None and (remote.kind is not RemoteKind.S3 or remote.host):
            return None
        question = "Region of the bucket, such as eu-west-1"
        return self.questions.ask("--region", question, fields.region, given=given)

    def _options(self) -> CloudOptions:
        file = self.answers.options_file
        if file is None:
            return NO_OPTIONS
        try:
            with open(file, encoding="utf-8") as opened:
                return read_options(json.load(opened))
        except OSError as error:
            raise click.UsageError(f"--options-file: {file}: {error.strerror}") from None
        except ValueError as error:
            raise click.UsageError(f"--options-file: {file}: {error}") from None

    # -- the job -----------------------------------------------------------------------------------

    def _fields(self, login: VisitLogin, server: TrustedServer) -> dict[str, object]:
        """The fields of the job file that say how one logs in, without secrets in files."""
        found: dict[str, object] = {
            "username": login.username,
            "remote_dir": login.remote_dir,
            "workspace": login.workspace if login.remote.kind is RemoteKind.PYDIO else "",
            "tls_fingerprint": login.tls_fingerprint,
            "ca_file": login.ca_file,
            "key_file": login.key_file,
            "agent": login.agent,
            "host_key": login.host_key,
            "known_hosts": login.known_hosts,
            "region": login.region,
            "options": dict(login.options.reveal()),
            "allow_plain": server.plain,
        }
        return {name: value for name, value in found.items() if value}


def _key_file(text: str) -> str:
    if not text.strip():
        return ""
    path = os.path.abspath(os.path.expanduser(text.strip()))
    if not os.path.isfile(path):
        raise ValueError(f"there is no file {path}")
    return path


def _absolute(path: str | None) -> str:
    return os.path.abspath(os.path.expanduser(path)) if path else ""
