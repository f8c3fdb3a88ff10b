"""The backup menu: its texts, its use in a pipe, and its use at a terminal."""

import json
import re
import stat
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cargo_ctl.client import menu
from cargo_ctl.client.backup_settings import MenuSettings, address, is_nickname, read_settings
from cargo_ctl.client.main import cargoclient
from cargo_ctl.session.session import RemoteEntry
from cargo_sync.api.server_trust import ENGLISH
from tests.cargo_ctl.session.far import FINGERPRINT, PASSWORD, Far
from tests.cargo_ctl.shell.terminal import screen

OPTIONS = ("--mode=backup", "--lang=pt")


def piped(text: str, *more: str) -> Result:
    return CliRunner().invoke(cargoclient, [*OPTIONS, *more], input=text)


def told(result: Result) -> list[str]:
    """What was printed, without the menus and questions."""
    asked = {
        words
        for each in menu.LANGUAGES.values()
        for words in (each.choose, each.which_file, each.which_id)
    }
    lines = [line for line in result.output.splitlines() if line and not line.startswith("  ")]
    titles = {menu.PORTUGUESE.title, menu.PORTUGUESE.settings_title}
    questions = {
        menu.PORTUGUESE.nickname,
        menu.PORTUGUESE.download_dir,
        menu.PORTUGUESE.coordinator,
    }
    return [line for line in lines if line not in asked | titles | questions]


@pytest.fixture
def far(runtime: str, here: Path) -> Far:
    far = Far({"nota.txt": b"ola"})
    far.ids["nota.txt"] = "3507"
    far.password = ""
    return far


def test_the_menu_is_the_published_one() -> None:
    assert menu.menu(menu.PORTUGUESE).splitlines() == [
        "", "Servidor Backup", "  1. Transmitir", "  2. Listar", "  3. Baixar",
        "  4. Configurações",
        "  5. Sair",
    ]  # fmt: skip
    assert menu.settings_menu(menu.PORTUGUESE, "ana", "", "localhost:10001").splitlines()[2:] == [
        "  1. Apelido  (ana)",
        "  2. Diretório de download  (não configurado)",
        "  3. Endereço do coordenador  (localhost:10001)",
        "  4. Voltar",
    ]


def test_every_language_says_everything() -> None:
    for words in menu.LANGUAGES.values():
        for field in fields(words):
            said, theirs = getattr(words, field.name), getattr(menu.PORTUGUESE, field.name)
            if isinstance(said, str):
                assert said, field.name
                assert said.count("{}") == theirs.count("{}"), field.name
        for field in fields(words.trust):
            said, theirs = getattr(words.trust, field.name), getattr(ENGLISH, field.name)
            assert said and (words is menu.ENGLISH or said != theirs), field.name
            assert re.findall(r"{\w+}", str(said)) == re.findall(r"{\w+}", str(theirs))


@pytest.mark.parametrize(
    ("chosen", "env", "title"),
    [
        ("pt", {"LANG": "es_AR.UTF-8"}, "Sair"),
        (None, {"LANG": "es_AR.UTF-8"}, "Salir"),
        (None, {"LANG": "es_AR.UTF-8", "LC_ALL": "pt_BR"}, "Sair"),
        (None, {"LANG": "C"}, "Quit"),
        (None, {}, "Quit"),
    ],
)
def test_the_language(chosen: str | None, env: dict[str, str], title: str) -> None:
    assert menu.language(chosen, env).menu[4] == title


def test_files_are_listed_as_the_coordinator_does_it() -> None:
    entries = [
        RemoteEntry("nota.txt", "file", 3, id="3507"),
        RemoteEntry("x\x1b", "file", 1, id="9"),
    ]
    assert menu.listing(menu.PORTUGUESE, "ana", entries).splitlines() == [
        "Usuário: ana",
        "",
        "ID: 3507 ---- Nome do Arquivo: nota.txt (3 B)",
        "ID: 9 ---- Nome do Arquivo: x\\x1b (1 B)",
    ]
    assert menu.listing(menu.SPANISH, "ana", []) == "No hay datos guardados"


def test_addresses_and_nicknames() -> None:
    typed = ("a", " a.b:99 ", "tls://a", "[::1]:7", "a:0", "a b", "http://a", "")
    assert [address(text) for text in typed] == [
        "a:10001", "a.b:99", "tls://a:10001", "[::1]:7", None, None, None, None,
    ]  # fmt: skip
    names = ("ana", "José da Silva", "", "a/b", "a\x1b", "x" * 101)
    assert [is_nickname(name) for name in names] == [
        True, True, False, False, False, False,
    ]  # fmt: skip


def test_problems_are_told_in_the_menus_language() -> None:
    def told(words: menu.Words, code: str, message: str) -> str:
        return menu.problem(words, code, message, "a hint")

    assert told(menu.SPANISH, "unreachable", "cannot be reached") == "El coordinador no responde."
    assert (
        told(menu.ENGLISH, "refused", "a:1 answers: ID não encontrado")
        == "There is no file with this ID"
    )
    assert told(menu.PORTUGUESE, "store_failed", "a:1 answers: disco cheio") == "disco cheio"
    assert told(menu.PORTUGUESE, "odd", "what\x1b") == "what\\x1b (a hint)"


def test_settings_that_make_no_sense_count_as_not_set(tmp_path: Path) -> None:
    file = tmp_path / "backup.json"
    for text in ("", "[]", "{", '{"nickname": 7, "coordinator": ""}'):
        file.write_text(text)
        assert read_settings(str(file)) == MenuSettings()


def test_nothing_goes_until_it_is_configured(far: Far, runtime: str) -> None:
    with far.running(runtime):
        result = piped("1\n2\n3\n7\n")
    assert told(result) == [menu.PORTUGUESE.configure_first] * 3 + ["Opção inválida: 7"]
    assert result.exit_code == 1
    assert far.calls("session.open") == []


def test_configuring_sending_listing_and_fetching(far: Far, runtime: str, here: Path) -> None:
    (here / "foto.jpg").write_bytes(b"jpg!")
    (here / "in").mkdir()
    with far.running(runtime):
        result = piped(
            "4\n1\nana\n2\nin\n3\nbackup.example\n4\n1\nfoto.jpg\n2\n3\n3507\n5\n", "--allow-plain"
        )
        assert told(result) == [
            "Salvo.", "Salvo.", "Salvo.",
            "Arquivo transmitido: foto.jpg (ID: id-2)",
            "Usuário: ana",
            "ID: id-2 ---- Nome do Arquivo: foto.jpg (4 B)",
            "ID: 3507 ---- Nome do Arquivo: nota.txt (3 B)",
            f"Arquivo salvo em {here}/in/nota.txt",
        ]  # fmt: skip
        assert result.exit_code == 0
        kept = here.parent / "home/.config/cargo_sync/backup.json"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert json.loads(kept.read_text()) == {
            "nickname": "ana", "download_dir": str(here / "in"),
            "coordinator": "backup.example:10001",
        }  # fmt: skip
        assert (here / "in/nota.txt").read_bytes() == b"ola"
        opened = far.calls("session.open")
        assert [each["url"] for each in opened] == [
            "tls://backup.example:10001",
            "tcp://backup.example:10001",
        ]
        assert opened[1]["kind"] == "backup"
        # The second time everything is known, and the errors are in Portuguese.
        result = piped("3\n99\n1\nnada\n", "--allow-plain")
    assert told(result) == ["ID não encontrado", f"Não existe o arquivo {here}/nada"]
    assert result.exit_code == 1


def configured(here: Path, coordinator: str = "localhost:10001") -> None:
    folder = here.parent / "home/.config/cargo_sync"
    folder.mkdir(parents=True)
    settings = {"nickname": "ana", "download_dir": str(here), "coordinator": coordinator}
    (folder / "backup.json").write_text(json.dumps(settings))


def test_without_tls_only_on_this_machine_or_by_consent(far: Far, runtime: str, here: Path) -> None:
    configured(here, "backup.example:10001")
    with far.running(runtime):
        assert "the connection to backup.example:10001 is not encrypted" in piped("2\n").output
    assert [each["url"] for each in far.calls("session.open")] == ["tls://backup.example:10001"]


def test_a_coordinator_with_tls_is_known_by_its_certificate(
    far: Far, runtime: str, here: Path
) -> None:
    configured(here, "backup.example:10001")
    far.seals_backups, far.look["trusted"] = True, False
    with far.running(runtime):
        assert "there is no terminal to ask" in piped("2\n").output
        result = piped("2\n", f"--tls-fingerprint={FINGERPRINT}")
    assert "ID: 3507" in result.output
    assert far.calls("session.look") == [{"url": "tls://backup.example:10001"}]


def test_a_person_is_asked_in_the_language_of_the_menu(far: Far, runtime: str, here: Path) -> None:
    configured(here, "backup.example:10001")
    far.seals_backups = True
    far.look = far.look | {"url": "tls://backup.example:10001", "trusted": False}
    with far.running(runtime), screen("cargoclient", *OPTIONS) as shown:
        shown.wait("Opção: ")
        shown.type("2")
        shown.wait(f"sha256:{FINGERPRINT}")
        shown.wait("É a mesma? [s/N] ")
        shown.type("n")
        shown.wait("backup.example:10001 não é de confiança")
        shown.wait("Opção: ")
        shown.type("2")
        shown.wait("É a mesma? [s/N] ")
        shown.type("sim")
        shown.wait("ID: 3507 ---- Nome do Arquivo: nota.txt (3 B)")
        shown.type("5")
        assert shown.end() == 0


def test_a_password_is_asked_for_where_one_is_wanted(far: Far, runtime: str, here: Path) -> None:
    configured(here)
    far.password = PASSWORD
    with far.running(runtime), screen("cargoclient", *OPTIONS) as shown:
        shown.wait("Opção: ")
        shown.type("2")
        shown.wait("Senha: ")
        shown.type("canary-wrong")
        shown.wait("O coordenador não aceita este apelido ou esta senha.")
        shown.wait("Opção: ")
        shown.type("2")
        shown.wait("Senha: ")
        shown.type(PASSWORD)
        shown.wait("ID: 3507 ---- Nome do Arquivo: nota.txt (3 B)")
        (here / "nota.txt").write_bytes(b"minha")
        shown.type("3")
        shown.wait("ID do arquivo: ")
        shown.type("3507")
        shown.wait("já existe e é diferente. Substituir? [s/N] ")
        shown.type("s")
        shown.wait(f"Arquivo salvo em {here}/nota.txt")
        shown.wait("Opção: ")
        shown.type("5")
        assert shown.end() == 0
    assert (here / "nota.txt").read_bytes() == b"ola"


def test_without_a_terminal_the_password_file_is_named(far: Far, runtime: str, here: Path) -> None:
    configured(here)
    far.password = PASSWORD
    (here / "x").write_bytes(b"1")
    with far.running(runtime):
        assert menu.PORTUGUESE.no_password in piped("1\nx\n").output
        assert "ID: id-2" in piped("1\nx\n", "--password-file=../home/secret").output
