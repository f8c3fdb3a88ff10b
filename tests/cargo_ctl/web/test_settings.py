"""`web.json`: what it may say, and how its users are changed."""

import json
import os
from pathlib import Path

import pytest

from cargo_ctl.web import settings
from cargo_ctl.web.settings import WebFile, WebFileError, WebUser
from cargo_sync.api.roles import Role

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"
ANA = WebUser("ana", Role.WATCH, HASH)


def written(folder: Path, fields: object, mode: int = 0o600) -> str:
    path = folder / "web.json"
    path.write_text(fields if isinstance(fields, str) else json.dumps(fields))
    path.chmod(mode)
    return str(path)


def test_without_a_file_nobody_may_log_in(tmp_path: Path) -> None:
    assert settings.read(str(tmp_path / "web.json")) == WebFile()


def test_every_field(tmp_path: Path) -> None:
    fields = {
        "listen": "0.0.0.0:8480",
        "sources": {"box": "/etc/box.key"},
        "origins": ["https://cargo.example"],
        "trusted_proxies": ["127.0.0.1"],
        "tls": {"cert": "page.crt", "key": "/etc/page.key"},
        "users": {"ana": {"role": "watch", "password": HASH}},
    }
    assert settings.read(written(tmp_path, fields)) == WebFile(
        "0.0.0.0:8480",
        {"box": "/etc/box.key"},
        ("https://cargo.example",),
        ("127.0.0.1",),
        str(tmp_path / "page.crt"),
        "/etc/page.key",
        {"ana": ANA},
    )


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ([], "must be an object"),
        ({"lissen": ""}, 'unknown field "lissen" .did you mean "listen"'),
        ({"listen": 8480}, '"listen" must be text'),
        ({"origins": "https://a"}, '"origins" must be a list'),
        ({"trusted_proxies": [1]}, '"trusted_proxies" must be a list'),
        ({"sources": {"a": 1}}, '"sources" must be an object of texts'),
        ({"tls": {"cert": "a"}}, '"tls" must have "cert" and "key"'),
        ({"users": []}, '"users" must be an object'),
        ({"users": {"link": {"role": "watch", "password": HASH}}}, 'the name "link"'),
        ({"users": {"a b": {"role": "watch", "password": HASH}}}, 'the name "a b"'),
        ({"users": {"ana": {"role": "root", "password": HASH}}}, 'the user "ana" must have'),
        ({"users": {"ana": {"role": "watch", "password": "hunter2"}}}, 'the user "ana" must'),
        ({"users": {"ana": {"role": "watch"}}}, 'the user "ana" must'),
    ],
)
def test_an_error_says_where_it_is_and_shows_no_secret(
    tmp_path: Path, fields: object, why: str
) -> None:
    with pytest.raises(WebFileError, match=why) as caught:
        settings.read(written(tmp_path, fields))
    assert "hunter2" not in str(caught.value)
    assert HASH not in str(caught.value)


def test_a_file_that_others_may_use_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WebFileError, match="chmod 600"):
        settings.read(written(tmp_path, {}, 0o640))


def test_users_are_changed_and_the_rest_stays(tmp_path: Path) -> None:
    path = written(tmp_path, {"listen": "127.0.0.1:9000", "sources": {"a": "b"}})
    settings.change_users(path, lambda users: users.update(ana=ANA))
    assert settings.read(path) == WebFile("127.0.0.1:9000", {"a": "b"}, users={"ana": ANA})
    settings.change_users(path, lambda users: users.clear())
    assert settings.read(path).users == {}
    assert os.listdir(tmp_path) == ["web.json"]
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_a_new_file_and_its_folder_are_private(tmp_path: Path) -> None:
    path = str(tmp_path / "config" / "web.json")
    with pytest.raises(WebFileError, match="cannot be changed"):
        settings.change_users(path, lambda users: None)
    settings.change_users(path, lambda users: users.update(ana=ANA), new=True)
    assert settings.read(path).users == {"ana": ANA}
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o700


def test_a_user_shows_no_hash() -> None:
    assert "argon2" not in repr(ANA)
