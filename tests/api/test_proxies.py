"""The address of a client behind proxies: what is believed, and what a client makes up."""

import pytest

from cargo_sync.api.proxies import TOLD, Proxies

PROXIES = ("10.0.0.0/8", "fd00::/8")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], "10.0.0.1"),
        ([""], "10.0.0.1"),
        (["203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9:1234"], "203.0.113.9"),
        (["[2001:db8::1]:80"], "2001:db8::1"),
        (["[2001:db8::1]"], "2001:db8::1"),
        (["2001:DB8:0::1"], "2001:db8::1"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        (["fe80::1%eth0"], "fe80::1"),
        (["1.2.3.4, 203.0.113.9"], "203.0.113.9"),  # the client made the left one up
        (["1.2.3.4", "203.0.113.9"], "203.0.113.9"),  # … in a line of its own
        (["203.0.113.9", "10.0.0.7:99, [fd00::5]:80"], "203.0.113.9"),  # a chain of proxies
        (["10.0.0.8"], "10.0.0.8"),  # a client among the proxies
        (["1.2.3.4, unknown"], "10.0.0.1"),
        (["1.2.3.4,"], "10.0.0.1"),
        (["1.2.3.4, 10.0.0.2, x" * 9], "10.0.0.1"),
        (["1.2.3.4:port"], "10.0.0.1"),
        (["[1.2.3.4"], "10.0.0.1"),
        (["1.2.3.4\n"], "1.2.3.4"),
    ],
)
def test_the_address_behind_proxies(lines: list[str], expected: str) -> None:
    assert Proxies(PROXIES).client("10.0.0.1", lines) == expected


@pytest.mark.parametrize("peer", ["192.0.2.1", "fe80::1%eth0", "", "unknown"])
def test_who_is_no_proxy_is_not_believed(peer: str) -> None:
    assert Proxies(PROXIES).client(peer, ["203.0.113.9"]) == peer


def test_doubts_about_proxies() -> None:
    proxies = Proxies(PROXIES)
    assert proxies.doubt("10.0.0.1", ["203.0.113.9"]) == proxies.doubt("192.0.2.1", []) == ""
    assert proxies.doubt("10.0.0.1", []).startswith("10.0.0.1 is in trusted_proxies, but a request")
    assert proxies.doubt("192.0.2.1", ["x"]).startswith("a request from 192.0.2.1 has X-Forwarded")
    assert proxies.doubt("10.0.0.1", []) == proxies.doubt("192.0.2.1", ["x"]) == "", "only once"
    told = [proxies.doubt(f"192.0.2.{number}", ["x"]) for number in range(2, 200)]
    assert sum(map(bool, told)) == TOLD - 2, "this does not grow"
