"""The server's page of files, as a person uses it."""

import io
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.config.grants import Grant
from cargo_sync.machines.quota import Quota
from tests.browser.looking import looked_at, no_barriers, screens
from tests.server.house import PASSWORDS, House, living

pytestmark = pytest.mark.asyncio(loop_scope="session")

PIECE = 8 * 2**20
HOSTILE = "<img src=x onerror=alert(1)>\u202egpj.exe"


async def log_in(page: Any, house: House, user: str = "ana", password: str = "") -> None:
    await page.goto(f"http://127.0.0.1:{house.port}/")
    await page.get_by_label("User").fill(user)
    await page.get_by_label("Password").fill(password or PASSWORDS[user])
    await page.get_by_role("button", name="Log in").click()


def fill(house: House, files: dict[str, bytes], user: str = "ana") -> None:
    for name, content in files.items():
        there = house.folders[user] / name
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(content)
    house.intake(user)


def row(page: Any, name: str) -> Any:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name, exact=True))


async def gone(page: Any, name: str) -> None:
    await row(page, name).wait_for(state="detached")


async def saved(page: Any, act: Any) -> tuple[str, bytes]:
    """The name and the content of the download that `act` begins."""
    async with page.expect_download() as waiting:
        await act()
    download = await waiting.value
    return download.suggested_filename, Path(await download.path()).read_bytes()


async def test_a_person_logs_in_and_looks_around(page: Any, tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        fill(house, {f"holidays/{HOSTILE}": b"x", "holidays/a.jpg": bytes(2048), "todo.txt": b"x"})
        fill(house, {f"holidays/IMG_{n:04}.jpg": bytes(n * 997) for n in range(2041, 2052)})
        fill(
            house,
            {"holidays/sent/1": b"", "holidays/raw/1": b"", "holidays/plan.pdf": bytes(9_000)},
        )
        await page.goto(f"http://127.0.0.1:{house.port}/")
        await page.get_by_label("User").wait_for()
        await no_barriers(page)
        await screens(page, "files-login")
        await log_in(page, house, password="wrong")
        assert "wrong" in await page.get_by_role("alert").inner_text()
        await log_in(page, house)
        await row(page, "todo.txt").wait_for()
        await no_barriers(page)
        await page.get_by_role("link", name="holidays").click()
        await row(page, "a.jpg").wait_for()
        # A name is text: nothing of it runs, and what turns the reading direction is shown.
        assert await page.get_by_text("<img src=x onerror=alert(1)>\\u202egpj.exe").count() == 1
        assert await page.locator("main img").count() == 0
        assert "2.0 kB" in await row(page, "a.jpg").inner_text()
        await screens(page, "files-folder")
        # The keyboard alone: along the rows, and back by the address.
        await page.keyboard.press("Tab")
        await row(page, "a.jpg").focus()
        await page.keyboard.press("Space")
        assert "1 entry chosen" in await page.locator("main").inner_text()
        await page.go_back()
        await row(page, "todo.txt").wait_for()
        await page.reload()
        await row(page, "todo.txt").wait_for()
        await page.get_by_role("button", name="You").click()
        await page.get_by_role("menuitem", name="Log out").click()
        await page.get_by_label("User").wait_for()
        assert await page.evaluate("sessionStorage.length") == 0


async def test_who_is_invited_chooses_a_password(page: Any, tmp_path: Path) -> None:
    token = "Zr0u5lXb8m2c1wq7TnKpLA"
    async with living(tmp_path) as house:
        await house.invitations.add("ana", token, 3_600.0)
        await page.goto(f"http://127.0.0.1:{house.port}/")
        await page.get_by_role("button", name="I have an invitation").click()
        await no_barriers(page)
        for line, says in (
            ("cargo:ana", "this is no invitation"),
            (f"cargo://ana@files.example:8443#.{token}", "the two passwords differ"),
        ):
            await page.get_by_label("Invitation").fill(line)
            await page.get_by_label("New password").fill("seven horses")
            await page.keyboard.press("Enter")
            await page.get_by_label("The same again").fill("eight horses")
            await page.keyboard.press("Enter")
            await page.get_by_text(says).wait_for()
        await page.get_by_label("The same again").fill("seven horses")
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Upload").wait_for()
        await page.evaluate("sessionStorage.clear()")
        await log_in(page, house, password="seven horses")
        await page.get_by_role("button", name="Upload").wait_for()


async def test_files_are_uploaded_and_what_stands_there_is_asked_about(
    page: Any, tmp_path: Path
) -> None:
    async with living(tmp_path / "srv") as house:
        fill(house, {"in/report.txt": b"before"})
        mine = tmp_path / "report.txt"
        mine.write_bytes(b"mine")
        os.utime(mine, (1_600_000_000, 1_600_000_000))
        await log_in(page, house)
        await page.get_by_role("link", name="in", exact=True).click()
        await row(page, "report.txt").wait_for()
        other = tmp_path / "other.txt"
        other.write_bytes(b"")
        await page.locator("input[type=file][multiple]").first.set_input_files([mine, other])
        await row(page, "other.txt").wait_for()
        await page.get_by_role("button", name="Keep both").wait_for()
        await no_barriers(page)
        await page.get_by_role("button", name="Keep both").click()
        await row(page, "report (2).txt").wait_for()
        folder = house.folders["ana"] / "in"
        assert (folder / "report.txt").read_bytes() == b"before"
        assert (folder / "report (2).txt").read_bytes() == b"mine"
        assert (folder / "report (2).txt").stat().st_mtime == 1_600_000_000
        await page.locator("input[type=file][multiple]").first.set_input_files(mine)
        await page.get_by_role("button", name="Replace").click()
        await page.get_by_text("3 files uploaded").wait_for()
        assert (folder / "report.txt").read_bytes() == b"mine"
        # Others' changes appear by themselves.
        await house.call("PUT", "/v1/files/default/in/from%20ben", b"x")
        await row(page, "from ben").wait_for()
        # A drop is as good as a choice.
        await page.evaluate(
            """() => {
              const data = new DataTransfer();
              data.items.add(new File(["dropped"], "dropped.txt"));
              for (const type of ["dragenter", "dragover", "drop"])
                dispatchEvent(new DragEvent(type, { dataTransfer: data, cancelable: true }));
            }"""
        )
        await row(page, "dropped.txt").wait_for()
        assert (folder / "dropped.txt").read_bytes() == b"dropped"


async def test_an_upload_cut_by_a_reload_goes_on_with_the_same_file(
    page: Any, tmp_path: Path
) -> None:
    film = tmp_path / "film.mov"
    film.write_bytes(os.urandom(PIECE + PIECE // 4))
    other = tmp_path / "other.mov"
    other.write_bytes(bytes(PIECE + PIECE // 4))
    async with living(tmp_path / "srv") as house:
        await log_in(page, house)
        pieces: list[str] = []

        async def but_the_second(route: Any) -> None:
            pieces.append(route.request.method)
            if pieces[-1] != "PATCH" or pieces.count("PATCH") != 2:
                await route.continue_()  # the second one waits until the page is left

        await page.route(re.compile("/v1/uploads/[0-9a-f]+$"), but_the_second)
        page.on("dialog", lambda dialog: dialog.accept())  # the page asks whether it may be left
        await page.locator("input[type=file][multiple]").first.set_input_files(film)
        await page.get_by_text("Uploading 1 file").wait_for()
        while pieces.count("PATCH") < 2:
            await page.wait_for_timeout(20)
        await page.reload()
        await page.get_by_text("8.4 MB of 10.5 MB have arrived").wait_for()
        await screens(page, "files-resume")
        await no_barriers(page)
        choose = page.get_by_role("button", name="Choose the file")

        async def chosen(path: Path) -> None:
            async with page.expect_file_chooser() as waiting:
                await choose.click()
            await (await waiting.value).set_files(path)

        await chosen(other)
        await page.get_by_text("its content differs").wait_for()
        await chosen(film)
        await page.get_by_text("1 file uploaded").wait_for()
        assert pieces.count("PATCH") == 3  # the first one was not sent again
        assert (house.folders["ana"] / "film.mov").read_bytes() == film.read_bytes()
        await row(page, "film.mov").wait_for()


async def test_an_upload_goes_on_when_its_user_has_logged_in_again(
    page: Any, tmp_path: Path
) -> None:
    film = tmp_path / "film.mov"
    film.write_bytes(bytes(PIECE + 7))
    async with living(tmp_path / "srv") as house:
        await log_in(page, house)
        pieces: list[str] = []

        async def logged_out(route: Any) -> None:
            pieces.append(route.request.headers["upload-offset"])
            if len(pieces) == 2:
                house.sessions.forget(frozenset({"ana"}))  # as with a restart of the server
            await route.continue_()

        await page.route(re.compile("/v1/uploads/[0-9a-f]+$"), logged_out)
        await page.locator("input[type=file][multiple]").first.set_input_files(film)
        again = page.get_by_role("dialog", name="Log in again")
        await again.get_by_label("Password").fill("wrong")
        await page.keyboard.press("Enter")
        await again.get_by_role("alert").wait_for()
        await no_barriers(page)
        await again.get_by_label("Password").fill(PASSWORDS["ana"])
        await page.keyboard.press("Enter")
        await page.get_by_text("1 file uploaded").wait_for()
        assert pieces == ["0", f"{PIECE}", f"{PIECE}"]
        await row(page, "film.mov").wait_for()


async def test_files_and_folders_are_saved(page: Any, tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        fill(house, {"top/a.html": b"<b>", "top/sub/b": b"b", HOSTILE: b"x"})
        await log_in(page, house)
        shown = HOSTILE.replace("\u202e", "\\u202e")
        name, content = await saved(page, page.get_by_text(shown).click)
        assert content == b"x"
        assert not set('<>:"/\\|?*\u202e') & set(name)

        async def as_zip() -> None:
            await page.get_by_role("button", name="What to do with top").click()
            await page.get_by_role("menuitem", name="Download as a zip").click()

        name, content = await saved(page, as_zip)
        assert name == "top.zip"
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            assert {one: opened.read(one) for one in opened.namelist()} == {
                "top/": b"", "top/a.html": b"<b>", "top/sub/": b"", "top/sub/b": b"b",
            }  # fmt: skip


async def test_folders_are_made_things_renamed_deleted_and_put_back(
    page: Any, tmp_path: Path
) -> None:
    async with living(tmp_path) as house:
        fill(house, {"old.txt": b"1", "box/in.txt": b"2"})
        await log_in(page, house)
        await page.get_by_role("button", name="New folder").click()
        await page.get_by_label("Name", exact=True).fill("a/b")
        await page.keyboard.press("Enter")
        await page.get_by_text("a name cannot have a slash").wait_for()
        await page.get_by_label("Name", exact=True).fill("new box")
        await page.keyboard.press("Enter")
        await row(page, "new box").wait_for()
        await row(page, "old.txt").focus()
        await page.keyboard.press("F2")
        await page.get_by_label("New name").fill("new.txt")
        await no_barriers(page)
        await page.keyboard.press("Enter")
        await row(page, "new.txt").wait_for()
        await gone(page, "old.txt")
        await row(page, "box").focus()
        await page.keyboard.press("Delete")
        await page.get_by_role("button", name="Delete", exact=True).click()
        await gone(page, "box")
        assert not (house.folders["ana"] / "box").exists()
        await page.get_by_role("button", name="Put back").click()
        await row(page, "box").wait_for()
        assert (house.folders["ana"] / "box" / "in.txt").read_bytes() == b"2"
        await row(page, "new.txt").focus()
        await page.keyboard.press("Delete")
        await page.get_by_role("button", name="Delete", exact=True).click()
        await gone(page, "new.txt")
        await page.get_by_role("link", name="Trash").click()
        await row(page, "new.txt").wait_for()
        await no_barriers(page)
        await screens(page, "files-trash")
        await page.get_by_role("button", name="Put back new.txt").click()
        await page.get_by_text("new.txt is back").wait_for()
        assert (house.folders["ana"] / "new.txt").read_bytes() == b"1"


async def test_things_are_moved_by_a_dialog_by_a_key_and_by_dragging(
    page: Any, tmp_path: Path
) -> None:
    async with living(tmp_path / "srv") as house:
        fill(house, {"a.txt": b"a", "b.txt": b"b", "c.txt": b"c", "in/deep/c.txt": b"other"})
        folder = house.folders["ana"]
        await log_in(page, house)
        await row(page, "a.txt").wait_for()
        await page.get_by_role("button", name="What to do with a.txt").click()
        await page.get_by_role("menuitem", name="Move to…").click()
        dialog = page.get_by_role("dialog", name="Move a.txt to…")
        await dialog.get_by_role("button", name="in", exact=True).wait_for()
        await screens(page, "files-move")
        await dialog.get_by_role("button", name="Move here").click()
        await dialog.get_by_text("it is in this folder already").wait_for()
        await no_barriers(page)
        await dialog.get_by_role("button", name="in", exact=True).click()
        await dialog.get_by_role("button", name="deep", exact=True).wait_for()
        await dialog.get_by_role("button", name="Move here").click()
        await page.get_by_text("a.txt is in in now").wait_for()
        assert (folder / "in/a.txt").read_bytes() == b"a"
        # By a key; a folder is not offered as its own place, and nothing is overwritten.
        await row(page, "c.txt").focus()
        await page.keyboard.press("m")
        dialog = page.get_by_role("dialog", name="Move c.txt to…")
        await dialog.get_by_role("button", name="in", exact=True).click()
        await dialog.get_by_role("button", name="deep", exact=True).click()
        await dialog.get_by_text("There is no folder in it.").wait_for()
        await dialog.get_by_role("button", name="Move here").click()
        await dialog.get_by_role("alert").wait_for()
        await page.keyboard.press("Escape")
        assert (folder / "in/deep/c.txt").read_bytes() == b"other"
        await row(page, "b.txt").drag_to(row(page, "in"))
        await page.get_by_text("b.txt is in in now").wait_for()
        assert (folder / "in/b.txt").read_bytes() == b"b"
        await page.get_by_role("link", name="in", exact=True).click()
        await row(page, "deep").drag_to(page.locator(".path > a").first)
        await gone(page, "deep")
        assert (folder / "deep/c.txt").read_bytes() == b"other"


async def test_a_phone_scrolls_in_one_direction_and_readers_see_no_tools(
    browser: Any, tmp_path: Path
) -> None:
    async with living(tmp_path) as house, looked_at(browser, scheme="dark", size="narrow") as page:
        fill(house, {f"{number:05}.jpg": b"" for number in range(3)}, "shared")
        await log_in(page, house, "ben")
        await page.get_by_role("link", name="shared").click()
        await row(page, "00000.jpg").wait_for()
        for name in ("Upload", "New folder"):
            assert await page.get_by_role("button", name=name).count() == 0
        assert await page.get_by_role("link", name="Trash").count() == 0
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390
        await no_barriers(page)


async def test_a_drop_box_takes_files_and_shows_only_their_names(page: Any, tmp_path: Path) -> None:
    report, film = tmp_path / "report.txt", tmp_path / "film.mov"
    report.write_bytes(b"ben's")
    film.write_bytes(bytes(PIECE + 7))
    async with living(tmp_path / "srv") as house:
        fill(house, {"in/report.txt": b"ana's"}, "shared")
        house.share({"ana": "rw", "ben": Grant("wo", "in")})
        await log_in(page, house, "ben")
        await page.get_by_role("link", name="shared").click()
        await page.get_by_text("This is a drop box").wait_for()
        assert await page.get_by_text("report.txt").count() == 0
        await page.locator("input[type=file][multiple]").first.set_input_files([report, film])
        await page.get_by_role("button", name="Keep both").wait_for()
        assert await page.get_by_role("button", name="Replace").count() == 0
        await page.get_by_role("button", name="Keep both").click()
        await page.get_by_text("2 files uploaded").wait_for()
        await row(page, "report (2).txt").wait_for()
        await row(page, "film.mov").wait_for()
        for name in ("Download all", "What to do with film.mov"):
            assert await page.get_by_role("button", name=name).count() == 0
        await no_barriers(page)
        there = house.folders["shared"] / "in"
        assert (there / "report.txt").read_bytes() == b"ana's"
        assert (there / "report (2).txt").read_bytes() == b"ben's"
        assert (there / "film.mov").stat().st_size == PIECE + 7


async def test_a_quota_is_told_and_what_is_over_it_is_refused(page: Any, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(3_000))
    async with living(tmp_path / "srv") as house:
        fill(house, {"a": bytes(1_500)})
        house.workspace("ana").quotas.allow({"ana": Quota(bytes=4_000)}, lambda _: None)
        await log_in(page, house)
        await page.get_by_text("1.5 kB of 4.0 kB used").wait_for()
        await page.locator("input[type=file][multiple]").first.set_input_files(large)
        await page.get_by_text("1 failed").wait_for()
        assert "quota" in await page.locator("cargo-uploads").inner_text()
        house.workspace("ana").quotas.allow({"ana": Quota(bytes=5_000)}, lambda _: None)
        await page.get_by_role("button", name="Try again").click()
        await page.get_by_text("4.5 kB of 5.0 kB used").wait_for()
        assert (house.folders["ana"] / "large.bin").stat().st_size == 3_000


async def test_a_large_folder_is_read_and_drawn_in_parts(page: Any, tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        fill(house, {f"{number:05}": b"" for number in range(2_500)})
        await log_in(page, house)
        await row(page, "00000").wait_for()
        assert await page.get_by_role("row").count() < 100
        await row(page, "00000").focus()
        await page.keyboard.press("End")
        await row(page, "02003").wait_for(state="attached")  # of the second page
        await page.keyboard.press("End")
        await row(page, "02499").wait_for()
        assert await page.get_by_role("row").count() < 100
