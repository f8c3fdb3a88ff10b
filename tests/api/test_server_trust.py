"""Which servers are trusted, and the file that keeps them."""

import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.api.known_servers import keep_fingerprint, known_fingerprint
from cargo_sync.api.server_trust import (
    SeenServer,
    Trust,
    TrustVerdict,
    decide,
    is_loopback,
    place_of,
    plain,
    questions_about,
    seen_server,
    unknown,
)

SEEN, OTHER = "ab" * 32, "cd" * 32
SELF_MADE = SeenServer("https://far:8443", "cargo", sealed=True, fingerprint=SEEN)
PUBLIC = replace(SELF_MADE, trusted=True)
PLAIN = SeenServer("http://far:8443", "cargo")
LOOPBACK = SeenServer("http://127.0.0.1:8443", "cargo")


@pytest.mark.parametrize(
    ("look", "known", "more", "verdict"),
    [
        (PUBLIC, "", {}, Trust(TrustVerdict.GO_ON)),
        (PUBLIC, OTHER, {}, Trust(TrustVerdict.GO_ON)),
        (SELF_MADE, SEEN, {}, Trust(TrustVerdict.GO_ON, SEEN)),
        (SELF_MADE, OTHER, {"terminal": True}, Trust(TrustVerdict.CHANGED, SEEN)),
        (SELF_MADE, "", {"terminal": True}, Trust(TrustVerdict.ASK, SEEN)),
        (SELF_MADE, "", {}, Trust(TrustVerdict.UNKNOWN, SEEN)),
        (SELF_MADE, "", {"given": OTHER}, Trust(TrustVerdict.GO_ON, OTHER)),
        (SELF_MADE, OTHER, {"ca_file": "ca.pem"}, Trust(TrustVerdict.GO_ON)),
        (PLAIN, "", {}, Trust(TrustVerdict.PLAIN)),
        (PLAIN, "", {"terminal": True}, Trust(TrustVerdict.ASK_PLAIN)),
        (PLAIN, "", {"allow_plain": True}, Trust(TrustVerdict.GO_ON)),
        (LOOPBACK, "", {}, Trust(TrustVerdict.GO_ON)),
    ],
)
def test_decisions(look: SeenServer, known: str, more: dict[str, Any], verdict: Trust) -> None:
    assert decide(look, known, **more) == verdict


def test_what_a_look_told_is_read_however_little_it_is() -> None:
    look = {"url": "https://far:8443", "kind": "cargo", "sealed": True, "trusted": False}
    told = {**look, "fingerprint": SEEN, "message": "Cargo"}
    assert seen_server(told, "far") == replace(SELF_MADE, message="Cargo")
    assert seen_server({"sealed": "yes", "fingerprint": None}, "far") == SeenServer("far")


def test_places_and_loopback() -> None:
    assert [place_of(url) for url in ("https://a:1/x", "a:2", "https://[::1]:3", "a")] == [
        "a:1",
        "a:2",
        "[::1]:3",
        "a",
    ]
    urls = (
        "http://localhost:1",
        "http://127.9.9.9",
        "http://[::1]",
        "tcp://127.0.0.1.evil.example",
        "http://far",
    )
    assert [is_loopback(url) for url in urls] == [True, True, True, False, False]


def test_known_servers(tmp_path: Path) -> None:
    file = str(tmp_path / "config/known_servers")
    assert known_fingerprint(file, "a:1") == ""
    keep_fingerprint(file, "a:1", SEEN)
    keep_fingerprint(file, "b:1", OTHER)
    with open(file, "a") as opened:
        opened.write("# by hand\nc:1 sha256:" + SEEN.upper() + "\nnonsense\n\n")
    keep_fingerprint(file, "a:1", OTHER)
    assert [known_fingerprint(file, place) for place in ("a:1", "b:1", "c:1", "a:11")] == [
        OTHER,
        OTHER,
        SEEN,
        "",
    ]
    assert Path(file).read_text().splitlines()[1:3] == ["# by hand", f"c:1 sha256:{SEEN.upper()}"]
    assert stat.S_IMODE(Path(file).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(file).parent.stat().st_mode) == 0o700


def test_servers_of_one_host_are_kept_apart() -> None:
    """They show other certificates and keys, which would count as a change."""
    urls = ("sftp://a/x", "ftps://a", "ftps://a:990", "webdav+https://a/x", "s3+https://a:9/b")
    assert [place_of(url) for url in urls] == [
        "sftp://a:22", "ftps://a:21", "ftps://a:990", "a:443", "a:9",
    ]  # fmt: skip


def test_the_hint_about_a_plain_connection_names_the_sealed_scheme() -> None:
    for url, scheme in (
        ("http://a", "https"),
        ("ftp://a/x", "ftps"),
        ("s3+http://a/b", "s3+https"),
        ("tcp://a:1", "tls"),
    ):
        _, hint = plain(url)
        assert hint.startswith(f"use {scheme}://")


@pytest.mark.parametrize(
    ("server", "told"),
    [
        (SELF_MADE, "server prints"),
        (SeenServer("ftps://far", "ftp", sealed=True, fingerprint=SEEN), "person who runs"),
        (SeenServer("pydio+https://far", "", sealed=True, fingerprint=SEEN), "person who runs"),
        (SeenServer("sftp://far", "sftp", sealed=True, fingerprint="SHA256:a"), "person who runs"),
    ],
)
def test_where_to_find_the_right_fingerprint(server: SeenServer, told: str) -> None:
    """Only Cargo's own server prints it when it starts."""
    assert told in questions_about(server).first_time
    assert told in unknown(server)[1]
