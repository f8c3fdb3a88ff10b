"""One pattern of .gitignore, as git reads it (dir.c, https://git-scm.com/docs/gitignore)."""

from dataclasses import dataclass

from cargo_sync.config.globs import (
    GlobError,
    literal_length,
    name_expression,
    path_expression,
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """What one pattern says.

    negative      `!`: what matches is taken back
    folders_only  a slash at the end
    whole_path    it has another slash, and is compared with the whole path; if not, with the name
    glob          what is compared, without all this
    """

    negative: bool
    folders_only: bool
    whole_path: bool
    glob: str

    @property
    def expression(self) -> str:
        """The regular expression of the glob, without anchors.

        Raises:
            GlobError: nothing can match it.
        """
        return path_expression(self.glob) if self.whole_path else name_expression(self.glob)

    @property
    def ending(self) -> str | None:
        """How names end that match, if the glob is a star and this text."""
        text = self.glob[1:]
        if self.whole_path or self.glob[0] != "*" or literal_length(text) != len(text):
            return None
        return text


def parsed(text: str) -> Pattern | None:
    """The pattern in a line of .gitignore; None for a blank line and a comment.

    Raises:
        GlobError: it is a pattern, but nothing can match it.
    """
    text = _without_trailing_spaces(text.removesuffix("\r"))
    if not text or text.startswith("#"):
        return None
    negative = text.startswith("!")
    glob = text[negative:]
    folders_only = glob.endswith("/")
    glob = glob.removesuffix("/")
    whole_path = "/" in glob
    glob = glob.removeprefix("/")
    if not glob:
        raise GlobError("no name follows")
    pattern = Pattern(negative, folders_only, whole_path, glob)
    _ = pattern.expression
    return pattern


def _without_trailing_spaces(text: str) -> str:
    """Spaces at the end do not count, but for one that a backslash is before."""
    kept = text.rstrip(" ")
    backslashes = len(kept) - len(kept.rstrip("\\"))
    return text[: len(kept) + 1] if backslashes % 2 else kept
