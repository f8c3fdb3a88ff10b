"""What a server, or somebody between, may do to a control connection."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cargo_sync.api.own_certificate import make_certificate
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.world import World
from cargo_sync.trees.ftp.calls import FtpCalls
from cargo_sync.trees.ftp.login import FtpLogin
from cargo_sync.trees.ftp.opening import open_line, shown_certificate
from cargo_sync.trees.ftp.pool import FtpPool
from tests.conformance.remotes import in_thread

PASSWORD = "canary-trap-4c"


class Scripted:
    """A server that answers as its script says; what it was asked is in `asked`.

    tls    begins TLS after AUTH
    early  is sent unencrypted, together with the answer to AUTH
    busy   so many times it has no port for a data connection
    """

    def __init__(self, answers: dict[str, str], context: ssl.SSLContext | None, early: str) -> None:
        self.answers = answers
        self.context = context
        self.early = early
        self.asked: list[str] = []
        self.listing = b""
        self.busy = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        data: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
        opened: asyncio.Server | None = None
        try:
            while line := (await reader.readline()).decode().strip():
                word = line.partition(" ")[0]
                self.asked.append(line)
                if word == "AUTH" and self.context is not None:
                    writer.write(f"234 go\r\n{self.early}".encode())
                    await writer.start_tls(self.context)
                elif word == "PASV" and self.busy:
                    self.busy -= 1
                    writer.write(b"425 no port\r\n")
                elif word == "PASV":
                    opened = await asyncio.start_server(lambda _, one: data.put(one), "127.0.0.1")
                    port = opened.sockets[0].getsockname()[1]
                    # Another machine's address, which nobody may follow.
                    writer.write(f"227 (192,0,2,7,{port // 256},{port % 256})\r\n".encode())
                elif word == "MLSD":
                    writer.write(b"150 it comes\r\n")
                    channel = await data.get()
                    channel.write(self.listing)
                    channel.close()
                    writer.write(f"{self.answers[word]}\r\n".encode())
                else:
                    writer.write(f"{self.answers.get(word, '200 ok')}\r\n".encode())
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            if opened is not None:
                opened.close()


@asynccontextmanager
async def server(
    answers: dict[str, str], context: ssl.SSLContext | None = None, early: str = ""
) -> AsyncIterator[tuple[Scripted, Callable[..., FtpLogin]]]:
    scripted = Scripted(answers, context, early)
    async with await asyncio.start_server(scripted.serve, "127.0.0.1") as listening:
        port = listening.sockets[0].getsockname()[1]

        def login(fingerprint: str = "", ca_file: str = "") -> FtpLogin:
            tls = context is not None
            return FtpLogin(
                "127.0.0.1", port, tls, False, "ana", lambda: PASSWORD, fingerprint, ca_file
            )

        yield scripted, login


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    folder: Path = tmp_path_factory.mktemp("certificate")
    names = str(folder / "cert.pem"), str(folder / "key.pem")
    make_certificate(*names, "a test", ["127.0.0.1"], datetime.now(UTC))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*names)
    return context, names[0]


async def test_nobody_logs_in_where_the_certificate_is_another_one(
    certificate: tuple[ssl.SSLContext, str],
) -> None:
    context, ca_file = certificate
    async with server({"USER": "331 who", "FEAT": "502 no"}, context) as (scripted, login):
        seen, trusted = await shown_certificate(login())
        assert (len(seen), trusted) == (64, False)
        assert (await shown_certificate(login(ca_file=ca_file))) == (seen, True)
        for wrong in (login(), login("ab" * 32), login("sha256:" + "ab" * 32)):
            with pytest.raises(ProblemError) as caught:
                await open_line(wrong)
            assert caught.value.problem.code is Code.CERTIFICATE
        assert not any(one.startswith(("USER", "PASS")) for one in scripted.asked)
        for right in (login(seen), login(f"sha256:{seen}"), login(ca_file=ca_file)):
            (await open_line(right)).close()
        assert scripted.asked.count(f"PASS {PASSWORD}") == 3
        assert scripted.asked.count("PROT P") == 3


async def test_what_came_before_tls_is_no_answer(certificate: tuple[ssl.SSLContext, str]) -> None:
    context, ca_file = certificate
    async with server({}, context, "230 come in\r\n") as (scripted, login):
        with pytest.raises(ProblemError):
            await open_line(login(ca_file=ca_file))
        assert not any(one.startswith(("USER", "PASS")) for one in scripted.asked)


async def test_a_listing_that_is_cut_short_is_no_listing() -> None:
    offers = "211-offers\r\n MLST type*;size*;modify*;\r\n211 end"
    answers = {"PASS": "230 ok", "USER": "331 who", "FEAT": offers, "CWD": "250 in", "EPSV": "502"}
    async with server(answers) as (scripted, login):
        world = World(lambda: 0.0, lambda: 0.0, lambda: 0.5, lambda: "f" * 32, in_thread, lambda: 0)
        pool = FtpPool(login(), world)
        calls = FtpCalls(pool, "/top")
        scripted.listing = b"type=file;size=1;modify=20200913122640; x\r\n"
        answers["MLSD"] = "226 done"
        listing = await calls.listing("")
        assert [one.name for one in listing.entries] == ["x"], "from this machine, as it should"
        for said, code in (("226 Output truncated", Code.TOO_LARGE), ("426 cut", Code.CUT)):
            answers["MLSD"] = said
            with pytest.raises(ProblemError) as caught:
                await calls.listing("")
            assert caught.value.problem.code is code
        await pool.close()


@pytest.mark.parametrize(("busy", "works"), [(4, True), (5, False)])
async def test_a_port_that_is_taken_there_is_no_reason_to_give_up(busy: int, works: bool) -> None:
    offers = "211-offers\r\n MLST type*;size*;modify*;\r\n211 end"
    answers = {"PASS": "230 ok", "USER": "331 who", "FEAT": offers, "CWD": "250 in", "EPSV": "502"}
    async with server({**answers, "MLSD": "226 done"}) as (scripted, login):
        world = World(lambda: 0.0, lambda: 0.0, lambda: 0.5, lambda: "f" * 32, in_thread, lambda: 0)
        pool = FtpPool(login(), world)
        calls = FtpCalls(pool, "/top")
        scripted.busy = busy
        if works:
            assert list((await calls.listing("")).entries) == []
        else:
            with pytest.raises(ProblemError, match="no port"):
                await calls.listing("")
        assert scripted.asked.count("PASV") == 5
        await pool.close()
