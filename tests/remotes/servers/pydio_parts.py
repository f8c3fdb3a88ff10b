"""A server that answers like Pydio 6 to 8, as `pydio_parts.py FOLDER PORT`. It is not Pydio.

It was written from what is known of the API: Basic login (401, realm `Pydio API`), `stat` and
`stat_hash` of up to 200 paths, `ls` in pages, `mkdir`, `mkfile`, `rename`, `move`, `delete` into
`recycle_bin`, `upload/put`, `download` with ranges, and the log of changes (`pydio_changes.py`).
Errors come with status 200 as a message. `/a/api/default/…` is about the folder `a`; the workspace
`strict` is the same one without hidden files, `plain` has no hashes and no log.
"""

import hashlib
import os
import shutil
import sys
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, unquote_plus
from xml.sax.saxutils import escape, quoteattr

from aiohttp import BodyPartReader, web

from tests.remotes.servers.pydio_changes import Log

VERSION: Final = "1.0"
"""Of this program."""
BIN: Final = "recycle_bin"
THRESHOLD: Final = 10
PER_PAGE: Final = 5
MOST: Final = 200
"""Paths of one call."""
LARGEST_FORM: Final = 8 * 2**20
"""PHP's usual `post_max_size`."""


class RefusedError(Exception):
    """A call is answered with a message."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call: the folder of the workspace, the path it is about, and its fields."""

    request: web.Request
    top: Path
    strict: bool
    hashes: bool
    path: str
    fields: Mapping[str, Sequence[str]]
    log: Log

    def at(self, path: str) -> Path:
        """The place of a path from the top of the workspace."""
        names = [name for name in path.split("/") if name]
        if any(name in (".", "..") for name in names):
            raise RefusedError("Forbidden")
        if self.strict and names and names[-1].startswith("."):
            raise RefusedError(f"{names[-1]} Forbidden")
        return self.top.joinpath(*names)

    def field(self, name: str) -> str:
        found = self.fields.get(name)
        if not found:
            raise RefusedError("Missing argument")
        return found[0]


def said(kind: str, text: str) -> web.Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?><tree><message type="{kind}">{escape(text)}'
    return web.Response(text=f"{body}</message></tree>", content_type="text/xml")


def stat_of(call: Call, path: str, *, hashed: bool) -> dict[str, object]:
    place = call.at(path)
    try:
        found = place.stat()
    except OSError:
        return {}
    state: dict[str, object] = {
        "size": found.st_size, "mtime": int(found.st_mtime), "mode": found.st_mode,
    }  # fmt: skip
    if hashed:
        is_file = place.is_file()
        state["hash"] = hashlib.md5(place.read_bytes()).hexdigest() if is_file else "directory"
    return state


async def stat(call: Call) -> web.Response:
    hashed = call.request.match_info["call"] == "stat_hash"
    if hashed and not call.hashes:
        raise RefusedError("Cannot find action stat_hash")
    asked = call.fields.get("nodes[]", [])
    if len(asked) > MOST:
        raise RefusedError("Too many nodes")
    if len(asked) < 2:
        return web.json_response(stat_of(call, call.path, hashed=hashed) or [])
    return web.json_response({path: stat_of(call, path, hashed=hashed) for path in asked})


def node(path: str, place: Path) -> str:
    mime = 'ajxp_mime="ajxp_folder" is_file="false"' if place.is_dir() else 'is_file="true"'
    size = place.stat().st_size
    return f"<tree text={quoteattr(place.name)} filename={quoteattr(path)} {mime} bytesize='{size}'"


async def ls(call: Call) -> web.Response:
    folder, _, page = call.path.partition("%23")
    place = call.at(folder)
    if not place.is_dir():
        raise RefusedError(f"There was a problem trying to open folder {folder}")
    names = sorted(os.listdir(place))
    is_top = not folder.strip("/")
    names = [one for one in names if not (is_top and one == BIN)]
    names = [one for one in names if not (call.strict and one.startswith("."))]
    paging = ""
    if (count := len(names)) > THRESHOLD:
        current, total = int(page or 1), count // PER_PAGE + 1
        names = names[(current - 1) * PER_PAGE : current * PER_PAGE]
        paging = f'<pagination count="{count}" total="{total}" current="{current}"/>'
    above = "/" + folder.strip("/") if not is_top else ""
    nodes = [f"{node(f'{above}/{one}', place / one)}/>" for one in names]
    if is_top and (place / BIN).is_dir():
        nodes.append(f'<tree filename="/{BIN}" ajxp_mime="ajxp_recycle" is_file="false"/>')
    text = f"{node(above or '/', place)}>{paging}{''.join(nodes)}</tree>"
    return web.Response(text=text, content_type="text/xml")


async def mkdir(call: Call) -> web.Response:
    try:
        call.at(call.path).mkdir()
    except OSError as error:
        raise RefusedError("A folder of that name exists, or its folder does not") from error
    return said("SUCCESS", "made")


async def mkfile(call: Call) -> web.Response:
    place = call.at(call.path)
    if not place.parent.is_dir() or (place.exists() and call.field("force") != "true"):
        raise RefusedError("The file cannot be made")
    place.write_bytes(b"")
    return said("SUCCESS", "made")


async def rename(call: Call) -> web.Response:
    place, to = call.at(call.field("file")), call.at(call.field("dest"))
    if call.request.match_info["call"] == "move":
        to = to / place.name
    if to.exists():
        raise RefusedError(f"{to.name} exists")
    try:
        place.rename(to)
    except OSError as error:
        raise RefusedError("Error while renaming") from error
    call.log.renamed(*(f"/{one.relative_to(call.top)}" for one in (place, to)))
    return said("SUCCESS", "renamed")


async def delete(call: Call) -> web.Response:
    place = call.at(call.path)
    if not place.exists():
        raise RefusedError("Cannot find file")
    trash = call.top / BIN
    if trash in place.parents:
        shutil.rmtree(place) if place.is_dir() else place.unlink()
        return said("SUCCESS", "deleted")
    trash.mkdir(exist_ok=True)
    number = sum(1 for _ in trash.iterdir())
    place.rename(trash / f"{place.name}-{number}")
    return said("SUCCESS", "moved to the recycle bin")


async def upload(call: Call) -> web.Response:
    folder = call.at(call.path)
    if not folder.is_dir():
        raise RefusedError(f"The folder {call.path} is not writable (412)")
    if (call.request.content_length or 0) > LARGEST_FORM:
        raise RefusedError("Could not find any uploaded file (411)")
    fields = dict[str, str]()
    content: bytes | None = None
    async for part in await call.request.multipart():
        assert isinstance(part, BodyPartReader)
        name = part.name or ""
        if name == "userfile_0":
            content = bytes(await part.read())
        else:
            fields[name] = await part.text()
    if content is None or fields.get("force_post") != "true":
        raise RefusedError("Could not find any uploaded file (411)")
    name = unquote_plus(fields["urlencoded_filename"])
    place = call.at(f"{call.path}/{name}")
    if onto := fields.get("appendto_urlencoded_part"):
        target = call.at(f"{call.path}/{unquote_plus(onto)}")
        if not target.exists():
            raise RefusedError("Cannot find the part")
        with target.open("ab") as opened:
            opened.write(content)
    else:
        place.write_bytes(content)
    return said("SUCCESS", "uploaded")


async def changes(call: Call) -> web.Response:
    if not call.hashes:
        raise RefusedError("Cannot find action changes")
    return web.Response(body=call.log.told(int(call.path.strip("/"))))


async def download(call: Call) -> web.StreamResponse:
    place = call.at(call.path)
    if not place.is_file():
        raise RefusedError("Cannot find file!")
    headers = {"Content-Type": "application/force-download"}
    return web.FileResponse(place, headers=headers)


CALLS: Final[Mapping[str, Callable[[Call], Awaitable[web.StreamResponse]]]] = {
    "stat": stat, "stat_hash": stat, "ls": ls, "mkdir": mkdir, "mkfile": mkfile, "rename": rename,
    "move": rename, "delete": delete, "upload": upload, "download": download,
    "changes": changes,
}  # fmt: skip


def application(stored: Path, login: str) -> web.Application:
    logs: dict[str, Log] = {}
    wanted = f"Basic {b64encode(login.encode()).decode()}"

    async def answered(request: web.Request) -> web.StreamResponse:
        if "call" not in request.match_info or request.headers.get("Authorization") != wanted:
            realm = {"WWW-Authenticate": 'Basic realm="Pydio API"'}
            return web.Response(status=401, headers=realm, text="You are not authorized")
        names = [unquote(one) for one in request.rel_url.raw_path.split("/") if one]
        installed, _, workspace, call, *rest = names
        if call == "upload":
            rest = rest[1:]
        if workspace not in ("default", "strict", "plain"):
            return said("ERROR", f"Cannot find workspace {workspace}")
        fields: dict[str, list[str]] = {}
        for name, value in request.query.items():
            fields.setdefault(name, []).append(value)
        if request.content_type == "application/x-www-form-urlencoded":
            for name, given in (await request.post()).items():
                fields.setdefault(name, []).append(str(given))
        made = Call(
            request, stored / installed, workspace == "strict", workspace != "plain",
            "/" + "/".join(rest), fields, logs.setdefault(installed, Log(stored / installed)),
        )  # fmt: skip
        try:
            return await CALLS[call](made)
        except RefusedError as refused:
            return said("ERROR", str(refused))

    served = web.Application(client_max_size=LARGEST_FORM)
    served.router.add_route("*", "/{installed}/api/{workspace}/{call}", answered)
    served.router.add_route("*", "/{installed}/api/{workspace}/{call}/{rest:.*}", answered)
    served.router.add_route("*", "/{rest:.*}", answered)
    return served


if __name__ == "__main__":
    web.run_app(
        application(Path(sys.argv[1]), os.environ["PYDIO_LOGIN"]),
        host="127.0.0.1", port=int(sys.argv[2]), print=None,
    )  # fmt: skip
