"""The pages of servers, as a person uses them: real programs, a real browser."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from cargo_sync.api.addresses import instance_addresses
from cargo_sync.api.client import Client
from tests.browser.fleet import Fleet
from tests.browser.looking import no_barriers, screens
from tests.e2e.processes import Place
from tests.ports import free_port

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="module")
def fleet(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The programs, with a job that has brought a file to the server."""
    place = Place(tmp_path_factory.mktemp("servers"))
    fleet = Fleet(place)
    try:
        clips = place.job("clips", remote_dir="clips", speed="4mbps")
        (clips / "clip 12.mov").write_bytes(b"x" * 50_000)
        fleet.start("server")
        place.until_state("clips", "synced")
        fleet.login = fleet.log_in()
        yield fleet
    finally:
        fleet.close()
        place.close()


async def test_a_server_at_a_glance_and_its_flows(fleet: Fleet, page: Any) -> None:
    await fleet.visit(page)
    await page.get_by_role("link", name="Servers").click()
    card = page.get_by_role("region", name="server")
    await card.get_by_text("1 user").wait_for()
    await no_barriers(page)
    await card.get_by_role("link", name="server").click()
    await page.get_by_role("heading", name="server", level=1).wait_for()
    await page.get_by_text("Nobody moves files now.").wait_for()
    (fleet.place.folder / "clips" / "clip 13.mov").write_bytes(b"y" * 3_000_000)
    speed = page.get_by_role("region", name="Speed")
    await speed.get_by_role("img", name="Uploads: now").wait_for()
    flows = page.get_by_role("grid", name="Flows")
    await flows.get_by_role("rowheader", name="ana").wait_for()
    await screens(page, "server")
    await no_barriers(page)
    await page.get_by_role("button", name="Change…").click()
    await page.get_by_label("All uploads together").fill("80mbps")
    await page.get_by_role("dialog").get_by_role("button", name="Set").click()
    await page.get_by_role("region", name="Bandwidth").get_by_text("80mbps").wait_for()
    with Client(instance_addresses(str(fleet.place.runtime), "server").commands) as server:
        assert server.call("bandwidth.show")["bandwidth"][0]["now"] == 80_000_000


async def test_a_user_is_added_limited_granted_and_disabled(fleet: Fleet, page: Any) -> None:
    place = fleet.place
    await fleet.visit(page, "server/server/users")
    await page.get_by_role("button", name="Add a user…").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("mia")
    await dialog.get_by_label("Folder").fill(str(place.folder / "mia"))
    await dialog.get_by_role("button", name="Add").click()
    await dialog.get_by_text("Password is missing").wait_for()
    await dialog.get_by_label("Password").fill("canary-5c22")
    await no_barriers(page)
    await dialog.get_by_role("button", name="Add").click()
    mia = page.get_by_role("row", name="mia")
    await mia.get_by_text("may log in").wait_for()
    await mia.get_by_role("button", name="More about mia").click()
    await page.get_by_role("menuitem", name="Limits…").click()
    await dialog.get_by_label("One upload").fill("fast")
    await dialog.get_by_role("button", name="Set").click()
    await dialog.get_by_role("alert").wait_for()
    await dialog.get_by_label("One upload").fill("10mbps")
    await dialog.get_by_label("Quota").fill("2MB")
    await dialog.get_by_label("May log in until").fill("2037-01-31")
    await dialog.get_by_role("button", name="Set").click()
    await mia.get_by_text("10mbps · until 2037-02-01").wait_for()
    await mia.get_by_text("of 2.0 MB").wait_for()
    await no_barriers(page)
    await mia.get_by_role("button", name="More about mia").click()
    await page.get_by_role("menuitem", name="Disable…").click()
    await dialog.get_by_role("button", name="Disable").click()
    await mia.get_by_text("disabled").wait_for()
    await page.get_by_role("link", name="Workspaces").click()
    await page.get_by_role("button", name="Add a workspace…").click()
    (place.folder / "music").mkdir()
    await dialog.get_by_label("Name").fill("music")
    await dialog.get_by_label("Folder").fill(str(place.folder / "music"))
    await dialog.get_by_role("button", name="Add").click()
    await page.get_by_role("button", name="More about music").click()
    await page.get_by_role("menuitem", name="Grant…").click()
    await dialog.get_by_label("User").select_option("mia")
    await dialog.get_by_label("May").select_option("ro")
    await dialog.get_by_role("button", name="Grant").click()
    await page.get_by_text("only read").wait_for()
    await no_barriers(page)
    await page.get_by_role("link", name="Audit").click()
    audit = page.get_by_role("grid", name="Audit, newest first")
    await audit.get_by_text("for ben").first.wait_for()
    await audit.get_by_role("rowheader", name="workspace.grant").wait_for()
    await no_barriers(page)
    assert "canary-5c22" not in await page.content()


async def test_an_invitation_from_the_page_sets_up_a_job_of_a_daemon(
    fleet: Fleet, page: Any
) -> None:
    place = fleet.place
    await fleet.visit(page, "server/server/users")
    files = page.get_by_role("link", name="Its files")
    assert await files.get_attribute("href") == f"http://127.0.0.1:{place.api}/"
    await page.get_by_role("button", name="Invite…").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("kim")
    await dialog.get_by_role("button", name="Invite").click()
    await dialog.get_by_role("alert").wait_for()  # there is no `users_dir`
    await no_barriers(page)
    await dialog.get_by_label("Folder on the server's machine").fill(str(place.folder / "kim"))
    await dialog.get_by_label("It works for").select_option("3600")
    await dialog.get_by_role("button", name="Invite").click()
    line = await dialog.get_by_label("The invitation").text_content()
    assert line.startswith(f"cargo+http://kim@127.0.0.1:{place.api}#")
    await no_barriers(page)
    await dialog.get_by_role("button", name="Close").last.click()
    await page.get_by_role("row", name="kim").get_by_text("may log in").wait_for()
    (place.folder / "given").mkdir()
    (place.folder / "given" / "first.jpg").write_bytes(b"a picture")
    invitation = place.folder / "invitation"
    invitation.write_text(line)
    made = place.run(
        "cargo_sync", "init", "job", "--invite-file", str(invitation),
        "--folder", str(place.folder / "given"), "--mode", "up", "--yes",
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    there = place.folder / "kim" / "first.jpg"
    await asyncio.to_thread(place.until, there.exists, "the daemon has taken the job")
    with Client(instance_addresses(str(place.runtime), "server").commands) as server:
        assert server.call("user.invitation.list") == {"invitations": []}
        assert server.call("user.show", {"user": "kim"})["devices"]


async def test_a_storage_node_is_invited_checked_drained_and_removed(
    fleet: Fleet, page: Any
) -> None:
    place = fleet.place
    await fleet.visit(page, "server/server/nodes")
    await page.get_by_text("This server has no storage nodes.").wait_for()
    await page.get_by_role("button", name="Invite a node…").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("cellar")
    await dialog.get_by_label("Zone").fill("house1")
    await dialog.get_by_role("button", name="Invite").click()
    line = await dialog.get_by_label("The invitation").text_content()
    await no_barriers(page)
    await dialog.get_by_role("button", name="Close").last.click()
    invitation, settings = place.folder / "node-invitation", str(place.folder / "node.json")
    invitation.write_text(line)
    made = place.run(
        "cargo_sync", "init", "node", settings, "--invite-file", str(invitation),
        "--folder", str(place.folder / "cellar"), "--address", "127.0.0.1",
        "--port", str(free_port()), "--lane-port", str(free_port()), "--yes",
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    place.begin("cellar", "node", "--config", settings)
    cellar = page.get_by_role("row", name="cellar")
    await cellar.get_by_text("up", exact=True).wait_for()
    await cellar.get_by_text("house1").wait_for()
    await screens(page, "nodes")
    await no_barriers(page)

    async def choose(action: str, button: str) -> None:
        await cellar.get_by_role("button", name="More about cellar").click()
        await page.get_by_role("menuitem", name=action, exact=True).click()
        await dialog.get_by_role("button", name=button, exact=True).click()

    await choose("Check all copies…", "Check")
    await choose("Remove…", "Remove")
    await dialog.get_by_role("alert").wait_for()  # it is not drained
    await dialog.get_by_role("button", name="Cancel").click()
    await choose("Drain…", "Drain")
    await cellar.get_by_text("draining", exact=True).wait_for()
    await no_barriers(page)
    await choose("Remove…", "Remove")
    await page.get_by_text("This server has no storage nodes.").wait_for()
    with Client(instance_addresses(str(place.runtime), "server").commands) as server:
        assert server.call("node.list")["nodes"] == []


async def test_a_phone_scrolls_down_only(fleet: Fleet, page: Any) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await fleet.visit(page, "servers")
    tabs = ("", "/users", "/nodes", "/log")
    for where in ("servers", *(f"server/server{tab}" for tab in tabs)):
        await page.goto(f"{fleet.url}#/{where}")
        await page.get_by_role("heading", level=1).first.wait_for()
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, (where, wide)


async def test_what_arrived_is_found_by_its_name(fleet: Fleet, page: Any) -> None:
    await fleet.visit(page, "server/server/files")
    files = page.get_by_role("grid", name="What happened to files")
    await files.get_by_role("rowheader", name="clip 12.mov").wait_for()
    await page.get_by_label("Search by path").fill("clip 12*")
    await files.get_by_role("rowheader", name="clip 13.mov").wait_for(state="hidden")
    row = files.get_by_role("row", name="clip 12.mov")
    await row.get_by_role("gridcell", name="ana").wait_for()
    await screens(page, "arrivals")
    await no_barriers(page)
    await page.get_by_role("link", name="Log").click()
    await page.get_by_role("grid", name="Log, newest first").get_by_role("row").nth(1).wait_for()
    await no_barriers(page)
