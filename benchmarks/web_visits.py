"""How long a visitor of `cargo_ctl web` waits for the first picture and for the rows of jobs.

    .venv/bin/python -m benchmarks.web_visits --jobs 500

It needs Playwright and a Chromium, as the browser tests do (`make test` installs them). Each visit
is a navigation of a warm browser to the page, by somebody who is logged in, or by a link that logs
in: in a fresh context (nothing is kept), then once more (what may be kept is). The floor is the
first picture of the same document in the same browser when its scripts are not run. Visits of all
kinds take turns, so that what else the machine does counts for all. Times are from the start of the
navigation, as the browser says them; what moved is the sum of its layout shifts until the chart is
there; CPU is that of all its processes. All traffic stays on loopback. All files are in a temporary
folder, which is removed.
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
window.moved = 0;
new PerformanceObserver((list) => list.getEntries().forEach((one) => (window.moved += one.value)))
  .observe({ type: "layout-shift", buffered: true });
"""
"""When the first picture with rows was there, as the browser's element timing says it; how much
of the page moved."""
_CHART: Final = "cargo-rates cargo-chart svg"
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
    """One navigation: ms to its first picture and to that with rows, requests over the network.

    moved  the sum of its layout shifts
    """

    first: float
    rows: float
    moved: float
    requests: int
    size: int


class _Visits:
    """All visits of one kind: the floor, the page, or a link to it. CPU is in seconds."""

    def __init__(self, name: str, *, scripts: bool = True, link: bool = False) -> None:
        self.name = name
        self.scripts = scripts
        self.link = link
        self.fresh: list[_Visit] = []
        self.again: list[_Visit] = []
        self.browser = 0.0
        self.served = 0.0
        self.chain: Any = ()

    def tell(self) -> None:
        _tell(f"{self.name}, first visit", self.fresh)
        _tell(f"{self.name}, second visit", self.again)
        each = 1000 / len(self.fresh + self.again)
        print(
            f"{self.name}: CPU of a visit: "
            f"browser {each * self.browser:.0f} ms, page {each * self.served:.0f} ms",
            flush=True,
        )


async def _measure(programs: Any, page: ShownPage, visits: int, *, chain: bool) -> None:
    from playwright.async_api import async_playwright

    path = found()
    if path is None:
        raise SystemExit("there is no Chromium")
    login = json.dumps(page.log_in())
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=path, args=[*FLAGS])
        for _ in range(2):  # so that it is warm
            await _visit(browser, page, login, _Visits("warm"))
        kinds = (_Visits("floor", scripts=False), _Visits("page"), _Visits("link", link=True))
        for _ in range(visits):
            for kind in kinds:
                before, own = _browser_seconds(), ticks(programs)["page"]
                await _visit(browser, page, login, kind)
                kind.browser += _browser_seconds() - before
                kind.served += (ticks(programs)["page"] - own) / _TICK
        for kind in kinds:
            kind.tell()
            for row in kind.chain if chain else ():
                print(*row)
        await browser.close()


async def _visit(browser: Any, page: ShownPage, login: str, kind: _Visits) -> None:
    """Visits the page in a fresh context, and again."""
    context = await browser.new_context(
        viewport={"width": 1280, "height": 800}, java_script_enabled=kind.scripts
    )
    if not kind.link:
        await context.add_init_script(f"sessionStorage.setItem('cargo.web', {login})")
    await context.add_init_script(_ROWS)
    one = await context.new_page()
    for visited in (kind.fresh, kind.again):
        await one.goto(await asyncio.to_thread(page.link) if kind.link else page.url)
        rows = moved = 0.0
        if kind.scripts:
            rows = await asyncio.wait_for(one.evaluate("window.firstRows"), 60)
        while not (first := await one.evaluate(_PAINTED)):  # no script may call back at the floor
            await one.wait_for_timeout(50)
        now = await one.evaluate(_TOLD)
        if kind.scripts:
            await one.locator(_CHART).first.wait_for(state="attached")
            moved = await one.evaluate("window.moved")
        if visited is kind.fresh:
            kind.chain = now["chain"]
        visited.append(_Visit(first, rows, moved, now["fetched"] + 1, now["bytes"]))
        await one.goto("about:blank")
    await context.close()


def _tell(name: str, visits: Sequence[_Visit]) -> None:
    said = [_times("first picture", [one.first for one in visits])]
    if visits[-1].rows:
        said.append(_times("rows", [one.rows for one in visits]))
        said.append(f"moved at most {max(one.moved for one in visits):.4f}")
    last = visits[-1]
    said.append(f"{last.requests} requests, {last.size / 1000:.0f} kB")
    print(f"{name}: {'; '.join(said)}", flush=True)


def _times(what: str, times: Sequence[float]) -> str:
    median = statistics.median(times)
    return f"{what} median {median:.0f} ms, best {min(times):.0f}, worst {max(times):.0f}"


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
