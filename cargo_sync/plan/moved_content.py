"""Which deleted files were moved: their content was brought to another path lately.

A small file that was renamed is sent again, and its old path is deleted. That loses nothing, so the
guard must not count it. Of each content, as many deletions are moves as files with this content
were brought in the guard's window, if one of these is still there as it was brought. So what was
brought and deleted since excuses nothing, and one new copy excuses one deletion. A file that was
renamed twice was brought twice.

A path counts once, so nothing is moved to where another content was deleted or overwritten in the
window: it could be overwritten there, and would never count.

A copy only excuses what was there before it: of files with the same content that were brought
together, none is a move of another one. What was brought with one batch has the same time.
"""

from dataclasses import dataclass
from typing import Final

MOST: Final = 50_000
"""Contents that are compared; the deletions of all others count."""


@dataclass(slots=True)
class _Copies:
    """The files with one content that were brought.

    there    one of them is still there, and would count if it was overwritten
    own      those that are deleted; of these `older` were brought before the present batch and are
             not matched yet, `together` with it
    matched  of these, those that were moved: another one was brought later
    spare    brought files that may excuse deletions of what was there before the window
    used     deletions that were found to be moves before; `taken`: since then
    """

    time: float = 0.0
    there: bool = False
    own: int = 0
    older: int = 0
    together: int = 0
    matched: int = 0
    spare: int = 0
    used: int = 0
    taken: int = 0


class MovedContent:
    """Compares the contents that were deleted with those that were brought.

    First all deletions are named (`gone`), then what was brought, in its order, then `take` says of
    each deletion whether it was a move. Contents are BLAKE3 in hex; "" is not known.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._gone: dict[int, int] = {}
        """How many deletions there are of each content."""
        self._own: set[int] = set()
        """Paths and contents of all deletions."""
        self._copies: dict[int, _Copies] = {}

    def gone(self, path: str, content: str, *, used: bool = False) -> None:
        """A file is deleted; `used`: this was found to be a move before."""
        if not content:
            return
        key = _key(content)
        if key not in self._gone and len(self._gone) >= self._most:
            return
        if (own := hash((path, key))) not in self._own:
            self._own.add(own)
            self._gone[key] = self._gone.get(key, 0) + 1
        if used:
            self._copies.setdefault(key, _Copies()).used += 1

    def concerns(self, content: str) -> bool:
        """Whether a file with this content is deleted."""
        return bool(content) and _key(content) in self._gone

    def is_gone(self, path: str, content: str) -> bool:
        """Whether a file with this content was, or is, deleted at this path."""
        return hash((path, _key(content))) in self._own

    def is_there(self, content: str) -> bool:
        """Whether a brought file with this content is known to be there still."""
        copies = self._copies.get(_key(content))
        return copies is not None and copies.there

    def brought(self, path: str, content: str, time: float, *, there: bool) -> None:
        """A file was brought; `there`: it is there as it was brought, at a path of its own."""
        key = _key(content)
        copies = self._copies.setdefault(key, _Copies())
        if time != copies.time:
            copies.older += copies.together
            copies.together, copies.time = 0, time
        if copies.older:
            copies.older -= 1
            copies.matched += 1
        else:
            copies.spare += 1
        if hash((path, key)) in self._own:
            copies.own += 1
            copies.together += 1
        copies.there |= there

    def take(self, content: str) -> bool:
        """Whether the next deletion of a file with this content is a move."""
        copies = self._copies.get(_key(content)) if content else None
        if copies is None or not copies.there:
            return False
        before = self._gone[_key(content)] - copies.own
        moved = copies.matched + min(copies.spare, max(0, before))
        if copies.used + copies.taken >= moved:
            return False
        copies.taken += 1
        return True

    def take_again(self) -> None:
        """Those that are not `kept` yet are asked about once more."""
        for copies in self._copies.values():
            copies.taken = 0

    def keep(self) -> None:
        """What was taken is used up."""
        for copies in self._copies.values():
            copies.used += copies.taken
            copies.taken = 0


def _key(content: str) -> int:
    """A hash in less room: half of it is enough to tell contents apart."""
    return int(content[:32], 16)
