"""A server that answers like Nextcloud over WebDAV, as `nextcloud_parts FOLDER PORT`. It is not it.

It was written from the developer manual of Nextcloud ("Basic APIs", "Chunked file upload"), for the
user `ana` alone: files at `/remote.php/dav/files/ana/`, chunks at `/remote.php/dav/uploads/ana/`. A
header `OC-Checksum` must be right, as for ownCloud. Times are set by `X-OC-Mtime` and by the
property `lastmodified`, in whole seconds.
"""

import hashlib
import os
import re
import shutil
import sys
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit
from xml.sax.saxutils import escape

from aiohttp import web

VERSION: Final = "1.0"
"""Of this program."""
USER: Final = "ana"
FILES: Final = f"/remote.php/dav/files/{USER}"
UPLOADS: Final = f"/remote.php/dav/uploads/{USER}"
SMALLEST: Final = 5_000_000
"""Bytes of a chunk that is not the last one."""


class Nextcloud:
    """The files in `stored`, and the chunks in a folder beside it."""

    def __init__(self, stored: Path) -> None:
        self.stored = stored
        self.uploads = stored.with_name(f"{stored.name}-uploads")
        self.uploads.mkdir(exist_ok=True)

    def at(self, path: str) -> Path:
        """The place of a decoded path of a URL."""
        for start, top in ((FILES, self.stored), (UPLOADS, self.uploads)):
            if path == start or path.startswith(f"{start}/"):
                names = [one for one in path[len(start) :].split("/") if one]
                if ".." in names:
                    raise web.HTTPForbidden
                return top.joinpath(*names)
        raise web.HTTPNotFound

    def asked(self, request: web.Request) -> Path:
        return self.at(unquote(request.rel_url.raw_path).rstrip("/"))

    def is_chunk(self, place: Path) -> bool:
        return self.uploads in place.parents

    async def propfind(self, request: web.Request) -> web.Response:
        place = self.asked(request)
        if not place.exists():
            raise web.HTTPNotFound
        href = request.rel_url.raw_path.rstrip("/")
        found = [told(href, place)]
        if request.headers.get("Depth") == "1" and place.is_dir():
            found += [told(f"{href}/{quote(one.name)}", one) for one in place.iterdir()]
        text = f'<d:multistatus xmlns:d="DAV:">{"".join(found)}</d:multistatus>'
        return web.Response(status=207, text=text, content_type="application/xml")

    async def get(self, request: web.Request) -> web.StreamResponse:
        place = self.asked(request)
        if self.is_chunk(place) or not place.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(place, headers={"ETag": etag(place)})

    async def put(self, request: web.Request) -> web.Response:
        place = self.asked(request)
        if not place.parent.is_dir():
            raise web.HTTPConflict
        if self.is_chunk(place):
            number = int(place.name) if place.name.isdigit() else 0
            if not 1 <= number <= 10_000 or "Destination" not in request.headers:
                raise web.HTTPBadRequest
        with place.open("wb") as opened:
            async for piece in request.content.iter_any():
                opened.write(piece)
        wanted = request.headers.get("OC-Checksum", "")
        if wanted and wanted != f"SHA1:{hashlib.sha1(place.read_bytes()).hexdigest()}":
            place.unlink()
            raise web.HTTPBadRequest
        set_time(place, request.headers.get("X-OC-Mtime"))
        return web.Response(status=201)

    async def mkcol(self, request: web.Request) -> web.Response:
        place = self.asked(request)
        if place.exists():
            raise web.HTTPMethodNotAllowed("MKCOL", [])
        if not place.parent.is_dir():
            raise web.HTTPConflict
        place.mkdir()
        return web.Response(status=201)

    async def move(self, request: web.Request) -> web.Response:
        place = self.asked(request)
        to = self.at(unquote(urlsplit(request.headers["Destination"]).path).rstrip("/"))
        is_upload = self.is_chunk(place) and place.name == ".file"
        if not (place.parent if is_upload else place).exists():
            raise web.HTTPNotFound
        if to.exists() and request.headers.get("Overwrite") == "F":
            raise web.HTTPPreconditionFailed
        if not to.parent.is_dir():
            raise web.HTTPConflict
        if is_upload:
            self.put_together(place.parent, to, request.headers)
        elif request.method == "COPY":
            shutil.copy2(place, to)
        else:
            place.rename(to)
        return web.Response(status=201)

    def put_together(self, folder: Path, to: Path, headers: Mapping[str, str]) -> None:
        chunks = sorted(folder.iterdir(), key=lambda one: int(one.name))
        sizes = [one.stat().st_size for one in chunks]
        if any(size < SMALLEST for size in sizes[:-1]):
            raise web.HTTPBadRequest
        if str(sum(sizes)) != headers.get("OC-Total-Length"):
            raise web.HTTPBadRequest
        with to.open("wb") as opened:
            for one in chunks:
                opened.write(one.read_bytes())
        set_time(to, headers.get("X-OC-Mtime"))
        shutil.rmtree(folder)

    async def delete(self, request: web.Request) -> web.Response:
        place = self.asked(request)
        if not place.exists():
            raise web.HTTPNotFound
        wanted = request.headers.get("If-Match")
        if wanted is not None and wanted != etag(place):
            raise web.HTTPPreconditionFailed
        shutil.rmtree(place) if place.is_dir() else place.unlink()
        return web.Response(status=204)

    async def proppatch(self, request: web.Request) -> web.Response:
        place = self.asked(request)
        found = re.search(r"<lastmodified>(\d+)<", await request.text())
        if found is not None:
            set_time(place, found[1])
        return web.Response(status=207, text='<d:multistatus xmlns:d="DAV:"/>')


def told(href: str, place: Path) -> str:
    found = place.stat()
    kind = "<d:collection/>" if place.is_dir() else ""
    return (
        f"<d:response><d:href>{escape(href)}{'/' if kind else ''}</d:href><d:propstat><d:prop>"
        f"<d:resourcetype>{kind}</d:resourcetype><d:getetag>{escape(etag(place))}</d:getetag>"
        f"<d:getcontentlength>{found.st_size}</d:getcontentlength>"
        f"<d:getlastmodified>{formatdate(int(found.st_mtime), usegmt=True)}</d:getlastmodified>"
        "</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
    )


def etag(place: Path) -> str:
    found = place.stat()
    known = (found.st_ino, found.st_mtime_ns, found.st_size)
    return f'"{hashlib.md5(repr(known).encode()).hexdigest()}"'


def set_time(place: Path, seconds: str | None) -> None:
    if seconds is not None:
        os.utime(place, (int(seconds), int(seconds)))


def application(stored: Path, login: str) -> web.Application:
    server = Nextcloud(stored)
    wanted = f"Basic {b64encode(login.encode()).decode()}"
    ways: Mapping[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
        "PROPFIND": server.propfind, "GET": server.get, "PUT": server.put, "MKCOL": server.mkcol,
        "MOVE": server.move, "COPY": server.move, "DELETE": server.delete,
        "PROPPATCH": server.proppatch,
    }  # fmt: skip

    async def answered(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != wanted:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        if request.method not in ways:
            raise web.HTTPMethodNotAllowed(request.method, list(ways))
        return await ways[request.method](request)

    served = web.Application(client_max_size=2**30)
    served.router.add_route("*", "/{rest:.*}", answered)
    return served


if __name__ == "__main__":
    web.run_app(
        application(Path(sys.argv[1]), os.environ["NEXTCLOUD_LOGIN"]),
        host="127.0.0.1", port=int(sys.argv[2]), print=None,
    )  # fmt: skip
