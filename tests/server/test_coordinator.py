"""The coordinator's ports of a whole server: who comes in, where files lie, what stays after a
restart."""

import asyncio
import hashlib
import json
import os
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.backup_protocol.text import NO_NICKNAME
from cargo_sync.config.errors import ConfigError
from cargo_sync.config.server import load_server
from cargo_sync.model.problems import ProblemError
from cargo_sync.process import tls
from cargo_sync.state.accounts import Accounts
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.server.admin import ask, governed
from tests.server.backup.ports import FramedClient, published_client
from tests.server.surroundings import CHEAP
from tests.server.test_app import quick, running, settings

pytestmark = pytest.mark.usefixtures("quick")
__all__ = ["quick"]
NOTE = json.dumps(
    {"apelido": "maria", "nome_arquivo": "nota.txt", "conteudo_arquivo": "um\ndois\n"},
    ensure_ascii=False,
).encode()
MARIA = b'{"apelido": "maria"}'


def backup(place: Path, **changed: Any) -> Path:
    """A server's file with both ports, on free ones."""
    asked = {
        "listen": "127.0.0.1:0",
        "framed": "127.0.0.1:0",
        "nicknames": str(place / "nicknames"),
    }
    return settings(place, backup=asked | changed)


def port(address: str) -> int:
    return int(address.rpartition(":")[2])


async def framed(address: str) -> FramedClient:
    """A client of the port with frames, over TLS."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return FramedClient(*await asyncio.open_connection("127.0.0.1", port(address), ssl=context))


async def test_the_published_program_saves_lists_and_fetches_across_a_restart(
    tmp_path: Path,
) -> None:
    file = backup(tmp_path)
    async with running(file) as up:
        id = (await published_client(port(up.backup["listen"]), b"TRANSMITIR", NOTE)).decode()
        assert (len(id), id.isdecimal()) == (16, True)
        assert (tmp_path / "nicknames/maria/nota.txt").read_text() == "um\ndois\n"
    async with running(file) as up:
        at = port(up.backup["listen"])
        listed = (await published_client(at, b"LISTAR", MARIA)).decode()
        assert f"ID: {id} ---- Nome do Arquivo: nota.txt" in listed
        fetched = json.loads(
            await published_client(
                at, b"BAIXAR", json.dumps({"apelido": "maria", "id_arquivo": id}).encode()
            )
        )
        assert fetched == {"nome_arquivo": "nota.txt", "conteudo": "um\ndois\n"}


async def shown(address: str) -> str:
    """The fingerprint of the certificate at a port."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port(address), ssl=context)
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return "sha256:" + hashlib.sha256(der).hexdigest()


async def test_a_reload_takes_a_renewed_certificate_at_every_port_and_says_so(
    tmp_path: Path,
) -> None:
    async with governed(backup(tmp_path)) as up:
        (tmp_path / "new").mkdir()
        now = datetime.now(UTC)
        fresh = tls.self_made(str(tmp_path / "new"), ["localhost"], now)
        os.replace(fresh.cert, tmp_path / "state/server.crt")
        [notice] = (await ask(up, "reload"))["notices"]
        assert notice.startswith("the old certificate is still served: ")
        assert (await ask(up, "status"))["warnings"] == [notice]
        ports = (up.api, up.backup["framed"])
        assert [await shown(one) for one in ports] == [up.fingerprint] * 2
        os.replace(fresh.key, tmp_path / "state/server.key")
        notices = (await ask(up, "reload"))["notices"]
        assert notices == [f"new connections get the new certificate, {fresh.fingerprint}"]
        assert [await shown(one) for one in ports] == [fresh.fingerprint] * 2


async def test_a_nickname_is_made_by_sending_alone(tmp_path: Path) -> None:
    async with running(backup(tmp_path)) as up:
        at = port(up.backup["listen"])
        assert (await published_client(at, b"LISTAR", MARIA)).decode() == NO_NICKNAME
        assert not (tmp_path / "nicknames").exists()
        for wrong in ("../ana", ".oculto", "a/b", "a:b", " maria"):
            body = json.dumps(
                {"apelido": wrong, "nome_arquivo": "x", "conteudo_arquivo": ""}
            ).encode()
            assert (
                "não pode ser usado" in (await published_client(at, b"TRANSMITIR", body)).decode()
            )
        assert not (tmp_path / "nicknames").exists()


async def test_a_nickname_that_was_given_a_password_comes_in_with_it_alone(tmp_path: Path) -> None:
    file = backup(tmp_path)
    async with running(file) as up:
        id = (await published_client(port(up.backup["listen"]), b"TRANSMITIR", NOTE)).decode()
    with SqliteDatabase.open(str(tmp_path / "state" / "state.db"), "server") as database:
        Accounts(database).set("maria", CHEAP.hash("battery staple"))
    async with running(file) as up:
        for verb, body in ((b"LISTAR", MARIA), (b"TRANSMITIR", NOTE)):
            assert (
                await published_client(port(up.backup["listen"]), verb, body)
            ).decode() == NO_NICKNAME
        client = await framed(up.backup["framed"])
        fetch: dict[str, Any] = {"verbo": "BAIXAR", "apelido": "maria", "id_arquivo": id}
        assert (await client.ask(**fetch))["status"] == 158
        assert (await client.ask(senha="wrong", **fetch))["status"] == 158
        assert (await client.ask(senha="battery staple", **fetch))["nome_arquivo"] == "nota.txt"
        client.writer.close()


async def test_users_come_in_by_frames_with_their_password_alone(tmp_path: Path) -> None:
    cleo = {"username": "cleo", "path": str(tmp_path / "cleo")}  # has no password yet
    ana = {"username": "ana", "password": "correct horse", "path": str(tmp_path / "ana")}
    async with running(settings_of(tmp_path, [ana, cleo])) as up:
        for name in ("ana", "cleo"):
            body = json.dumps(
                {"apelido": name, "nome_arquivo": "x", "conteudo_arquivo": ""}
            ).encode()
            assert (
                await published_client(port(up.backup["listen"]), b"TRANSMITIR", body)
            ).decode() == NO_NICKNAME
        client = await framed(up.backup["framed"])
        send = {"verbo": "TRANSMITIR", "apelido": "ana", "nome_arquivo": "r.bin", "tamanho": 4}
        refused = await client.ask(raw=b"\0\1\2\3", **send)
        assert refused["status"] == 158
        refused = await client.ask(raw=b"\0\1\2\3", senha="wrong", **send)
        assert "senha" in refused["mensagem"]
        stored = await client.ask(raw=b"\0\1\2\3", senha="correct horse", **send)
        assert stored["status"] == 255
        assert (tmp_path / "ana/r.bin").read_bytes() == b"\0\1\2\3"
        client.writer.close()


def settings_of(place: Path, users: list[dict[str, Any]]) -> Path:
    file = backup(place)
    file.write_text(json.dumps(json.loads(file.read_text()) | {"users": users}))
    return file


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"listen": "0.0.0.0:10000"}, '"allow_plain": true'),
        ({"nicknames": None}, "has no passwords"),
        ({"nicknames": "ana/nicknames"}, "overlap"),
        ({"nicknames": "nowhere/nicknames"}, "there is no folder"),
        ({"listen": None, "framed": None}, "one of them is needed"),
        ({"listen": 10000}, "must be text"),
        ({"listen": None, "file_servers": {}}, 'copies what comes at "listen"'),
        ({"file_servers": {"listen": "0.0.0.0:9999"}}, '"allow_plain": true'),
        ({"file_servers": {"allow": ["10.0.0.0/8"]}}, '"allow_plain": true'),
        ({"file_servers": {"allow": ["everywhere"]}}, "is not an IP address or network"),
    ],
)
def test_what_would_not_do_is_refused_by_its_field(
    tmp_path: Path, asked: dict[str, Any], said: str
) -> None:
    (tmp_path / "ana").mkdir()
    wanted = {"listen": "127.0.0.1:0", "framed": "127.0.0.1:0", "nicknames": "nicknames"} | asked
    file = settings(
        tmp_path, backup={name: value for name, value in wanted.items() if value is not None}
    )
    with pytest.raises(ConfigError) as refused:
        load_server(str(file), {"HOME": str(tmp_path)})
    assert said in str(refused.value)


async def test_a_file_server_registers_at_a_port_of_its_own(tmp_path: Path) -> None:
    file = backup(tmp_path, file_servers={"listen": "127.0.0.1:0"})
    async with running(file) as up, asyncio.timeout(60):
        at = port(up.backup["file_servers"])
        reader, writer = await asyncio.open_connection("127.0.0.1", at)
        writer.write(b'{"assignment": "cadastrar", "ip": "127.0.0.1"}')
        assert await reader.read() == b"Servidor cadastrado"
        writer.close()


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    taken = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    address = f"127.0.0.1:{taken.sockets[0].getsockname()[1]}"
    with pytest.raises(BaseExceptionGroup) as refused:
        async with running(backup(tmp_path, framed=address)):
            pass
    [error] = refused.value.exceptions
    assert isinstance(error, ProblemError)
    assert (
        error.problem.hint == 'change "framed" in "backup", or stop the program that listens there'
    )
    taken.close()
    await taken.wait_closed()
