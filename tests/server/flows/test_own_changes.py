"""A job does not read its own uploads again, and still sees all that others change."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.machines.own_changes import NO_CHANGES, OwnChanges
from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import After, Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.trees.cargo.api import Api
from cargo_sync.trees.cargo.replies import ChangesReply
from cargo_sync.trees.cargo.requests import NO_CONTACT, Contact
from cargo_sync.trees.cargo.tree import CargoTree
from tests.engine.world import System
from tests.ports import free_port
from tests.server.flows.test_flows import REAL, job, login, quick, run
from tests.server.test_app import running, settings

__all__ = ["quick"]


class Asked:
    """What a job asked its server for, and the paths that it got."""

    def __init__(self) -> None:
        self.own: list[OwnChanges] = []
        self.paths: list[str] = []


@contextmanager
def heard(system: System) -> Iterator[Asked]:
    far, asked = system.far, Asked()
    assert isinstance(far, CargoTree)
    changes = far._changes

    async def hear(
        since: int,
        limit: int,
        wait: int = 0,
        own: OwnChanges = NO_CHANGES,
        contact: Contact = NO_CONTACT,
    ) -> ChangesReply:
        page = await changes(since, limit, wait, own, contact)
        asked.own.append(own)
        asked.paths += [path for path, _ in page.changes]
        return page

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(far, "_changes", hear)
        yield asked


def mirror(system: System) -> dict[str, tuple[Entry, ...]]:
    """The far side as the state has it."""
    found: dict[str, tuple[Entry, ...]] = {}
    for state in system.memory.folders.below(""):
        found[state.path] = found.get(state.path, ()) + tuple(state.far or ())
    return {path: listing for path, listing in found.items() if listing}


async def listed(place: Path, who: object) -> dict[str, tuple[Entry, ...]]:
    """The far side as a new job sees it, which reads everything."""
    async with job(place, who, Mode.DOWNLOAD) as fresh:  # type: ignore[arg-type]
        await run(fresh).execute()
        return mirror(fresh)


def unread(found: dict[str, tuple[Entry, ...]]) -> dict[str, list[Entry]]:
    """Without hashes: the server reads what it takes in, and a hash alone is no change."""
    return {path: [one._replace(hash="") for one in rows] for path, rows in found.items()}


def write(place: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = place / "here" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


async def test_own_uploads_are_not_read_again(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as up:
        async with job(tmp_path / "a", login(up), Mode.UPLOAD) as system:
            write(tmp_path / "a", {f"f{n % 3}/{n:03}": b"%d" % n for n in range(300)} | {"x": b"x"})
            await run(system).execute()
            with heard(system) as asked:
                report = await run(system).execute()
            assert not report.acted and asked.own[0].versions == 301
            assert set(asked.paths) == {"f0", "f1", "f2"}, "only folders, which have no receipts"
            assert not list(system.memory.folders.unsettled(None, None, 100))
            write(tmp_path / "a", {"f1/new": b"1", "x": b"another x"})
            await run(system).execute()
            with heard(system) as asked:
                await run(system).execute()
                await run(system).execute()
            assert (asked.paths, [one.versions for one in asked.own]) == ([], [2, 0])
            seen = mirror(system)
        assert seen == await listed(tmp_path / "b", login(up))
        assert sum(map(len, seen.values())) == 305


async def test_what_another_client_changes_in_between_is_seen(tmp_path: Path) -> None:
    async with (
        running(settings(tmp_path)) as up,
        job(tmp_path / "a", login(up), Mode.UPLOAD) as first,
        job(tmp_path / "b", login(up), Mode.UPLOAD) as second,
    ):
        for turn in range(3):
            write(tmp_path / "a", {"f/a": b"a%d" % turn, f"f/both {turn}": b"a", "a": b"%d" % turn})
            await run(first).execute()
            write(tmp_path / "b", {f"f/b {turn}": b"b", f"f/both {turn}": b"bb"})
            await run(second).execute()
        with heard(first) as asked:
            await run(first).execute()
        assert set(asked.paths) >= {"f/b 2", "f/both 2"} and "f/a" not in asked.paths
        assert (tmp_path / "ana" / "in" / "box" / "f" / "both 2").read_bytes() == b"bb"
        await run(second).execute()
        there = await listed(tmp_path / "c", login(up))
        assert mirror(first) == mirror(second) == there


async def test_what_was_not_recorded_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        running(settings(tmp_path)) as up,
        job(tmp_path / "a", login(up), Mode.UPLOAD) as system,
    ):
        write(tmp_path / "a", {"a": b"a", "b": b"b"})
        with monkeypatch.context() as patch:

            def full(*changes: object, **kept: object) -> int:
                raise ProblemError(Problem(Code.DISK_FULL, "no room"))

            patch.setattr(system.memory.folders, "agree_moved", full)
            with pytest.raises(ProblemError, match="no room"):
                await run(system).execute()
        with heard(system) as asked:
            await run(system).execute()
        assert (asked.own, sorted(asked.paths)) == ([NO_CHANGES], ["a", "b"])
        assert mirror(system) == await listed(tmp_path / "b", login(up))


async def test_agreements_that_are_missing_are_asked_for(tmp_path: Path) -> None:
    async with (
        running(settings(tmp_path)) as up,
        job(tmp_path / "a", login(up), Mode.UPLOAD) as system,
    ):
        write(tmp_path / "a", {"f/a": b"a", "f/b": b"b"})
        await run(system).execute()
        system.memory.folders.agree([("f/a", None)])
        with heard(system) as asked:
            await run(system).execute()
        assert [one.versions for one in asked.own] == [2, 0]
        assert sorted(asked.paths) == ["f", "f", "f/a", "f/b"]
        assert mirror(system) == await listed(tmp_path / "b", login(up))


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.sqlite
async def test_a_server_that_lost_own_uploads_waits_for_a_person(
    tmp_path: Path, restarted: bool
) -> None:
    """Its numbers are given out a second time, above those that the job has read."""
    there = tmp_path / "ana" / "in" / "box"
    file = settings(tmp_path, listen=f"127.0.0.1:{free_port()}")
    async with running(file) as up:
        who = login(up)
    async with job(tmp_path / "a", who, Mode.UPLOAD) as system:
        async with running(file):
            write(tmp_path / "a", {"old": b"old"})
            await run(system).execute()
            await run(system).execute()
        shutil.copytree(tmp_path / "state", tmp_path / "older")
        async with running(file):
            write(tmp_path / "a", {"a": b"a", "b": b"b"})
            assert (await run(system).execute()).files == 2
        shutil.rmtree(tmp_path / "state")
        (tmp_path / "older").rename(tmp_path / "state")
        (there / "a").unlink()
        async with running(file) as up, job(tmp_path / "other", who, Mode.UPLOAD) as other:
            write(tmp_path / "other", {f"other {n}": b"o" for n in range(9)})
            await run(other).execute()
            if restarted:
                await system.far.close()
                api = Api(who, time.monotonic)
                fresh = CargoTree(api, "default", "in/box", REAL, asyncio.Semaphore(1))
                system.far = fresh  # type: ignore[assignment]
            with pytest.raises(ProblemError, match="restored from an older state"):
                await run(system).execute()
            report = await run(system).execute(approved={Code.SERVER_RESTORED})
            assert (report.errors, report.files) == (0, 1), "what the server lost is sent again"
            assert {one.name for one in there.iterdir()} >= {"a", "b", "old", "other 8"}
            for turn in range(50):  # the server may take in what it lost between two looks
                await run(system).execute()
                there_now = await listed(tmp_path / f"b {turn}", login(up))
                if unread(mirror(system)) == unread(there_now):
                    break
            else:
                raise AssertionError("the job goes on believing what is not so")


async def test_an_own_upload_whose_deletion_the_server_has_forgotten_is_gone(
    tmp_path: Path,
) -> None:
    """The job has found an empty server, so it knows the server up to no change at all."""
    file = settings(tmp_path, listen=f"127.0.0.1:{free_port()}")
    async with running(file) as up:
        who = login(up)
    async with job(tmp_path / "a", who, Mode.UPLOAD) as system:
        async with (
            running(file),
            job(tmp_path / "b", who, Mode.DOWNLOAD, after=After.DELETE) as other,
        ):
            write(tmp_path / "a", {"a": b"a", "b": b"b"})
            await run(system).execute()
            (tmp_path / "a" / "here" / "b").write_bytes(b"changed")
            await run(other).execute()
        with SqliteDatabase.open(str(tmp_path / "state" / "state.db"), "server") as database:
            catalogue = StoredCatalogue(database)
            catalogue.mark(1e12, 0.0)
            catalogue.forget_gone(1e12 + 1, 10)
        async with running(file):
            with heard(system) as asked:
                report = await run(system).execute()
            assert [one.versions for one in asked.own] == [2, 0]
            assert (report.errors, report.files) == (0, 1), "nothing is in the way of the new one"
            await run(system).execute()
            assert mirror(system) == await listed(tmp_path / "c", who)
