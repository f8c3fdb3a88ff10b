"""Chromium for the browser tests: the system's own, or Debian's package if we may install it.

`python -m tests.browser.chromium` installs it where that is possible, and says so where not.
Playwright's own browsers are not used: they come from a host of their own.
"""

import os
import shutil
import subprocess
import sys
from typing import Final

NAMES: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PACKAGES: Final = ("chromium", "fonts-dejavu-core")
FLAGS: Final = (
    "--no-sandbox",  # as root there is none
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # small in containers
)


def found() -> str | None:
    """The path of a Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def install() -> bool:
    """Installs Debian's package, as root; whether there is a Chromium after that."""
    apt = shutil.which("apt-get")
    if found() or apt is None or os.geteuid() != 0:
        return found() is not None
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for args in (("update", "-qq"), ("install", "-qq", "--no-install-recommends", *PACKAGES)):
        done = subprocess.run([apt, *args, "-y"], env=env, capture_output=True, check=False)
        if done.returncode:
            break
    return found() is not None


if __name__ == "__main__":
    if not install():
        print("there is no Chromium: the browser tests are skipped", file=sys.stderr)
