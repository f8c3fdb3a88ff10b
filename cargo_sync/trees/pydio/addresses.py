"""Paths in a workspace, and the URLs of calls about them."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from cargo_sync.model.problems import Code, Problem, ProblemError

RECYCLE_BIN: Final = "recycle_bin"
"""Pydio's own trash, at the top of a workspace: it is not ours."""


@dataclass(frozen=True, slots=True)
class PydioPlace:
    """A folder in a workspace.

    origin     `https://host:port` or `http://…`
    installed  the path of Pydio there, decoded: `pydio`, or ""
    workspace  its id or alias
    folder     `a/b` below the workspace, or ""
    """

    origin: str
    installed: str
    workspace: str
    folder: str

    def whole(self, path: str) -> str:
        """A path below the folder as Pydio names it: `/a/b` from the top of the workspace."""
        return "/" + "/".join(part for part in (self.folder, path) if part)

    def is_bin(self, path: str) -> bool:
        """Whether a path is Pydio's own trash, or in it."""
        return self.whole(path).split("/")[1] == RECYCLE_BIN

    def url(self, call: str, path: str, more: str = "", **fields: str) -> str:
        """The URL of a call about a path below the folder.

        Args:
            call: of the API, such as `stat`.
            path: below the folder.
            more: stands directly behind the path.
            fields: of the query.

        Raises:
            ProblemError: `bad_name`: the path is not UTF-8.
        """
        try:
            query = f"?{urlencode(fields)}" if fields else ""
            return f"{self._api(call)}{quote(self.whole(path) + more)}{query}"
        except UnicodeEncodeError as error:
            message = f"{path!r} is not UTF-8, which a URL must be"
            raise ProblemError(Problem(Code.BAD_NAME, message, path, retry=False)) from error

    def log_url(self, since: int) -> str:
        """The URL of the changes in the workspace after the change `since`."""
        return f"{self._api('changes')}/{since}/?stream=true&flatten=true"

    def _api(self, call: str) -> str:
        parts = (self.installed, "api", self.workspace, call)
        return f"{self.origin}/{'/'.join(quote(part) for part in parts if part)}"
