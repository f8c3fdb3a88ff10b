"""Job files as people see, check and change them: without secrets, and with their errors."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cargo_sync.config.editing import Edited, Fields, dumped, edited, fields_of
from cargo_sync.config.errors import ConfigError, FieldProblem
from cargo_sync.config.job import JobSettings
from cargo_sync.config.masking import masked, unmasked
from cargo_sync.config.relaxed import read_text
from cargo_sync.daemon.jobs.loading import JobFiles
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error

Content = str | Fields
"""What a job file shall contain: its text, or its fields."""
Place = Callable[[str, str], str]
"""Writes a text in place of the file at a path, and returns the path of the file before."""


@dataclass(frozen=True, slots=True)
class JobDraft:
    """A job file that was checked.

    text      with its secrets
    shown     without them; None if it is no JSON, so that nobody knows where they are
    fields    the content of `shown`, or None
    in_place  of a changed file: its comments, and all that did not change, are as they were
    settings  None if there are errors
    """

    text: str = field(repr=False)
    shown: str | None
    fields: Fields | None
    in_place: bool
    errors: tuple[FieldProblem, ...] = ()
    warnings: tuple[FieldProblem, ...] = ()
    settings: JobSettings | None = None


@dataclass(frozen=True, slots=True)
class JobFileNow:
    """A job's file as it is now. `version` changes whenever somebody writes the file."""

    file: str
    version: str
    draft: JobDraft


@dataclass(frozen=True, slots=True)
class FileReplaced:
    """A job's file that was written; `old` is the path of the one before."""

    draft: JobDraft
    changed: bool
    old: str = ""


def version_of(path: str) -> str:
    """What changes whenever a file is written. Raises ProblemError."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise ProblemError(from_os_error(error, path)) from error
    return f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"


class JobDrafts:
    """Checks what job files shall contain. Its calls read files: they belong into a thread."""

    def __init__(self, files: JobFiles) -> None:
        self._files = files

    def now(self, file: str, beside: Sequence[JobSettings]) -> JobFileNow:
        """A job's file, with its errors.

        Raises:
            ConfigError: it cannot be read.
            ProblemError: it is not there.
        """
        version = version_of(file)  # before the text: if it changes meanwhile, that is noticed
        text = read_text(file)
        return JobFileNow(
            file, version, self._checked(Edited(text, True), file, beside, sent=False)
        )

    def draft(
        self, content: Content, origin: str, beside: Sequence[JobSettings], *, existing: bool
    ) -> JobDraft:
        """What a job file would be.

        Args:
            content: what it shall contain; the mask means the secret of the existing file.
            origin: its path, or what errors call the content of a new one.
            beside: the jobs beside it.
            existing: it replaces the file at the path `origin`.
        """
        before = _read_if_valid(origin) if existing else None
        shown = content if isinstance(content, str) else None
        try:
            made = _text(content, before)
            shown = made.text
            made = made._replace(text=unmasked(made.text, origin, before))
        except ConfigError as error:
            return _wrong(shown or "", error, in_place=False)
        return self._checked(made, origin, beside, sent=not existing)

    def replace(
        self,
        content: Content,
        file: str,
        beside: Sequence[JobSettings],
        version: str | None,
        place: Place,
    ) -> FileReplaced:
        """Writes a job's file, if it has no errors.

        Args:
            content: as for `draft`.
            file: its path.
            beside: the jobs beside it.
            version: of the file that the content was made from; None for any.
            place: writes it.

        Raises:
            ConfigError: every problem with the content.
            ProblemError: `changed`: the file has another version now; or it cannot be written.
        """
        now = version_of(file)
        if version is not None and version != now:
            message = f"{file} was changed meanwhile, and nothing was written"
            hint = "look at it, and make the change again"
            raise ProblemError(Problem(Code.CHANGED, message, hint=hint, retry=False))
        draft = self.draft(content, file, beside, existing=True)
        if draft.errors:
            raise ConfigError(draft.errors)
        if draft.text == read_text(file):
            return FileReplaced(draft, False)
        return FileReplaced(draft, True, place(file, draft.text))

    def _checked(
        self, made: Edited, file: str, beside: Sequence[JobSettings], *, sent: bool
    ) -> JobDraft:
        try:
            settings, warnings = self._files.check(made.text, file, beside, sent=sent)
        except ConfigError as error:
            return _wrong(made.text, error, in_place=made.in_place)
        shown = masked(made.text, file)
        fields = fields_of(shown, file)
        return JobDraft(made.text, shown, fields, made.in_place, (), warnings, settings)


def new_text(content: Content, origin: str) -> str:
    """The text of a new job file.

    Raises:
        ConfigError: it is no JSON, or a secret is missing.
    """
    return unmasked(_text(content, None).text, origin, None)


def _text(content: Content, before: str | None) -> Edited:
    """The text of a file with this content."""
    if isinstance(content, str):
        return Edited(content, True)
    return edited(before, content) if before is not None else Edited(dumped(content) + "\n", True)


def _read_if_valid(path: str) -> str | None:
    """The text of a job's file, if it is relaxed JSON."""
    try:
        text = read_text(path)
        fields_of(text, path)
    except ConfigError:
        return None
    return text


def _wrong(text: str, error: ConfigError, *, in_place: bool) -> JobDraft:
    """A draft that cannot be used."""
    try:
        shown = masked(text, "")
    except ConfigError:
        return JobDraft(text, None, None, in_place, error.problems)
    return JobDraft(text, shown, fields_of(shown, ""), in_place, error.problems)
