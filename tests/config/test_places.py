from collections.abc import Callable

import pytest

from cargo_sync.config import places

FINGERPRINT = "ab" * 32


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (places.base_url, "https://cargo.cexar.io", "https://cargo.cexar.io:8443"),
        (places.base_url, "cargo.cexar.io", "https://cargo.cexar.io:8443"),
        (places.base_url, "127.0.0.1:9000/", "https://127.0.0.1:9000"),
        (places.base_url, "HTTP://Localhost:80//files/a/", "http://localhost:80/files/a"),
        (places.base_url, "https://[::1]/x", "https://[::1]:8443/x"),
        (places.remote_path, "/", ""),
        (places.remote_path, "", ""),
        (places.remote_path, "//a/./b c/", "a/b c"),
        (places.remote_path, "a/.cargo_sync2", "a/.cargo_sync2"),
        (places.listen_address, "127.0.0.1:9000", ("127.0.0.1", 9000)),
        (places.listen_address, ":9000", ("0.0.0.0", 9000)),
        (places.listen_address, "9000", ("0.0.0.0", 9000)),
        (places.listen_address, "[::1]:0", ("::1", 0)),
        (places.listen_address, "localhost", ("localhost", 8443)),
        (places.fingerprint, "SHA256:" + ":".join(["AB"] * 32), FINGERPRINT),
        (places.fingerprint, FINGERPRINT, FINGERPRINT),
        (places.url_prefix, "files/a/", "/files/a"),
        (places.url_prefix, "/", ""),
        (places.network, "10.1.2.3/8", "10.0.0.0/8"),
        (places.network, "::1", "::1/128"),
        (places.display_name, " Trabajo de la noche 🌙 ", "Trabajo de la noche 🌙"),
    ],
)
def test_read(read: Callable[[str], object], text: str, value: object) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (places.base_url, "ftp://a", "must begin with https:// or http://"),
        (places.base_url, "https://", "has no host name"),
        (places.base_url, "https://a:b", "is not an address"),
        (places.base_url, "https://ana:canary@a", "contains a user or password"),
        (places.base_url, "https://a?b", "may not contain"),
        (places.base_url, "https://a b", "wrong host name"),
        (places.base_url, "https://a:0", "port 0"),
        (places.remote_path, "a/../b", '".." is not allowed'),
        (places.remote_path, "/.cargo_sync/trash", "reserved"),
        (places.remote_path, "a/.Cargo_Sync", "reserved"),
        (places.not_reserved, "/home/ana/.cargo_sync/trash", "belongs to Cargo"),
        (places.remote_path, "a\nb", "control character"),
        (places.listen_address, "example.org:1", "is not an IP address"),
        (places.listen_address, "99999", "is not an address and port"),
        (places.base_url, "https://[fe80::1%25eth0]:8443", "has an IPv6 zone"),
        (places.listen_address, "127.0.0.1:99999", "is not an address and port"),
        (places.listen_address, "http://127.0.0.1", "is not an"),
        (places.fingerprint, "ab", "is not a SHA-256 fingerprint"),
        (places.url_prefix, "/a b", "is not a path prefix"),
        (places.url_prefix, "/../a", "is not a path prefix"),
        (places.network, "ten", "is not an IP address or network"),
        (places.display_name, "  ", "is empty"),
        (places.display_name, "x" * 101, "longer than 100"),
        (places.display_name, "a\x1b[2J", "control character"),
        (places.segment, "a/b", "may not contain"),
        (places.segment, "..", "may not contain"),
    ],
)
def test_refused(read: Callable[[str], object], text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        read(text)
    assert "canary" not in str(caught.value)


def test_local_paths() -> None:
    env = {"HOME": "/home/ana"}
    read = {
        text: places.local_path(text, "/etc/jobs", env)
        for text in ("~", "~/a/", "b/../c", "/d//e/.")
    }
    assert read == {
        "~": "/home/ana",
        "~/a/": "/home/ana/a",
        "b/../c": "/etc/jobs/c",
        "/d//e/.": "/d/e",
    }
    for text, message in (("", "is empty"), ("a\0b", "control character")):
        with pytest.raises(ValueError, match=message):
            places.local_path(text, "/", env)


def test_a_relative_xdg_folder_is_not_taken() -> None:
    assert places.state_folder({"XDG_STATE_HOME": "/state"}, "daemon") == "/state/cargo_sync/daemon"
    assert (
        places.state_folder({"XDG_STATE_HOME": "x", "HOME": "/h"}, "daemon")
        == "/h/.local/state/cargo_sync/daemon"
    )


def test_loopback() -> None:
    assert [
        host
        for host in ("localhost", "127.9.9.9", "::1", "0.0.0.0", "a.org")
        if places.is_loopback(host)
    ] == [
        "localhost",
        "127.9.9.9",
        "::1",
    ]
