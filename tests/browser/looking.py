"""A page as a test looks at it: what goes wrong in it fails the test; axe; screens for the docs."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

SECONDS: Final = 45.0
"""The longest that anything in a page may take, also where many tests share two cores."""
SIZES: Final = {"wide": (1280, 800), "narrow": (390, 844)}
SCREENS: Final = (("light", "wide"), ("dark", "narrow"))
"""Each view is shown once in each scheme and each width."""
_EXPECTED: Final = ("/v1/", "/api/")
"""A refused request is an answer that a page handles; the browser reports it as an error."""


@asynccontextmanager
async def looked_at(
    browser: Any, *, scheme: str = "light", size: str = "wide"
) -> AsyncIterator[Any]:
    """A page in a context of its own, which knows no other test's.

    At the end it fails if the page had an error, or did what its Content-Security-Policy forbids.
    """
    width, height = SIZES[size]
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        reduced_motion="reduce",
        accept_downloads=True,
        ignore_https_errors=True,
        locale="en-GB",
        timezone_id="UTC",
    )
    context.set_default_timeout(SECONDS * 1000)
    faults: list[str] = []

    def said(message: Any) -> None:
        where = (message.location or {}).get("url", "")
        refused = message.text.startswith("Failed to load resource")
        if message.type == "error" and not (refused and any(one in where for one in _EXPECTED)):
            faults.append(f"{message.text} ({where})")

    page = await context.new_page()
    page.on("console", said)
    page.on("pageerror", lambda error: faults.append(f"{error}"))
    try:
        yield page
    finally:
        await context.close()
    assert not faults, "\n".join(faults)


async def no_barriers(page: Any) -> None:
    """Fails if axe finds something that keeps a person from using the page as it is now."""
    from axe_playwright_python.async_playwright import Axe

    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


async def screens(page: Any, name: str) -> None:
    """Takes the pictures of a view for the documentation, for `make screens` alone."""
    folder = os.environ.get("CARGO_SCREENS")
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    before = page.viewport_size
    for scheme, size in SCREENS:
        width, height = SIZES[size]
        await page.set_viewport_size({"width": width, "height": height})
        await page.emulate_media(color_scheme=scheme)
        await page.wait_for_timeout(200)  # what follows the width is drawn
        await page.screenshot(path=Path(folder) / f"{name}-{scheme}-{width}.png")
    await page.set_viewport_size(before)
    await page.emulate_media(color_scheme="light")
