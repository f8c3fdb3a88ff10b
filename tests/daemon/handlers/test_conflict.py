"""`conflict.…` through the router."""

from pathlib import Path
from typing import Any

from cargo_sync.model import entries
from cargo_sync.model.conflicts import ConflictPolicy, Evidence
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.state.conflicts import ConflictDecision, JobConflicts, SeenConflict
from cargo_sync.state.folders import Folders
from cargo_sync.state.observations import Observed
from tests.daemon.handlers.test_handlers import Daemon, running

NEAR = Entry("a", FILE, 5, 10 * 10**9, 0o644, 1, 2, "aa" * 32)
FAR = Entry("a", FILE, 6, 11 * 10**9, 0o644, 3, 4)


class Desk:
    """The conflicts of the job `other`."""

    def __init__(self, daemon: Daemon) -> None:
        row = daemon.house.jobs.get_or_create("other")
        self.rows = JobConflicts(daemon.house.database, row.id)
        self.folders = Folders(daemon.house.database, row.id)

    def see(self, near: Entry, far: Entry) -> None:
        """Both sides, as a run saw them."""
        for observe, entry in (
            (self.folders.observe_near, near),
            (self.folders.observe_far_whole, far),
        ):
            observe([Observed("x", entries.encode((entry,)), 1)])

    def conflict(self, near: Entry = NEAR, far: Entry = FAR, path: str = "x/a") -> int:
        seen = SeenConflict(path, Evidence(None, near, far))
        noted = self.rows.note(
            [seen], "run", ConflictPolicy.ASK, lambda _: ConflictDecision(None), time=100.0
        )
        return noted.conflicts[0].id


async def test_conflicts_are_listed_shown_and_decided(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        await daemon.synced("nightly", "other")
        desk = Desk(daemon)
        nothing: dict[str, Any] = {
            "conflicts": [], "totals": {"open": 0, "resolved": 0}, "next": None,
        }  # fmt: skip
        assert await daemon.ask("conflict.list") == nothing
        assert await daemon.ask("conflict.list", job="othr") == "unknown_job"
        id = desk.conflict()
        row = {
            "id": id, "job": "other", "path": "x/a", "state": "open", "policy": "ask",
            "choice": None, "by": None, "copy": None, "run": "run", "time": 100.0, "base": None,
            "local": {"kind": "file", "size": 5, "mtime": 10.0, "hash": "aa" * 32, "target": None,
                      "version": 1},
            "remote": {"kind": "file", "size": 6, "mtime": 11.0, "hash": None, "target": None,
                       "version": 3},
        }  # fmt: skip
        assert await daemon.ask("conflict.list", job="other") == {
            "conflicts": [row], "totals": {"open": 1, "resolved": 0}, "next": None,
        }  # fmt: skip
        assert await daemon.ask("conflict.show", id=id) == row
        assert await daemon.ask("conflict.show", id=id + 1) == "unknown_conflict"
        assert await daemon.ask("conflict.resolve", id=id, choice="both") == "bad_argument"

        desk.see(NEAR, FAR._replace(version=9))
        assert await daemon.ask("conflict.resolve", id=id, choice="local") == "changed"
        desk.see(NEAR, FAR)
        await daemon.ask("job.pause", job="other")
        decided = await daemon.ask("conflict.resolve", id=id, choice="local")
        assert decided == {
            "conflict": row | {"choice": "local", "by": "person"},
            "run": None,
            "waits": 'the job "other" is paused',
        }
        desk.rows.resolved([(id, "")], 1.0)
        assert await daemon.ask("conflict.resolve", id=id, choice="local") == "resolved"
        assert (await daemon.ask("conflict.list"))["conflicts"] == []
        page = await daemon.ask("conflict.list", state="resolved", limit=1)
        assert ([one["id"] for one in page["conflicts"]], page["next"]) == ([id], id)


async def test_no_folder_is_thrown_away_by_a_word(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        await daemon.synced("nightly", "other")
        desk = Desk(daemon)
        folder = Entry("a", FOLDER, ident=7)
        id = desk.conflict(folder, FAR)
        await daemon.ask("job.pause", job="other")
        desk.see(folder, FAR)
        refused = await daemon.refused("conflict.resolve", id=id, choice="remote")
        assert refused["code"] == "bad_argument"
        assert "only both can be kept" in refused["message"]
        assert (await daemon.ask("conflict.resolve", id=id, choice="keep_both"))["run"] is None
