"""Every door of a server over a workspace that has no folder: HTTP, drop boxes, backup ports."""

import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cargo_sync.config.grants import Grant
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.model import checkpoints
from cargo_sync.model.problems import Code, Problem
from cargo_sync.server.http.content import unfinished, uploads
from cargo_sync.server.workspace.contract import Workspace
from cargo_sync.state.database import Database
from cargo_sync.testing.contents import AwayStore
from tests.conformance.workspaces import content_workspace, spooled
from tests.server.backup.ports import FramedClient, ports, published_client
from tests.server.house import NOW, Heard, House, living
from tests.server.http.content.test_uploads import CONTENT, begin, sent
from tests.server.surroundings import Clock

BELOW = Problem(Code.BELOW_QUORUM, "too few machines are there")
FILES = "/v1/files/shared"
SPACE = "/v1/workspaces/shared"


@pytest.fixture
def stores(tmp_path: Path) -> list[AwayStore]:
    """The one of the house."""
    return []


@pytest.fixture
async def house(tmp_path: Path, stores: list[AwayStore]) -> AsyncIterator[House]:
    """A house whose shared workspace has no folder."""
    async with living(tmp_path) as one:
        spool = spooled(tmp_path / "spool", one.database, one.wall, one.checkpoints)
        stores.append(AwayStore(spool))
        root = str(one.folders["shared"])
        workspace = content_workspace(root, one.database, stores[0], one.wall, one.polls.changed)
        one.workspaces[root].close()
        one.workspaces[root] = workspace
        one.share({"ana": "rw", "ben": "ro"})
        yield one
        spool.spool.blobs.close()


async def operate(house: House, **operation: object) -> str:
    answer = await house.call("POST", f"{SPACE}/operations", {"operations": [operation]})
    return str(answer.json["results"][0]["code"])


async def version(house: House, path: str) -> int:
    found = (await house.call("GET", f"{SPACE}/entry?path={path}")).json["entry"]
    return int(found[5])


async def test_a_file_over_http(house: House) -> None:
    put = await house.call("PUT", f"{FILES}/docs/a.txt", b"content")
    assert put.status == 201
    whole = await house.call("GET", f"{FILES}/docs/a.txt", user="ben")
    assert (whole.body, whole.headers["X-Blake3"]) == (b"content", put.headers["X-Blake3"])
    part = await house.call("GET", f"{FILES}/docs/a.txt", headers={"Range": "bytes=2-4"})
    assert (part.status, part.body) == (206, b"nte")
    same = await house.call(
        "GET", f"{FILES}/docs/a.txt", headers={"If-None-Match": whole.headers["ETag"]}
    )
    assert same.status == 304
    stale = await house.call("PUT", f"{FILES}/docs/a.txt", b"other", headers={"If-Match": '"no-9"'})
    assert stale.status == 412
    assert (await house.call("PUT", f"{FILES}/docs/a.txt", b"x", user="ben")).status == 403
    assert (await house.call("PUT", f"{FILES}/empty", b"")).status == 201
    assert (await house.call("GET", f"{FILES}/empty")).body == b""
    listed = await house.call("GET", f"{SPACE}/tree?path=docs")
    assert listed.json["entries"][0][0] == "a.txt"
    hashes = await house.call(
        "POST", f"{SPACE}/hashes", {"files": [["docs/a.txt", await version(house, "docs/a.txt")]]}
    )
    assert hashes.json["hash"] == put.headers["X-Blake3"]


async def test_operations_and_the_trash_over_http(house: House) -> None:
    await house.call("PUT", f"{FILES}/d/a", b"one")
    assert await operate(house, op="move", path="d", to="e", expected=1) == "done"
    seen = (await house.call("GET", f"{SPACE}/changes?since=0")).json["sequence"]
    assert await operate(house, op="delete", path="e", expected=1, seen=seen) == "done"
    rows = (await house.call("GET", f"{SPACE}/trash")).json["rows"]
    assert [(row["path"], row["size"]) for row in rows] == [("e", 3)]
    restored = await house.call("POST", f"{SPACE}/trash/restore", {"ids": [rows[0]["id"]]})
    assert restored.status == 200
    assert (await house.call("GET", f"{FILES}/e/a")).body == b"one"


async def test_a_browser_gets_files_and_archives(house: House) -> None:
    for path, content in (("d/a", b"one"), ("d/b/c", b"two")):
        await house.call("PUT", f"{FILES}/{path}", content)
    body = {"workspace": "shared", "paths": ["d"], "as": "zip"}
    ticket = await house.call("POST", "/v1/tickets", body)
    answer = await house.call("GET", ticket.json["url"], user="")
    with zipfile.ZipFile(io.BytesIO(answer.body)) as found:
        files = {name: found.read(name) for name in found.namelist() if not name.endswith("/")}
    assert files == {"d/a": b"one", "d/b/c": b"two"}


async def test_an_upload_in_pieces(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "RESUMABLE", 32)
    monkeypatch.setattr(unfinished, "PIECE", 40)
    monkeypatch.setattr(uploads, "PIECE", 40)
    begun = await begin(house, ws="shared")
    assert begun.status == 201
    await sent(house, begun.json["id"], 0, 80)
    house.uploads.let_go(list(house.workspaces.values()))  # as at a restart
    assert (await house.call("GET", f"/v1/uploads/{begun.json['id']}")).json["offset"] == 80
    assert (await sent(house, begun.json["id"], 80)).status == 201
    assert (await house.call("GET", f"{FILES}/in/big.bin")).body == CONTENT


async def test_while_nothing_can_be_secured_http_says_when_to_come_again(
    house: House, stores: list[AwayStore]
) -> None:
    stores[0].away = BELOW
    answer = await house.call("PUT", f"{FILES}/a", b"x")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
    house.share({"ana": "rw", "ben": Grant("rw", "in/ben")})
    answer = await house.call("PUT", f"{FILES}/a", b"x", user="ben")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
    stores[0].come_back()
    assert (await house.call("PUT", f"{FILES}/a", b"x")).status == 201


async def test_a_drop_box_and_a_folder_of_ones_own(house: House) -> None:
    house.share({"ana": "rw", "ben": Grant("wo", "in/ben")})
    assert (await house.call("PUT", f"{FILES}/a", b"mine", user="ben")).status == 201
    assert (await house.call("PUT", f"{FILES}/a", b"again", user="ben")).status in (409, 412)
    assert (await house.call("GET", f"{FILES}/a", user="ben")).status == 403
    assert (await house.call("GET", f"{FILES}/in/ben/a")).body == b"mine"
    house.share({"ana": "rw", "ben": Grant("rw", "in/ben")})
    assert (await house.call("GET", f"{FILES}/a", user="ben")).body == b"mine"
    assert (await house.call("PUT", f"{FILES}/b", b"too", user="ben")).status == 201
    assert (await house.call("GET", f"{FILES}/in/ben/b")).body == b"too"


async def test_the_backup_ports(tmp_path: Path) -> None:
    note = b'{"apelido": "ana", "nome_arquivo": "nota.txt", "conteudo_arquivo": "ol\\u00e1"}'
    clock, stores = Clock(NOW), list[AwayStore]()

    def opened(_: Path, database: Database) -> Workspace:
        stores.append(AwayStore(spooled(tmp_path / "spool", database, clock, MemoryCheckpoints())))
        return content_workspace("ana", database, stores[0], clock, Heard())

    async with ports(tmp_path, opened=opened) as both:
        assert await published_client(both.text, b"TRANSMITIR", note) == b"3507"
        asked = b'{"id": "3507", "apelido": "ana"}'
        fetched = await published_client(both.text, b"BAIXAR", asked)
        assert fetched == b'{"nome_arquivo": "nota.txt", "conteudo": "ol\\u00e1"}'
        client = await FramedClient.connect(both.framed)
        fields = {"verbo": "TRANSMITIR", "apelido": "ana", "nome_arquivo": "b", "tamanho": 3}
        assert await client.ask(**fields, raw=b"abc") == {"status": 255, "id": "3508"}
        answer = await client.ask(verbo="BAIXAR", apelido="ana", id_arquivo="3508")
        assert answer == {"status": 255, "nome_arquivo": "b", "tamanho": 3}
        assert await client.content(3) == b"abc"
        stores[0].away = BELOW
        refused = await client.ask(**fields, raw=b"abc")
        assert refused == {"status": 906, "mensagem": "Servidor offline"}
        offline = await published_client(both.text, b"TRANSMITIR", note)
        assert offline.decode() == "Servidor offline"
        client.writer.close()
