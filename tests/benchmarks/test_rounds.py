import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.transfers.forecast import Group, Step
from benchmarks.transfers.metering import Ended, FailedCommandError, Run
from benchmarks.transfers.peer import Move, Need
from benchmarks.transfers.rounds import SOURCE, Bench, groups
from benchmarks.transfers.workloads import TRIALS, Direction, Mode, Workload

UP = [Direction.UP]


class Copier:
    """A tool that copies in this process. It notes its runs, and can break off or cheat."""

    needs: Sequence[Need] = ()
    fills = False
    far: Sequence[int] = ()
    near: Sequence[int] = ()

    def __init__(
        self,
        name: str,
        log: list[str],
        *,
        fails: bool = False,
        cheats: bool = False,
        directions: Sequence[Direction] = tuple(Direction),
    ) -> None:
        self.name = name
        self.log = log
        self.directions = directions
        self.fails = fails
        self.cheats = cheats
        self.moves: list[Move] = []
        self.sources: list[str] = []

    def version(self) -> str:
        return "1"

    def over(self, workload: Workload, direction: Direction) -> str:
        return "air"

    def can(self, workload: Workload, direction: Direction) -> bool:
        return direction in self.directions

    @contextmanager
    def serving(self, home: Path, workload: Workload) -> Iterator["Copier"]:
        yield self

    @contextmanager
    def ready(self, move: Move) -> Iterator[Run]:
        self.moves.append(move)
        self.sources = [one.parent.name for one in move.near.parent.parent.glob(f"*/{SOURCE}")]
        if move.workload.fresh:
            assert list(move.target.iterdir()) == []
        yield lambda: self._copy(move)

    def _copy(self, move: Move) -> Ended:
        self.log.append(self.name)
        if self.fails:
            raise FailedCommandError("no carrier")
        if not self.cheats:
            for path in move.workload.paths() if move.workload.fresh else [move.chosen]:
                (move.target / path).parent.mkdir(exist_ok=True)
                shutil.copy2(move.source / path, move.target / path)
        return Ended(0.25)


def bench(folder: Path, rounds: int) -> Bench:
    return Bench(folder, rounds, "ours", lambda step, line: None)


def test_each_round_runs_all_tools_in_another_order(tmp_path: Path) -> None:
    log: list[str] = []
    peers = [Copier("ours", log), Copier("theirs", log)]
    found = list(bench(tmp_path, 2).measure(TRIALS["trial"], Mode.SEALED, UP, peers))
    assert log == ["ours", "theirs", "theirs", "ours"]
    [[ours, theirs]] = found
    assert (ours.tool, ours.over, ours.runs, ours.ours_is) == ("ours", "air", 2, 1.0)
    assert (theirs.tool, theirs.cpu_seconds) == ("theirs", 0.25)
    assert list(tmp_path.iterdir()) == []


def test_a_tool_that_fails_is_left_out(tmp_path: Path) -> None:
    log: list[str] = []
    peers = [Copier("ours", log), Copier("theirs", log, fails=True)]
    here = bench(tmp_path, 2)
    [[only]] = here.measure(TRIALS["trial"], Mode.PLAIN, UP, peers)
    assert only.tool == "ours"
    assert log == ["ours", "theirs", "ours"]
    assert here.failures == ["trial plain up, round 1: theirs: no carrier"]


def test_a_tool_that_moves_nothing_is_left_out(tmp_path: Path) -> None:
    here = bench(tmp_path, 1)
    peers = [Copier("theirs", [], cheats=True)]
    assert list(here.measure(TRIALS["trial"], Mode.SEALED, UP, peers)) == []
    assert "0 files with 0 bytes arrived, not 20 files" in here.failures[0]


def test_a_changed_file_differs_before_the_run_and_not_after_it(tmp_path: Path) -> None:
    here = bench(tmp_path, 2)
    peers = [Copier("ours", []), Copier("cheat", [], cheats=True)]
    [[only]] = here.measure(TRIALS["trial-changed"], Mode.SEALED, UP, peers)
    assert (only.tool, only.runs) == ("ours", 2)
    assert len({move.chosen for move in peers[0].moves}) == 2
    assert "arrived with another content" in here.failures[0]


def test_a_settled_tree_is_the_same_on_both_sides(tmp_path: Path) -> None:
    peers = [Copier("ours", [], cheats=True)]
    found = list(bench(tmp_path, 1).measure(TRIALS["trial-settled"], Mode.SEALED, UP, peers))
    assert [row.tool for rows in found for row in rows] == ["ours"]


def test_a_tool_for_downloads_needs_files_at_the_server_alone(tmp_path: Path) -> None:
    tool = Copier("ours", [], directions=[Direction.DOWN])
    list(bench(tmp_path, 1).measure(TRIALS["trial"], Mode.SEALED, [*Direction], [tool]))
    assert [move.direction for move in tool.moves] == [Direction.DOWN]
    assert tool.sources == ["files"]


def test_a_workload_may_need_fewer_rounds(tmp_path: Path) -> None:
    once = replace(TRIALS["trial"], rounds=1)
    [[row]] = bench(tmp_path, 5).measure(once, Mode.SEALED, UP, [Copier("ours", [])])
    assert row.runs == 1


def test_what_is_ahead_is_known_before_it_runs() -> None:
    peers = [Copier("ours", []), Copier("theirs", [], directions=UP)]
    trial = TRIALS["trial"]
    assert list(groups(trial, Mode.SEALED, [*Direction], peers, 5)) == [
        Group(Step(trial, Mode.SEALED, Direction.UP), 10, 3 * 20),
        Group(Step(trial, Mode.SEALED, Direction.DOWN), 5, 0),
    ]


def test_on_a_disk_nothing_is_deleted_before_the_last_run(tmp_path: Path) -> None:
    class Looker(Copier):
        def _copy(self, move: Move) -> Ended:
            self.log.append(",".join(sorted(one.name for one in move.target.parent.iterdir())))
            return super()._copy(move)

    log: list[str] = []
    workload = replace(TRIALS["trial"], on_disk=True)
    assert len(list(bench(tmp_path, 2).measure(workload, Mode.SEALED, UP, [Looker("x", log)]))) == 1
    assert log == ["up-0", "x", "up-0,up-1", "x"]
    assert list(tmp_path.iterdir()) == []
