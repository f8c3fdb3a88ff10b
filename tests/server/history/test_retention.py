"""A server's state is swept: tombstones, checkpoints, unfinished uploads."""

from pathlib import Path

from cargo_sync.catalogue.contract import Gone, Put
from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.model.checkpoints import Checkpoint
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.world import World
from cargo_sync.server.history.retention import PART, ServerRetention
from cargo_sync.server.http.content.unfinished import Uploads
from cargo_sync.state.checkpoints import Checkpoints
from cargo_sync.state.history import HistoryRows
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.state.uploads import UploadRow, UploadRows
from tests.offloads import inline

DAY = 86_400.0


async def test_deletions_go_after_three_months_and_checkpoints_sooner(tmp_path: Path) -> None:
    now = [1000 * DAY]
    world = World(lambda: now[0], lambda: now[0], lambda: 0.5, lambda: "t", inline, lambda: now[0])
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        catalogue = StoredCatalogue(database)
        rows = UploadRows(database, world.wall)
        uploads = Uploads(rows, Checkpoints(database, world.wall), world.token, world.steady)
        history = HistoryRows(database, world.wall, world.lived)
        sweep = ServerRetention(database, catalogue, history, uploads, world)
        space = catalogue.workspace("/srv", lambda: "e").id
        assert rows.add(UploadRow("u", "ana", space, "default", "p", 1, 1, 0), 1)
        some = [f"{number}" for number in range(2 * PART + 1)]
        catalogue.record(space, [Put(name, Entry(name, FILE), 0, 0) for name in some])
        catalogue.record(space, [Gone(name) for name in some[1:]])
        Checkpoints(database, world.wall).put(Checkpoint("t", "p", 1, 1, 1, 1, ()))
        for _ in range(89):
            catalogue.mark(now[0], DAY)
            await sweep.once()
            now[0] += DAY
        assert len(catalogue.changes(space, 0, "", 10**6).rows) == len(some)
        assert Checkpoints(database, world.wall).get("t") is None
        assert rows.get("u") is None
        for _ in range(3):
            catalogue.mark(now[0], DAY)
            await sweep.once()
            now[0] += DAY
        page = catalogue.changes(space, 0, "", 10**6)
        assert [path for path, _ in page.rows] == ["0"]
        assert page.floor == page.sequence == 4 * PART + 1
