"""The address of a client behind a proxy, over HTTP."""

from pathlib import Path

import pytest

from tests.server.house import living


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


async def test_a_proxy_that_hides_its_clients_is_warned_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Only after a login: strangers send what they want."""
    async with living(tmp_path) as house:
        for password in ("wrong", "correct horse", "correct horse"):
            body = {"username": "ana", "password": password}
            told = {"X-Forwarded-For": "203.0.113.9"}
            await house.call("POST", "/v1/login", body, user="", headers=told)
            assert caplog.text.count("trusted_proxies") == (password != "wrong")
    assert "a request from 127.0.0.1 has X-Forwarded-For" in caplog.text
