"""The far tree, with a server that may answer anything: invalid answers are refused."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from cargo_sync.machines.newest_change import NOTHING_SEEN, Lineage, SeenChange
from cargo_sync.machines.own_changes import NO_CHANGES, OwnChanges
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import FILE, FOLDER, Entry, EntryColumns, PlacedEntries
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Receipt
from cargo_sync.model.world import World
from cargo_sync.testing.tree import MemoryTree
from cargo_sync.trees.cargo.api import Api
from cargo_sync.trees.cargo.tree import CargoTree
from cargo_sync.trees.contract import Brought, Delta, Moved, Task
from tests.offloads import a_turn_later, inline
from tests.trees.cargo.answers import Answer, Answers, answering, ok, raw, refuse

MINE = {"name": "default", "access": "rw", "epoch": "e", "sequence": 7, "lineage": "l"}
WHO = ok({"workspaces": [MINE]})
NOTHING = PlacedEntries([], EntryColumns.nothing())
FILE_A = Entry("a", FILE, 3, 5, 0o644, 4, 4, "h")


@asynccontextmanager
async def tree(**answers: list[Answer]) -> AsyncIterator[tuple[CargoTree, Answers]]:
    named = {name.replace("_", "_workspaces_default_", 1): given for name, given in answers.items()}
    async with answering(GET_workspaces=[WHO], **named) as (login, heard):
        world = World(lambda: 0.0, lambda: 0.0, lambda: 0.5, lambda: "0" * 32, inline, lambda: 0.0)
        it = CargoTree(Api(login, time.monotonic), "default", "box", world, AsyncExitStack())
        yield it, heard
        await it.close()


def changes(*rows: tuple[Any, ...], after: int = 9, more: bool = False, **fields: object) -> Answer:
    page = {"rows": list(zip(*rows, strict=True)), "next": after, "more": more, "lineage": "l"}
    return ok({"epoch": "e", "sequence": 7, "known": "l", "life": "l", "floor": 0} | page | fields)


def row(path: object = "a", kind: object = "f", target: str = "", **other: Any) -> tuple[Any, ...]:
    found = {"size": 3, "mtime_ns": 5, "mode": 0o644, "version": 4, "ident": 4, "hash": "h"} | other
    return (path, kind, *found.values(), target)


async def observed(it: CargoTree) -> list[tuple[str, Entry | None]]:
    found: list[tuple[str, Entry | None]] = []
    await it.open()
    async for seen in it.observe(0):
        assert isinstance(seen, Delta)
        found += seen.changes
    return found


async def test_who_is_up_to_date_asks_no_second_time() -> None:
    async with tree(GET_changes=[changes(after=7), changes(row())]) as (it, heard):
        await it.open(7)
        assert [seen async for seen in it.observe(7)] == [Delta(NOTHING, 7, [])]
        assert heard.asked == ["POST /login", "GET /workspaces/default/changes"]
        assert [seen.cursor async for seen in it.observe(7) if isinstance(seen, Delta)] == [9]


async def test_the_next_page_is_made_while_one_is_stored() -> None:
    pages = [changes(row("a"), after=3, more=True), changes(row("b"), after=7)]
    async with tree(GET_changes=pages) as (it, heard):
        await it.open()
        look = it.observe(0)
        assert isinstance(seen := await anext(look), Delta) and seen.cursor == 3
        async with asyncio.timeout(20):
            while heard.asked.count("GET /workspaces/default/changes") < 2:
                await asyncio.sleep(0)
        assert [seen.cursor async for seen in look if isinstance(seen, Delta)] == [7]


async def test_a_look_that_is_given_up_leaves_no_request_behind() -> None:
    pages = [changes(row("a"), after=3, more=True), changes(row("b"), after=7)]
    async with tree(GET_changes=pages) as (it, _):
        await it.open()
        before = asyncio.all_tasks()
        look = it.observe(0)
        assert isinstance(look, AsyncGenerator)
        await anext(look)
        [asked] = asyncio.all_tasks() - before
        await look.aclose()
        assert asked.cancelled()


async def test_a_look_that_begins_elsewhere_reads_from_there() -> None:
    async with tree(GET_changes=[changes(row("b"), after=7), changes(row(), row("b"))]) as (
        it,
        heard,
    ):
        await it.open(6)
        [seen] = [one async for one in it.observe(0)]
    assert isinstance(seen, Delta) and [path for path, _ in seen.changes] == ["a", "b"]
    assert [asked["since"] for asked in heard.queries if asked] == ["6", "0"]


async def test_it_is_known_by_server_user_workspace_and_folder() -> None:
    async with tree(GET_changes=[changes(floor=3)]) as (it, heard):
        identity = await it.open(5)
    assert identity.root.endswith(" ana default box")
    assert (identity.epoch, identity.floor, identity.lost) == ("e", 3, False)
    assert "own" not in heard.queries[-1]


@pytest.mark.parametrize(
    ("newest", "lost"),
    [
        (NOTHING_SEEN, False),
        (SeenChange(7, "k"), False),
        (SeenChange(8, "k"), True),  # the server has 7
        (SeenChange(6, "j"), True),  # it was given out again
    ],
)
async def test_a_server_is_asked_for_the_newest_change_that_is_known(
    newest: SeenChange, lost: bool
) -> None:
    async with tree(GET_changes=[changes(after=5, known="k")]) as (it, heard):
        identity = await it.open(5, newest)
        assert (identity.lost, it.newest) == (lost, NOTHING_SEEN if lost else newest)
        assert heard.queries[-1]["newest"] == str(newest.number)


async def test_listings_uploads_and_operations_show_changes() -> None:
    done = {"code": "done", "version": 21, "ident": 21}
    results = {"results": [done, {**done, "changed": [[19, 23]]}], "lineage": "n", "first": 20}
    page = changes(row(), known="k")
    async with tree(GET_changes=[page], POST_operations=[ok(results)]) as (it, _):
        await it.open(5, SeenChange(6, "k"))
        assert [one async for one in it.observe(5)] and it.newest == SeenChange(9, "l")
        it._note([8, 12], Lineage("l", 2))
        assert it.newest == SeenChange(12, "l")
        await it._operations([{}, {}], "run")
        assert it.newest == SeenChange(12, "l"), "the server may have gone back in between"
        it._newest.begin(it.newest, "n")  # it was asked
        it._note([19], Lineage("n", 20))  # it was there before this start
        assert it.newest == SeenChange(12, "l")
        it._note([23], Lineage("n", 20))
        assert it.newest == SeenChange(23, "n")


async def test_a_workspace_that_the_user_does_not_have_is_named() -> None:
    async with tree(GET_changes=[refuse(404, "unknown")]) as (it, _):
        it._workspace = "other"
        it._base = "/workspaces/default"
        with pytest.raises(ProblemError, match="ana has no workspace 'other'") as raised:
            await it.open()
    assert "workspaces of this user: default" in raised.value.problem.hint


# -- own changes -----------------------------------------------------------------------------------


async def test_own_changes_are_left_out_once() -> None:
    pages = [
        changes(row("b"), after=6, more=True, own=True),
        changes(row("c"), after=8, own=True),
        changes(row()),
    ]
    async with tree(GET_changes=pages) as (it, heard):
        it._own.add([2, 3, 5], ["f"], "mine")
        own = it._own.changes()
        await it.open(1)
        seen = [one async for one in it.observe(1)]
        await it.open(8)
    assert [one.own for one in seen if isinstance(one, Delta)] == [own, NO_CHANGES]
    asked = [one.get("own") for one in heard.queries if one]
    assert asked == ["2-3,5-5", "2-3,5-5", None]
    assert heard.queries[1]["own_lineage"] == "mine"


async def test_deletions_that_are_forgotten_between_two_pages_of_a_first_listing() -> None:
    pages = [changes(row("b"), after=5, more=True, floor=3), changes(row("c"), floor=6)]
    async with tree(GET_changes=pages) as (it, _):
        await it.open()
        with pytest.raises(ProblemError, match="has forgotten deletions") as raised:
            [one async for one in it.observe(0)]
    assert (raised.value.problem.code, raised.value.problem.retry) == ("changed", True)


async def test_what_a_server_does_not_leave_out_it_has_lost() -> None:
    pages = [changes(row(), own=False)]
    async with tree(GET_changes=pages) as (it, _):
        it._own.add([8], ["f"], "mine")
        assert (await it.open(1)).lost
        [seen] = [one async for one in it.observe(1)]
    assert isinstance(seen, Delta) and seen.own is NO_CHANGES


async def test_a_server_that_loses_them_between_two_pages_is_asked_afresh() -> None:
    pages = [changes(row("b"), after=5, more=True, own=True), changes(row("c"), own=False)]
    async with tree(GET_changes=pages) as (it, _):
        it._own.add([2], ["f"], "mine")
        await it.open(1)
        with pytest.raises(ProblemError, match="old backup") as raised:
            [one async for one in it.observe(1)]
    assert (raised.value.problem.code, raised.value.problem.retry) == ("changed", True)


@pytest.mark.parametrize(("code", "kept"), [("unreachable", True), ("bad_request", False)])
async def test_after_a_cut_own_changes_are_still_left_out(code: str, kept: bool) -> None:
    pages = [refuse(400, code), changes(own=True)]
    async with tree(GET_changes=pages) as (it, heard):
        it._own.add([2], ["f"], "mine")
        with pytest.raises(ProblemError):
            await it.open(1)
        await it.open(1)
    assert ("own" in heard.queries[-1]) == kept


async def test_only_files_that_are_there_as_they_are_here_are_own() -> None:
    source = Entry("a", FILE, 3, 5, 0o644, 1, 1)
    receipts = [
        Receipt("", 7, 7, 5, 0o644),
        Receipt("", 8, 8, 5, 0o640),
        Receipt("", 9, 9, 6, 0o644),
        Receipt("", 10, 10, 5, 0o644),
    ]
    tasks = [Task(Action(Op.PUT, f"f{n}/a", source), "") for n in range(4)]
    async with tree() as (it, _):
        it._note_own(Brought(tasks, receipts, [], Moved()), Lineage("mine", 8))
        assert it._own.changes() == NO_CHANGES, "7 is older than this start of the server"
        it._note_own(Brought(tasks, receipts, [], Moved()), Lineage("mine", 7))
        assert it._own.changes() == OwnChanges(((7, 7), (10, 10)), ("f0", "f3"), "mine")


async def test_a_stop_after_a_batch_is_recorded_reaches_the_flow_which_tells_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The flow waits then for what the server has committed."""
    first, late = (
        Brought([Task(Action(Op.PUT, path, FILE_A), "")], [Receipt("done", 7)], [], Moved())
        for path in "ab"
    )
    told: list[Brought] = []

    async def run(*_: object) -> AsyncIterator[tuple[Brought, Lineage]]:
        try:
            yield first, Lineage()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            yield late, Lineage()
            raise

    async def none() -> AsyncIterator[list[Task]]:
        for nothing in list[list[Task]]():
            yield nothing

    async with tree() as (it, _):
        monkeypatch.setattr(it, "_world", replace(it._world, offload=a_turn_later))
        monkeypatch.setattr(it.flows, "run", run)

        async def follow() -> None:
            async for brought in it.transfer(Mode.UPLOAD, MemoryTree("near"), none(), None, "run"):
                told.append(brought)
                if brought is first:
                    following.cancel()  # as it comes after what is recorded

        following = asyncio.create_task(follow())
        with pytest.raises(asyncio.CancelledError):
            await following
    assert told == [first, late]


async def test_renames_before_a_server_started_again_are_not_taken_for_those_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cargo_sync.trees.cargo.tree.OPERATIONS", 1)
    moves = [Action(Op.MOVE, f"{n}", FILE_A, expected=FILE_A, moved_from=f"a{n}") for n in range(2)]
    done = {"code": "done", "version": 4, "ident": 4}
    answers = [
        ok({"results": [done | {"changed": [[20, 21]]}], "lineage": "before", "first": 2}),
        ok({"results": [done | {"changed": [[22, 23]]}], "lineage": "after", "first": 22}),
    ]
    async with tree(POST_operations=answers) as (it, _):
        first, second = await it.apply(moves, "run")
        it.renamed([first])  # stored when the answer of the other one is there
        assert it._own.changes() == OwnChanges(lineage="before", renamed=((20, 21),))
        it.renamed([first, second])
        assert it._own.changes() == OwnChanges(lineage="after", renamed=((22, 23),))


async def test_after_a_cut_a_page_has_half_as_many_rows_until_all_were_read() -> None:
    cut = refuse(503, "busy")
    late = raw(b"[" * 40)
    pages = [cut] * 7 + [late, changes(row(), after=4, more=True), cut, changes(row())]
    async with tree(GET_changes=pages) as (it, heard):
        for _ in range(8):
            with pytest.raises(ProblemError):
                await observed(it)
        heard.queries.clear()
        with pytest.raises(ProblemError):
            await observed(it)
        await observed(it)
        await observed(it)
        limits = [asked["limit"] for asked in heard.queries if "limit" in asked]
        assert limits == ["100", "100", "100", "10000"]


@pytest.mark.parametrize("code", ["unauthorized", "unknown_workspace"])
async def test_a_refusal_is_no_cut(code: str) -> None:
    async with tree(GET_changes=[refuse(403, code), changes(row())]) as (it, heard):
        with pytest.raises(ProblemError):
            await observed(it)
        await observed(it)
        assert heard.queries[-1]["limit"] == "10000"


async def test_a_workspace_that_cannot_be_used_is_not_opened() -> None:
    held = {"code": "root_held", "message": "another program uses it"}
    answer = changes(problem=held)
    async with answering(GET_workspaces_default_changes=[answer]) as (login, _):
        world = World(lambda: 0.0, lambda: 0.0, lambda: 0.5, lambda: "0" * 32, inline, lambda: 0.0)
        it = CargoTree(Api(login, time.monotonic), "default", "box", world, AsyncExitStack())
        with pytest.raises(ProblemError, match="another program uses it") as raised:
            await it.open()
        assert (raised.value.problem.code, raised.value.problem.retry) == ("root_held", True)
        await it.close()


async def test_changes_come_page_by_page() -> None:
    pages = [
        changes(row(), after=4, more=True),
        changes(row("f", "d", mode=0o1755), row("l", "l", "a"), row("x", "x")),
    ]
    async with tree(GET_changes=pages) as (it, _):
        found = await observed(it)
    assert found[0] == ("a", FILE_A)
    assert found[1] == ("f", Entry("f", FOLDER, 0, 0, 0o755, 4, 4, "h"))
    assert [path for path, _ in found] == ["a", "f", "l", "x"] and found[3][1] is None


@pytest.mark.parametrize(
    "bad",
    [
        row(None),
        row(7),
        row(kind="z"),
        row(kind="l"),
        row(kind="f", target="/etc/passwd"),
        row(size="many"),
        row(mode=None),
        row(size=-1),
        row(size=2**63),
        row(mtime_ns=2**63),
        row(version=2**64 - 1),
        row(ident=-1),
        row(hash="h" * 65),
        row(kind="l", target="t" * 4097),
        ("a", "f"),
    ],
    ids=repr,
)
async def test_rows_that_no_server_sends_are_refused(bad: tuple[Any, ...]) -> None:
    async with tree(GET_changes=[changes(bad)]) as (it, _):
        with pytest.raises(ProblemError) as raised:
            await observed(it)
    assert raised.value.problem.code == "bad_answer"


async def test_a_path_that_cannot_be_used_fails_alone() -> None:
    bad = ["../escape", "/etc/passwd", "a//b", "a\0b", "", "x" * 300]
    rows = [row("good"), *map(row, bad), row("../escape", "x"), row("", "x"), row("also good")]
    async with tree(GET_changes=[changes(*rows)]) as (it, _):
        [seen] = [one async for one in it.observe(0)]
    assert isinstance(seen, Delta)
    assert [path for path, _ in seen.changes] == ["good", "", "also good"]
    told = [(path, problem and problem.code) for path, problem in seen.refused]
    shown = [*bad[:-1], "x" * 200 + "…"]
    assert told == [*((path, "bad_path") for path in shown), ("../escape", None)]
    assert all(problem is None or len(problem.message) < 400 for _, problem in seen.refused)


async def test_a_server_that_started_since_it_was_asked_may_have_gone_back() -> None:
    """Between the look and the first upload of a run may be hours, and a restored backup."""
    async with tree(GET_changes=[changes(after=5, known="k")]) as (it, _):
        await it.open(5, SeenChange(7, "k"))
        it._note([9], Lineage("n", 8))
        assert it.newest == SeenChange(7, "k"), "the next look asks for it"
        it._note([9], Lineage("l", 8))
        assert it.newest == SeenChange(9, "l")


async def test_reserved_names_of_a_server_are_skipped_and_only_their_end_counts() -> None:
    rows = [row(".cargo_sync", "d"), row("a/.CARGO_SYNC/x"), row("a/.cargo_sync", "x"), row("b")]
    async with tree(GET_changes=[changes(*rows)]) as (it, _):
        [seen] = [one async for one in it.observe(0)]
    assert isinstance(seen, Delta)
    assert ([path for path, _ in seen.changes], seen.refused) == (["a/.cargo_sync", "b"], [])


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        "words",
        {"rows": 7},
        {"rows": [[]], "next": None, "more": False},
        {"rows": [], "next": 2**63, "more": False, "lineage": "l"},
        {"rows": [], "next": 9, "more": False, "lineage": "l" * 257},
    ],
)
async def test_malformed_pages_are_refused(answer: object) -> None:
    async with tree(GET_changes=[ok(answer)]) as (it, _):
        with pytest.raises(ProblemError) as raised:
            await observed(it)
    assert raised.value.problem.code == "bad_answer"


@pytest.mark.parametrize(
    "second",
    [
        changes(row("b"), after=4, more=True),
        changes(row("b"), after=3),
        ok({"rows": [], "next": 5, "more": True, "lineage": "l"}),
    ],
    ids=["the same cursor again", "a cursor that goes back", "no rows, but more to come"],
)
async def test_a_listing_must_advance(second: Answer) -> None:
    pages = [changes(row(), after=4, more=True), second]
    async with tree(GET_changes=pages) as (it, heard):
        with pytest.raises(ProblemError) as raised:
            await observed(it)
    assert raised.value.problem.code == "bad_answer"
    assert heard.asked.count("GET /workspaces/default/changes") == 2


async def test_a_look_ends_where_the_server_was_when_it_began() -> None:
    pages = [changes(row(), after=5, more=True), changes(row("b"), after=8, more=True)]
    async with tree(GET_changes=pages) as (it, heard):
        assert [path for path, _ in await observed(it)] == ["a", "b"]
    assert heard.asked.count("GET /workspaces/default/changes") == 2


async def test_a_listing_proves_what_was_made_in_several_starts_of_the_server() -> None:
    pages = [changes(row(), after=5, more=True), changes(row("b"), after=7, lineage="m")]
    async with tree(GET_changes=pages) as (it, _):
        assert [path for path, _ in await observed(it)] == ["a", "b"]
        assert it.newest == SeenChange(7, "m")


@pytest.mark.parametrize(
    ("fields", "newest"),
    [
        ({"newest_lineage": "m"}, SeenChange(7, "m")),
        ({}, SeenChange(5, "l")),  # an older server
        ({"newest_lineage": "m", "sequence": 4}, SeenChange(5, "l")),  # it cannot be
    ],
)
async def test_a_page_is_proved_by_the_newest_change_of_the_server(
    fields: dict[str, Any], newest: SeenChange
) -> None:
    """A path that changed again after the page may have had a change in it."""
    pages = [changes(row(), after=5, more=True, **fields), changes(row("b"), after=7, sequence=9)]
    async with tree(GET_changes=pages) as (it, heard):
        await it.open(3, SeenChange(4, "l"))
        it._upto = 7
        look = it.observe(3)
        await anext(look)
        assert it.newest == newest, "it is stored together with the page"
        if newest.lineage == "m":
            with pytest.raises(ProblemError, match="an old backup of the server was restored"):
                await anext(look)
        else:
            await anext(look)
        assert [asked["newest"] for asked in heard.queries if asked] == ["4", str(newest.number)]


@pytest.mark.parametrize(
    ("fields", "message", "newest"),
    [
        ({"known": "m"}, "an old backup of the server was restored", 5),
        ({"sequence": 4}, "an old backup of the server was restored", 5),
        ({"newest_lineage": "l", "sequence": 6}, "an old backup of the server was restored", 7),
        ({"problem": {"code": "root_gone", "message": "it is not there", "hint": ""}}, "there", 5),
    ],
    ids=["its changes are other ones", "it has fewer changes", "it lacks the last", "it is away"],
)
async def test_a_listing_ends_when_the_server_goes_back_or_its_folder_goes_away(
    fields: dict[str, Any], message: str, newest: int
) -> None:
    """A folder that is away has no rows: it would look like the end of the listing."""
    told = {"newest_lineage": "l"} if newest == 7 else {}
    pages = [changes(row(), after=5, more=True, **told), changes(after=6, **fields)]
    async with tree(GET_changes=pages) as (it, _):
        with pytest.raises(ProblemError, match=message):
            await observed(it)
        assert it.newest == SeenChange(newest, "l")


async def test_a_look_reads_no_more_rows_than_a_tree_can_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cargo_sync.trees.cargo.tree.LISTED", 2)
    pages = [changes(row(), row("b"), after=4, more=True), changes(row("c"), after=5, more=True)]
    async with tree(GET_changes=pages) as (it, _):
        with pytest.raises(ProblemError, match="more than 2 changes"):
            await observed(it)


async def test_hashes_pair_with_what_was_asked() -> None:
    done, changed = (
        b'{"code":"done","hash":"h"}\n',
        b'{"code":"changed","message":"it changed","retry":true}\n',
    )
    items = [("a", FILE_A), ("b", FILE_A)]
    async with tree(
        POST_hashes=[raw(done + changed), raw(done), raw(done * 3), raw(b'"words"\n' * 2)]
    ) as (
        it,
        heard,
    ):
        assert await it.hashes(items) == ["h", Problem(Code.CHANGED, "it changed", "b")]
        for _ in range(3):
            with pytest.raises(ProblemError) as raised:
                await it.hashes(items)
            assert raised.value.problem.code == "bad_answer"
    assert heard.bodies[1] == {"files": [["box/a", 4], ["box/b", 4]]}


async def test_operations_carry_what_was_seen() -> None:
    answers = [
        ok(
            {
                "results": [
                    {"code": "done", "version": 8, "ident": 8},
                    {"code": "changed", "message": "no"},
                ]
            }
        )
    ]
    actions = [
        Action(Op.MKDIR, "f", Entry("f", FOLDER, mode=0o755, ident=1)),
        Action(Op.DELETE, "a", expected=FILE_A),
    ]
    async with tree(POST_operations=[*answers, ok({"results": []})]) as (it, heard):
        made, refused = await it.apply(actions, "run")
        with pytest.raises(ProblemError):
            await it.apply(actions, "run")
    assert made.result == Entry("f", FOLDER, mode=0o755, version=8, ident=8)
    assert refused.problem == Problem(Code.CHANGED, "no", "a")
    assert heard.bodies[1] == {
        "run": "run",
        "operations": [
            {"op": "mkdir", "path": "box/f", "mode": 0o755},
            {"op": "delete", "path": "box/a", "expected": 4},
        ],
    }


async def test_a_time_and_a_mode_travel_without_content() -> None:
    results = [{"code": "done", "version": 8 + one, "ident": one} for one in (1, 2)]
    there = Entry("f", FOLDER, mode=0o700, version=3, ident=2)
    touched = FILE_A._replace(mtime_ns=7, mode=0o777, version=5, ident=6, hash="")
    actions = [
        Action(Op.META, "a", touched, FILE_A, hash="h"),
        Action(Op.META, "f", there._replace(mode=0o755), there),
    ]
    async with tree(POST_operations=[ok({"results": results})]) as (it, heard):
        file, folder = await it.apply(actions, "run")
    assert file.result == touched._replace(mode=0o775, version=9, ident=1, hash="h")
    assert folder.result == there._replace(mode=0o755, version=10, ident=2)
    assert heard.bodies[1] is not None and heard.bodies[1]["operations"] == [
        {"op": "meta", "path": "box/a", "mode": 0o777, "mtime_ns": 7, "expected": 4},
        {"op": "meta", "path": "box/f", "mode": 0o755, "expected": 3},
    ]


async def test_a_delivered_source_is_moved_to_a_name_that_is_free() -> None:
    taken, done = ({"results": [{"code": code, "message": ""}]} for code in ("occupied", "done"))
    hashed = raw(b'{"code":"done","hash":"h"}\n')
    async with tree(POST_hashes=[hashed], POST_operations=[ok(taken), ok(done)]) as (it, heard):
        assert await it.retire("f/a", FILE_A, "h", "done", "run") == ""
        assert (await it.retire("f/a", FILE_A, "other", "done", "run")).code == "changed"  # type: ignore[union-attr]
    moved = [body["operations"][0]["to"] for body in heard.bodies if body and "operations" in body]
    assert moved == ["box/done/f/a", "box/done/f/a.1"]
