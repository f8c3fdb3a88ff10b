"""A server, a daemon and `cargo_ctl web`, as real programs, and a page that is logged in."""

import json
import os
import sys
import urllib.request
from typing import Any, Final

from tests.e2e.beginning import Process, begin, called
from tests.e2e.processes import Place
from tests.ports import free_port

USER: Final = "ben"
PASSWORD: Final = "canary-page-52"
_NEAT: Final = """
(from) => new MutationObserver(() => {
  const texts = document.createTreeWalker(document, NodeFilter.SHOW_TEXT);
  for (let one = texts.nextNode(); one; one = texts.nextNode())
    for (const [old, neat] of from)
      if (one.data.includes(old)) one.data = one.data.replaceAll(old, neat);
}).observe(document, { subtree: true, childList: true, characterData: true })
"""
"""For pictures: folders and ports of the test are called as they might be elsewhere."""
_KEEP: Final = "(login) => sessionStorage.setItem('cargo.web', JSON.stringify(login))"


class Fleet:
    """Programs for the page's tests.

    url    the page's address
    link   the one that logs in, once
    login  a session of the page's user
    """

    link: str
    login: dict[str, Any]

    def __init__(self, place: Place) -> None:
        self.place = place
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self._web: Process | None = None

    def start(self, *shown: str) -> None:
        """Starts all three. `shown`: what the page shows, `daemon` and `server`."""
        secret = self.place.folder / "page-password"
        secret.write_text(PASSWORD + "\n")
        secret.chmod(0o600)
        added = self.place.run(
            "cargo_ctl", "web", "user", "add", USER, "--role", "control",
            "--password-file", str(secret),
        )  # fmt: skip
        assert added.returncode == 0, added.stderr
        self.place.start("server")
        self.place.start("daemon")
        with open(self.place.folder / "web.log", "w") as log:
            self._web = begin(
                [sys.executable, "-c", called("cargo_ctl.main"), "web",
                 "--listen", f"127.0.0.1:{self.port}",
                 "--no-open", *(f"--connect={one}" for one in shown)],
                self.place.environment() | {"PYTHONUNBUFFERED": "1"},
                log.fileno(),
            )  # fmt: skip
        self.place.until(self._links, "the page says its link")
        [self.link] = self._links()

    def close(self) -> None:
        if self._web is not None:
            self._web.kill()
            self._web.wait()

    def log_in(self) -> dict[str, Any]:
        """A session of the page's user."""
        request = urllib.request.Request(
            f"{self.url}api/login",
            json.dumps({"user": USER, "password": PASSWORD}).encode(),
            {"Content-Type": "application/json", "Origin": self.url.rstrip("/")},
        )
        with urllib.request.urlopen(request) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    async def visit(self, page: Any, where: str = "", *, until: str = "load") -> None:
        """Opens a page of somebody who is logged in already. `until`: what it waits for."""
        await page.add_init_script(f"({_KEEP})({json.dumps(self.login)})")
        if os.environ.get("CARGO_SCREENS"):
            here, there = str(self.place.folder), f"http://127.0.0.1:{self.place.api}"
            neat = [[here, "/media"], [there, "https://files.example:8443"]]
            await page.add_init_script(f"({_NEAT})({json.dumps(neat)})")
        await page.goto(f"{self.url}#/{where}", wait_until=until)

    def _links(self) -> list[str]:
        """What it said, as soon as it listens."""
        said = (self.place.folder / "web.log").read_text().split()
        return [word for word in said if word.startswith(f"{self.url}#key=")]
