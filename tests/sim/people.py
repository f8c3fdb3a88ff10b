"""What people do to the two sides, between runs and while one runs.

Both sides begin as one tree and are changed by people apart, with few names: so changes collide.
A further act is a method, and a row in `ACTS`.
"""

from bisect import bisect
from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER, LATEST, LINK
from tests.sim.ledger import CountedTree
from tests.sim.story import Story

NAMES: Final = ("a", "a-b", "b", "B")
DOCUMENTS: Final = 6
"""Texts at once: less than the guard holds for their number alone."""
DOCUMENT: Final = ".txt"
"""How the name of a text ends."""
TEXT: Final = b"text "
"""What a text begins with."""
NOISE: Final = bytes(range(1, 9)) * 8
"""What an encrypted one begins with."""
MANY: Final = 13
"""Files that a person makes, changes or deletes at once: more than the guard lets pass."""

Touched = Callable[[CountedTree, Iterable[str]], None]
"""Called with a side, and the paths that a person has changed there."""


class People:
    """Who changes `source` and `destination`; `now` gives the time of their clocks, in ns.

    Each history has some of the acts only: those that it has meet more often.

    acts  how often they have changed something
    step  of the times that a side keeps, in ns; a time that is given again and again is one of them
    """

    def __init__(
        self,
        story: Story,
        source: CountedTree,
        destination: CountedTree,
        now: Callable[[], int],
        touched: Touched,
    ) -> None:
        self.story = story
        self.source = source
        self.destination = destination
        self._now = now
        self._touched = touched
        self._written = 0
        self._renamed: dict[str, tuple[str, str]] = {}
        self.acts = 0
        self.step = 1
        self._acts = self._may()
        names = ["write", "remove", *(name for name in self._acts if story.chance(0.5))]
        self._names = names
        self._weights = list(accumulate(self._acts[name][0] for name in names))

    def _may(self) -> "dict[str, tuple[float, Act]]":
        """What people here do, and how often."""
        return ACTS

    def act(self, name: str = "", tree: CountedTree | None = None) -> None:
        """One act, of a person at either side."""
        story = self.story
        tree = tree or self._somewhere()
        there = list(tree.all())
        weights = self._weights
        name = name or self._names[bisect(weights, story.random.random() * weights[-1])]
        if there and (name not in _ANYWHERE or story.chance(0.4)):
            path = story.one_of(there)
        else:
            name = name if name in _ANYWHERE else "write"
            path = paths.join(story.one_of(tree.folders()), story.one_of(NAMES))
        if not story.happens("act", name):
            return
        self.acts += 1
        story.tell(f"{tree.part}: {name} {path}")
        with tree.ledger.person():
            self._touched(tree, self._acts[name][1](self, tree, path))

    # -- acts: what they change, below each of these paths -----------------------------------------

    def _write(self, tree: CountedTree, path: str) -> list[str]:
        present = tree.entry(path)
        if present is not None and present.kind == FILE and self.story.chance(0.5):
            tree.save(path, self._content(), self._mtime())
            return [path]
        gone = self._clear(tree, path)
        mode = self.story.one_of((0o644, 0o644, 0o600))
        tree.write(path, self._content(), self._mtime(), mode)
        return [*gone, path]

    def _touch(self, tree: CountedTree, path: str) -> list[str]:
        entry = tree.entry(path)
        if entry is None or entry.kind != FILE:
            return []
        tree.save(path, tree.read(path), self._mtime())
        return [path]

    def _chmod(self, tree: CountedTree, path: str) -> list[str]:
        entry = tree.entry(path)
        if entry is None or entry.kind == LINK:
            return []
        one, other = (0o755, 0o700) if entry.kind == FOLDER else (0o644, 0o600)
        tree.set_mode(path, other if entry.mode == one else one)
        return [path]

    def _touch_all(self, tree: CountedTree, path: str) -> list[str]:
        """All files get another time, as by `touch *`."""
        return [one for file in list(tree.files()) for one in self._touch(tree, file)]

    def _chmod_all(self, tree: CountedTree, path: str) -> list[str]:
        """All files and folders get another mode, as by `chmod -R`."""
        return [one for there in list(tree.all()) for one in self._chmod(tree, there)]

    def _link(self, tree: CountedTree, path: str) -> list[str]:
        if not tree.keeps_links:
            return []
        gone = self._clear(tree, path)
        tree.link(path, self.story.one_of(NAMES))
        return [*gone, path]

    def _make(self, tree: CountedTree, path: str) -> list[str]:
        if tree.entry(path) is not None:
            return []
        tree.make(path)
        return [path]

    def _remove(self, tree: CountedTree, path: str) -> list[str]:
        gone = tree.below(path)
        tree.remove(path)
        return gone

    def _rename(self, tree: CountedTree, path: str) -> list[str]:
        to = self._new_name(tree)
        moved = self._moved(tree, path, to)
        entry = tree.entry(to)
        if moved and entry and entry.kind == FILE and self.story.chance(0.2):
            # Another content under the same inode, as big and as old.
            content = self._content()
            tree.save(to, (content * entry.size)[: entry.size], entry.mtime_ns)
        return moved

    def _new_name(self, tree: CountedTree) -> str:
        return paths.join(self.story.one_of(tree.folders()), self.story.one_of(NAMES))

    def _recase(self, tree: CountedTree, path: str) -> list[str]:
        """Another case of the same name, such as "b" and "B"."""
        to = paths.join(paths.parent(path), paths.name(path).swapcase())
        return self._moved(tree, path, to)

    def _moved(self, tree: CountedTree, path: str, to: str) -> list[str]:
        taken = tree.entry(to) is not None or paths.is_below(to, path)
        if taken:
            return []
        gone = tree.below(path)
        tree.move(path, to)
        self._renamed[tree.part] = path, to
        return [*gone, *tree.below(to)]

    def _back(self, tree: CountedTree, path: str) -> list[str]:
        """What was renamed last gets its old name again."""
        to, path = self._renamed.get(tree.part, ("", path))
        may = to and tree.entry(path) is not None and paths.parent(to) in tree.folders()
        return self._moved(tree, path, to) if may else []

    def _swap(self, tree: CountedTree, path: str) -> list[str]:
        """Two names of one folder are exchanged."""
        other = paths.join(paths.parent(path), self.story.one_of(NAMES))
        spare = paths.join(paths.parent(path), "spare")
        if other == path or tree.entry(other) is None:
            return []
        before = [*tree.below(path), *tree.below(other)]
        for one, to in ((path, spare), (other, path), (spare, other)):
            tree.move(one, to)
        return [*before, *tree.below(path), *tree.below(other)]

    def _copy(self, tree: CountedTree, path: str) -> list[str]:
        """A copy with the time of the original, as by `cp -p`."""
        to = paths.join(paths.parent(path), self.story.one_of(NAMES))
        entry = tree.entry(path)
        if entry is None or entry.kind != FILE or to == path:
            return []
        content = tree.read(path)
        gone = self._clear(tree, to)
        tree.write(to, content, entry.mtime_ns, entry.mode)
        return [*gone, to]

    def _unpack(self, tree: CountedTree, path: str) -> list[str]:
        """A folder in the place of whatever is there, with a file in it."""
        gone = self._clear(tree, path, for_folder=True)
        inside = paths.join(path, self.story.one_of(NAMES))
        if tree.entry(inside) is not None:
            return gone
        tree.write(inside, self._content(), self._mtime())
        return [*gone, path, inside]

    def _pack(self, tree: CountedTree, path: str) -> list[str]:
        """A file in the place of the fullest folder."""
        folders = tree.folders()[1:]
        if not folders:
            return []
        fullest = max(folders, key=lambda folder: len(tree.below(folder)))
        gone = self._clear(tree, fullest)
        tree.write(fullest, self._content(), self._mtime())
        return [*gone, fullest]

    def _fill(self, tree: CountedTree, path: str) -> list[str]:
        """Many new files in one folder."""
        folder = paths.parent(path)
        done = []
        for number in range(MANY):
            one = paths.join(folder, f"n{number:02}")
            if tree.entry(one) is None:
                tree.write(one, self._content(), self._mtime())
                done.append(one)
        return done

    def _documents(self, tree: CountedTree, path: str) -> list[str]:
        """Some texts in one folder."""
        folder = paths.parent(path)
        done = [paths.join(folder, f"t{number}{DOCUMENT}") for number in range(DOCUMENTS)]
        done = [one for one in done if tree.entry(one) is None]
        for one in done:
            tree.write(one, TEXT + self._content() * 16, self._mtime())
        return done

    def _encrypt(self, tree: CountedTree, path: str) -> list[str]:
        """All texts become noise under their names."""
        done = [one for one in tree.files() if one.endswith(DOCUMENT)]
        for one in done:
            tree.save(one, NOISE + self._content() * 8, self._mtime())
        return done

    def _rewrite(self, tree: CountedTree, path: str) -> list[str]:
        """All files are changed, as by a program that encrypts them."""
        done = [one for one, entry in tree.all().items() if entry.kind == FILE]
        for one in done:
            tree.save(one, self._content(), self._mtime())
        return done

    def _clean(self, tree: CountedTree, path: str) -> list[str]:
        """All that is there is deleted."""
        gone = list(tree.all())
        for one in gone:
            tree.remove(one)
        return gone

    # -- within ------------------------------------------------------------------------------------

    def _somewhere(self) -> CountedTree:
        return self.destination if self.story.chance(0.25) else self.source

    def _clear(self, tree: CountedTree, path: str, *, for_folder: bool = False) -> list[str]:
        """Removes what is in the way of a file, or of a folder; returns what goes or changes."""
        present = tree.entry(path)
        if present is None or (for_folder and present.kind == FOLDER):
            return []
        gone = tree.below(path)
        if for_folder or present.kind == FOLDER:
            tree.remove(path)
        return gone

    def _content(self) -> bytes:
        """Never the same content twice, but often the same size."""
        self._written += 1
        return b"%05d" % self._written * self.story.one_of((1, 1, 2))

    def _mtime(self) -> int:
        now, step = self._now(), self.step
        early, late = 5 // step * step, LATEST // step * step  # given again and again
        return self.story.one_of((early, early, now, now + 10**15, late))


class Peers(People):
    """People at two sides of equal right: whatever they do collides as it may."""

    def _somewhere(self) -> CountedTree:
        return self.destination if self.story.chance(0.5) else self.source

    def _may(self) -> "dict[str, tuple[float, Act]]":
        """In some histories, people mostly rename."""
        tidy = 12 if self.story.chance(0.4) else 1
        return ACTS | {
            name: (often * tidy, act) for name, (often, act) in (RENAMES | BOTH_RENAME).items()
        }

    def _new_name(self, tree: CountedTree) -> str:
        """Mostly a free one."""
        found = super()._new_name(tree)
        return super()._new_name(tree) if tree.entry(found) is not None else found

    def _rename_apart(self, tree: CountedTree, path: str) -> list[str]:
        """Both sides rename the same, each to a name of its own."""
        self._over_there(tree, "rename", path)
        return self._rename(tree, path)

    def _rename_changed(self, tree: CountedTree, path: str) -> list[str]:
        """One side renames something while the other one changes it, or something in it."""
        entry = self._other(tree).entry(path)
        inside = entry is not None and entry.kind == FOLDER
        changed = paths.join(path, self.story.one_of(NAMES)) if inside else path
        self._over_there(tree, self.story.one_of(("write", "write", "remove")), changed)
        return self._rename(tree, path)

    def _rename_over(self, tree: CountedTree, path: str) -> list[str]:
        """Something takes the place of something else, which the other side may have changed."""
        there = [one for one in tree.all() if not paths.is_below(one, path)]
        there = [one for one in there if not paths.is_below(path, one)]
        if tree.entry(path) is None or not there:
            return []
        to = self.story.one_of(there)
        if self.story.chance(0.5):
            self._over_there(tree, self.story.one_of(("write", "write", "remove")), to)
        gone = tree.below(to)
        tree.remove(to)
        return [*gone, *self._moved(tree, path, to)]

    def _move_folder(self, tree: CountedTree, path: str) -> list[str]:
        """A folder with something in it gets another name."""
        full = [one for one in tree.folders()[1:] if len(tree.below(one)) > 1]
        if not full:
            return []
        folder = self.story.one_of(full)
        return self._moved(tree, folder, self._new_name(tree))

    def _nest(self, tree: CountedTree, path: str) -> list[str]:
        """Two folders go into each other, each on one side."""
        folders = [one for one in tree.folders()[1:] if not paths.is_below(one, path)]
        entry = tree.entry(path)
        if entry is None or entry.kind != FOLDER or not folders:
            return []
        other, there = self.story.one_of(folders), self._other(tree)
        into = there.entry(path)
        if into is not None and into.kind == FOLDER and there.entry(other) is not None:
            moved = self._moved(there, other, paths.join(path, paths.name(other)))
            self._touched(there, moved)
        return self._moved(tree, path, paths.join(other, paths.name(path)))

    def _over_there(self, tree: CountedTree, name: str, path: str) -> None:
        """A person at the other side does something at a path; what it takes above it is new."""
        there = self._other(tree)
        above = {one: there.entry(one) for one in paths.upwards(paths.parent(path))}
        writes = name == "write" and all(
            entry is None or entry.kind == FOLDER for entry in above.values()
        )
        if writes or there.entry(path) is not None:
            changed = ACTS[name][1](self, there, path)
            made = [one for one, entry in above.items() if entry is None]
            self._touched(there, [*made, *changed])

    def _other(self, tree: CountedTree) -> CountedTree:
        return self.destination if tree is self.source else self.source


Act = Callable[[People, CountedTree, str], list[str]]

ACTS: Final[dict[str, tuple[float, Act]]] = {
    "write": (8, People._write),
    "touch": (2, People._touch),
    "chmod": (2, People._chmod),
    "touch all": (0.7, People._touch_all),
    "chmod all": (0.7, People._chmod_all),
    "link": (2, People._link),
    "make": (3, People._make),
    "remove": (4, People._remove),
    "rename": (3, People._rename),
    "back": (2, People._back),
    "recase": (0.5, People._recase),
    "swap": (1, People._swap),
    "copy": (1.5, People._copy),
    "unpack": (1, People._unpack),
    "pack": (0.7, People._pack),
    "fill": (1, People._fill),
    "documents": (0.7, People._documents),
    "encrypt": (0.7, People._encrypt),
    "rewrite": (0.7, People._rewrite),
    "clean": (0.7, People._clean),
}
"""Name -> how often, and what. Each returns the paths that it changed."""
RENAMES: Final = {name: ACTS[name] for name in ("rename", "back", "recase", "swap")}
BOTH_RENAME: Final[dict[str, tuple[float, Act]]] = {
    "rename apart": (0.7, lambda peers, tree, path: _peers(peers)._rename_apart(tree, path)),
    "rename changed": (0.7, lambda peers, tree, path: _peers(peers)._rename_changed(tree, path)),
    "rename over": (0.7, lambda peers, tree, path: _peers(peers)._rename_over(tree, path)),
    "move folder": (1, lambda peers, tree, path: _peers(peers)._move_folder(tree, path)),
    "nest": (0.3, lambda peers, tree, path: _peers(peers)._nest(tree, path)),
}
"""Acts of people at both sides at once, and of those who keep order."""


def _peers(people: People) -> Peers:
    assert isinstance(people, Peers)
    return people


_ANYWHERE: Final = frozenset(
    {
        "write",
        "touch all",
        "chmod all",
        "link",
        "make",
        "pack",
        "unpack",
        "fill",
        "documents",
        "encrypt",
        "rewrite",
        "clean",
    }
)
"""Acts that need nothing at their path."""
