"""Downloads that a browser makes by itself: one file, or an archive."""

import io
import logging
import os
import zipfile
from pathlib import Path

import pytest

from cargo_sync.server.http.content import archive, tickets
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace
from tests.server.house import Answer, House, living


async def ask(
    house: House, *paths: str, form: str = "file", ws: str = "default", user: str = "ana"
) -> Answer:
    body = {"workspace": ws, "paths": paths, "as": form}
    return await house.call("POST", "/v1/tickets", body, user=user)


async def use(house: House, ticket: Answer, **headers: str) -> Answer:
    """What a browser does: it sends no token."""
    assert ticket.status == 201, ticket.body
    return await house.call("GET", ticket.json["url"], user="", headers=headers)


async def unzipped(house: House, *paths: str, ws: str = "default") -> dict[str, bytes]:
    answer = await use(house, await ask(house, *paths, form="zip", ws=ws))
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.body)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


def fill(house: House, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        there = house.folders["ana"] / name
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(content)
        os.utime(there, (1_700_000_001, 1_700_000_001))
    house.intake("ana")


async def test_a_file_is_saved_without_a_login_in_the_request(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        fill(house, {"a/page.html": b"<script>alert(1)</script>"})
        ticket = await ask(house, "a/page.html")
        assert ticket.json["expires_in"] == 600
        answer = await use(house, ticket)
        assert answer.body == b"<script>alert(1)</script>"
        assert answer.headers["Content-Disposition"] == (
            "attachment; filename=\"page.html\"; filename*=UTF-8''page.html"
        )
        assert answer.headers["Content-Security-Policy"] == "sandbox"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_cut_download_goes_on_for_an_hour(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        fill(house, {"a": b"0123456789"})
        ticket = await ask(house, "a")
        first = await use(house, ticket)
        house.clock.now += 3_599
        rest = await use(house, ticket, Range="bytes=4-", **{"If-Range": first.headers["ETag"]})
        assert (rest.status, rest.body) == (206, b"456789")
        house.clock.now += 2
        assert (await use(house, ticket)).code == "unknown"


async def test_it_must_begin_within_ten_minutes(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        fill(house, {"a": b"x"})
        ticket = await ask(house, "a")
        house.clock.now += 600
        assert (await use(house, ticket)).code == "unknown"


async def test_it_is_for_one_version(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        fill(house, {"a": b"x"})
        ticket = await ask(house, "a")
        fill(house, {"a": b"another"})
        assert (await use(house, ticket)).code == "changed"
        (house.folders["ana"] / "a").unlink()
        house.intake("ana")
        assert (await use(house, ticket)).code == "changed"


async def test_it_ends_with_its_login_and_its_permission(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        await house.call("PUT", "/v1/files/shared/a", b"x")
        tickets = [await ask(house, "a", ws="shared", user=user) for user in ("ana", "ben")]
        assert [(await use(house, one)).status for one in tickets] == [200, 200]
        house.share({"ana": "rw"})
        assert [(await use(house, one)).status for one in tickets] == [200, 404]
        assert (await house.call("POST", "/v1/logout")).status == 200
        assert (await use(house, tickets[0])).status == 401
        assert (await house.call("GET", "/v1/workspaces")).status == 401


async def test_a_guessed_one_is_unknown(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        assert (await house.call("GET", f"/v1/tickets/{'0' * 32}", user="")).status == 404


async def test_what_cannot_be_had_gets_no_ticket(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        fill(house, {"folder/a": b"x"})
        for paths, form, code in (
            (["b"], "file", "unknown"),
            (["folder"], "file", "bad_request"),
            (["folder/a", "folder"], "file", "bad_request"),
            (["../a"], "file", "bad_path"),
            ([], "zip", "bad_request"),
            (["folder", "b"], "zip", "unknown"),
            (["folder"], "tar", "bad_request"),
        ):
            assert (await ask(house, *paths, form=form)).code == code, paths
        assert (await ask(house, "folder/a", ws="other")).code == "unknown"
        assert (await ask(house, "folder/a", user="")).status == 401


async def test_a_user_has_a_hundred_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tickets, "PER_USER", 2)
    async with living(tmp_path) as house:
        fill(house, {"a": b"x"})
        made = [await ask(house, "a") for _ in range(3)]
        assert [(await use(house, one)).status for one in made] == [404, 200, 200]


async def test_a_folder_comes_as_an_archive(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        big = os.urandom(3 * archive.CHUNK + 5)
        fill(house, {"top/a/b.txt": b"b", "top/big": big, "top/empty": b"", "other": b"no"})
        (house.folders["ana"] / "top" / "nothing").mkdir()
        house.intake("ana")
        assert await unzipped(house, "top") == {
            "top/": b"", "top/big": big, "top/empty": b"", "top/a/": b"", "top/a/b.txt": b"b",
            "top/nothing/": b"",
        }  # fmt: skip


async def test_names_in_it_begin_where_the_selection_does(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        fill(house, {"top/a/1": b"1", "top/a/2": b"2", "top/b/1": b"3"})
        names = await unzipped(house, "top/a/1", "top/a/2")
        assert names == {"1": b"1", "2": b"2"}
        assert await unzipped(house, "top/a/1", "top/b", "top/b/1") == {
            "a/1": b"1", "b/": b"", "b/1": b"3",
        }  # fmt: skip
        assert set(await unzipped(house, "")) == {
            "top/", "top/a/", "top/a/1", "top/a/2", "top/b/", "top/b/1",
        }  # fmt: skip


async def test_an_archive_is_called_as_what_is_in_it(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        fill(house, {"top/a/1": b"1", "top/a/2": b"2"})
        for paths, name in (
            (["top"], "top.zip"), (["top/a/1", "top/a/2"], "a.zip"), (["top/a/1"], "1.zip"),
            ([""], "default.zip"), (["top"], "top.zip"),
        ):  # fmt: skip
            header = (await use(house, await ask(house, *paths, form="zip"))).headers
            assert f'filename="{name}"' in header["Content-Disposition"]


async def test_times_and_modes_are_kept(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        fill(house, {"top/run": b"x"})
        (house.folders["ana"] / "top" / "run").chmod(0o750)
        house.intake("ana")
        answer = await use(house, await ask(house, "top", form="zip"))
        with zipfile.ZipFile(io.BytesIO(answer.body)) as opened:
            info = opened.getinfo("top/run")
        assert info.date_time == (2023, 11, 14, 22, 13, 20)  # an even second, in UTC
        assert info.extra == b"UT\x05\x00\x01" + (1_700_000_001).to_bytes(4, "little")
        assert info.external_attr >> 16 & 0o777 == 0o750


async def test_hostile_names_are_harmless_in_an_archive(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        fill(house, {"top/..\\..\\evil.bat": b"1", "top/C:x": b"2", "top/plain": b"3"})
        names = set(await unzipped(house, "top"))
        assert not any(set('\\:"') & set(name) for name in names)
        assert {"top/", "top/plain"} < names and len(names) == 4


async def test_one_failing_file_is_told_at_the_end_and_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with living(tmp_path) as house:
        fill(house, {"top/a": b"a", "top/gone": b"b", "top/z": b"z"})
        (house.folders["ana"] / "top" / "link").symlink_to("a")
        house.intake("ana")
        opened = FolderWorkspace.open

        def vanishes(self: FolderWorkspace, path: str) -> object:
            if path == "top/gone":
                (house.folders["ana"] / path).unlink()
            return opened(self, path)

        monkeypatch.setattr(FolderWorkspace, "open", vanishes)
        with caplog.at_level(logging.WARNING):
            found = await unzipped(house, "top")
        report = found.pop(archive.FAILED).decode()
        assert found == {"top/": b"", "top/a": b"a", "top/z": b"z"}
        assert "top/gone: 'top/gone' is not there any more" in report
        assert "top/link: 'top/link' is a symbolic link" in report
        assert "top/gone" in caplog.text


async def test_a_file_that_changes_meanwhile_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "CHUNK", 4)
    async with living(tmp_path) as house:
        fill(house, {"top/a": b"0123456789", "top/b": b"b"})
        info = archive._info

        def grows(name: str, *args: object) -> object:
            if name == "top/a":
                (house.folders["ana"] / "top" / "a").write_bytes(b"another one")
            return info(name, *args)  # type: ignore[arg-type]

        monkeypatch.setattr(archive, "_info", grows)
        found = await unzipped(house, "top")
        assert found["top/b"] == b"b"
        assert "top/a: 'top/a' changed while it was read" in found[archive.FAILED].decode()


async def test_an_archive_has_so_many_entries_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST", 3)
    monkeypatch.setattr(archive, "PAGE", 2)
    async with living(tmp_path) as house:
        fill(house, {f"top/{number}": b"x" for number in range(5)})
        found = await unzipped(house, "top")
        assert len(found) == 4
        assert "at most 3 entries" in found[archive.FAILED].decode()
