"""Names that a file system keeps only one of: they differ in case, or in how accents are written.

Where it does so, the first name keeps its place, and another one waits. What was delivered comes
first, then what is at the destination under exactly this name, then the order of the names.
"""

from unicodedata import normalize

from cargo_sync.model.agreed import AgreedColumns
from cargo_sync.model.entries import EntryColumns


def collisions(
    source: EntryColumns, destination: EntryColumns, base: AgreedColumns
) -> dict[str, str]:
    """The names of a folder at the source that must wait, and for each the one that it waits for.

    A name that was agreed on never waits. One whose source is gone stops no other: it goes too.
    """
    agreed, there = set(base.names), set(destination.names)
    taken = {key(name): name for name in destination.names if name not in agreed}
    waiting: dict[str, str] = {}
    for name in sorted(source.names, key=lambda name: (name not in agreed, name not in there)):
        first = taken.setdefault(key(name), name)
        if first != name and name not in agreed:
            waiting[name] = first
    return waiting


def key(name: str) -> str:
    """Equal for two names that such a file system does not tell apart."""
    return normalize("NFC", normalize("NFD", name).casefold())
