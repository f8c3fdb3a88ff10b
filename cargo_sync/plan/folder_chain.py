"""What a folder inherits from the folder above it, such as that a filter leaves it out."""

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from cargo_sync.model import paths

V = TypeVar("V")


class _Link(NamedTuple, Generic[V]):
    """One folder of the chain: its value, and the link of the folder above it."""

    folder: str
    value: V
    above: "_Link[V] | None"


class FolderChain(Generic[V]):
    """A value for each folder, made from the one of the folder above it.

    The values of the last folder and of those above it are kept: a walk in component order computes
    one value per folder, however deep it is. Several threads may ask, in any order.
    """

    def __init__(self, root: V, inherit: Callable[[V, str], V]) -> None:
        """Nothing is computed yet.

        Args:
            root: the root's value.
            inherit: (value of the folder above, folder) -> value of the folder.
        """
        self._inherit = inherit
        self._last: _Link[V] = _Link("", root, None)

    def __call__(self, folder: str) -> V:
        """The value of `folder`."""
        link = self._last
        while link.above is not None and not paths.is_below(folder, link.folder):
            link = link.above
        reached = len(link.folder)
        while reached < len(folder):
            end = folder.find("/", reached + 1)
            reached = len(folder) if end < 0 else end
            below = folder[:reached]
            link = _Link(below, self._inherit(link.value, below), link)
        self._last = link
        return link.value
