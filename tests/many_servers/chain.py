"""What must be true at the end: nothing acknowledged is missing, and no update was lost.

Each version was written only in the place of the one that its writer had read. So the versions of
a path are a chain: each says which one was before it, and that is the one before it in the history.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

NONE: Final = ""
"""In the place of a hash: there was nothing."""


class Version(NamedTuple):
    """A version that a writer tried to write.

    path    of the file
    before  the hash of the version that it read, and wanted to replace; or NONE
    """

    path: str
    before: str


class Story(NamedTuple):
    """What is known at the end.

    tried         all that was tried, by the hash of its content: no two are alike
    acknowledged  hashes of what was acknowledged; of the rest it is not known
    history       hashes of what the history says was written, by path, the oldest first
    now           the hash of what is there, by path, as each server gives it
    trash         hashes of what is in the trash
    """

    tried: Mapping[str, Version]
    acknowledged: Collection[str]
    history: Mapping[str, Sequence[str]]
    now: Mapping[str, Mapping[str, str]]
    trash: Collection[str]


def wrong(story: Story) -> Iterator[str]:
    """What is not as it must be, in words."""
    told = set[str]()
    for path, hashes in sorted(story.history.items()):
        before = NONE
        for hash in hashes:
            version = story.tried.get(hash)
            if version is None or version.path != path:
                yield f"{path}: the history has {hash[:12]}, which nobody wrote there"
            elif hash in told:
                yield f"{path}: {hash[:12]} is in the history twice"
            elif version.before != before:
                yield (
                    f"{path}: a lost update: {hash[:12]} was to replace "
                    f"{version.before[:12] or 'nothing'}, and replaced {before[:12] or 'nothing'}"
                )
            told.add(hash)
            before = hash
        yield from _at_the_end(story, path, before)
        for hash in hashes[:-1]:
            if hash not in story.trash:
                yield f"{path}: {hash[:12]} was replaced, and is not in the trash"
    for hash in sorted(set(story.acknowledged) - told):
        yield f"{story.tried[hash].path}: {hash[:12]} was acknowledged, and is not in the history"


def _at_the_end(story: Story, path: str, last: str) -> Iterator[str]:
    for server, found in story.now.items():
        if (hash := found.get(path, NONE)) != last:
            shown = hash[:12] or "nothing"
            yield f"{path}: server {server} has {shown}, and the newest version is {last[:12]}"
