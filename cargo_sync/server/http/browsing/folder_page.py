"""A folder over HTTP: JSON for programs, a plain page for browsers. Names are escaped."""

import html as escaping
from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter
from typing import Final, NamedTuple
from urllib.parse import quote

from aiohttp import web

from cargo_sync.api.escaping import escaped
from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.server.http.answers import answer
from cargo_sync.server.http.conditions import etag

PAGE: Final = 5_000

_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em}"
    "td{padding:0 1.5em 0 0}td+td{text-align:right;color:#666}a{text-decoration:none}"
)
_POLICY: Final = "sandbox allow-downloads; default-src 'none'; style-src 'unsafe-inline'"


class FolderPage(NamedTuple):
    """A page of a folder; `next` is the name where the next page begins after, or None."""

    entries: Sequence[Entry]
    next: str | None


def cut(entries: Sequence[Entry], after: str) -> FolderPage:
    """The entries after a name, at most 5,000."""
    start = bisect_right(entries, after, key=attrgetter("name"))
    shown = entries[start : start + PAGE]
    return FolderPage(shown, shown[-1].name if start + PAGE < len(entries) else None)


def wants_html(accept: str) -> bool:
    """Whether a client asks for HTML, as browsers do; curl and programs get JSON."""
    return "text/html" in accept.lower()


def json(epoch: str, path: str, page: FolderPage) -> web.Response:
    """The page as JSON.

    `{path, entries: [{name, kind, size, mtime_ns, mode, version, etag, hash, target}], next}`.
    """
    shown = [
        {
            "name": entry.name,
            "kind": entry.kind,
            "size": entry.size,
            "mtime_ns": entry.mtime_ns,
            "mode": entry.mode,
            "version": entry.version,
            "etag": etag(epoch, entry.version),
            "hash": entry.hash,
            "target": entry.target,
        }
        for entry in page.entries
    ]
    response = answer({"path": path, "entries": shown, "next": page.next})
    response.headers["Vary"] = "Accept"
    return response


def html(base: str, workspace: str, path: str, page: FolderPage) -> web.Response:
    """The page as HTML, with links to the entries and to the folder above."""
    here = f"{base}/{quote(workspace, safe='')}"
    title = escaping.escape(escaped(f"{workspace}/{path}"))
    rows = []
    if path:
        rows.append(_row(f"{here}/{quote(paths.parent(path))}", "..", ""))
    for entry in page.entries:
        address = f"{here}/{quote(paths.join(path, entry.name))}"
        if entry.kind == FOLDER:
            rows.append(_row(address + "/", entry.name + "/", ""))
        elif entry.kind == FILE:
            rows.append(_row(address, entry.name, f"{entry.size:,}"))
        else:
            rows.append(_row("", f"{entry.name} → {entry.target}", ""))
    if page.next is not None:
        rows.append(_row(f"{here}/{quote(path)}?after={quote(page.next, safe='')}", "more …", ""))
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style>"
        f"<h1>{title}</h1><table>{''.join(rows)}</table></html>"
    )
    headers = {
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "Vary": "Accept",
    }
    return web.Response(text=text, content_type="text/html", headers=headers)


def _row(address: str, name: str, size: str) -> str:
    shown = escaping.escape(escaped(name))
    if address:
        shown = f'<a href="{escaping.escape(address)}">{shown}</a>'
    return f"<tr><td>{shown}</td><td>{size}</td></tr>"
