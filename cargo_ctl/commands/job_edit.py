"""`cargo_ctl job edit` and `cargo_ctl job set`: change a job's file, checked before it is taken."""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import Final, NoReturn

import click

from cargo_ctl import answers
from cargo_ctl.answers import JobFile
from cargo_ctl.names import JOB
from cargo_ctl.reach import BAD_INPUT, FAILED, Reach, reaching
from cargo_ctl.render import job_files
from cargo_ctl.render.words import escaped
from cargo_sync.api.messages import JsonObject, ReplyCode

_EDITOR: Final = "vi"
_SECRET: Final = re.compile(r"password|events\.[^.]+\.(secret|headers\..*)")
"""Fields whose values nobody should type as an argument: every user of the machine can see it."""


@click.command()
@click.argument("name", type=JOB)
@reaching
def edit(reach: Reach, name: str) -> None:
    """Edit a job's file in $VISUAL or $EDITOR. The daemon checks it before it takes it.

    Secrets are hidden; they stay as they are where you leave "<unchanged>". If the text has errors,
    you can edit it again. The file before is kept in the folder .removed beside it.

    \b
    Examples:
      cargo_ctl job edit nightly
      EDITOR=nano cargo_ctl job edit nightly
    """
    now = _read(reach, name)
    if now.text is None:
        _cannot_be_shown(reach, now)
    draft = _Draft(name, now.text)
    if job_files.MASK in now.text:
        click.echo(f'secrets are hidden: leave "{job_files.MASK}" where they stay', err=True)
    while True:
        _run_editor(reach, draft)
        text = draft.read(reach)
        if text == now.text:
            draft.remove()
            reach.show({"job": name, "changed": False}, job_files.unchanged(name))
            return
        with _keeping(reach, draft) as refused:
            result = _write(reach, {"job": name, "text": text, "version": now.version})
        if not refused:
            draft.remove()
            reach.show(result, job_files.written(result))
            return


@click.command("set")
@click.argument("name", type=JOB)
@click.argument("changes", nargs=-1, metavar="FIELD=VALUE...")
@click.option("--unset", "gone", multiple=True, metavar="FIELD", help="Remove a field.")
@reaching
def set_(reach: Reach, name: str, changes: tuple[str, ...], gone: tuple[str, ...]) -> None:
    """Change fields of a job's file. The daemon checks it before it takes it.

    A VALUE is JSON (5, true, null, ["*.bak"]), or else text. A field inside another one is written
    with a dot. Comments in the file stay. The file before is kept in the folder .removed beside it.
    Passwords are not set here: other users of this machine could see them.

    \b
    Examples:
      cargo_ctl job set nightly speed=10mbps
      cargo_ctl job set nightly priority=80 filters.exclude='["*.bak"]'
      cargo_ctl job set nightly --unset end_time --unset start_time
    """
    if not changes and not gone:
        raise click.UsageError("give at least one FIELD=VALUE, or --unset FIELD")
    now = _read(reach, name)
    if now.fields is None:
        _cannot_be_shown(reach, now)
    fields = json.loads(json.dumps(now.fields))  # a copy of its own, however deep
    for change in changes:
        field, separator, text = change.partition("=")
        if not separator or not field:
            raise click.UsageError(f"{change!r} is no FIELD=VALUE")
        if _SECRET.fullmatch(field):
            hint = f"use `cargo_ctl job edit {shlex.quote(name)}`, or password_file=FILE"
            message = f"other users of this machine could see the value of {field} here"
            reach.fail(BAD_INPUT, "secret", message, hint)
        _put(reach, fields, field.split("."), _value(text))
    for field in gone:
        _take_out(reach, fields, field)
    result = reach.call("job.write", {"job": name, "fields": fields, "version": now.version})
    reach.show(result, job_files.written(result))


def _read(reach: Reach, name: str) -> JobFile:
    return answers.job_file(reach.call("job.read", {"job": name}))


def _cannot_be_shown(reach: Reach, now: JobFile) -> NoReturn:
    """The file is no JSON, so nobody knows where its secrets are; the program ends."""
    lines = "\n".join(now.errors)
    hint = f"correct {now.file} itself, then `job.reload`"
    reach.fail(BAD_INPUT, ReplyCode.BAD_CONFIG, lines, hint)


# -- set -------------------------------------------------------------------------------------------


def _value(text: str) -> object:
    """JSON as people write it, or else the text itself."""
    try:
        return json.loads(text, parse_constant=_no_number)
    except ValueError:
        pass
    if text[:1] not in ("[", "{", "'"):
        return text
    import json5

    try:
        return json5.loads(text)
    except ValueError:
        return text


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


def _put(reach: Reach, fields: dict[str, object], place: list[str], value: object) -> None:
    for number, part in enumerate(place[:-1], 1):
        inner = fields.setdefault(part, {})
        if not isinstance(inner, dict):
            field = ".".join(place[:number])
            message = f"{field} has no fields inside it: it is {json.dumps(inner)}"
            reach.fail(BAD_INPUT, ReplyCode.BAD_CONFIG, message)
        fields = inner
    fields[place[-1]] = value


def _take_out(reach: Reach, fields: dict[str, object], field: str) -> None:
    *above, last = field.split(".")
    inner: object = fields
    for part in above:
        inner = inner.get(part) if isinstance(inner, Mapping) else None
    if not isinstance(inner, dict) or last not in inner:
        reach.fail(BAD_INPUT, ReplyCode.BAD_CONFIG, f"the file has no {field}")
    del inner[last]


# -- edit ------------------------------------------------------------------------------------------


class _Draft:
    """The text that is edited, in a file that only this user may read."""

    def __init__(self, job: str, text: str) -> None:
        self._folder = tempfile.mkdtemp(prefix="cargo_ctl-")
        name = re.sub(r"[^A-Za-z0-9]+", "-", job).strip("-") or "job"
        self.path = os.path.join(self._folder, f"{name}.json")
        opened = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(opened, "w", encoding="utf-8", newline="") as file:
            file.write(text)

    def read(self, reach: Reach) -> str:
        try:
            with open(self.path, encoding="utf-8-sig", newline="") as file:
                return file.read()
        except (OSError, UnicodeDecodeError) as error:
            message = f"{self.path} cannot be read: {error}; nothing was changed"
            reach.fail(FAILED, ReplyCode.BAD_CONFIG, message)

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def _run_editor(reach: Reach, draft: _Draft) -> None:
    """Let the person edit; if the editor fails, the program ends, and the draft stays."""
    words = os.environ.get("VISUAL") or os.environ.get("EDITOR") or _EDITOR
    # Ctrl-C is for the editor. A handler is not inherited, "ignored" would be.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        code = subprocess.run([*shlex.split(words), draft.path], check=False).returncode
    except (OSError, ValueError) as error:
        draft.remove()
        reason = getattr(error, "strerror", None) or error
        message = f"the editor {words!r} cannot be started: {reason}"
        reach.fail(BAD_INPUT, "no_editor", message, "set EDITOR to the editor that you use")
    finally:
        signal.signal(signal.SIGINT, before)
    if code != 0:
        message = f"the editor ended with {code}, so nothing was changed"
        reach.fail(FAILED, "no_editor", message, f"your draft is in {draft.path}")


def _write(reach: Reach, args: JsonObject) -> JsonObject:
    from cargo_ctl.reach import called
    from cargo_sync.api.client import Client

    addresses = reach.addresses()
    with Client(addresses.commands, key=addresses.key) as client:
        return called(client, "job.write", args)


@contextlib.contextmanager
def _keeping(reach: Reach, draft: _Draft) -> Iterator[list[str]]:
    """If the text is refused: shows why and asks, or ends the program; the draft is never lost.

    The list is not empty if the person wants to edit it again.
    """
    from cargo_sync.api.client import CommandError, NotAdmitted, NotRunning

    again: list[str] = []
    kept = f"nothing was changed; your draft is in {draft.path}"
    try:
        yield again
    except CommandError as error:
        if error.code == ReplyCode.BAD_CONFIG and not reach.as_json and sys.stdin.isatty():
            for line in error.message.split("\n"):
                click.echo(escaped(line), err=True)
            if click.confirm("Edit it again?", default=True, err=True):
                again.append(error.message)
                return
            reach.fail(BAD_INPUT, "refused", kept)
        code = BAD_INPUT if error.code == ReplyCode.BAD_CONFIG else FAILED
        click.echo(f"cargo_ctl: {escaped(kept)}", err=True)
        reach.fail(code, error.code, error.message, error.hint)
    except (NotAdmitted, NotRunning):
        click.echo(f"cargo_ctl: {escaped(kept)}", err=True)
        with reach.ending():
            raise
    except click.Abort:
        click.echo(f"cargo_ctl: {escaped(kept)}", err=True)
        raise
