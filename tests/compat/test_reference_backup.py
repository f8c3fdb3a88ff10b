"""Servidor Backup's page, line by line: its programs, menu, verbs, fields and answers, at a real
server."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import processes
from tests.e2e.beginning import called, finished
from tests.e2e.processes import PASSWORD, PATIENCE, USER, Place

MENU = ["1. Transmitir", "2. Listar", "3. Baixar", "4. Configurações", "5. Sair"]


class Coordinator:
    """A server with both ports; `text` and `framed` are where they are."""

    def __init__(self, place: Place) -> None:
        self.place = place
        settings = json.loads((place.folder / "server.json").read_text())
        backup = {
            "listen": "127.0.0.1:0",
            "framed": "127.0.0.1:0",
            "nicknames": str(place.folder / "nicknames"),
        }
        place.write("server.json", settings | {"backup": backup})
        place.start("server")
        place.until(lambda: bool(self._told()), "the server says where its ports are")
        [(framed, text)] = self._told()
        self.framed, self.text = int(framed), int(text)

    def _told(self) -> list[tuple[str, str]]:
        log = (self.place.folder / "server.log").read_text()
        return re.findall(r"backup ports: framed \S+:(\d+), listen \S+:(\d+)\n", log)

    def client_py(self, verb: str, **body: str) -> str:
        """What the published client does with its socket: one read of each answer."""
        with socket.create_connection(("127.0.0.1", self.text), PATIENCE) as wire:
            wire.sendall(verb.encode())
            assert wire.recv(1024) == b"255"
            wire.sendall(json.dumps(body).encode())
            return wire.recv(1024).decode()

    def ask(self, raw: bytes = b"", **fields: Any) -> dict[str, Any]:
        """One request with frames, and its answer; content that follows is `raw` both ways."""
        with (
            socket.create_connection(("127.0.0.1", self.framed), PATIENCE) as wire,
            wire.makefile("rb") as came,
        ):
            body = json.dumps(fields).encode()
            wire.sendall(len(body).to_bytes(4, "big") + body + raw)
            answer = json.loads(came.read(int.from_bytes(came.read(4), "big")))
            if "tamanho" in answer:
                answer["raw"] = came.read(answer["tamanho"])
            assert isinstance(answer, dict)
            return answer

    def menu(self, *typed: str) -> "subprocess.CompletedProcess[str]":
        """The menu with these lines typed."""
        password = self.place.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o600)
        return finished(
            [sys.executable, "-c", called("cargo_ctl.client.main"), "--mode=backup", "--lang=pt",
             "--password-file", str(password)],
            self.place.environment(),
            PATIENCE,
            "".join(f"{line}\n" for line in typed),
            self.place.folder,
        )  # fmt: skip


@pytest.fixture
def coordinator(tmp_path: Path) -> Iterator[Coordinator]:
    with processes.place(tmp_path) as place:
        yield Coordinator(place)


def test_the_menu_of_the_page(coordinator: Coordinator) -> None:
    folder = coordinator.place.folder
    (folder / "nota.bin").write_bytes(bytes(range(256)))
    (folder / "down").mkdir()
    before = coordinator.menu("1", "5")
    assert [entry for entry in MENU if entry not in before.stdout] == [], before
    assert "opção 4" in before.stdout + before.stderr
    address = f"localhost:{coordinator.framed}"
    settings = ["4", "1", USER, "2", str(folder / "down"), "3", address, "4"]
    told = coordinator.menu(*settings, "1", "nota.bin", "2", "5")
    assert told.returncode == 0, told.stderr
    [id] = set(re.findall(r"ID: (\d+)", told.stdout))
    assert f"ID: {id} ---- Nome do Arquivo: nota.bin" in told.stdout
    fetched = coordinator.menu("3", id, "5")
    assert fetched.returncode == 0, fetched.stderr
    assert (folder / "down/nota.bin").read_bytes() == bytes(range(256))
    assert (coordinator.place.files / "nota.bin").read_bytes() == bytes(range(256)), (
        "jobs see it too"
    )


def test_the_published_client_unchanged(coordinator: Coordinator) -> None:
    assert coordinator.client_py("LISTAR", apelido="eva") == "Apelido não encontrado"
    id = coordinator.client_py(
        "TRANSMITIR", apelido="eva", nome_arquivo="nota.txt", conteudo_arquivo="olá\n"
    )
    listed = f"\nUsuário: eva\n\n\nID: {id} ---- Nome do Arquivo: nota.txt\n"
    assert coordinator.client_py("LISTAR", apelido="eva") == listed
    fetched = coordinator.client_py("BAIXAR", id=id, apelido="eva")
    assert json.loads(fetched) == {"nome_arquivo": "nota.txt", "conteudo": "olá\n"}
    assert coordinator.client_py("BAIXAR", id="3507", apelido="eva") == "ID não encontrado"


def test_the_pages_verbs_fields_and_status(coordinator: Coordinator) -> None:
    me: dict[str, Any] = {"apelido": USER, "senha": PASSWORD}
    sent = coordinator.ask(verbo="TRANSMITIR", nome_arquivo="a.txt", conteudo_arquivo="olá", **me)
    assert sent["status"] == 255
    listed = coordinator.ask(verbo="LISTAR", **me)
    assert listed["status"] == 255
    assert "a.txt" in json.dumps(listed["list_nome_arquivo"])
    fetched = coordinator.ask(verbo="BAIXAR", id_arquivo=sent["id"], **me)
    assert (fetched["status"], fetched["nome_arquivo"], fetched["raw"]) == (
        255,
        "a.txt",
        "olá".encode(),
    )
    assert coordinator.ask(verbo="BAIXAR", id_arquivo="3507", **me)["status"] == 158
    (coordinator.place.files / "a.txt").unlink()
    assert coordinator.ask(verbo="BAIXAR", id_arquivo=sent["id"], **me)["status"] == 158
