"""Waits until our server knows the files of a folder, through its HTTP API."""

import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen


def wait_for(login: Mapping[str, str], folder: str, files: int) -> None:
    """Returns when the server knows so many files in a folder.

    Args:
        login: the fields of a job that name the server and its user.
        folder: at the top of the user's workspace.
        files: how many.
    """
    who = {"username": login["username"], "password": login["password"]}
    base = f"{login['hostname']}/v1"
    token = _ask(f"{base}/login", who)["token"]
    since = known = 0
    while known < files:
        query = f"since={since}&under={quote(folder)}&wait=30&limit=10000"
        page = _ask(f"{base}/workspaces/default/changes?{query}", token=token)
        since = page["next"]
        known += sum(kind == "f" for kind in page["rows"][1]) if page["rows"] else 0


def _ask(url: str, body: Mapping[str, str] | None = None, *, token: str = "") -> dict[str, Any]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # our own, on loopback
    asked = Request(url, None if body is None else json.dumps(body).encode())
    asked.add_header("Content-Type", "application/json")
    if token:
        asked.add_header("Authorization", f"Bearer {token}")
    with urlopen(asked, timeout=60, context=context if url.startswith("https") else None) as got:
        answer: dict[str, Any] = json.load(got)
    return answer
