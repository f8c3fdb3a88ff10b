"""A Chromium for all tests of a worker, and a page for each.

A browser belongs to the event loop that started it, so tests of this folder run in that one:
`pytestmark = pytest.mark.asyncio(loop_scope="session")`.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.browser import chromium
from tests.browser.looking import looked_at


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Any]:
    """Chromium, without a window. Tests are skipped where it or Playwright is missing."""
    playwright = pytest.importorskip("playwright.async_api", reason="there is no Playwright")
    path = chromium.found()
    if path is None:
        pytest.skip("there is no Chromium")
    async with playwright.async_playwright() as driver:
        started = await driver.chromium.launch(executable_path=path, args=[*chromium.FLAGS])
        try:
            yield started
        finally:
            await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Any) -> AsyncIterator[Any]:
    """A page, 1280 pixels wide and light."""
    async with looked_at(browser) as one:
        yield one
