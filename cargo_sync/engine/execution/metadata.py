"""Metadata: files and folders of which perhaps only the time or the mode changed.

The source's content is read and its hash compared with what was delivered. If it is the same, the
destination gets the time and the mode, and nothing else happens there: no content moves, nothing is
displaced.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem
from cargo_sync.trees.contract import Tree

STALE: Final = frozenset({Code.CHANGED, Code.VANISHED, Code.OCCUPIED, Code.NOT_A_FOLDER})
"""What is at the destination is not what the plan saw: the next look plans again."""


class MetadataDone(NamedTuple):
    """What became of META steps.

    outcomes  of those that are done, or failed
    puts      the others: their content differs, or the destination's file must be replaced
    """

    outcomes: list[Outcome]
    puts: list[Action]


class MetadataSteps:
    """Does META steps from the tree `source` to the tree `destination`, for the run `run`."""

    def __init__(self, source: Tree, destination: Tree, run: str) -> None:
        self._source = source
        self._destination = destination
        self._run = run

    async def __call__(self, actions: Sequence[Action]) -> MetadataDone:
        """Does those whose content is as delivered.

        Raises:
            ProblemError: a side cannot be reached.
        """
        outcomes: list[Outcome] = []
        puts: list[Action] = []
        same: list[Action] = []
        for action, content in zip(actions, await self._contents(actions), strict=True):
            if isinstance(content, Problem):
                outcomes.append(Outcome(action, problem=content))
            elif content == action.hash:
                same.append(action)
            else:
                puts.append(_put(action, "changed"))
        done, refused = await self.proven(same)
        return MetadataDone(outcomes + done, puts + refused)

    async def proven(self, actions: Sequence[Action]) -> MetadataDone:
        """Does steps of files that are known to have the same content on both sides."""
        as_there = [one for one in actions if _is_as_there(one)]
        outcomes = [Outcome(one, one.source, one.expected, one.hash) for one in as_there]
        puts: list[Action] = []
        others = [one for one in actions if not _is_as_there(one)]
        for one in await self._destination.apply(others, self._run) if others else ():
            if one.problem is None or one.problem.code in STALE or not one.action.hash:
                outcomes.append(one)
            else:  # it is another user's, or open for writing: the file itself can be replaced
                puts.append(_put(one.action, "its time cannot be set there"))
        return MetadataDone(outcomes, puts)

    async def _contents(self, actions: Sequence[Action]) -> list[str | Problem]:
        """The hashes of the sources, in order; "" for folders."""
        unknown: list[tuple[str, Entry]] = [
            (one.path, one.source)
            for one in actions
            if one.hash and one.source is not None and not one.source.hash
        ]
        read = iter(await self._source.hashes(unknown) if unknown else ())
        return [
            "" if not one.hash or one.source is None else one.source.hash or next(read)
            for one in actions
        ]


def _put(action: Action, why: str) -> Action:
    return action._replace(op=Op.PUT, why=why, hash="")


def _is_as_there(action: Action) -> bool:
    """Whether a file's time and mode are the same on both sides: only its ctime changed."""
    source, there = action.source, action.expected
    if source is None or there is None or not action.hash:
        return False
    return source.mtime_ns == there.mtime_ns and source.same_mode(there)
