"""The server's trash: `ls -t` lists it, `undelete` brings versions back."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain

from cargo_ctl import answers
from cargo_ctl.folder_versions import InFolder, newest_above
from cargo_ctl.render import trash as render
from cargo_ctl.render.words import count, escaped
from cargo_ctl.shell.location import shown
from cargo_ctl.shell.parser import Word
from cargo_ctl.shell.state import CommandFailed, Shell
from cargo_ctl.shell.verbs import Completes, Given, ShellVerb
from cargo_sync.api.messages import LONGEST_LIST, JsonObject

_SIGNS = re.compile(r"([*?[])")
"""In a path that is none, they are no pattern either."""
LISTED = 1_000
"""Versions that `ls -t` shows at most."""


def list_trash(shell: Shell, words: tuple[Word, ...]) -> None:
    """Lists what was replaced and deleted in folders, or what the words name."""
    rows: list[JsonObject] = []
    for word in words or (Word(""),):
        for row in _versions(shell, word):
            if len(rows) == LISTED:
                shell.output.note(f"there are more than {LISTED:,}: name a folder or a pattern")
                break
            rows.append(row)
    text = render.table_of(rows) if rows else "nothing of it is in the trash"
    shell.output.show({"versions": rows}, text)


def undelete(shell: Shell, given: Given) -> None:
    """Bring back what was deleted or replaced: of each path the newest version."""
    chosen = dict.fromkeys(chain.from_iterable(_newest(shell, one) for one in given.options.words))
    results: list[JsonObject] = []
    for inside, some in _parts(list(chosen)):
        one = {"ids": some, **({"inside": inside} if inside else {})}
        found = answers.rows(shell.session.call("restore", one), "results")
        for row in found:
            if row.get("code") != "done":
                shell.output.note(escaped(render.restored(row)))
        results += found
        shell.changes += 1
    done = [row for row in results if row.get("code") == "done"]
    if not done:
        raise CommandFailed("nothing was restored", code="failed")
    text = render.restored(done[0]) if len(done) == 1 else f"{count(len(done), 'version')} restored"
    shell.output.show({"results": results}, text)


def _newest(shell: Shell, word: Word) -> list[InFolder]:
    """What a word means: of each path the newest version, or what is in that of a folder above."""
    newest: dict[str, str] = {}
    for row in _versions(shell, word):
        newest.setdefault(answers.text(row, "path"), answers.text(row, "id"))
    if newest:
        return [InFolder(id, "") for id in newest.values()]
    path = shell.here.remote_path(word.text)
    above = None if word.pattern else newest_above(path, partial(shell.session.versions, ""))
    if above is None:
        message = f"nothing called {shown(path)} is in the server's trash"
        raise CommandFailed(message, "ls -t lists it", "vanished")
    return [above]


def _versions(shell: Shell, word: Word) -> Iterator[JsonObject]:
    """What a word means: a path and all below it, or a pattern for names in the current folder."""
    if word.pattern:
        return shell.session.versions(shell.here.remote, word.pattern)
    path = shell.here.remote_path(word.text)
    return shell.session.versions("", _SIGNS.sub(r"[\1]", path))


def _parts(chosen: Sequence[InFolder]) -> Iterator[tuple[str, list[str]]]:
    """Ids with the same path inside, as many as a command takes."""
    for inside in sorted({one.inside for one in chosen}):
        ids = [one.id for one in chosen if one.inside == inside]
        for start in range(0, len(ids), LONGEST_LIST):
            yield inside, ids[start : start + LONGEST_LIST]


VERBS = (
    ShellVerb(
        "undelete",
        "<file|dir>",
        "bring back what was deleted or replaced on the server",
        undelete,
        least=1,
        most=None,
        examples=("undelete old.txt", "undelete docs", "undelete *.odt"),
        completes=Completes.TRASH,
    ),
)
