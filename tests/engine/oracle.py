"""What must always hold: checked when it could be broken, and when the job is idle."""

from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.events import Happened
from cargo_sync.model.transfers import Offer
from tests.engine.weather import LivelyTree
from tests.engine.world import System

LEFT_OUT = "a"
"""The name that the filters of these histories leave out, where they leave out any."""


class Oracle:
    """What must never happen, checked when it would happen."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.there_all_along: set[str] = set()
        self.brought_contents: set[bytes] = set()
        self._by_transfer: dict[str, tuple[str, int, int]] = {}
        self._told: set[tuple[str, int, int]] = set()
        self._untold: set[str] = set()
        self._filtered = False
        self.missed = False
        self._events = 0

    def begin(self) -> None:
        self.missed = False
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

    def left_out(self, path: str) -> bool:
        return bool(self.system.rules.exclude) and LEFT_OUT in path.split("/")

    def brought(self, offer: Offer) -> None:
        version = (offer.path, offer.version, offer.ident)
        self.hear()
        assert version not in self._told, f"{offer.path} is sent again although it was delivered"
        assert not self.left_out(offer.path), f"{offer.path} is left out"
        self._by_transfer[offer.transfer] = version
        self._untold.add(offer.path)
        if not offer.target:
            self.brought_contents.add(self.destination.read(offer.path))

    def hear(self) -> None:
        """Files that were reported as delivered, without those that a filter dropped later."""
        for event in self.system.events[self._events :]:
            if event.happened in (Happened.UPLOADED, Happened.DOWNLOADED):
                assert event.transfer is not None
                self._told.add(self._by_transfer[event.transfer])
                self._untold.discard(event.path)
        self._events = len(self.system.events)

    def filters_changed(self) -> None:
        self.hear()
        self._told.clear()
        self._filtered = True

    def deleted(self, path: str, entry: Entry) -> None:
        assert self.system.rules.propagate, f"{path} is deleted unasked"
        assert not self.missed, f"{path} is deleted although not everything was seen"
        assert path not in self.there_all_along - self.source.removed, (
            f"{path} still is at the source"
        )
        assert not self.left_out(path), f"{path} is left out, and deleted"
        if entry.kind == FILE:
            [*_, (at, content)] = self.destination.trash
            assert at == path and content in self.brought_contents | self.adopted, (
                f"{path} is not ours"
            )

    @property
    def adopted(self) -> set[bytes]:
        return self.source.ever

    def nothing_is_lost(self) -> None:
        assert self.source.lost() == set()
        assert self.destination.lost() == set()

    def all_is_brought(self) -> None:
        """When idle: the destination has what the source has, except where a person changed it."""
        source, destination = self.source, self.destination
        for path, entry in source.all().items():
            if self.left_out(path):
                continue
            if any(one in destination.hand for one in paths.upwards(path)):
                continue
            there = destination.entry(path)
            assert there is not None and there.same_face(entry), f"{path} was not brought"
            if entry.kind == FILE:
                assert destination.read(path) == source.read(path), f"{path} has another content"

    def all_is_gone(self) -> None:
        """When idle, with deletions propagated: all other files at the destination are its own."""
        self.hear()
        if not self.system.rules.propagate or self._filtered:
            return
        for path in self.destination.files().keys() - self.source.all().keys() - self._untold:
            assert any(one in self.destination.hand for one in paths.upwards(path)), (
                f"{path} was not deleted"
            )
