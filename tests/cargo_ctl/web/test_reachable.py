"""The exact addresses of the page."""

import pytest

from cargo_ctl.web.places import PlaceError, called, named, usual
from cargo_ctl.web.reachable import Listen, listen_of, network_of, origin_of, reachable
from cargo_ctl.web.source import Place


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        ("127.0.0.1:8480", Listen("127.0.0.1", 8480)),
        ("[::1]:8480", Listen("::1", 8480)),
        ("localhost:1", Listen("localhost", 1)),
    ],
)
def test_where_it_listens(text: str, listen: Listen) -> None:
    assert listen_of(text) == listen
    assert str(listen) == text


@pytest.mark.parametrize(
    "text",
    ["", "8480", "127.0.0.1", ":8480", "a:b", "a:0", "a:65536", "::1:80", "u@a:80", "a:80/b"],
)
def test_no_place_to_listen(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not HOST:PORT, such as 127\.0\.0\.1:8480"):
        listen_of(text)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("localhost.example", False),
    ],
)
def test_what_only_this_machine_reaches(host: str, local: bool) -> None:
    assert Listen(host, 1).is_loopback == local
    assert Listen(host, 1).is_any == (host in ("0.0.0.0", "::"))


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://cargo.example", "https://cargo.example"),
        ("https://Cargo.Example:443/", "https://cargo.example"),
        ("https://cargo.example:9443", "https://cargo.example:9443"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_an_origin_as_browsers_say_it(text: str, origin: str) -> None:
    assert origin_of(text) == origin


@pytest.mark.parametrize(
    "text",
    ["", "cargo.example", "ftp://a", "https://", "https://a/b", "https://a?b", "https://u@a"],
)
def test_no_origin(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an address such as|must end with the name"):
        origin_of(text)


def test_hosts_and_origins_are_exact() -> None:
    found = reachable("http", ["127.0.0.1", "::1", "Box."], 8480, ["https://cargo.example"])
    assert found.hosts == {"127.0.0.1:8480", "[::1]:8480", "box:8480", "cargo.example"}
    assert found.origins == {
        "http://127.0.0.1:8480",
        "http://[::1]:8480",
        "http://box:8480",
        "https://cargo.example",
    }
    assert reachable("https", ["box"], 443, []).hosts == {"box"}, "a default port is not said"


def test_places_have_names() -> None:
    assert named(["daemon", "/etc/cargo/box.key", "tcp://box:5556", "up=tcp://up:5556"]) == (
        Place("daemon", "daemon"),
        Place("box", "/etc/cargo/box.key"),
        Place("box:5556", "tcp://box:5556"),
        Place("up", "tcp://up:5556"),
    )
    assert called("ipc:///run/cargo/daemon/commands") == "daemon"
    assert called("/run/cargo/daemon/") == "daemon"
    assert named(["/a=b/c"]) == (Place("c", "/a=b/c"),), "a path may have an equals sign"
    with pytest.raises(PlaceError, match=r'called "box".*--connect box-2=b/box\.key'):
        named(["a/box.key", "b/box.key"])


def test_the_usual_places() -> None:
    server = Place("server", "server", usual=True, kind="server")
    assert usual({}) == (Place("daemon", "daemon", usual=True), server)
    assert usual({"CARGO_CONTROL": "tcp://b:1"}) == (Place("b:1", "tcp://b:1"), server)


def test_a_proxy_is_an_address_or_a_network() -> None:
    assert network_of(" 10.1.2.3/8") == "10.0.0.0/8"
    assert network_of("::1") == "::1/128"
    with pytest.raises(ValueError, match=r"'proxy\.example' is not an IP address or network"):
        network_of("proxy.example")
