"""The page of files, for people with a browser: its files, at the prefix of the API.

It is the same for everybody and holds nothing of the server; what it shows, its scripts ask for
with the token of whoever logs in.
"""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from cargo_sync.api.page_files import PageFile, page_files
from cargo_sync.api.web_headers import PAGE_HEADERS
from cargo_sync.server.refusals import unknown

SHELL: Final = "files.html"
FOLDERS: Final = ("common", "files")


class FilesPage:
    """The handlers of the page; its files are read once."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._files: Mapping[str, PageFile] = page_files(SHELL, FOLDERS)

    def routes(self) -> list[web.RouteDef]:
        at = self._prefix
        routes = [
            web.get(f"{at}/", self.shell),
            web.get(f"{at}/page/{{name:.+}}", self.file),
        ]
        return [*routes, web.get(at, self.slash)] if at else routes

    async def shell(self, request: web.Request) -> web.Response:
        return _answer(request, self._files[SHELL])

    async def file(self, request: web.Request) -> web.Response:
        found = self._files.get(request.match_info["name"])
        if found is None:
            raise unknown("such file of the page")
        return _answer(request, found)

    async def slash(self, request: web.Request) -> web.Response:
        """Addresses in the page are relative to the prefix with its slash."""
        return web.Response(status=308, headers={"Location": f"{self._prefix}/", **PAGE_HEADERS})


def _answer(request: web.Request, file: PageFile) -> web.Response:
    """The file, or 304 if the browser has it."""
    found = file.answer(request.headers)
    headers = {**PAGE_HEADERS, **found.headers}
    return web.Response(body=found.body, status=found.status, headers=headers)
