"""How long a visitor of `cargo_ctl web` waits for the first rows of jobs, and what a visit costs.

    .venv/bin/python -m benchmarks.web_visits --jobs 500

It needs Playwright and a Chromium, as the browser tests do (`make test` installs them). Each visit
is a navigation of a warm browser to the page, by somebody who is logged in: in a fresh context
(nothing is kept), then once more (what may be kept is). The floor is the first picture of the same
document in the same browser when its scripts are not run. Times are from the start of the
navigation, as the browser says them; CPU is that of all its processes. All traffic stays on
loopback. All files are in a temporary folder, which is removed.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.jobs import programs_of, ticks
from benchmarks.programs import until
from benchmarks.web_page import ShownPage
from tests.browser.chromium import FLAGS, found

_TICK: Final = os.sysconf("SC_CLK_TCK")
_ROWS: Final = """
window.firstRows = new Promise((done) => {
  const seen = new MutationObserver(() => {
    const first = document.querySelector("[role=rowheader] a");
    if (!first) return;
    seen.disconnect();
    first.setAttribute("elementtiming", "rows");
  });
  seen.observe(document, { subtree: true, childList: true });
  const told = (list) => done(list.getEntries()[0].renderTime);
  new PerformanceObserver(told).observe({ type: "element", buffered: true });
});
"""
"""When the first picture with rows was there, as the browser's element timing says it."""
_PAINTED: Final = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
_TOLD: Final = """
() => ({
  fetched: performance.getEntriesByType("resource").filter((one) => one.transferSize > 0).length,
  bytes: performance.getEntriesByType("resource").reduce((sum, one) => sum + one.transferSize, 0),
  chain: performance.getEntriesByType("resource").map((one) =>
    [Math.round(one.startTime), Math.round(one.responseEnd), one.transferSize, one.name]),
})
"""


@dataclass(frozen=True, slots=True)
class _Visit:
    """One navigation: ms to its picture, requests over the network, and their bytes."""

    picture: float
    requests: int
    size: int


async def _measure(programs: Any, page: ShownPage, visits: int, *, chain: bool) -> None:
    from playwright.async_api import async_playwright

    path = found()
    if path is None:
        raise SystemExit("there is no Chromium")
    login = json.dumps(page.log_in())
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=path, args=[*FLAGS])
        await _visits(browser, page, login, 2)  # so that it is warm
        for name, scripts in (("floor", False), ("page", True)):
            before, own = _browser_seconds(), ticks(programs)["page"]
            first, again, last = await _visits(browser, page, login, visits, scripts=scripts)
            each = 1000 * (_browser_seconds() - before) / visits / 2
            served = 1000 * (ticks(programs)["page"] - own) / _TICK / visits / 2
            _tell(f"{name}, first visit", first)
            _tell(f"{name}, second visit", again)
            print(
                f"{name}: CPU of a visit: browser {each:.0f} ms, page {served:.0f} ms", flush=True
            )
            if chain:
                for row in last["chain"]:
                    print(*row)
        await browser.close()


async def _visits(
    browser: Any, page: ShownPage, login: str, count: int, *, scripts: bool = True
) -> tuple[list[_Visit], list[_Visit], Any]:
    first: list[_Visit] = []
    again: list[_Visit] = []
    told: Any = None
    for _ in range(count):
        context = await browser.new_context(
            viewport={"width": 1280, "height": 800}, java_script_enabled=scripts
        )
        await context.add_init_script(f"sessionStorage.setItem('cargo.web', {login})")
        await context.add_init_script(_ROWS)
        one = await context.new_page()
        for visited in (first, again):
            await one.goto(page.url)
            if scripts:
                picture = await asyncio.wait_for(one.evaluate("window.firstRows"), 60)
            else:  # no script of a page may run, so nothing can call back
                while not (picture := await one.evaluate(_PAINTED)):
                    await one.wait_for_timeout(50)
            now = await one.evaluate(_TOLD)
            told = now if visited is first else told
            visited.append(_Visit(picture, now["fetched"] + 1, now["bytes"]))
            await one.goto("about:blank")
        await context.close()
    return first, again, told


def _tell(name: str, visits: Sequence[_Visit]) -> None:
    times = sorted(one.picture for one in visits)
    print(
        f"{name}: median {statistics.median(times):.0f} ms, best {times[0]:.0f}, "
        f"worst {times[-1]:.0f}; {visits[-1].requests} requests, {visits[-1].size / 1000:.0f} kB",
        flush=True,
    )


def _browser_seconds() -> float:
    """CPU seconds of all processes below this one that are a Chromium, also of ended ones."""
    mine, parents = os.getpid(), {}
    used: dict[int, int] = {}
    for each in Path("/proc").iterdir():
        if not each.name.isdigit():
            continue
        try:
            text = (each / "stat").read_text()
        except OSError:
            continue
        name, fields = text.partition("(")[2].rpartition(")")[0], text.rpartition(") ")[2].split()
        parents[int(each.name)] = int(fields[1])
        if name.startswith("chrom"):
            used[int(each.name)] = sum(map(int, fields[11:15]))  # with those it has waited for

    def below(pid: int) -> bool:
        while pid > 1 and pid != mine:
            pid = parents.get(pid, 0)
        return pid == mine

    return sum(ticks for pid, ticks in used.items() if below(pid)) / _TICK


def main() -> None:
    """Run the measurement with the options of the command line."""
    parsing = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parsing.add_argument("--jobs", type=int, default=500)
    parsing.add_argument("--visits", type=int, default=15)
    parsing.add_argument("--chain", action="store_true", help="print the requests of one visit")
    given = parsing.parse_args()
    with tempfile.TemporaryDirectory(prefix="cargo-bench-") as folder:
        programs = programs_of(Path(folder), given.jobs)
        try:
            programs.start("server")
            until(programs.listens, "the server answers")
            programs.start("daemon")
            until(programs.answers, "the daemon answers")
            until(lambda: programs.states().keys() == {"synced"}, "all jobs are synced")
            page = ShownPage(programs)
            page.start()
            asyncio.run(_measure(programs, page, given.visits, chain=given.chain))
        finally:
            programs.close()


if __name__ == "__main__":
    main()
