"""The address of a client behind proxies: what is believed, and what a client makes up."""

import ipaddress
from pathlib import Path

import pytest

from cargo_sync.server.http.authentication import forwarded, forwarded_ip
from tests.server.house import living

PROXIES = [ipaddress.ip_network(one) for one in ("10.0.0.0/8", "fd00::/8")]


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
    assert forwarded_ip("10.0.0.1", lines, PROXIES) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], "own"),
        ([""], "own"),
        (["https"], "https"),
        (["https", "http"], "http"),  # the client made the first line up
        (["https, http"], "http"),
        (["http ", " https "], "https"),
        (["https,"], "own"),
    ],
)
def test_of_other_headers_the_last_element_counts(lines: list[str], expected: str) -> None:
    assert forwarded(lines, "own") == expected


async def test_a_client_neither_chooses_its_address_nor_locks_another_out(tmp_path: Path) -> None:
    """The proxy appends a line of its own to the client's; the client guesses passwords."""
    async with living(tmp_path, proxies=["127.0.0.0/8"]) as house:

        async def guesses(user: str, made_up: str, true: str, password: str = "x") -> int:
            lines = [("X-Forwarded-For", made_up), ("X-Forwarded-For", true)]
            body = {"username": user, "password": password}
            async with house._client.post("/v1/login", json=body, headers=lines) as answer:
                return answer.status

        codes = [
            await guesses(f"user{number}", "198.51.100.1", f"203.0.113.9:{50 + number}")
            for number in range(6)
        ]
        assert codes == [401] * 5 + [429], "another port in each request, and still one client"
        assert await guesses("user7", "198.51.100.2", "203.0.113.9") == 429, "or another name"
        assert await guesses("ana", "", "198.51.100.1:7", "correct horse") == 200, (
            "the one it named"
        )
