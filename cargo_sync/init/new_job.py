"""What is the same of every new job: its folder here, its direction, its name, and its file."""

import contextlib
import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import click

from cargo_sync.config import places, units
from cargo_sync.config.environment import literal
from cargo_sync.config.job_shape import full_mode
from cargo_sync.config.secret import read_first_line
from cargo_sync.init.forecast import FileAmount, forecast
from cargo_sync.init.near import NearSide, amount, made_folder
from cargo_sync.init.questions import InitError, Questions
from cargo_sync.model.jobs import Mode

TRIES: Final = 3
"""How often a person may type a password."""
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
    key_file: str | None = None
    key_passphrase_file: str | None = None
    agent: bool = False
    host_key: str | None = None
    known_hosts: str | None = None
    region: str | None = None
    options_file: str | None = None
    allow_plain: bool = False
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
class NewJob:
    """A job that is set up. `path` is that of its file, or None for the daemon's folder."""

    near: NearSide
    questions: Questions
    path: str | None
    answers: JobAnswers

    def folder(self) -> str:
        """The folder on this machine."""
        question = "Folder on this machine"
        return self.questions.ask("--folder", question, self.near.folder, given=self.answers.folder)

    def mode(self) -> Mode:
        """The direction."""
        question = "Upload to the server, download from it, or both ways (up, down, both)"
        return Mode(self.questions.ask("--mode", question, _mode, given=self.answers.mode))

    def settings(self, local: str, mode: Mode, hostname: str) -> dict[str, object]:
        """The fields that every job has."""
        given = self.answers.name or self.near.name(local)
        settings: dict[str, object] = {
            "sync_name": self.questions.ask("--name", "", places.display_name, given=given),
            "sync_mode": mode.value,
            "local_dir": local,
            "hostname": hostname,
        }
        if self.answers.speed is not None:
            settings["speed"] = self.questions.ask("--speed", "", _speed, given=self.answers.speed)
        return settings

    def tell(self, settings: Mapping[str, object], there: str, far: FileAmount) -> None:
        """What the job is, and what its first run would do. `there` names the far folder."""
        local, name = str(settings["local_dir"]), str(settings["sync_name"])
        near = amount(local)
        click.echo(
            f"\nThe job {shown(name)}:\n"
            f"  {shown(local)}: {near}\n"
            f"  {shown(there)}: {far}\n"
            f"{forecast(Mode(str(settings['sync_mode'])), near, far)}\n"
        )

    def agreed(self) -> bool:
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

    def written(
        self, settings: Mapping[str, object], secrets: Mapping[str, str], start: bool
    ) -> WrittenJob:
        """Writes the job, with a file of its own for each of the `secrets` by their fields.

        A secret for which an option names a file stays in that one.
        """
        name = str(settings["sync_name"])
        files = {
            field: getattr(self.answers, field)
            for field in ("password_file", "key_passphrase_file")
            if getattr(self.answers, field) is not None
        }
        with contextlib.ExitStack() as made:
            made.enter_context(made_folder(str(settings["local_dir"])))
            places_of = {field: os.path.abspath(file) for field, file in files.items()}
            for field, secret in secrets.items():
                if field not in places_of:
                    places_of[field] = made.enter_context(self.near.secret_file(name, secret))
            fields = literal({**settings, **places_of})
            text = json.dumps(fields, indent=4, ensure_ascii=False) + "\n"
            if self.path is not None:
                written = self.near.write(self.path, text)
            else:
                written = self.near.add(name, text)
        start = start and not self.questions.quiet
        click.echo(f"Wrote {shown(written)}. {self._next(written, start)}")
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


def _mode(text: str) -> str:
    """A direction, also in a short form. Raises ValueError."""
    word = text.strip().lower()
    mode = "bidirectional" if word == "both" else full_mode(word)
    if mode not in _MODES:
        raise ValueError(f"{text.strip()!r} is not one of up, down and both")
    return str(mode)


def _speed(text: str) -> str:
    try:
        return units.format_speed(units.parse_speed(text))
    except ValueError as error:
        raise ValueError(f"{error} (expected: {units.SPEED_FORM})") from None


def password_of(file: str, option: str = "--password-file") -> str:
    """The secret in a file that an option names. Raises click.UsageError."""
    try:
        return read_first_line(file).reveal()
    except ValueError as error:
        raise click.UsageError(f"{option}: {error}") from None


def shown(text: str) -> str:
    """Foreign text that cannot control a terminal."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
