"""Metadata: files and folders of which perhaps only the time or the mode changed.

The source's content is read and its hash compared with what was delivered. If it is the same, the
destination gets the time and the mode, and nothing else happens there: no content moves, nothing is
displaced.

Extended attributes: after the content, and before both sides agree, a file gets its source's. A
step that leaves the same content on both sides (PUT, ADOPT, LEAVE, META) may still leave other
attributes there: those of both sides are read, and a META carries them where they differ. Nothing
is agreed on before that. So after a cut the same file is compared once more, and gets them then.
An agreement needs no other field: a change of attributes changes the ctime, which is a reason for a
META.

A file whose file system cannot keep them counts as delivered all the same, and that is said; so
does one that somebody has changed meanwhile, because the next look sees that. If a disk or a server
fails, the step fails, and is tried again. Only of a file that was just sent the content counts: for
its attributes there is one more try.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from cargo_sync.engine.commit import Commit, OnEvents
from cargo_sync.engine.context import RunContext
from cargo_sync.model.abilities import Abilities
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Receipt
from cargo_sync.model.xattrs import Xattrs, size_of
from cargo_sync.plan.metadata import as_known, is_as_there
from cargo_sync.plan.reconciliation import MERGED
from cargo_sync.trees.contract import Brought, Tasks, Tree
from cargo_sync.trees.cut_short import cut_short_by, done_of

STALE: Final = frozenset({Code.CHANGED, Code.VANISHED, Code.OCCUPIED, Code.NOT_A_FOLDER})
"""What is at the destination is not what the plan saw: the next look plans again."""
READ: Final = 500
"""Files whose attributes are read together: they are in memory then."""
SENT: Final = 256 * 1024
"""Bytes of attributes that are set together, or one file's."""
EACH: Final = 64
"""Bytes that one attribute counts besides its name and value."""
_CARRIES: Final = frozenset({Op.PUT, Op.ADOPT, Op.LEAVE, Op.META})


class MetadataDone(NamedTuple):
    """What became of META steps.

    outcomes  of those that are done, or failed
    puts      the others: their content differs, or the destination's file must be replaced
    """

    outcomes: list[Outcome]
    puts: list[Action]


class MetadataSteps:
    """Does META steps from the tree `source` to the tree `destination`, for the run `run`."""

    def __init__(
        self, source: Tree, destination: Tree, run: str, server: Callable[[], Abilities]
    ) -> None:
        """`server` says what the far side keeps, which is one of the two."""
        self._source = source
        self._destination = destination
        self._run = run
        self._server = server

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
        server = self._server()
        as_there = [one for one in actions if is_as_there(one, server)]
        outcomes = [Outcome(one, one.source, one.expected, one.hash) for one in as_there]
        puts: list[Action] = []
        others = {one.path: one for one in actions if not is_as_there(one, server)}
        steps = [as_known(one, server) for one in others.values()]
        try:
            done = await self._destination.apply(steps, self._run) if steps else []
        except (asyncio.CancelledError, ProblemError) as error:
            some = [_of_action(others, one) for one in done_of(error)]
            cut_short_by(error, [one for one in some if not (one.problem or is_merged(one))])
        for outcome in done:
            one = _of_action(others, outcome)
            is_final = not one.action.hash or one.action.why == MERGED
            if one.problem is None or one.problem.code in STALE or is_final:
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


def is_merged(outcome: Outcome) -> bool:
    """Whether a side got a time and a mode that are not agreed on: the next look does the rest."""
    return outcome.problem is None and outcome.action.why == MERGED


def _of_action(actions: Mapping[str, Action], outcome: Outcome) -> Outcome:
    """The outcome of the planned step: both sides agree on what was seen."""
    action = actions[outcome.action.path]
    return outcome._replace(action=action, source=outcome.source and action.source)


def _put(action: Action, why: str) -> Action:
    return action._replace(op=Op.PUT, why=why, hash="")


class _Carriage(NamedTuple):
    """What became of the attributes of some files, by path.

    now     the destination's entries that changed by that
    failed  why others did not get them, and may if it is tried again
    """

    now: dict[str, Entry]
    failed: dict[str, Problem]


class _Carried(NamedTuple):
    """A file that both sides have now: `source`, and `there` at the destination."""

    path: str
    source: Entry
    there: Entry
    hash: str


class XattrCommit(Commit):
    """As `Commit`, after the files got their attributes, from the tree `source`."""

    def __init__(
        self,
        context: RunContext,
        direction: Mode,
        on_events: OnEvents,
        source: Tree,
        destination: Tree,
    ) -> None:
        super().__init__(context, direction, on_events)
        self._source = source
        self._destination = destination
        self._run = context.report

    async def __call__(self, outcomes: Sequence[Outcome]) -> None:
        """As `Commit`. Raises ProblemError if a side cannot be reached."""
        files = [file for one in outcomes if (file := _carried(one)) is not None]
        if files:
            done = await self._carry(files, fresh=False)
            outcomes = [_carried_out(one, done) for one in outcomes]
        await super().__call__(outcomes)

    async def brought(self, batch: Brought) -> None:
        """As `Commit`. Raises ProblemError if a side cannot be reached."""
        puts = Tasks.of(batch.done).puts
        files = [
            _Carried(path, source, self._received(source, receipt), receipt.hash)
            for path, source, receipt in zip(puts.paths, puts.sources, batch.receipts, strict=True)
            if source.kind == FILE
        ]
        now = await self._bring(files)
        if now:
            receipts = [
                receipt
                if (entry := now.get(path)) is None
                else receipt._replace(version=entry.version)
                for path, receipt in zip(puts.paths, batch.receipts, strict=True)
            ]
            batch = batch._replace(receipts=receipts)
        await super().brought(batch)

    async def _bring(self, files: Sequence[_Carried]) -> dict[str, Entry]:
        """As `_carry`, for files that have just come; those that failed are tried once more."""
        now, failed = await self._carry(files, fresh=True)
        if failed:
            again = [one for one in files if one.path in failed]
            once_more = await self._carry(again, fresh=False)
            now |= once_more.now
            for problem in once_more.failed.values():
                self._run.notice(problem)
        return now

    async def _carry(self, files: Sequence[_Carried], *, fresh: bool) -> _Carriage:
        """Gives the files of the destination their attributes; a `fresh` one has none yet."""
        done = _Carriage({}, {})
        for start in range(0, len(files), READ):
            some = files[start : start + READ]
            wanted = await self._source.xattrs([(one.path, one.source) for one in some])
            there: Sequence[Xattrs | Problem] = [{}] * len(some)
            if not fresh:
                there = await self._destination.xattrs([(one.path, one.there) for one in some])
            steps = []
            for file, attributes, present in zip(some, wanted, there, strict=True):
                if isinstance(attributes, Problem) and _passes(attributes):
                    done.failed[file.path] = attributes
                    continue
                known = self._known(attributes)
                if known is not None and known != present:
                    steps.append(_step(file, known))
            for part in _parts(steps):
                for outcome in await self._destination.apply(part, self._run.run):
                    self._take(outcome, done)
        return done

    def _received(self, source: Entry, receipt: Receipt) -> Entry:
        """A file that has arrived, as a look at the destination sees it."""
        content = receipt.hash if self._upload else ""
        return source._replace(
            mtime_ns=receipt.mtime_ns,
            mode=receipt.mode,
            version=receipt.version,
            ident=receipt.ident,
            hash=content,
        )

    def _known(self, attributes: Xattrs | Problem) -> Xattrs | None:
        """What a source file has; None if that is not known now. What is too large is left out."""
        if not isinstance(attributes, Problem):
            return attributes
        if attributes.code is not Code.NO_XATTRS:
            return None  # it has changed meanwhile: the next look sees that
        self._run.notice(attributes)
        return {}

    def _take(self, outcome: Outcome, done: _Carriage) -> None:
        path, problem = outcome.action.path, outcome.problem
        if problem is None and outcome.result is not None:
            done.now[path] = outcome.result
        if problem is not None and _passes(problem):
            done.failed[path] = problem
        elif (said := outcome.notice or problem) is not None and said.code not in STALE:
            self._run.notice(said)


def _carried(outcome: Outcome) -> _Carried | None:
    action, source, there = outcome.action, outcome.source, outcome.result
    if outcome.problem is not None or action.op not in _CARRIES or source is None or there is None:
        return None
    if FILE not in (source.kind, there.kind):
        return None
    return _Carried(action.path, source, there, outcome.hash)


def _carried_out(outcome: Outcome, done: _Carriage) -> Outcome:
    """An outcome after its file got its attributes, or did not."""
    path = outcome.action.path
    if path in done.failed:
        return outcome._replace(problem=done.failed[path])
    return outcome._replace(result=done.now[path]) if path in done.now else outcome


def _passes(problem: Problem) -> bool:
    """Whether the same may succeed later, although nobody has changed the file."""
    return problem.retry and problem.code not in STALE


def _step(file: _Carried, attributes: Xattrs) -> Action:
    """Sets the attributes; time and mode stay as the destination has them."""
    same = file.there._replace(name=file.source.name)
    why = "other attributes"
    return Action(Op.META, file.path, same, file.there, why, hash=file.hash, xattrs=attributes)


def _parts(steps: Sequence[Action]) -> Iterator[Sequence[Action]]:
    """Steps that are done together."""
    part: list[Action] = []
    size = 0
    for step in steps:
        attributes = step.xattrs or {}
        size += size_of(attributes) + EACH * (1 + len(attributes))
        part.append(step)
        if size >= SENT:
            yield part
            part, size = [], 0
    if part:
        yield part
