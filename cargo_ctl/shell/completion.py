"""What Tab offers at the cursor: commands, names of both sides, jobs, workspaces."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cargo_ctl.render.words import escaped
from cargo_ctl.session.options import opening_words, takes_a_file
from cargo_ctl.shell.location import Location
from cargo_ctl.shell.parser import LineError, Word, quoted, split
from cargo_ctl.shell.table import BY_NAME
from cargo_ctl.shell.verbs import Completes, ShellVerb

_MOST = 1000
SCHEMES = (
    "cloud+azblob://", "cloud+gs://", "ftp://", "ftps://", "http://", "https://", "pydio+https://",
    "s3+https://", "s3://", "sftp://", "webdav+https://",
)  # fmt: skip
"""How the addresses of servers begin."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One offer.

    text   replaces the line from `start` on
    shown  the name in the list of offers
    """

    text: str
    start: int
    shown: str


@dataclass(frozen=True, slots=True)
class Sources:
    """Where names come from; for each name in a remote or local folder, whether it is a folder.

    Names in the trash are those of what was in a remote folder.

    They answer at once or within a deadline, and never raise.
    """

    remote: Callable[[str], Iterable[tuple[str, bool]]]
    trash: Callable[[str], Iterable[tuple[str, bool]]]
    local: Callable[[str], Iterable[tuple[str, bool]]]
    jobs: Callable[[], Iterable[str]]
    workspaces: Callable[[], Iterable[str]]


def candidates(before: str, here: Location, sources: Sources) -> list[Candidate]:
    """The ways in which the text before the cursor can continue."""
    stripped = before.lstrip()
    indent = len(before) - len(stripped)
    try:
        words = split(stripped, indent)
    except LineError:
        return []
    typed = stripped.split(maxsplit=1)[0] if stripped else ""
    if len(words) <= 1 and not stripped[len(typed) :]:
        names = [name for name in BY_NAME if name.startswith(typed) and name != "?"]
        return [Candidate(f"{name} ", indent, name) for name in sorted(names)]
    verb = BY_NAME.get(typed)
    if verb is None:
        if not typed.startswith("!"):
            return []
        kind = Completes.LOCAL  # a line for a shell works with local files
    else:
        kind = verb.completes
    word = words[-1]
    if before[-1:].isspace() and not word.open and not _escaped_end(before):
        word = Word("", start=len(before))
    if verb is not None and verb.raw:
        return list(_of_a_server(words, word, before, here, sources))[:_MOST]
    if verb is not None:
        kind = _after_option(verb, kind, words, word)
    return list(_of_kind(kind, word, before, here, sources))[:_MOST]


def _of_a_server(
    words: tuple[Word, ...], word: Word, before: str, here: Location, sources: Sources
) -> Iterator[Candidate]:
    """What continues a line `open URL --option …`."""
    at = [each.start for each in words].index(word.start) if word in words else len(words)
    if at and takes_a_file(words[at - 1].text):
        yield from _of_kind(Completes.LOCAL, word, before, here, sources)
    elif word.text.startswith("-"):
        for option in opening_words():
            if option.startswith(word.text):
                yield Candidate(f"{option} ", word.start, option)
    elif at == 1:
        for scheme in SCHEMES:
            if scheme.startswith(word.text):
                yield Candidate(scheme, word.start, scheme)


def _of_kind(
    kind: Completes, word: Word, before: str, here: Location, sources: Sources
) -> Iterator[Candidate]:
    quote = word.open if word.open != "$'" else "'"
    if not quote and before[word.start : word.start + 1] in ("'", '"'):
        quote = before[word.start]
    match kind:
        case Completes.REMOTE | Completes.REMOTE_FOLDER:
            folders = kind is Completes.REMOTE_FOLDER
            yield from _paths(
                word, quote, folders, lambda path: sources.remote(here.remote_path(path))
            )
        case Completes.TRASH:
            yield from _paths(
                word, quote, False, lambda path: sources.trash(here.remote_path(path))
            )
        case Completes.LOCAL | Completes.LOCAL_FOLDER:
            folders = kind is Completes.LOCAL_FOLDER
            yield from _paths(
                word, quote, folders, lambda path: sources.local(here.local_path(path))
            )
        case Completes.VERB:
            yield from _names(word, quote, (name for name in BY_NAME if name != "?"))
        case Completes.JOB:
            yield from _names(word, quote, sources.jobs())
        case Completes.WORKSPACE:
            yield from _names(word, quote, sources.workspaces())


def _after_option(
    verb: ShellVerb, kind: Completes, words: tuple[Word, ...], word: Word
) -> Completes:
    """What to complete at `word`: after -o it is a name of the other side."""
    at = [each.start for each in words].index(word.start) if word in words else len(words)
    before = words[at - 1] if at else None
    valued = {letter for letter, _, _ in verb.valued}
    if before is None or before.quoted or before.text[:1] != "-" or before.text[-1:] not in valued:
        return kind
    return {Completes.REMOTE: Completes.LOCAL, Completes.LOCAL: Completes.REMOTE}.get(kind, kind)


def _paths(
    word: Word, quote: str, folders: bool, names_in: Callable[[str], Iterable[tuple[str, bool]]]
) -> Iterator[Candidate]:
    head, slash, prefix = word.text.rpartition("/")
    folder = head + slash
    for name, is_folder in sorted(names_in(folder)):
        hidden = name.startswith(".") and not prefix
        if hidden or not name.startswith(prefix) or (folders and not is_folder):
            continue
        # A `~` at the beginning means the home folder only if it is not quoted.
        tilde = "~/" if folder.startswith("~/") and not word.quoted else ""
        rest = (folder + name).removeprefix(tilde) + ("/" if is_folder else "")
        written = tilde + quoted(rest, "" if tilde else quote)
        yield Candidate(
            written + ("" if is_folder else " "), word.start, escaped(name) + "/" * is_folder
        )


def _names(word: Word, quote: str, names: Iterable[str]) -> Iterator[Candidate]:
    for name in sorted(set(names)):
        if name.startswith(word.text):
            yield Candidate(quoted(name, quote) + " ", word.start, escaped(name))


def _escaped_end(text: str) -> bool:
    """Whether a backslash escapes the space at the end."""
    body = text[:-1]
    return (len(body) - len(body.rstrip("\\"))) % 2 == 1


class Remembered:
    """A cache of the names in remote folders; a failure is cached as an empty folder.

    ask    the names in a folder; it may raise what `failures` lists
    stamp  another value means that the cache is out of date
    lasts  seconds that an entry is valid
    """

    def __init__(
        self,
        ask: Callable[[str], list[tuple[str, bool]]],
        stamp: Callable[[], object],
        clock: Callable[[], float],
        failures: tuple[type[Exception], ...],
        lasts: float = 15.0,
    ) -> None:
        self._ask = ask
        self._stamp = stamp
        self._clock = clock
        self._failures = failures
        self._lasts = lasts
        self._known: dict[str, tuple[float, object, list[tuple[str, bool]]]] = {}

    def __call__(self, path: str) -> list[tuple[str, bool]]:
        now, stamp = self._clock(), self._stamp()
        found = self._known.get(path)
        if found is not None and now - found[0] < self._lasts and found[1] == stamp:
            return found[2]
        try:
            names = self._ask(path)
        except self._failures:
            names = []
        self._known = {
            each: known
            for each, known in self._known.items()
            if known[1] == stamp and now - known[0] < self._lasts
        }
        self._known[path] = (now, stamp, names)
        return names
