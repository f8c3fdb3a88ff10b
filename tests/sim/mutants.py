"""Planted bugs: each is one edit of the product (or of a fake), which the simulation must find.

`python -m tests.sim.mutants` prints a table: the number of seeds that each took. `UNSEEN` says what
no tier can see yet, and why. If an edit does not fit the code any more, it says so: write it anew.
"""

import importlib
import inspect
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final, NamedTuple

from tests.sim.campaign import Tier
from tests.sim.tiers import (
    DISK,
    FOREIGN_TWO_WAY,
    FOREIGN_TWO_WAY_SYSTEM,
    NODES,
    PLANNER,
    SYSTEM,
    TWO_WAY,
    TWO_WAY_SYSTEM,
)

MOST: Final = {
    "planner": 20_000,
    "two-way": 20_000,
    "system": 5_000,
    "two-way-system": 5_000,
    "foreign-two-way": 20_000,
    "foreign-two-way-system": 5_000,
    "disk": 2_000,
    "nodes": 5_000,
}
"""Seeds after which a bug counts as not found."""


class Edit(NamedTuple):
    """In one function, `old` becomes `new`. `where` is "module:Class.function"."""

    where: str
    old: str
    new: str


class Mutant(NamedTuple):
    """One planted bug, and the tier that must find it."""

    name: str
    tier: Tier
    edits: Sequence[Edit]


_PLAN = "cargo_sync.plan.one_way"
_BOTH = "cargo_sync.plan.two_way"
_PATH = "cargo_sync.plan.reconciliation"
_CHANGES = "cargo_sync.plan.changes"
_RUN = "cargo_sync.engine.run:Run"
_REST = "while batch := waiting.rest() or await self._read_next(waiting, late, counted):"
_DEFERRED = "cargo_sync.engine.planners.deferred:Deferred"
_TREE = "cargo_sync.testing.tree"
_LINKS = "cargo_sync.engine.planners.links:WithoutLinks"
_NODES = "cargo_sync.machines.nodes"
_COPIES = "cargo_sync.stores.nodes"

MUTANTS: Final = (
    # -- the planner -------------------------------------------------------------------------------
    Mutant(
        "deletes what people changed at the destination",
        PLANNER,
        [Edit(f"{_PLAN}:_gone", "elif view.is_destination(b, d):", "elif True:")],
    ),
    Mutant(
        "deletes although deletions are to be kept",
        PLANNER,
        [Edit(f"{_PLAN}:_gone", "not view.propagate or d is None", "d is None")],
    ),
    Mutant(
        "trusts size and time, not the content",
        PLANNER,
        [Edit(f"{_PLAN}:_differs", "s.kind in (FOLDER, LINK) or", "True or")],
    ),
    Mutant(
        "trusts size and time of what was delivered",
        PLANNER,
        [
            Edit(
                "cargo_sync.model.agreed:Agreed.near_is",
                "and self.near_version == entry.version",
                "",
            ),
            Edit(
                "cargo_sync.model.agreed:near_as_agreed",
                "base.columns()[:7] == seen.columns()[:7]",
                "base.columns()[:5] == seen.columns()[:5]",
            ),
        ],
    ),
    Mutant(
        "does not say what it expects at the destination",
        PLANNER,
        [Edit(f"{_PLAN}:_differs", 'Action(op, path, s, d, why if b else "differs", drifted)',
              'Action(op, path, s, None, why, drifted)')],
    ),
    Mutant(
        "deletes what a filter leaves out",
        PLANNER,
        [Edit(f"{_PLAN}:_plan_each", 'Action(Op.FORGET, path, why="left out by a filter")',
              'Action(Op.DELETE if d else Op.FORGET, path, expected=d)')],
    ),
    Mutant(
        "the guard is ignored",
        PLANNER,
        [Edit("cargo_sync.plan.guard:Guard._passes", "return touched <=", "return touched * 0 <=")],
    ),
    Mutant(
        "nobody looks whether a program encrypts files",
        SYSTEM,
        [Edit(f"{_DEFERRED}._lost", "if self._direction is", "if True or self._direction is")],
    ),
    Mutant(
        "the guard counts a full folder as one file",
        SYSTEM,
        [Edit(f"{_DEFERRED}._touched", "for some in inside)", "for some in ())")],
    ),
    Mutant(
        "whatever is brought excuses a deletion",
        SYSTEM,
        [Edit("cargo_sync.plan.moved_content:_key", "int(content[:32], 16)", "0")],
    ),
    Mutant(
        "the guard forgets what passed before",
        PLANNER,
        [Edit("cargo_sync.plan.guard:Guard.__init__", "self._before = before", "self._before = 0")],
    ),
    Mutant(
        "each look lets a few more files of a held job through",
        PLANNER,
        [Edit("cargo_sync.plan.guard:Guard.__init__", "0 if waits else AT_ONCE", "AT_ONCE"),
         Edit("cargo_sync.plan.guard:Guard.may_overwrite", "self._before += more", "pass")],
    ),
    Mutant(
        "an approval covers more than was held",
        SYSTEM,
        [Edit("cargo_sync.state.holds:Holds.covered", "if held.get(path) == step", "")],
    ),
    Mutant(
        "a file that is already there is sent again for ever",
        PLANNER,
        [Edit(f"{_PLAN}:_differs", "b is None or not view.is_destination(b, d)", "False"),
         Edit(f"{_PLAN}:_differs", "elif view.server.same_face(s, d):", "elif s is None:"),
         Edit("tests.sim.planner:PlannerHistory._agree", "assert action.source is not None",
              "if action.expected: return")],
    ),
    Mutant(
        "takes a delivered file away although it was changed since",
        PLANNER,
        [Edit(f"{_PLAN}:_plan_each", "not view.is_source(b, s)", "not s.kind")],
    ),
    Mutant(
        "what a folder needs waits for ever behind somebody's file",
        PLANNER,
        [Edit("tests.sim.planner:obstacle", "there.kind == FOLDER", "True")],
    ),
    Mutant(
        "what was gone at a side and is back counts as touched",
        TWO_WAY,
        [Edit(f"{_PATH}:far_change", "if base.far_version in _NOT_THERE", "if False")],
    ),
    Mutant(
        "of the changes of time and mode one side's win",
        TWO_WAY,
        [Edit(f"{_PATH}:merged_metadata", "base is not None and base.kind == FILE", "False")],
    ),
    Mutant(
        "a folder that stays on one side is deleted in each run",
        TWO_WAY,
        [Edit(f"{_PATH}:_plan_lonely", "base.is_one_sided and way", "False and way")],
    ),
    # -- the planner of two-way jobs ---------------------------------------------------------------
    Mutant(
        "what both sides changed goes up",
        TWO_WAY,
        [Edit(f"{_PATH}:_plan_both_changed", "elif changes == (Change.CONTENT, Change.CONTENT):",
              "elif False:")],
    ),
    Mutant(
        "what is gone on one side goes on the other, although it was changed there",
        TWO_WAY,
        [Edit(f"{_PATH}:_plan_lonely", "if way.change is Change.CONTENT:", "if base is None:")],
    ),
    Mutant(
        "a file of the same size counts as touched only",
        TWO_WAY,
        [Edit(f"{_CHANGES}:_change", "return Change.UNPROVEN", "return Change.METADATA")],
    ),
    Mutant(
        "files of the same size count as the same on both sides",
        TWO_WAY,
        [Edit(f"{_PATH}:same_content", "bool(one.hash) and one.hash == other.hash != DAMAGED",
              "one.size == other.size")],
    ),
    Mutant(
        "a folder takes the place of a file that was changed there",
        TWO_WAY,
        [Edit(f"{_PATH}:_plan_kinds", "elif base is None or way.change_there is Change.CONTENT:",
              "elif False:")],
    ),
    Mutant(
        "a file takes the place of a folder at once",
        TWO_WAY,
        [Edit(f"{_PATH}:_plan_kinds", "_delete(back, path, base)", "_put(back, path)")],
    ),
    Mutant(
        "files are brought into a folder that goes on the other side",
        TWO_WAY,
        [Edit(f"{_BOTH}:_close", "closed.append(row.path)", "pass")],
    ),
    Mutant(
        "the server's changes are not seen in a folder without local ones",
        TWO_WAY,
        [Edit(f"{_BOTH}:_plan_together", "and down.is_settled(base, far)", "")],
    ),
    Mutant(
        "the metadata of both sides are never made the same",
        TWO_WAY,
        [Edit(f"{_PATH}:_plan_same", "server.same_time(near.mtime_ns, far.mtime_ns) and "
              "near.same_mode(far)", "True")],
    ),
    Mutant(
        "deletes on both sides what a filter leaves out",
        TWO_WAY,
        [Edit("tests.sim.two_way:plan_folder",
              'plan.up.now.append(Action(Op.FORGET, row.path, why="left out by a filter"))',
              "plan.up.later.append(Action(Op.DELETE, row.path, expected=row.far))")],
    ),
    Mutant(
        "does not say what it expects on the other side",
        TWO_WAY,
        [Edit(f"{_PATH}:_put", "way.source, way.there", "way.source, None")],
    ),
    Mutant(
        "a time is set on what people changed at the destination",
        PLANNER,
        [Edit(f"{_PLAN}:_differs", "and d.kind == FILE and not drifted", "and d.kind == FILE")],
    ),
    Mutant(
        "the modes of folders do not follow",
        PLANNER,
        [Edit(f"{_PLAN}:has_new_mode", "agreed is not None", "False")],
    ),
    # -- the engine --------------------------------------------------------------------------------
    Mutant(
        "deletes in spite of a gap in the survey",
        SYSTEM,
        [Edit(f"{_RUN}._execute_deferred",
              "bool(self._survey.missed) or not self._survey.complete", "False")],
    ),
    Mutant(
        "does not look at the roots a second time",
        SYSTEM,
        [Edit(f"{_RUN}._execute_deferred", "(await self._open()).binding == opened.binding",
              "True")],
    ),
    Mutant(
        "deletes a folder before what is in it",
        SYSTEM,
        [Edit(f"{_DEFERRED}.passing", "self.pages(backwards=backwards)",
              "self.pages()")],
    ),
    Mutant(
        "a tombstone of the server is forgotten",
        SYSTEM,
        [Edit("cargo_sync.state.folders:_change", "far.drop(path)", "pass")],
    ),
    Mutant(
        "a long absence is not noticed",
        SYSTEM,
        [Edit("cargo_sync.engine.run:open_sides", "job.far_cursor < remote.floor", "False")],
    ),
    Mutant(
        "a server that was restored from a backup is not noticed",
        SYSTEM,
        [Edit("cargo_sync.engine.binding:_why_fenced", "far.lost", "False")],
    ),
    Mutant(
        "what the job itself changed on the server proves nothing",
        SYSTEM,
        [Edit("cargo_sync.engine.context:RunContext.recording", "self.newest()",
              "self.memory.jobs.get_or_create(self.memory.name).far_newest")],
    ),
    Mutant(
        "another catalogue of the server is not noticed",
        SYSTEM,
        [Edit("cargo_sync.engine.binding:_why_fenced", "before.epoch != far.epoch", "False")],
    ),
    Mutant(
        "a restored server is followed before a person has approved it",
        SYSTEM,
        [Edit("cargo_sync.engine.run:open_sides",
              "raise ProblemError(server_restored(rules.name, went_back))", "pass")],
    ),
    Mutant(
        "a job with a state that was restored or copied goes on",
        SYSTEM,
        [Edit("cargo_sync.engine.binding:_meet",
              "raise ProblemError(_fenced(job.name, error.fence)) from error",
              "return await far.open(job.far_cursor, job.far_newest)"),
         Edit("cargo_sync.engine.binding:_meet",
              "raise ProblemError(_fenced(job.name, job.fence))",
              "return await far.open(job.far_cursor, job.far_newest)")],
    ),
    Mutant(
        "a start of the daemon is not counted, and the server takes it for a copy",
        SYSTEM,
        [Edit("cargo_sync.state.jobs:JobRows.begin_start", "connection.execute(_STARTED)", "pass")],
    ),
    Mutant(
        "an approved fence keeps its base",
        SYSTEM,
        [Edit("cargo_sync.state.jobs:JobRows.unbind", "binding = NULL", "binding = binding")],
    ),
    Mutant(
        "new rules do not unsettle what was planned by the old ones",
        SYSTEM,
        [Edit("cargo_sync.engine.run:open_sides", "if job.rules != digest:", "if False:"),
         Edit("cargo_sync.engine.run:open_sides", " or job.rules != digest", "")],
    ),
    Mutant(
        "the cursor is stored before what was listed",
        SYSTEM,
        [Edit("cargo_sync.engine.survey:Survey._write_down", "if isinstance(seen, Delta):",
              "if isinstance(seen, Delta):\n        await offload(self._memory.jobs.set_far_cursor,"
              " self._memory.name, seen.cursor)")],
    ),
    Mutant(
        "the base is written before the commit",
        SYSTEM,
        [Edit("cargo_sync.engine.execution.steps:Execution.batches",
              _REST,
              _REST + "\n        await self._commit([Outcome(one, one.source,"
              " one.source) for some in batch for one in some])")],
    ),
    Mutant(
        "a file that failed counts as delivered",
        SYSTEM,
        [Edit(f"{one}:brought", 'receipt.code == "done" for', "True for")
         for one in (_TREE, "cargo_sync.trees.cargo.flow")],
    ),
    Mutant(
        "a folder that could not be read is not looked at again",
        SYSTEM,
        [Edit("cargo_sync.machines.scope:NearScope.ended", "missed or", "")],
    ),
    Mutant(
        "a hint that was lost is not made up for",
        SYSTEM,
        [Edit("cargo_sync.machines.scope:NearScope.hinted", "folders is None or", "False and")],
    ),
    Mutant(
        "a new time is taken for the same content, unread",
        SYSTEM,
        [Edit("cargo_sync.engine.execution.metadata:MetadataSteps.__call__",
              "content == action.hash", "True")],
    ),
    # -- the engine of two-way jobs ----------------------------------------------------------------
    Mutant(
        "two files are taken for the same without the hash of one",
        TWO_WAY_SYSTEM,
        [Edit("cargo_sync.engine.planners.two_way:TwoWayPlanner._prove",
              "decide(row, near, far,", "decide(row, far or near, far,")],
    ),
    Mutant(
        "one direction waits for ever for another that was cancelled",
        TWO_WAY_SYSTEM,
        [Edit("cargo_sync.engine.execution.both_ways:_to_its_end", "not task.cancelling()",
              "False")],
    ),
    Mutant(
        "what came down is recorded as if it had gone up",
        TWO_WAY_SYSTEM,
        [Edit("cargo_sync.engine.commit:Commit._agreement", "if self._upload", "if True")],
    ),
    Mutant(
        "deletes on both sides in spite of a gap in the survey",
        TWO_WAY_SYSTEM,
        [Edit(f"{_RUN}._execute_deferred",
              "bool(self._survey.missed) or not self._survey.complete",
              "False")],
    ),
    Mutant(
        "a change on the other side of what is sent is not looked at again",
        TWO_WAY_SYSTEM,
        [Edit(f"{_TREE}:TreeSink.publish", "problem is None and", "False and")],
    ),
    Mutant(
        "of a conflict only the server's version stays",
        TWO_WAY_SYSTEM,
        [Edit("cargo_sync.engine.conflicts:ConflictResolution.__call__",
              "losers.append(self._loser(action, conflict))",
              'down.append(_over(action.path, far, near, ""))')],
    ),
    Mutant(
        "a choice counts for what the person has not seen",
        TWO_WAY_SYSTEM,
        [Edit("cargo_sync.state.conflicts:_holds",
              "not known.evidence.same_sides", "False and not known.evidence.same_sides")],
    ),
    Mutant(
        "of a renamed folder only what was agreed on gets its new path",
        TWO_WAY_SYSTEM,
        [Edit("cargo_sync.state.moved_folders:_move", ' if side is None else (side, "base")', "")],
    ),
    # -- lanes -------------------------------------------------------------------------------------
    Mutant(
        "a committed batch makes no room for the next one",
        SYSTEM,
        [Edit("cargo_sync.trees.cargo.flow:ClientFlow._brought", "self._room.release()", "pass")],
    ),
    Mutant(
        "a plain lane takes frames that were changed on the way",
        SYSTEM,
        [Edit("cargo_sync.wire.frames:PlainOpener.open",
              "xxh3_128_digest(frame[:end]) != frame[end:]", "False")],
    ),
    # -- renames -----------------------------------------------------------------------------------
    Mutant(
        "an inode is trusted without its content",
        SYSTEM,
        [Edit("cargo_sync.engine.execution.recognition:RenameSearch._known",
              "base.hash if source.version == version else source.hash", "base.hash")],
    ),
    Mutant(
        "renames although the old path is to keep its copy",
        SYSTEM,
        [Edit("cargo_sync.engine.planners.holding:HoldingPlanner.__init__",
              "context.rules.propagate", "True")],
    ),
    Mutant(
        "a renamed file that was changed there counts as agreed on",
        TWO_WAY_SYSTEM,
        [Edit("cargo_sync.engine.execution.renaming:Renaming._moved",
              "if not before.changed and self._upload:", "if self._upload:"),
         Edit("cargo_sync.engine.execution.renaming:Renaming._moved",
              "elif not before.changed:", "else:")],
    ),
    Mutant(
        "an inode is trusted without its content in a two-way job",
        TWO_WAY_SYSTEM,
        [Edit("cargo_sync.engine.execution.recognition:RenameSearch._known",
              "base.hash if source.version == version else source.hash", "base.hash")],
    ),
    Mutant(
        "what was changed at the new path of a rename is not looked at",
        TWO_WAY_SYSTEM,
        [Edit("cargo_sync.engine.execution.recognition:RenameSearch._may_arrive",
              "return self._is_as_agreed(rows)", "return True")],
    ),
    Mutant(
        "a renamed file that was changed goes where the server has the old one",
        TWO_WAY_SYSTEM,
        [Edit("cargo_sync.engine.execution.moved_apart:MovedApart._follow",
              "content != base.hash", "False")],
    ),
    # -- the local folder --------------------------------------------------------------------------
    Mutant(
        "the sync of contents is left out",
        DISK,
        [Edit("cargo_sync.local.commit:secure", "if not file.durable]", "if False]"),
         Edit("cargo_sync.local.commit:secure", "return [None if file.durable else _secure_one",
              "return [None if True else _secure_one")],
    ),
    Mutant(
        "the sync of names is left out",
        DISK,
        [Edit("cargo_sync.local.publish:Placing.sync", "if not self._count:", "if True:")],
    ),
    Mutant(
        "renamed before the sync",
        DISK,
        [Edit("cargo_sync.local.commit:BatchCommit.__call__", "order = self._secure(batch)",
              "order = sorted(batch.staged)"),
         Edit("cargo_sync.local.commit:BatchCommit._publish", "placing.sync()",
              "placing.sync(); self._staging.root.system.syncfs(self._staging.root.fd)")],
    ),
    Mutant(
        "a displaced file is deleted, not kept in the trash",
        DISK,
        [Edit("cargo_sync.local.publish:Placing._onto", "displaced = root.look(aside, taken)",
              "displaced = root.look(aside, taken); root.system.unlink(aside.fd, taken)")],
    ),
    Mutant(
        "a displaced file is not recorded",
        DISK,
        [Edit("cargo_sync.engine.commit:Commit._together", "self._memory.ledger.add(gone)",
              "pass")],
    ),
    Mutant(
        "what is young is removed from the trash",
        DISK,
        [Edit("cargo_sync.local.trash_upkeep:free", "[: overdue(oldest, total, limits, now)]",
              "")],
    ),
    Mutant(
        "a time that was set is not synced",
        DISK,
        [Edit("cargo_sync.trees.folder:FolderTree._apply", "files=meta", "files=()")],
    ),
    # -- storage nodes -----------------------------------------------------------------------------
    Mutant(
        "a receipt is given for one copy of two",
        NODES,
        [Edit(f"{_COPIES}.securing:quorum", "min(copies, 2)", "1")],
    ),
    Mutant(
        "an upload waits for more copies than there will be",
        NODES,
        [Edit(f"{_COPIES}.securing:Securing._short", "< quorum(wanted)", "<= 9")],
    ),
    Mutant(
        "a deletion of an earlier session may happen later",
        NODES,
        [Edit(f"{_COPIES}.inventory:TakingIn.join",
              "await self._cluster.links.fence(node)", "pass")],
    ),
    Mutant(
        "copies of what is being uploaded are deleted",
        NODES,
        [Edit("cargo_sync.stores.claims:Claims.hold",
              "self._held[hash] = count + 1, since", "pass")],
    ),
    Mutant(
        "copies that another workspace has are deleted",
        NODES,
        [Edit(f"{_COPIES}.deleting:Deleting._wanted",
              "if row.state < LEAVING and node in", "if -1 in")],
    ),
    Mutant(
        "copies of one zone are kept, one of another goes",
        NODES,
        [Edit(f"{_NODES}.repair:surplus", "keepers.setdefault(member.zone, member)",
              "keepers.setdefault(str(member.id), member)")],
    ),
    Mutant(
        "what is found rotten still counts",
        NODES,
        [Edit(f"{_COPIES}.inventory:TakingIn._page",
              "if lost := await self._still_lost(node, after, differing.lost, owned):",
              "if lost := []:"),
         Edit(f"{_COPIES}.repairing:no_copies", "if gone:", "if False:")],
    ),
    Mutant(
        "a packet that was refused is taken for copies",
        NODES,
        [Edit(f"{_COPIES}.packing:_all_of", "if problem is None:", "if True:")],
    ),
    Mutant(
        "of what a storage node says of its room only the first word counts",
        NODES,
        [Edit(f"{_NODES}.room:NodeRoom.says", "self._said, self._placed = free, 0",
              "self._said = self._said or free")],
    ),
    Mutant(
        "copies that nobody wants are kept for ever",
        NODES,
        [Edit(f"{_COPIES}.deleting:Deleting._on", "if not hashes:", "if True:")],
    ),
    # -- the fakes: what a tree must keep ----------------------------------------------------------
    Mutant(
        "a page of a listing is proved by the change where it ends",
        SYSTEM,
        [Edit("tests.sim.lively:LivelyTree._deltas", "self.show(len(self._log),",
              "self.show(cursor,")],
    ),
    Mutant(
        "the trash is skipped",
        PLANNER,
        [Edit(f"{_TREE}:MemoryTree.displace", "self._throw_away(name, content)", "pass")],
    ),
    Mutant(
        "the server ignores what a plan expects",
        SYSTEM,
        [Edit(f"{_TREE}:TreeSink.publish", "problem is None and", "False and")],
    ),
    Mutant(
        "a source is not looked at again before it is read",
        SYSTEM,
        [Edit(f"{_TREE}:_MemorySource.open",
              "(entry.version, entry.ident) != (offer.version, offer.ident)", "False")],
    ),
    Mutant(
        "a time is set on a file that has changed since the plan",
        SYSTEM,
        [Edit(f"{_TREE}:MemoryTree._set_metadata", "present != action.expected", "False")],
    ),
    Mutant(
        "a source is taken away unread",
        PLANNER,
        [Edit(f"{_TREE}:MemoryTree.take_away", "isinstance(found, Problem) or found != content",
              "False")],
    ),
    # -- somebody else's server --------------------------------------------------------------------
    Mutant(
        "a time that the server has rounded is a change of its own",
        FOREIGN_TWO_WAY,
        [Edit(f"{_PATH}:merged_metadata",
              "not server.same_time(far.mtime_ns, known.mtime_ns)",
              "far.mtime_ns != known.mtime_ns")],
    ),
    Mutant(
        "a mode that the server does not know is another one",
        FOREIGN_TWO_WAY,
        [Edit("cargo_sync.model.entries:Entry.same_mode", "BY_UMASK in (self.mode, other.mode)",
              "False")],
    ),
    Mutant(
        "what a link hides on the server is deleted, or brought",
        FOREIGN_TWO_WAY_SYSTEM,
        [Edit(f"{_LINKS}._left_out", "self._hidden.add(paths.join(state.path, name))", "pass"),
         Edit(f"{_LINKS}._look_above", "if top and near is not None and near.kind == LINK:",
              "if False:")],
    ),
    Mutant(
        "two entries without an ident are one",
        FOREIGN_TWO_WAY_SYSTEM,
        [Edit("cargo_sync.plan.moves:_same_ident", "if not one.ident:", "if False:"),
         Edit("cargo_sync.state.idents:places", "for one in idents if one", "for one in idents"),
         Edit("cargo_sync.engine.execution.recognition:RenameSearch._known",
              "for one in gone if one.ident", "for one in gone")],
    ),
)  # fmt: skip

UNSEEN: Final = (
    (
        "a file that appeared meanwhile is replaced",
        "too few histories have one in that moment; tests/local/test_publish",
    ),
    (
        "a copy counts before the storage node has shown its sequence",
        "each session compares its inventory; tests/stores/nodes/test_store",
    ),
    (
        "a storage node whose folder is replaced in the middle of a session is believed",
        "there each change of a folder ends the session; tests/stores/nodes/test_store",
    ),
    ("a folder that changes while it is planned is settled", "nothing changes it meanwhile yet"),
    ("a damaged source is sent on", "the fakes do not damage files; tests/machines/test_suspects"),
    (
        "what others did in a folder just before its rename is not listed anew",
        "too few histories meet it; tests/engine/test_two_way_moves",
    ),
    (
        "base does not move along with a folder",
        "too few histories delete something in one; tests/engine/test_two_way_moves",
    ),
    (
        "deletions of what was renamed since are not taken back",
        "the destination refuses them, but the guard counts them; tests/engine/test_two_way_moves",
    ),
    (
        "a storage node that came back old, or with another marker, is believed",
        "each session compares its inventory; tests/machines/nodes/test_returning",
    ),
    (
        "copies too many are deleted although the others may be rotten, or silent",
        "too few histories meet it; tests/machines/nodes/test_copies",
    ),
    (
        "a storage node that is drained goes while others are silent",
        "too few histories meet it; tests/machines/nodes/test_repair",
    ),
    (
        "what is condemned and referred to again is deleted",
        "its row is gone for one step only; tests/state/test_nodes",
    ),
    (
        "what was brought and deleted since excuses other deletions",
        "too few histories copy a whole folder and delete both; tests/engine/test_guarding_moves",
    ),
    ("a sealed lane takes a frame twice", "AES-GCM refuses it by the counter in its nonce as well"),
)
"""Bugs that the simulation cannot find yet, and the reason."""


class UnfitError(Exception):
    """An edit does not fit the code any more."""


@contextmanager
def planted(mutant: Mutant) -> Iterator[None]:
    """The bug is there while this is entered."""
    with ExitStack() as stack:
        for edit in mutant.edits:
            stack.enter_context(_edited(edit))
        yield


@contextmanager
def _edited(edit: Edit) -> Iterator[None]:
    module_name, _, path = edit.where.partition(":")
    module = importlib.import_module(module_name)
    owner: Any = module
    *above, name = path.split(".")
    for one in above:
        owner = getattr(owner, one)
    original = owner.__dict__[name]
    source = _SOURCES.get(original) or textwrap.dedent(inspect.getsource(original))
    if source.count(edit.old) != 1:
        raise UnfitError(f"{edit.where} has {edit.old!r} {source.count(edit.old)} times")
    source = source.replace(edit.old, edit.new)
    made: dict[str, Any] = {}
    exec(compile(source, f"<{edit.where}>", "exec"), original.__globals__, made)
    _SOURCES[made[name]] = source
    setattr(owner, name, made[name])
    try:
        yield
    finally:
        setattr(owner, name, original)
        del _SOURCES[made[name]]


_SOURCES: dict[Any, str] = {}
"""Of functions that are edited now: a second edit of one begins there."""


def seeds_to_find(mutant: Mutant, most: int) -> int | None:
    """How many seeds it takes until one fails; None if none of the first `most` does."""
    with planted(mutant), mutant.tier.ready() as tell:
        for seed in range(most):
            if tell(seed).failure:
                return seed + 1
    return None


def main(names: Sequence[str]) -> None:
    """Prints the table, of all planted bugs or of those with these names."""
    unfound = 0
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    if unknown := set(names) - {mutant.name for mutant in MUTANTS}:
        sys.exit(f"there is no planted bug {min(unknown)!r}")
    print("seeds    tier     planted bug")
    for mutant in chosen:
        found = seeds_to_find(mutant, MOST[mutant.tier.name])
        unfound += found is None
        print(f"{found or 'NEVER':>7}  {mutant.tier.name:<8} {mutant.name}", flush=True)
    print(f"mutants: {len(chosen)} planted, {len(chosen) - unfound} found")
    for name, why in UNSEEN:
        print(f"not seen yet: {name} ({why})")
    sys.exit(1 if unfound else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
