"""The pages of jobs, as a person uses them: real programs, a real browser."""

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import pytest

from cargo_ctl.render import words
from tests.browser.fleet import PASSWORD, USER, Fleet
from tests.browser.looking import SIZES, looked_at, no_barriers, screens
from tests.e2e.processes import Place

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = "<img src=x onerror=alert(1)> \u202egpj.exe"
_MOVED = """
window.moved = [];
const name = ({ node, previousRect, currentRect }) =>
  `${node?.outerHTML?.slice(0, 80)}: ${JSON.stringify([previousRect, currentRect])}`;
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.moved.push(...one.sources.map(name));
}).observe({ type: "layout-shift", buffered: true });
"""
SHOWN = "<img src=x onerror=alert(1)> \\u202egpj.exe"


@pytest.fixture(scope="module")
def fleet(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The programs, with jobs that have done their first runs."""
    place = Place(tmp_path_factory.mktemp("fleet"))
    fleet = Fleet(place)
    try:
        photos = place.job("photos", speed="2mbps", remote_dir="photos", enabled=False)
        for number in range(2_000):
            (photos / f"{number:04}.jpg").write_bytes(os.urandom(4_000))
        cleanup = place.job("cleanup", delete="propagate", remote_dir="cleanup")
        for number in range(12):
            (cleanup / f"old {number}.txt").write_bytes(b"old")
        both = place.job("both", "bidirectional", conflicts="ask", remote_dir="both")
        both.mkdir()
        (both / "plan.txt").write_bytes(b"agreed")
        hostile = place.job("hostile", sync_name=HOSTILE, remote_dir="hostile")
        (hostile / HOSTILE).write_bytes(b"x")
        fleet.start("daemon")
        for job in ("cleanup", "both", HOSTILE):
            place.until_state(job, "synced")
        place.until(lambda: (place.files / "both" / "plan.txt").exists(), "the first run is done")
        fleet.login = fleet.log_in()
        yield fleet
    finally:
        fleet.close()
        place.close()


async def until(fleet: Fleet, holds: Callable[[], object], what: str) -> None:
    await asyncio.to_thread(fleet.place.until, holds, what)


async def test_the_link_logs_in_once_and_a_password_always(fleet: Fleet, page: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/api/")[2]))
    await page.goto(fleet.link)
    await page.get_by_role("grid", name="Jobs").wait_for()
    assert "key" not in page.url
    assert [one for one in asked if one in ("enter", "feed?view=jobs")] == [
        "enter",
        "feed?view=jobs",
    ]
    await page.get_by_role("button", name="You").click()
    await page.get_by_role("menuitem", name="Log out").click()
    await page.get_by_label("User").wait_for()
    await page.evaluate("(link) => (location.href = link)", fleet.link)  # into the page's address
    await page.get_by_text("this link was used already").wait_for()
    assert "key" not in page.url
    await page.get_by_label("User").fill(USER)
    await page.get_by_label("Password").fill("wrong")
    await no_barriers(page)
    await page.get_by_role("button", name="Log in").click()
    await page.get_by_text("the name or the password is wrong").wait_for()
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await page.get_by_role("grid", name="Jobs").wait_for()


@pytest.mark.parametrize("size", SIZES)
async def test_the_frame_comes_first_then_rows_then_the_chart_and_nothing_moves(
    fleet: Fleet, browser: Any, size: str
) -> None:
    asked: list[str] = []
    gates = {name: asyncio.Event() for name in ("page", "later")}

    async def held(route: Any) -> None:
        await gates[route.request.url.rpartition("/")[2].partition(".")[0]].wait()
        await route.continue_()

    async with looked_at(browser, size=size) as page:
        await page.add_init_script(_MOVED)
        for name in gates:
            await page.route(f"**/page/{name}.*.js", held)
        page.on("request", lambda request: asked.append(request.url))
        await fleet.visit(page, until="commit")
        # Without the page's script; the text is what stays.
        nav = page.get_by_role("navigation", name="Pages")
        frame = [
            nav.get_by_role("link", name="Jobs"),
            page.get_by_role("button", name="You"),
            page.get_by_role("heading", level=1),
            page.get_by_role("heading", name="Speed and files"),
            page.get_by_text("Day", exact=True),
            page.get_by_role("button", name="All"),
            page.get_by_role("searchbox", name="Search jobs"),
        ]
        places = [await _corner(one) for one in frame]
        await frame[-1].fill("clean")  # by somebody who is quicker than the script
        gates["page"].set()
        row = page.get_by_role("row", name="cleanup")
        await row.wait_for()
        assert await page.locator("[role=rowheader]").count() == 1
        places.append(await _corner(row))
        gates["later"].set()
        await page.locator("cargo-rates cargo-chart").get_by_text(":").first.wait_for()
        assert [await _corner(one) for one in [*frame, row]] == places
        assert await page.evaluate("window.moved") == []
        assert sum("api/feed" in one for one in asked) == 1, "the early one was taken"


async def _corner(element: Any) -> tuple[float, float]:
    box = await element.bounding_box()
    return box["x"], box["y"]


async def test_a_long_list_fills_the_window(fleet: Fleet, page: Any) -> None:
    await page.goto(fleet.url)
    await page.get_by_label("User").wait_for()
    await page.evaluate("""() => {
      const table = document.createElement("cargo-table");
      table.columns = [{ key: "key", title: "Number", text: (item) => item.key }];
      table.items = Array.from({ length: 500 }, (_, number) => ({ key: String(number) }));
      document.body.replaceChildren(table);
    }""")
    # They are 36 pixels high; some are beyond the edge, and never all are drawn.
    await page.locator(".rows > .row").nth(800 // 36).wait_for(state="attached")
    assert await page.locator(".rows > .row").count() < 100


async def test_bars_live_while_2000_files_move_and_a_pause_holds_them(
    fleet: Fleet, page: Any
) -> None:
    place = fleet.place
    await fleet.visit(page)
    row = page.get_by_role("row", name="photos")
    await row.get_by_text("disabled").wait_for()
    place.edit("photos", enabled=True)
    bar = page.get_by_role("progressbar", name="progress of photos")
    shares: set[str | None] = set()
    while len(shares) < 3:
        shares.add(await bar.get_attribute("aria-valuenow"))
        assert len(shares) < 3 or shares - {"0", "100"}
    await screens(page, "jobs")
    await no_barriers(page)
    await row.get_by_role("button", name="Pause photos").click()
    await row.get_by_text("paused", exact=True).wait_for()
    assert place.shown("photos")["state"] == "paused"
    await row.get_by_role("button", name="Start photos").click()
    await row.get_by_text("syncing", exact=True).wait_for()
    await row.get_by_role("button", name="More about photos").click()
    await page.get_by_role("menuitem", name="Speed…").click()
    await page.get_by_role("button", name="No limit").click()
    await row.get_by_text("synced", exact=True).wait_for(timeout=30_000)
    await row.get_by_text("just now").wait_for()
    assert len(list((place.files / "photos").iterdir())) == 2_000


async def test_a_held_run_is_approved_and_a_file_put_back(fleet: Fleet, page: Any) -> None:
    place = fleet.place
    place.call("job.pause", job="cleanup")
    for old in (place.folder / "cleanup").iterdir():
        old.unlink()
    place.call("job.start", job="cleanup")
    await until(fleet, lambda: place.shown("cleanup")["state"] == "held", "it is held")
    await fleet.visit(page)
    await page.get_by_role("heading", name="1 job needs you").wait_for()
    first = page.get_by_role("row").nth(1)
    await first.get_by_role("link", name="cleanup").click()
    await page.get_by_role("heading", name="This waits for you").wait_for()
    await page.get_by_text("old 0.txt", exact=True).wait_for()
    await screens(page, "held")
    await no_barriers(page)
    await page.get_by_role("link", name="Preview").click()
    steps = page.get_by_role("grid", name="Steps of the next run")
    await steps.get_by_role("rowheader", name="old 3.txt").wait_for()
    await screens(page, "preview")
    await no_barriers(page)
    await page.get_by_role("link", name="Overview").click()
    await page.get_by_role("button", name="Approve…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    await page.get_by_text("synced", exact=True).first.wait_for()
    gone = place.files / "cleanup" / "old 5.txt"
    await until(fleet, lambda: not gone.exists(), "it was deleted")
    await page.get_by_role("link", name="Trash").click()
    trash = page.get_by_role("grid", name="Versions in the trash")
    await trash.get_by_role("rowheader", name="old 5.txt").wait_for()
    await screens(page, "trash")
    await no_barriers(page)
    await page.get_by_label("Search the trash").fill("*5*")
    await trash.get_by_role("rowheader", name="old 4.txt").wait_for(state="hidden")
    await page.get_by_role("button", name="Put back old 5.txt").click()
    await page.get_by_text("old 5.txt is back").wait_for()
    assert gone.read_bytes() == b"old"


async def test_a_conflict_is_shown_side_by_side_and_resolved(fleet: Fleet, page: Any) -> None:
    place = fleet.place
    here, there = place.folder / "both" / "plan.txt", place.files / "both" / "plan.txt"
    place.call("job.pause", job="both")
    here.write_bytes(b"changed here")
    there.write_bytes(b"changed on the server")
    place.call("job.start", job="both")
    await until(fleet, lambda: place.shown("both")["conflicts"] == 1, "both were seen")
    await fleet.visit(page, "job/daemon/both/conflicts")
    server = page.get_by_role("region", name="On the server")
    await server.get_by_text("21 B").wait_for()
    await screens(page, "conflict")
    await no_barriers(page)
    await server.get_by_role("button", name="Keep this one: plan.txt").click()
    await page.get_by_text("No conflict waits for a decision.").wait_for()
    await until(fleet, lambda: here.read_bytes() == b"changed on the server", "it was done")


async def test_a_job_is_added_with_both_folders_browsed(fleet: Fleet, page: Any) -> None:
    place = fleet.place
    (place.folder / "drafts").mkdir()
    (place.folder / "drafts" / "a.txt").write_bytes(b"a")
    (place.files / "in").mkdir()
    await fleet.visit(page, "add")
    speed = page.get_by_label("Speed")
    await speed.fill("fast")
    await page.get_by_label("Name", exact=True).fill("drafts")
    await page.locator("[data-field=speed] .wrong").get_by_text('"fast"').wait_for()
    await no_barriers(page)
    await speed.fill("")
    await page.get_by_label("Address").fill(f"http://127.0.0.1:{place.api}")
    await page.locator("[data-field=local_dir]").get_by_role("button", name="Browse…").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="drafts").click()
    await dialog.get_by_text("There is no folder in it.").wait_for()
    await dialog.get_by_role("button", name="Choose this folder").click()
    await page.get_by_label("User").fill("ana")
    await page.get_by_label("Password", exact=True).fill("canary-9b1e")
    await page.locator("[data-field=remote_dir]").get_by_role("button", name="Browse…").click()
    await dialog.get_by_role("button", name="in", exact=True).click()
    await dialog.get_by_text("There is no folder in it.").wait_for()
    await dialog.get_by_role("button", name="Choose this folder").click()
    await page.get_by_label("The job's file").get_by_text("remote_dir").wait_for()
    await screens(page, "add")
    await page.get_by_role("button", name="Add the job").click()
    await page.get_by_role("heading", name="drafts").wait_for()
    await until(fleet, (place.files / "in" / "a.txt").exists, "it runs")
    await page.get_by_role("link", name="Settings").click()
    await page.get_by_label("The text of its file").get_by_text("<unchanged>").wait_for()
    assert "canary-9b1e" not in await page.content()


async def test_callbacks_guard_and_what_follows_a_transfer_are_asked_for(
    fleet: Fleet, page: Any
) -> None:
    place = fleet.place
    place.job("calls", remote_dir="calls", enabled=False, events={
        "onIdle": {"method": "GET", "url": "http://127.0.0.1:9/idle", "secret": "canary-3d11"},
    })  # fmt: skip
    await until(fleet, lambda: place.call("reload"), "it is known")
    await fleet.visit(page, "edit/daemon/calls")
    idle = page.get_by_role("group", name="Callback: The job has finished")
    await idle.get_by_label("Address").wait_for()
    assert await idle.get_by_label("Secret").input_value() == "<unchanged>"
    await page.get_by_role("button", name="Add a callback").click()
    arrived = page.get_by_role("group", name="Callback: A file has arrived")
    await arrived.get_by_label("Address").fill("http://{{ FILE_NAME }}/")
    await arrived.get_by_label("Body").fill("{")
    await arrived.get_by_label("Secret").focus()
    await arrived.get_by_text("this is not JSON").wait_for()
    await arrived.locator(".of-url .wrong:not([hidden])").wait_for()
    await arrived.get_by_label("Body").fill('{"file": "{{ FILE_NAME }}"}')
    await arrived.get_by_label("Address").fill("http://127.0.0.1:9/{{ FILE_NAME }}")
    await arrived.get_by_label("Method").scroll_into_view_if_needed()
    await screens(page, "callbacks")
    await arrived.get_by_label("Headers").fill("Authorization: canary-77aa")
    await page.get_by_label("After a file was delivered").select_option("move")
    await page.get_by_label("Move it to").fill("sent")
    await page.get_by_label("More than this part of the files").fill("7")
    await page.get_by_label("within").focus()
    await page.locator("[data-field='guard.share'] .wrong:not([hidden])").wait_for()
    await page.get_by_label("More than this part of the files").fill("0.25")
    await no_barriers(page)
    await page.get_by_role("button", name="Write the file").click()
    await page.get_by_role("heading", name="calls", exact=True).wait_for()
    written = json.loads((place.jobs / "calls.json").read_text())
    assert written["events"] == {
        "onIdle": {"method": "GET", "url": "http://127.0.0.1:9/idle", "secret": "canary-3d11"},
        "onFinish": {
            "method": "POST",
            "url": "http://127.0.0.1:9/{{ FILE_NAME }}",
            "body": {"file": "{{ FILE_NAME }}"},
            "headers": {"Authorization": "canary-77aa"},
        },
    }
    assert written["guard"] == {"share": 0.25}
    assert written["after_transfer"] == {"move": "sent"}
    await page.goto(f"{fleet.url}#/edit/daemon/calls")
    await arrived.get_by_label("Headers").wait_for()
    await page.get_by_role("button", name="Remove the callback: The job has finished").click()
    await page.get_by_label("Wait for a person before many files").uncheck()
    await page.get_by_label("More than this part of the files").wait_for(state="hidden")
    assert "canary-" not in await page.content()
    await page.get_by_role("button", name="Write the file").click()
    await page.get_by_role("heading", name="calls", exact=True).wait_for()
    again = json.loads((place.jobs / "calls.json").read_text())
    assert list(again["events"]) == ["onFinish"]
    assert again["events"]["onFinish"]["headers"] == {"Authorization": "canary-77aa"}
    assert again["guard"] is False


async def test_a_hostile_name_is_text(fleet: Fleet, page: Any) -> None:
    await fleet.visit(page)
    await page.get_by_role("link", name=SHOWN).click()
    await page.get_by_role("heading", name=SHOWN).wait_for()
    await page.get_by_role("link", name="History").click()
    history = page.get_by_role("grid", name="What happened")
    await history.get_by_role("rowheader", name=SHOWN).wait_for()
    await screens(page, "history")
    await no_barriers(page)
    assert await page.locator("img").count() == 0
    assert f"/{HOSTILE}/" in unquote(page.url)


async def test_the_page_says_that_the_daemon_is_gone_and_recovers(fleet: Fleet, page: Any) -> None:
    await fleet.visit(page)
    row = page.get_by_role("row", name="both")
    await row.wait_for()
    fleet.place.kill("daemon")
    await page.get_by_text("does not answer").first.wait_for()
    await screens(page, "away")
    await no_barriers(page)
    await asyncio.to_thread(fleet.place.start, "daemon")
    await page.get_by_role("status").get_by_text("does not answer").wait_for(state="hidden")
    await row.get_by_role("button", name="Pause both").click()
    await row.get_by_text("paused", exact=True).wait_for()


@pytest.mark.parametrize("tab", ["callbacks", "log", "test", "file"])
async def test_every_tab_of_a_job_is_free_of_barriers(fleet: Fleet, page: Any, tab: str) -> None:
    await fleet.visit(page, f"job/daemon/both/{tab}")
    await page.get_by_role("heading", name="both", level=1).wait_for()
    if tab == "test":
        await page.get_by_role("button", name="Test now").click()
        await page.get_by_text("Everything that a run needs is there.").wait_for()
        await screens(page, "test")
    await no_barriers(page)


async def test_a_phone_scrolls_down_only(fleet: Fleet, page: Any) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await fleet.visit(page)
    await page.get_by_role("row", name="both").wait_for()
    for where in ("", "job/daemon/both", "job/daemon/cleanup/trash", "add"):
        await page.goto(f"{fleet.url}#/{where}")
        await page.get_by_role("heading", level=1).first.wait_for()
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, (where, wide)


async def test_the_words_of_the_page_are_those_of_the_terminal(fleet: Fleet, page: Any) -> None:
    await page.goto(fleet.url)
    calls: list[tuple[Callable[[Any], str], Any]] = [
        *((words.size, one) for one in (0, 999, 1000, 999_949, 999_960, 1_234_567, 5e15)),
        *((words.rate, one) for one in (0, 7_999, 1e8)),
        *((words.speed, one) for one in (999, 1e7, 1.5e9)),
        *((words.duration, one) for one in (0, 45.4, 60, 200, 3600, 90_000, 172_800)),
        *((words.escaped, one) for one in ("a\x1b[2J\n", HOSTILE, "é😀\x7f\u2028")),
    ]
    told = await page.evaluate(
        "async (calls) => { const words = await import('/page/common/words.js');"
        " return calls.map(([name, value]) => words[name](value)); }",
        [[call.__name__, value] for call, value in calls],
    )
    assert told == [call(value) for call, value in calls]


async def test_what_needs_a_person_comes_first(fleet: Fleet, page: Any) -> None:
    rows = [
        {"name": name, "source": "d", "state": state, "conflicts": conflicts}
        for name, state, conflicts in (
            ("e", "synced", 0), ("d", "syncing", 0), ("c", "synced", 1), ("b", "error", 0),
            ("a", "held", 0), ("g", "disabled", 3), ("f", "paused", 0),
        )
    ]  # fmt: skip
    await page.goto(fleet.url)
    order = await page.evaluate(
        "async (rows) => { const { byNeed, headline } = await import('/page/jobs/need.js');"
        " return [rows.sort(byNeed).map((row) => row.name).join(''), headline(rows)]; }",
        rows,
    )
    assert order == ["abcdfeg", ["3 jobs need you", "bad"]]
