"""The published program's protocol: transcripts, byte for byte, over a real port."""

import asyncio
import json
from pathlib import Path

import pytest

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace
from cargo_sync.state.backup_files import BackupFile
from tests.server.backup.ports import FramedClient, ports, published_client

NOTE = b'{"apelido": "ana", "nome_arquivo": "nota.txt", "conteudo_arquivo": "ol\\u00e1"}'


async def test_the_three_verbs(tmp_path: Path) -> None:
    async with ports(tmp_path) as there:
        assert await published_client(there.text, b"TRANSMITIR", NOTE) == b"3507"
        assert (there.folder / "nota.txt").read_bytes() == "olá".encode()
        listed = await published_client(there.text, b"LISTAR", b'"ana"')
        assert listed.decode() == "\nUsuário: ana\n\n\nID: 3507 ---- Nome do Arquivo: nota.txt\n"
        fetched = await published_client(there.text, b"BAIXAR", b'{"id": "3507", "apelido": "ana"}')
        assert fetched == b'{"nome_arquivo": "nota.txt", "conteudo": "ol\\u00e1"}'


async def test_errors_are_the_programs(tmp_path: Path) -> None:
    async with ports(tmp_path) as there:
        for verb, body, answer in (
            (b"LISTAR", b'"eva"', "Apelido não encontrado"),
            (b"LISTAR", b'"ana"', "Nenhum dado salvo"),
            (
                b"BAIXAR",
                b'{"id": "1", "apelido": "ana"}',
                "\nUsuário não possui dados salvos no servidor",
            ),
        ):
            assert (await published_client(there.text, verb, body)).decode() == answer
        await published_client(there.text, b"TRANSMITIR", NOTE)
        unknown = await published_client(there.text, b"BAIXAR", b'{"id": "1", "apelido": "ana"}')
        assert unknown.decode() == "ID não encontrado"


async def test_a_second_of_the_same_name_keeps_both(tmp_path: Path) -> None:
    async with ports(tmp_path) as there:
        other = NOTE.replace(b"ol\\u00e1", b"tchau")
        ids = await asyncio.gather(
            published_client(there.text, b"TRANSMITIR", NOTE),
            published_client(there.text, b"TRANSMITIR", other),
        )
        assert len(set(ids)) == 2
        kept = {path.read_text() for path in there.folder.glob("nota*.txt")}
        assert kept == {"olá", "tchau"}
        listed = (await published_client(there.text, b"LISTAR", b'"ana"')).decode()
        assert listed.count("Nome do Arquivo: nota.txt\n") == 2
        for id, content in zip(ids, ("olá", "tchau"), strict=True):
            body = json.dumps({"id": id.decode(), "apelido": "ana"}).encode()
            assert (
                json.loads(await published_client(there.text, b"BAIXAR", body))["conteudo"]
                == content
            )


async def test_an_id_is_its_users_own(tmp_path: Path) -> None:
    async with ports(tmp_path) as there:
        id = await published_client(there.text, b"TRANSMITIR", NOTE)
        body = json.dumps({"id": id.decode(), "apelido": "ben"}).encode()
        answer = await published_client(there.text, b"BAIXAR", body)
        assert answer.decode() == "\nUsuário não possui dados salvos no servidor"


async def test_names_from_other_systems_lead_nowhere(tmp_path: Path) -> None:
    async with ports(tmp_path) as there:
        for name in ("../../etc/passwd", "C:\\\\Users\\\\ana\\\\passwd", "/tmp/passwd"):
            body = NOTE.replace(b"nota.txt", name.encode())
            assert (await published_client(there.text, b"TRANSMITIR", body)).isdigit()
        found = sorted(path.name for path in there.folder.iterdir() if path.name != ".cargo_sync")
        assert found == ["passwd", "passwd (2)", "passwd (3)"]
        for name in ("..", ".cargo_sync", "a\\u0000b"):
            answer = await published_client(
                there.text, b"TRANSMITIR", NOTE.replace(b"nota.txt", name.encode())
            )
            assert not answer.isdigit()


async def test_names_go_out_without_the_folders_that_their_sender_put_in(tmp_path: Path) -> None:
    names = {
        "../../etc/passwd": "passwd",
        "C:\\Users\\ana\\.bashrc": ".bashrc",
        "..\\/x/..\\evil": "evil",
        "C:evil": "evil",
        "a/C:..": "arquivo-4",
        "/tmp/": "arquivo-5",
        "..": "arquivo-6",
        "dir\\ . ": "arquivo-7",
    }
    async with ports(tmp_path) as there:
        await published_client(there.text, b"TRANSMITIR", NOTE)
        for number, name in enumerate(names):
            there.rows.add("ana", BackupFile(str(number), "nota.txt", name), 0.0)  # old rows
        listed = (await published_client(there.text, b"LISTAR", b'"ana"')).decode()
        for number, (name, shown) in enumerate(names.items()):
            assert f"ID: {number} ---- Nome do Arquivo: {shown}\n" in listed, name
            body = json.dumps({"id": str(number), "apelido": "ana"}).encode()
            fetched = json.loads(await published_client(there.text, b"BAIXAR", body))
            assert fetched["nome_arquivo"] == shown, name
        client = await FramedClient.connect(there.framed)
        fetched = await client.ask(verbo="BAIXAR", apelido="ana", id="0")
        assert fetched["nome_arquivo"] == "passwd"
        await client.content(fetched["tamanho"])
        files = (await client.ask(verbo="LISTAR", apelido="ana"))["list_nome_arquivo"]
        assert {one["nome_arquivo"] for one in files} == {"nota.txt", *names.values()}
        client.writer.close()


async def test_what_would_be_cut_is_refused_by_name_of_the_other_port(tmp_path: Path) -> None:
    async with ports(tmp_path) as there:
        (large,) = [NOTE.replace(b"ol\\u00e1", b"x" * 2000)]
        id = await published_client(there.text, b"TRANSMITIR", large)
        body = json.dumps({"id": id.decode(), "apelido": "ana"}).encode()
        answer = (await published_client(there.text, b"BAIXAR", body)).decode()
        assert answer == "O arquivo não cabe em 1024 bytes: use a porta 10001"


async def test_a_file_that_is_gone_is_not_listed(tmp_path: Path) -> None:
    async with ports(tmp_path) as there:
        id = await published_client(there.text, b"TRANSMITIR", NOTE)
        await published_client(there.text, b"TRANSMITIR", NOTE.replace(b"nota", b"outra"))
        (there.folder / "nota.txt").unlink()
        body = json.dumps({"id": id.decode(), "apelido": "ana"}).encode()
        assert (await published_client(there.text, b"BAIXAR", body)).decode() == "ID não encontrado"
        listed = (await published_client(there.text, b"LISTAR", b'"ana"')).decode()
        assert "nota.txt" not in listed and "outra.txt" in listed


async def test_verb_and_json_in_one_segment(tmp_path: Path) -> None:
    async with ports(tmp_path) as there:
        reader, writer = await asyncio.open_connection("127.0.0.1", there.text)
        writer.write(b"TRANSMITIR" + NOTE)
        assert await reader.read() == b"2553507"
        writer.close()


async def test_nobody_hangs_another(tmp_path: Path) -> None:
    """Silent, half a message, broken JSON: all at once, and somebody is served meanwhile."""
    async with ports(tmp_path) as there:
        silent = await asyncio.open_connection("127.0.0.1", there.text)
        half = await asyncio.open_connection("127.0.0.1", there.text)
        half[1].write(b'TRANSMITIR{"apelido": "ana", "nome')
        broken = await published_client(there.text, b"LISTAR", b'{"apelido": }')
        assert broken.decode() == "O pedido não é JSON válido"
        assert await published_client(there.text, b"TRANSMITIR", NOTE) == b"3507"
        for _, writer in (silent, half):
            writer.close()


async def test_the_silent_are_dropped_at_the_deadline(tmp_path: Path) -> None:
    async with ports(tmp_path, deadline=0.2) as there:
        for said in (b"TRANS", b'TRANSMITIR{"apelido": "ana", "nome'):
            reader, writer = await asyncio.open_connection("127.0.0.1", there.text)
            writer.write(said)
            async with asyncio.timeout(60):
                assert await reader.read() == b"255"
            writer.close()


async def test_a_look_that_fails_keeps_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise ProblemError(Problem(Code.DISK_ERROR, "the disk reports an error"))

    async with ports(tmp_path) as there:
        with monkeypatch.context() as patch:
            patch.setattr(FolderWorkspace, "entries", failing)
            answer = await published_client(there.text, b"TRANSMITIR", NOTE)
            assert "the disk reports an error" in answer.decode()
        assert await published_client(there.text, b"TRANSMITIR", NOTE) == b"3507"
        assert (there.folder / "nota.txt").exists()
