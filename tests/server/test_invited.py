"""`user.invite` and what comes of it, at a whole server: its commands, its file, its HTTP API."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import argon2
import pytest

from cargo_sync.api.invitation import Invitation, new_token
from cargo_sync.api.messages import ControlError
from cargo_sync.server.handlers.invitation import ServerEnds, reached_at
from cargo_sync.server.server import Up
from tests.server.admin import ask, governed
from tests.server.surroundings import CHEAP
from tests.server.test_app import settings
from tests.server.test_control import http, login, spaces


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argon2, "PasswordHasher", lambda: CHEAP)


def plain(place: Path, **changed: Any) -> Path:
    return settings(place, plain=True, users_dir=str(place / "users"), **changed)


async def invited(up: Up, user: str, **more: Any) -> tuple[Invitation, Any]:
    token = new_token()
    result = await ask(up, "user.invite", user=user, token=token, **more)
    return Invitation.parse(result["invitation"] + token), result


async def used(up: Up, way: str, invitation: Invitation, **more: str) -> tuple[int, Any]:
    """The invitation used in one of the two ways."""
    body = {"user": invitation.user, "token": invitation.token, **more}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{up.api}/v1/invites/{way}", data=json.dumps(body)) as response,
    ):
        return response.status, await response.json()


async def redeemed(up: Up, invitation: Invitation, device: str = "laptop") -> str:
    """The secret of the new device, or the code of the refusal."""
    status, answer = await used(up, "redeem", invitation, device=device)
    return str(answer["secret"] if status == 200 else answer["error"]["code"])


@pytest.mark.sqlite
async def test_a_new_user_gets_a_folder_and_logs_in_without_a_password(tmp_path: Path) -> None:
    file = plain(tmp_path)
    async with governed(file) as up:
        invitation, result = await invited(up, "eva")
        assert (result["added"], result["path"]) == (True, str(tmp_path / "users/eva"))
        assert (invitation.url, invitation.fingerprint) == (up.api, "")
        assert await login(up, "eva", "!") == ""
        assert (await ask(up, "user.show", user="eva"))["invitations"][0]["id"] == result["id"]
    async with governed(file) as up:  # on another port
        secret = await redeemed(up, invitation)
        assert await spaces(up, await login(up, "eva", secret)) == {"default": "rw"}
        assert await redeemed(up, invitation) == "unauthorized"
        shown = await ask(up, "user.show", user="eva")
        assert (shown["invitations"], [one["name"] for one in shown["devices"]]) == ([], ["laptop"])
        audit = await ask(up, "audit")
        rows = [(one["who"], one["command"], one["outcome"]) for one in audit["rows"]]
        assert ('user "eva" at 127.0.0.1', "user.invitation", "ok") in rows
        assert invitation.token not in json.dumps(audit)
    kept = (tmp_path / "state/state.db").read_bytes()
    assert invitation.token.encode() not in kept and secret.encode() not in kept


async def test_a_folder_with_files_is_given_to_nobody_by_its_name(tmp_path: Path) -> None:
    async with governed(plain(tmp_path)) as up:
        (tmp_path / "users/eva").mkdir(parents=True)
        assert (await invited(up, "eva"))[1]["added"]
        await ask(up, "user.remove", user="eva")
        (tmp_path / "users/eva/letter").write_text("to eva")
        args = {"token": new_token()}
        for name in ("eva", ".hidden", "..", "a/b", "n" * 101):
            assert (await ask(up, "user.invite", user=name, **args))[0] == "bad_argument", name
        assert "not empty" in (await ask(up, "user.invite", user="eva", **args))[1]
        given = await invited(up, "eva", path=str(tmp_path / "users/eva"))
        assert given[1]["path"] == str(tmp_path / "users/eva")
        again = await ask(up, "user.invite", user="eva", path=str(tmp_path / "other"), **args)
        assert again[0] == "bad_argument" and "exists already" in again[1]
        await ask(up, "user.disable", user="eva")
        assert (await ask(up, "user.invite", user="eva", **args))[0] == "bad_argument"
        assert (await ask(up, "user.invite", user="ana", token="short"))[0] == "bad_argument"


async def test_without_a_place_for_new_users_one_must_be_named(tmp_path: Path) -> None:
    async with governed(settings(tmp_path, plain=True)) as up:
        refused = await ask(up, "user.invite", user="eva", token=new_token())
        assert refused == ("bad_argument", 'a new user "eva" needs a folder')
        assert not (await invited(up, "ana"))[1]["added"]
        user = {"user": "eva", "password": "long enough"}
        assert (await ask(up, "user.add", **user))[0] == "bad_argument"
        assert (await ask(up, "user.add", path=str(tmp_path / "eva"), **user))["user"] == "eva"


async def test_devices_and_invitations_are_revoked(tmp_path: Path) -> None:
    async with governed(plain(tmp_path)) as up:
        first, _ = await invited(up, "ana")
        second, result = await invited(up, "ana", seconds=300)
        listed = (await ask(up, "user.invitation.list"))["invitations"]
        assert listed[0]["id"] == result["id"]  # the next to end
        assert await ask(up, "user.invitation.revoke", id=result["id"]) == {"id": result["id"]}
        again = await ask(up, "user.invitation.revoke", id=result["id"])
        assert again[0] == "unknown_invitation"
        assert await redeemed(up, second) == "unauthorized"
        secret = await redeemed(up, first)
        token = await login(up, "ana", secret)
        unknown = await ask(up, "user.device.revoke", user="ana", device="laptob")
        assert unknown[0] == "unknown_device"
        gone = await ask(up, "user.device.revoke", user="ana", device="laptop")
        assert gone == {"user": "ana", "devices": ["laptop"]}
        assert (await http(up, "workspaces", token))[0] == 401
        assert await login(up, "ana", secret) == ""
        assert await login(up, "ana", "correct horse")
        assert await ask(up, "user.device.revoke", user="ana") == {"user": "ana", "devices": []}


async def test_who_leaves_the_file_loses_their_devices(tmp_path: Path) -> None:
    async with governed(plain(tmp_path)) as up:
        invitation, _ = await invited(up, "ana")
        secret = await redeemed(up, invitation)
        assert await login(up, "ana", secret)
        plain(tmp_path, users=[])
        await ask(up, "reload")
        plain(tmp_path)
        await ask(up, "reload")
        assert await login(up, "ana", secret) == ""
        assert await login(up, "ana", "correct horse")


async def test_a_password_that_the_file_sets_is_not_replaced(tmp_path: Path) -> None:
    async with governed(plain(tmp_path)) as up:
        invitation, _ = await invited(up, "ana")
        status, answer = await used(up, "password", invitation, password="seven horses")
        assert (status, answer["error"]["code"]) == (409, "in_file")
        eva, _ = await invited(up, "eva")
        status, answer = await used(up, "password", eva, password="seven horses")
        assert await spaces(up, answer["token"]) == {"default": "rw"}
        assert await login(up, "eva", "seven horses")


FAR = ServerEnds("0.0.0.0", 8443, "", "ab" * 32)
PLAIN = ServerEnds("127.0.0.1", 8080, "", "")


@pytest.mark.parametrize(
    ("ends", "given", "url"),
    [
        (FAR, "files.example", "https://files.example:8443"),
        (FAR, "files.example:9000", "https://files.example:9000"),
        (FAR, "https://files.example:443/here/", "https://files.example:443/here"),
        (FAR, "192.0.2.7", "https://192.0.2.7:8443"),
        (FAR, "2001:db8::7", "https://[2001:db8::7]:8443"),
        (FAR, "[2001:db8::7]:1", "https://[2001:db8::7]:1"),
        (FAR, None, "the server listens on all addresses"),
        (FAR, "not a host", "has a wrong host name"),
        (FAR, "ftp://files.example", "must begin with https://"),
        (FAR, "ana:secret@files.example", "contains a user or password"),
        (FAR._replace(public_ip="192.0.2.7"), None, "https://192.0.2.7:8443"),
        (FAR._replace(host="192.0.2.1"), None, "https://192.0.2.1:8443"),
        (FAR._replace(host="::1", prefix="/files"), None, "https://[::1]:8443/files"),
        (FAR._replace(prefix="/files"), "a.example", "https://a.example:8443/files"),
        (PLAIN, None, "http://127.0.0.1:8080"),
        (PLAIN, "localhost", "http://localhost:8080"),
        (PLAIN._replace(proxied=True), None, "the server is behind a proxy"),
        (PLAIN._replace(proxied=True), "files.example", "needs the port of the proxy"),
        (PLAIN._replace(proxied=True), "files.example:443", "https://files.example:443"),
    ],
)
def test_the_address_that_clients_get(ends: ServerEnds, given: str | None, url: str) -> None:
    try:
        found = reached_at(ends, given)
    except ControlError as error:
        found = str(error)
    assert url == found or (not url.startswith("http") and url in found)
