"""The framed port: any size, text or not, many requests a connection; status codes of the page."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.backup_protocol import frames
from cargo_sync.machines.quota import Quota
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace
from tests.offloads import T, Ts, inline
from tests.server.backup.ports import FramedClient, ports
from tests.server.surroundings import until

LARGE = os.urandom(5 * 1024 * 1024 + 3)


async def test_binary_content_there_and_back(tmp_path: Path) -> None:
    async with ports(tmp_path) as there:
        client = await FramedClient.connect(there.framed)
        sent = await client.ask(
            verbo="TRANSMITIR",
            apelido="ana",
            senha="segredo",
            nome_arquivo="f.bin",
            tamanho=len(LARGE),
            raw=LARGE,
        )
        assert sent == {"status": 255, "id": "3507"}
        assert (there.folder / "f.bin").read_bytes() == LARGE
        listed = await client.ask(verbo="LISTAR", apelido="ana", senha="segredo")
        assert listed == {
            "status": 255,
            "list_nome_arquivo": [{"id": "3507", "nome_arquivo": "f.bin"}],
        }
        fetched = await client.ask(
            verbo="BAIXAR", apelido="ana", senha="segredo", id_arquivo="3507"
        )
        assert fetched == {"status": 255, "nome_arquivo": "f.bin", "tamanho": len(LARGE)}
        assert await client.content(len(LARGE)) == LARGE
        client.writer.close()


async def test_small_content_may_stand_in_the_json(tmp_path: Path) -> None:
    async with ports(tmp_path) as there:
        client = await FramedClient.connect(there.framed)
        sent = await client.ask(
            verbo="TRANSMITIR", apelido="ana", nome_arquivo="n", conteudo_arquivo="é"
        )
        assert sent["status"] == 255
        assert (there.folder / "n").read_text() == "é"
        client.writer.close()


async def test_a_refused_file_does_not_end_the_connection(tmp_path: Path) -> None:
    async with ports(tmp_path) as there:
        client = await FramedClient.connect(there.framed)
        fields = {"verbo": "TRANSMITIR", "apelido": "ana", "senha": "errada", "nome_arquivo": "n"}
        refused = await client.ask(**fields, tamanho=1000, raw=b"x" * 1000)
        assert refused == {"status": 158, "mensagem": "Apelido não encontrado"}
        listed = await client.ask(verbo="LISTAR", apelido="ana")
        assert listed == {"status": 158, "mensagem": "Nenhum dado salvo"}
        client.writer.close()


async def test_what_the_store_cannot_do_is_906(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise ProblemError(Problem(Code.DISK_FULL, "the disk is full"))

    async with ports(tmp_path) as there:
        monkeypatch.setattr(FolderWorkspace, "stage", full)
        client = await FramedClient.connect(there.framed)
        fields = {"verbo": "TRANSMITIR", "apelido": "ana", "nome_arquivo": "n", "tamanho": 3}
        assert await client.ask(**fields, raw=b"abc") == {
            "status": 906,
            "mensagem": "the disk is full",
        }
        client.writer.close()


async def test_what_is_over_the_quota_is_906(tmp_path: Path) -> None:
    async with ports(tmp_path) as there:
        quotas = there.rooms["ana"].whole.quotas
        quotas.allow({"ana": Quota(bytes=5)}, lambda news: None)
        client = await FramedClient.connect(there.framed)
        fields = {"verbo": "TRANSMITIR", "apelido": "ana", "nome_arquivo": "n", "tamanho": 3}
        assert (await client.ask(**fields, raw=b"abc"))["status"] == 255
        assert await client.ask(**fields, raw=b"abc") == {
            "status": 906,
            "mensagem": "O arquivo não cabe na cota do usuário",
        }
        assert (await client.ask(**fields | {"apelido": "ben"}, raw=b"abc"))["status"] == 255
        client.writer.close()


async def test_half_a_file_is_nothing(tmp_path: Path) -> None:
    async with ports(tmp_path) as there:
        client = await FramedClient.connect(there.framed)
        fields = {
            "verbo": "TRANSMITIR",
            "apelido": "ana",
            "nome_arquivo": "n",
            "tamanho": 4_000_000,
        }
        client.writer.write(frames.frame(fields) + b"x" * 2_000_000)
        await client.writer.drain()
        client.writer.close()
        other = await FramedClient.connect(there.framed)
        assert (await other.ask(verbo="LISTAR", apelido="ana"))["mensagem"] == "Nenhum dado salvo"
        assert [path.name for path in there.folder.iterdir()] == [".cargo_sync"]
        other.writer.close()


@pytest.mark.parametrize("sent", [b"\xff\xff\xff\xff", b"\0\0\0\2[]", b"\0\0\0\1x", b"\0\0\0\0"])
async def test_what_is_no_request_is_answered_and_ends(tmp_path: Path, sent: bytes) -> None:
    async with ports(tmp_path) as there:
        client = await FramedClient.connect(there.framed)
        client.writer.write(sent)
        assert (await client.answer())["status"] == 158
        assert await client.reader.read() == b""
        client.writer.close()


async def test_a_stranger_sends_little_json_and_a_large_one_is_parsed_in_a_thread(
    tmp_path: Path,
) -> None:
    offloaded: list[object] = []

    async def noted(work: Callable[[*Ts], T], *args: *Ts) -> T:
        offloaded.append(work)
        return await inline(work, *args)

    named = {"verbo": "TRANSMITIR", "apelido": "ana", "nome_arquivo": "n"}
    small: dict[str, Any] = {**named, "conteudo_arquivo": "x"}
    large: dict[str, Any] = small | {"conteudo_arquivo": 'é"\\' * 30_000}
    async with ports(tmp_path, offload=noted) as there:
        for wrong in (0, 1):
            stranger = await FramedClient.connect(there.framed)
            for _ in range(wrong):
                refused = await stranger.ask(verbo="LISTAR", apelido="ana", senha="errada")
                assert refused["status"] == 158
            stranger.writer.write((64 * 1024 + 1).to_bytes(4, "big"))  # refused before it comes
            assert "65536 bytes" in (await stranger.answer())["mensagem"]
            assert await stranger.reader.read() == b""
            stranger.writer.close()
        client = await FramedClient.connect(there.framed)
        assert (await client.ask(**small))["status"] == 255
        assert frames.read_request not in offloaded
        assert (await client.ask(**large))["status"] == 255
        assert frames.read_request in offloaded
        assert (there.folder / "n (2)").read_text() == large["conteudo_arquivo"]
        client.writer.close()


async def test_the_silent_are_dropped(tmp_path: Path) -> None:
    async with ports(tmp_path, deadline=0.2) as there:
        client = await FramedClient.connect(there.framed)
        client.writer.write(b"\0\0")
        async with asyncio.timeout(60):
            assert await client.reader.read() == b""
        client.writer.close()


async def test_a_request_ends_with_its_user(tmp_path: Path) -> None:
    async with ports(tmp_path) as there:
        client = await FramedClient.connect(there.framed)
        fields = {
            "verbo": "TRANSMITIR",
            "apelido": "ana",
            "nome_arquivo": "n",
            "tamanho": 4_000_000,
        }
        client.writer.write(frames.frame(fields) + b"x" * 2_000_000)
        await until(lambda: len(there.permits) == 1, asyncio.sleep)
        there.permits.end_of({"ana"})
        assert (await client.answer())["mensagem"] == "O usuário foi desconectado do servidor"
        assert [path.name for path in there.folder.iterdir()] == [".cargo_sync"]
        assert len(there.permits) == 0
        client.writer.close()


async def test_what_may_not_be_published_any_more_is_not(tmp_path: Path) -> None:
    async with ports(tmp_path) as there:
        client = await FramedClient.connect(there.framed)
        fields = {"verbo": "TRANSMITIR", "apelido": "ana", "nome_arquivo": "n", "tamanho": 4}
        client.writer.write(frames.frame(fields) + b"xx")
        await until(lambda: len(there.permits) == 1, asyncio.sleep)
        there.rooms["ana"] = there.rooms["ana"]._replace(level="ro")
        client.writer.write(b"xx")
        assert (await client.answer())["status"] == 158
        assert not (there.folder / "n").exists()
        client.writer.close()
