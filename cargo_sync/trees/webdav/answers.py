"""Which of the hrefs in an answer are meant, and what they say. Foreign ones are left out."""

from cargo_sync.model import paths
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem
from cargo_sync.trees.remote.contract import RemoteListing
from cargo_sync.trees.remote.problems import is_no_folder
from cargo_sync.trees.webdav.addresses import WebDavPlace, names_of, same_names
from cargo_sync.trees.webdav.entries import entry_of, refusal_of
from cargo_sync.trees.webdav.listing import Answered
from cargo_sync.trees.webdav.problems import no_webdav

ABSENT = frozenset({404, 410})


class OneAnswer:
    """What is said of one path.

    found  None: nothing yet
    """

    def __init__(self, place: WebDavPlace, path: str) -> None:
        self._place = place
        self._names = place.below(path)
        self.found: Answered | None = None

    def told(self, one: Answered) -> None:
        """Takes what is said of any href."""
        try:
            is_it = self._place.is_ours(one.href) and same_names(names_of(one.href), self._names)
        except UnicodeDecodeError:
            return
        if is_it and self.found is None:
            self.found = one


class FolderAnswer:
    """What is said of a folder, and of what is directly in it."""

    def __init__(self, place: WebDavPlace, folder: str) -> None:
        self._place = place
        self._folder = folder
        self._names = place.below(folder)
        self._top: Answered | None = None
        self._found: dict[str, Entry] = {}
        self._problems: list[Problem] = []

    def told(self, one: Answered) -> None:
        """Takes what is said of any href."""
        if one.status in ABSENT or not self._place.is_ours(one.href):
            return
        try:
            names = names_of(one.href)
        except UnicodeDecodeError:
            message = f"a name in {self._folder!r} is not valid UTF-8: it is left out"
            self._problems.append(Problem(Code.BAD_NAME, message, self._folder, retry=False))
            return
        if same_names(names, self._names):
            self._top = self._top or one
        elif len(names) > len(self._names) and same_names(names[: len(self._names)], self._names):
            # A name with a "/" in it would be two.
            self._add("/".join(names[len(self._names) :]), one)

    def listing(self) -> RemoteListing:
        """The whole folder.

        Raises:
            ProblemError: NOT_A_FOLDER; BAD_ANSWER, if the answer is not about this folder: else it
                would look like an empty one.
        """
        if self._top is None:
            raise no_webdav(f"it is not about the folder {self._folder!r}")
        if not self._top.collection:
            raise is_no_folder(self._folder)
        return RemoteListing(self._folder, list(self._found.values()), self._problems)

    def _add(self, name: str, one: Answered) -> None:
        folder = self._folder
        if not folder and paths.is_reserved(name):
            return
        if (bad := refusal_of(name, folder)) is not None:
            self._problems.append(bad)
            return
        path = paths.join(folder, name)
        if not 200 <= one.status < 300:
            message = f"the server does not show {path!r}: it answers {one.status}"
            self._problems.append(Problem(Code.UNREADABLE, message, path))
            return
        entry = entry_of(path, one)
        if isinstance(entry, Problem):
            self._problems.append(entry)
        else:
            self._found.setdefault(name, entry)
