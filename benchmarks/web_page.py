"""What the page of `cargo_ctl web` costs: many jobs, several browsers that look at them.

    .venv/bin/python -m benchmarks.web_page --jobs 500 --browsers 10

It needs Playwright and a Chromium, as the browser tests do (`make test` installs them). Prints the
memory of `cargo_ctl web` at rest, the time to the first picture, CPU and memory of the daemon alone
and beside browsers, and how smooth a page is while 50 jobs move files. All traffic stays on
loopback. All files are in a temporary folder, which is removed.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, Final

from benchmarks.jobs import Busy, programs_of, ticks
from benchmarks.programs import Programs, free_ports, resident, until
from tests.browser.chromium import FLAGS, found

_PASSWORD: Final = "bench-page"
_TICK: Final = os.sysconf("SC_CLK_TCK")
_GAPS: Final = """
(seconds) => new Promise((done) => {
  const gaps = []; let last = performance.now(); const end = last + 1000 * seconds;
  const step = (now) => { gaps.push(now - last); last = now;
    if (now < end) requestAnimationFrame(step); else done(gaps.sort((a, b) => a - b)); };
  requestAnimationFrame(step);
})
"""
"""The times between two pictures, ms, sorted."""


class ShownPage:
    """`cargo_ctl web` beside the programs."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self.url = f"http://127.0.0.1:{free_ports()[0]}/"
        self._env = os.environ | programs.env

    def start(self) -> None:
        secret = self._programs.folder / "secret"
        secret.write_text(_PASSWORD)
        secret.chmod(0o600)
        self._run("web", "user", "add", "bench", "--role", "watch", "--password-file", str(secret))
        process = subprocess.Popen(
            [*_CTL, "web", "--listen", self.url[7:-1], "--no-open"],
            env=self._env,
            cwd=self._programs.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        self._programs.processes["page"] = process
        until(self._answers, "the page answers")

    def log_in(self) -> str:
        """A session, as the page keeps it."""
        body = json.dumps({"user": "bench", "password": _PASSWORD}).encode()
        headers = {"Content-Type": "application/json", "Origin": self.url[:-1]}
        request = urllib.request.Request(f"{self.url}api/login", body, headers)
        with urllib.request.urlopen(request) as answer:
            return str(answer.read().decode())

    def link(self) -> str:
        """The link that logs in now, once."""
        command = [*_CTL, "web", "--listen", self.url[7:-1], "--no-open"]
        done = subprocess.run(
            command, env=self._env, cwd=self._programs.folder, check=True, capture_output=True
        )
        return done.stdout.decode().strip()

    def _run(self, *arguments: str) -> None:
        subprocess.run([*_CTL, *arguments], env=self._env, check=True, cwd=self._programs.folder)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(self.url).close()
        except OSError:
            return False
        return True


_CTL: Final = (sys.executable, "-c", "from cargo_ctl.main import main; main()")


async def _measure(programs: Programs, page: ShownPage, browsers: int, seconds: float) -> None:
    from playwright.async_api import async_playwright

    path = found()
    if path is None:
        raise SystemExit("there is no Chromium")
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=path, args=[*FLAGS])
        pages = []
        for number in range(browsers):
            context = await browser.new_context(viewport={"width": 1280, "height": 800})
            one = await context.new_page()
            login = json.dumps(page.log_in())  # a session has 8 streams at most
            await one.add_init_script(f"sessionStorage.setItem('cargo.web', {login})")
            began = time.perf_counter()
            await one.goto(page.url)
            await one.locator("[role=rowheader]").first.wait_for()
            took = 1000 * (time.perf_counter() - began)
            if number < 2:
                print(f"browser {number + 1}: the first rows after {took:.0f} ms", flush=True)
            pages.append(one)
        await _cost(programs, seconds, f"{browsers} browsers look")
        gaps: list[float] = await pages[0].evaluate(_GAPS, min(10.0, seconds))
        print(
            f"between two pictures: p50 {gaps[len(gaps) // 2]:.0f} ms, "
            f"p99 {gaps[len(gaps) * 99 // 100]:.0f} ms, worst {gaps[-1]:.0f} ms",
            flush=True,
        )
        await browser.close()


async def _cost(programs: Programs, seconds: float, when: str) -> None:
    before = ticks(programs)
    await asyncio.sleep(seconds)
    told = [
        f"{name} {(now - before[name]) / _TICK / seconds:.2f} cores, "
        f"{resident(programs.processes[name].pid) / 1e6:.0f} MB"
        for name, now in ticks(programs).items()
    ]
    print(f"{when}: {'; '.join(told)}", flush=True)


async def _all(programs: Programs, given: Any) -> None:
    page = ShownPage(programs)
    with Busy(programs, given.busy, 1.0):
        await asyncio.sleep(10)
        await _cost(programs, given.seconds, "nobody looks, no page")
        page.start()
        await asyncio.sleep(2)
        memory = resident(programs.processes["page"].pid) / 1e6
        print(f"the page at rest: {memory:.0f} MB", flush=True)
        await _measure(programs, page, given.browsers, given.seconds)
        await asyncio.sleep(12)
        await _cost(programs, given.seconds, "the browsers are closed")


def main() -> None:
    """Run the measurement with the options of the command line."""
    parsing = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parsing.add_argument("--jobs", type=int, default=500)
    parsing.add_argument("--busy", type=int, default=50, help="jobs that move files")
    parsing.add_argument("--browsers", type=int, default=10)
    parsing.add_argument("--seconds", type=float, default=20.0, help="for each figure")
    given = parsing.parse_args()
    with tempfile.TemporaryDirectory(prefix="cargo-bench-") as folder:
        programs = programs_of(Path(folder), given.jobs)
        try:
            programs.start("server")
            until(programs.listens, "the server answers")
            programs.start("daemon")
            until(programs.answers, "the daemon answers")
            until(lambda: programs.states().keys() == {"synced"}, "all jobs are synced")
            asyncio.run(_all(programs, given))
        finally:
            programs.close()


if __name__ == "__main__":
    main()
