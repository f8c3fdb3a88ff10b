"""`trash.…` of a daemon: the ledger of the local folder, and the server's."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from cargo_sync.api.messages import ControlError
from cargo_sync.api.trash_commands import (
    JobTrashEmptyArgs,
    JobTrashListArgs,
    JobTrashRestoreArgs,
)
from cargo_sync.daemon.handlers.trash import TrashHandlers
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.model.displaced import DisplacedVersion, TrashCause, TrashRow
from cargo_sync.model.events import Event
from cargo_sync.model.problems import ProblemError
from tests.daemon.house import House

RUN = "20260102T030405Z-run"


class Scene:
    """One job with a real folder, and the handlers."""

    def __init__(self, house: House, mode: str) -> None:
        self.house = house
        self.job = house.job("docs", mode=mode)
        self.here = Path(self.job.settings.local_dir)
        self.here.mkdir(parents=True)
        self.told: list[Event] = []
        self.handlers = TrashHandlers(cast(Jobs, self), house.world(), self.tell)

    def get(self, name: str) -> Any:
        return self

    @property
    def supervisor(self) -> Any:
        return self.job

    async def tell(self, *events: Event) -> None:
        self.told += events

    def throw(self, path: str, content: str) -> None:
        """Puts a version into the trash of the local folder."""
        place = f".cargo_sync/trash/{RUN}/{path}"
        (self.here / place).parent.mkdir(parents=True, exist_ok=True)
        (self.here / place).write_text(content)
        version = DisplacedVersion(path, place, "f", len(content), "h", 0, TrashCause.DELETED, RUN)
        self.job.sides.trash.ledger.add([version])

    async def list(self, **args: Any) -> Any:
        return await self.handlers.list(JobTrashListArgs(job="docs", **args))


@pytest.fixture
def download(tmp_path: Path) -> Scene:
    return Scene(House(tmp_path), "download")


@pytest.fixture
def upload(tmp_path: Path) -> Scene:
    return Scene(House(tmp_path), "upload")


async def test_of_a_download_it_is_the_local_one(download: Scene) -> None:
    download.throw("a", "one")
    download.throw("docs/b", "two!")
    answer = await download.list()
    assert (answer["side"], answer["where"], answer["other"]) == ("near", str(download.here), None)
    assert answer["totals"] == {"files": 2, "bytes": 7}
    rows = answer["versions"]
    assert isinstance(rows, list)
    assert [(row["id"], row["path"], row["kind"]) for row in rows] == [
        ("2", "docs/b", "file"),
        ("1", "a", "file"),
    ]
    assert len((await download.list(pattern="docs"))["versions"]) == 1


async def test_of_an_upload_it_is_the_servers(upload: Scene) -> None:
    far = upload.house.far_trash["docs"]
    version = DisplacedVersion("x", "p", "d", -1, "", 0, TrashCause.DELETED, RUN, "ana")
    far.rows = [TrashRow(7, version, 5.0)]
    answer = await upload.list()
    assert answer["side"] == "far" and "default" in str(answer["where"])
    [row] = answer["versions"]
    assert (row["id"], row["size"], row["hash"], row["user"]) == ("s7", None, None, "ana")


async def test_of_a_server_whose_trash_cannot_be_listed(tmp_path: Path) -> None:
    both = Scene(House(tmp_path), "bidirectional")
    assert (await both.list())["other"] == "far"
    trash = replace(both.job.sides.trash, far=None)
    both.job.sides = replace(both.job.sides, trash=trash)
    assert (await both.list())["other"] is None
    for call in (
        both.list(side="far"),
        both.handlers.restore(JobTrashRestoreArgs(job="docs", ids=["s1"])),
        both.handlers.empty(JobTrashEmptyArgs(job="docs", ids=["s1"])),
        both.handlers.empty(JobTrashEmptyArgs(job="docs", side="far", older=1)),
    ):
        with pytest.raises(ProblemError, match="the trash of this server cannot be listed"):
            await call


async def test_a_paused_jobs_folder_is_restored_to(download: Scene) -> None:
    """The folder is not open, and is not open afterwards."""
    download.throw("docs/a", "old")
    (download.here / "docs").mkdir()
    (download.here / "docs" / "a").write_text("newer")
    args = JobTrashRestoreArgs(job="docs", ids=["1", "99"])
    answer: Any = await download.handlers.restore(args)
    done, unknown = answer["results"]
    assert (done["code"], done["path"], done["displaced"]) == ("done", "docs/a", 1)
    assert unknown["code"] == "vanished"
    assert (download.here / "docs" / "a").read_text() == "old"
    assert [(one.happened, one.path) for one in download.told] == [("restored", "docs/a")]
    [row] = (await download.list())["versions"]
    assert (row["cause"], row["size"]) == ("restored", 5)
    near = download.job.sides.trash.near
    assert near._root is None  # type: ignore[attr-defined]


async def test_versions_of_the_server_are_restored_there(upload: Scene) -> None:
    answer: Any = await upload.handlers.restore(
        JobTrashRestoreArgs(job="docs", ids=["s7"], to="/back/", inside="b/c.txt")
    )
    assert answer["side"] == "far" and answer["results"][0]["id"] == "s7"
    assert upload.house.far_trash["docs"].asked == [([7], "back", "b/c.txt")]


@pytest.mark.parametrize("ids", [["x"], ["7", "s7"], ["../1"], ["0"], [""], ["s"]])
async def test_what_is_no_id_is_refused(download: Scene, ids: list[str]) -> None:
    with pytest.raises(ControlError) as refused:
        await download.handlers.restore(JobTrashRestoreArgs(job="docs", ids=ids))
    assert refused.value.code == "bad_argument"


async def test_a_place_outside_is_refused(download: Scene) -> None:
    download.throw("a", "one")
    for to in ("../up", "a/../../b", ".cargo_sync/x"):
        with pytest.raises(ProblemError):
            await download.handlers.restore(JobTrashRestoreArgs(job="docs", ids=["1"], to=to))
    assert not (download.here / "a").exists()


async def test_it_is_emptied_by_id_or_by_age(download: Scene) -> None:
    for name in ("a", "b", "c"):
        download.throw(name, "1234567")
    empty = download.handlers.empty
    answer = await empty(JobTrashEmptyArgs(job="docs", ids=["2"]))
    assert (answer["files"], answer["bytes"], answer["more"]) == (1, 7, False)
    assert (await empty(JobTrashEmptyArgs(job="docs", older=60)))["files"] == 0
    assert (await empty(JobTrashEmptyArgs(job="docs", older=0)))["files"] == 2
    assert [(one.happened, one.size) for one in download.told] == [("freed", 7), ("freed", 14)]
    with pytest.raises(ControlError):
        await empty(JobTrashEmptyArgs(job="docs"))


async def test_the_servers_is_emptied_there(upload: Scene) -> None:
    answer = await upload.handlers.empty(JobTrashEmptyArgs(job="docs", older=60))
    assert (answer["side"], answer["files"]) == ("far", 7)
    await upload.handlers.empty(JobTrashEmptyArgs(job="docs", ids=["s3"]))
    assert upload.house.far_trash["docs"].asked == [60, [3]]
