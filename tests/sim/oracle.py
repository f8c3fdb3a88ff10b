"""What must always hold in a whole run: checked when it could be broken, and when the job rests."""

from collections.abc import Callable, Iterable
from typing import Protocol

from blake3 import blake3

from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.model.events import Happened
from cargo_sync.model.transfers import Offer
from tests.engine.world import System
from tests.sim.epoch import relocate, renames, state
from tests.sim.ledger import Ledger
from tests.sim.lively import Judge, LivelyTree
from tests.sim.story import BrokenPromiseError

LEFT_OUT = "a"
"""The name that the filters of these histories leave out, where they leave out any."""


class AnyOracle(Protocol):
    """What watches a whole run, step by step."""

    ledger: Ledger
    on_replaced: Callable[[], None]

    @property
    def source(self) -> LivelyTree: ...

    @property
    def destination(self) -> LivelyTree: ...

    def at(self, part: str) -> Judge: ...

    def begin(self) -> None: ...

    def end(self) -> None: ...

    def suspect(self) -> None: ...

    def forget(self) -> None: ...

    def nothing_is_lost(self) -> None: ...

    def rests(self) -> None: ...


class Oracle:
    """What must never happen, checked when it would happen."""

    def __init__(self, system: System, ledger: Ledger) -> None:
        self.system = system
        self.ledger = ledger
        self.there_all_along: set[str] = set()
        self.brought_contents: set[bytes] = set()
        self._by_transfer: dict[str, tuple[str, int, int]] = {}
        self._told: dict[str, tuple[str, int, int]] = {}
        self._untold: set[str] = set()
        self._unheard: dict[str, set[str]] = {}
        """By the new path: what a step has renamed, and nobody has heard of it. A run that was
        killed does not know that it was delivered. If it is gone at the source before the next run
        sees it there, it stays."""
        self.unrecorded: set[str] = set()
        """Paths that a step has exchanged, and nobody has heard of it: a run that was killed does
        not know what was to be deleted."""
        self._made: set[str] = set()
        """Folders that the run has made."""
        self._found: set[str] = set()
        """Folders that a run had made when it was killed, and that it had not recorded, or that
        stay although they are gone at the source: for the next run they may be somebody else's, and
        who made a folder first has chosen its mode."""
        self._forgotten = False
        self.missed = False
        self.on_replaced: Callable[[], None] = lambda: None
        self.on_renamed: Callable[[str, str], None] = lambda one, to: None
        self._replaced = False
        self._silent: set[str] = set()
        """Paths of the destination's own files that were displaced, and nobody has heard of it."""
        self._events = 0

    def begin(self) -> None:
        if self._replaced:
            self.forget()  # what the last run brought is not agreed on with this side
        self.missed = self._replaced = False
        self._silent.clear()
        self._found |= {path for path in self._made if not self._is_recorded(path)}
        if not self.system.rules.propagate:
            self._found |= self._left_over()
        self._made.clear()
        self.source.removed = set()
        self.there_all_along = set(self.source.all())

    @property
    def source(self) -> LivelyTree:
        assert isinstance(self.system.source, LivelyTree)
        return self.system.source

    @property
    def destination(self) -> LivelyTree:
        assert isinstance(self.system.destination, LivelyTree)
        return self.system.destination

    def at(self, part: str) -> Judge:
        """What watches one side."""
        return self

    def left_out(self, path: str) -> bool:
        return bool(self.system.rules.exclude) and LEFT_OUT in path.split("/")

    def unexpected(self, path: str) -> bool:
        """Whether nothing is expected of a path at rest."""
        return self.left_out(path)

    def brought(self, offer: Offer) -> None:
        version = (offer.path, offer.version, offer.ident)
        self.hear()
        if self._told.get(offer.path) == version:
            raise BrokenPromiseError(f"{offer.path!r} is sent again although it was delivered")
        if self.left_out(offer.path):
            raise BrokenPromiseError(f"{offer.path!r} is left out, and sent")
        self._by_transfer[offer.transfer] = version
        self._untold.add(offer.path)
        if not offer.target:
            content = self.destination.read(offer.path)
            self.brought_contents.add(content)
            if content not in self.source.ever:
                raise BrokenPromiseError(f"{offer.path!r} is not what was at the source")

    def displaced(self, path: str, content: bytes) -> None:
        """A file of the destination is in the trash now."""
        if content not in self.brought_contents | self.source.ever:
            self._silent.add(path)

    def replaced(self) -> None:
        """Another folder or catalogue took the place of one side while it was looked at."""
        self._replaced = True
        self.on_replaced()

    def end(self) -> None:
        """A run has ended normally."""
        self.hear()
        self._made.clear()
        if self._silent:
            raise BrokenPromiseError(f"{sorted(self._silent)} were displaced without a word")

    def hear(self) -> None:
        """Files that were reported as delivered, without those that a filter dropped later."""
        for event in self.system.events[self._events :]:
            if event.happened in (Happened.UPLOADED, Happened.DOWNLOADED):
                version = self._by_transfer.get(event.transfer or "")
                if version is None:
                    raise BrokenPromiseError(f"{event.path!r} is told of, and never came")
                self._told[version[0]] = version
                self._untold.discard(event.path)
                for some in self._unheard.values():
                    some.discard(event.path)
            elif event.happened is Happened.TOUCHED:
                self._untold.discard(event.path)
            elif event.happened is Happened.MOVED:
                self._unheard.pop(event.path, None)
                self._untold -= {event.path, event.details.moved_from or ""}
                self.unrecorded -= {event.path, event.details.moved_from or ""}
            elif event.happened is Happened.DISPLACED:
                one = event.path
                self._silent -= {at for at in self._silent if paths.is_below(at, one)}
        self._events = len(self.system.events)

    def changed(self, some: Iterable[str]) -> None:
        """People have changed these paths of the source. What they move back has its version."""
        self.hear()
        for path in some:
            self._told.pop(path, None)

    def suspect(self) -> None:
        """What arrived lately may be taken for damaged, and be fetched again."""
        self.hear()
        self._told.clear()

    def forget(self) -> None:
        """Both sides are compared afresh, or a filter changed: what is known may be sent again."""
        self.hear()
        self._told.clear()
        self._forgotten = True

    def deleted(self, path: str, entry: Entry) -> None:
        if not self.system.rules.propagate:
            raise BrokenPromiseError(f"{path!r} is deleted unasked")
        if self._replaced:
            raise BrokenPromiseError(f"{path!r} is deleted although a side was replaced")
        if self.missed:
            raise BrokenPromiseError(f"{path!r} is deleted although not everything was seen")
        if path in self.there_all_along - self.source.removed:
            raise BrokenPromiseError(f"{path!r} is deleted, and still is at the source")
        if self.left_out(path):
            raise BrokenPromiseError(f"{path!r} is left out, and deleted")
        if entry.kind == FILE and self.destination.trash:
            at, content = self.destination.trash[-1]
            if at == path and content not in self.brought_contents | self.source.ever:
                raise BrokenPromiseError(f"{path!r} is deleted, and was never delivered")

    def done(self, action: Action) -> None:
        """Called for all steps but transfers."""
        if action.op is Op.MOVE:
            self._renamed(action)
        elif action.op is Op.MKDIR:
            self._made.add(action.path)

    def _is_recorded(self, path: str) -> bool:
        """Whether the job knows that both sides have a folder at this path."""
        *_, base = self.system.memory.folders.entry(path)
        return base is not None and base.kind == FOLDER

    def _left_over(self) -> set[str]:
        """Folders of the destination that are not at the source: a run forgets them."""
        there = self.source.all()
        return {
            path
            for path, entry in self.destination.all().items()
            if entry.kind == FOLDER and path not in there
        }

    def touched(self, action: Action) -> None:
        """A file got another time and mode, and counts as delivered."""
        self.hear()  # what was told before, such as a rename of the same file, is another step
        at, known = action.path, action.hash
        self._untold.add(at)
        same = blake3(self.destination.read(at)).hexdigest() == known
        if self.source.entry(at) == action.source:
            same = same and blake3(self.source.read(at)).hexdigest() == known
        if not same:
            raise BrokenPromiseError(f"{at!r} counts as the same, and differs")

    def _renamed(self, action: Action) -> None:
        """Something of the destination has another path, with all that is below it."""
        here, path = action.moved_from, action.path
        if not self.system.rules.propagate:
            raise BrokenPromiseError(f"{here!r} is renamed, and may not go")
        if self._replaced:
            raise BrokenPromiseError(f"{here!r} is renamed although a side was replaced")
        self._unheard[path] = set(self.destination.below(path))
        if action.occupant is not None:
            self._untold |= {here, path}
            self.unrecorded |= {here, path}
        for one, to in renames(here, path, exchange=action.occupant is not None):
            relocate(self.destination.hand, one, to)
            relocate(self._found, one, to)
            self.on_renamed(one, to)

    def nothing_is_lost(self) -> None:
        if self.ledger.lost:
            raise BrokenPromiseError(f"the last copies of {sorted(self.ledger.lost)} are gone")

    def rests(self) -> None:
        """Both sides rest."""
        self.all_is_brought()
        self.all_is_gone()
        # What both sides have has been compared: the job knows it now. What was gone at the source
        # before that is the destination's own for ever.
        there = self.source.all().keys()
        self._unheard = {path: some - there for path, some in self._unheard.items()}

    def all_is_brought(self) -> None:
        """At rest: the destination has what the source has, except where a person changed it."""
        source, destination = self.source, self.destination
        for path in source.all():
            if self.unexpected(path):
                continue
            if any(one in destination.hand for one in paths.upwards(path)):
                continue
            ours, theirs = state(source, path), state(destination, path)
            met = self._forgotten or path in self._found
            if met and ours and theirs and ours[0] == theirs[0] == FOLDER:
                continue  # at first contact both folders keep their modes
            if ours != theirs:
                raise BrokenPromiseError(f"{path!r} is {ours}, and at the destination {theirs}")

    def drift_is_told(self, drifted: int) -> None:
        """At rest: files that differ on the two sides are counted."""
        differ = [
            path
            for path in self.source.files()
            if not self.unexpected(path)
            and state(self.source, path) != state(self.destination, path)
        ]
        if len(differ) > drifted:
            raise BrokenPromiseError(f"{differ} differ, and {drifted} are said to")

    def all_is_gone(self) -> None:
        """At rest, with deletions propagated: all other files at the destination are its own."""
        self.hear()
        if not self.system.rules.propagate or self._forgotten:
            return
        unknown = self._untold.union(*self._unheard.values())
        for path in self.destination.files().keys() - self.source.all().keys() - unknown:
            known = self.left_out(path) or not self.unexpected(path)
            if known and not any(one in self.destination.hand for one in paths.upwards(path)):
                raise BrokenPromiseError(f"{path!r} was not deleted")
