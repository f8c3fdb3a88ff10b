"""docs/coming-from.md leaves nothing of the reference pages out."""

import json
import re
import shlex
from pathlib import Path

import pytest

from cargo_sync import pydio
from cargo_sync.backup_protocol import text
from cargo_sync.backup_protocol.messages import BackupRefusal, BackupStatus, BackupVerb
from cargo_sync.config.arguments import Arguments, load, missing
from cargo_sync.config.pydio import FIELDS
from tests.compat.test_reference_client import DOCUMENTED
from tests.compat.test_reference_job_files import EVENTS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "coming-from.md").read_text()


@pytest.mark.parametrize("command", [name for name, _ in DOCUMENTED])
def test_every_command_of_the_interactive_client(command: str) -> None:
    assert re.search(rf"^\|.*`{re.escape(command)}[ `]", PAGE, re.MULTILINE)


FIELDS_OF_THE_PAGES = (
    "sync_name",
    "sync_mode",
    "start_time",
    "end_time",
    "local_dir",
    "remote_dir",
    "username",
    "password",
    "speed",
    "hostname",
    "sleep",
    "events",
)


@pytest.mark.parametrize("name", [*FIELDS_OF_THE_PAGES, *EVENTS])
def test_every_field_and_event_of_the_job_file(name: str) -> None:
    assert re.search(rf"^\|.*`{name}`", PAGE, re.MULTILINE)


def test_every_option_of_pydio_sync() -> None:
    options = {
        option
        for each in pydio.pydio_sync.params
        for option in each.opts
        if not option.startswith("--")
    }
    assert options == {"-s", "-d", "-w", "-u", "-p", "-dir", "-f", "-z"}
    assert [option for option in sorted(options) if f"| `{option}` " not in PAGE] == []


def test_every_field_of_pydio_sync() -> None:
    page = (DOCS / "configuration.md").read_text()
    assert [field for field in FIELDS if f"| `{field}`" not in page] == []


ENTRIES = ("1 Transmitir", "2 Listar", "3 Baixar", "4 Configurações")


@pytest.mark.parametrize(
    "line",
    [
        "coordinator.py",
        "server.py",
        "client.py",
        *ENTRIES,
        "apelido",
        *BackupVerb,
        *(str(int(one)) for one in BackupStatus),
    ],
)
def test_everything_of_servidor_backups_page(line: str) -> None:
    part = PAGE.partition("## Servidor Backup\n")[2]
    assert re.search(rf"^\|[^|]*{re.escape(line)}", part, re.MULTILINE)


def test_the_shortest_line_against_a_fresh_server(tmp_path: Path) -> None:
    """It names everything that is needed: it was run as printed."""
    block = re.search(r"The shortest line .*?```console\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    [echo, _, line] = [each.removeprefix("$ ") for each in block[1].splitlines()]
    [_, trust, _, file] = shlex.split(echo)
    (tmp_path / file).write_text(trust)
    program, *options = shlex.split(line)
    assert program == "cargo_sync" and pydio.is_meant(options)
    given = pydio.pydio_sync.make_context(program, options).params
    variable = given["password"].removeprefix("${").removesuffix("}")
    (tmp_path / "Photos").mkdir()
    arguments = Arguments(
        server=given["server"],
        directory=given["directory"].replace("~", str(tmp_path)),
        workspace=given["workspace"],
        user=given["user"],
        password=None,
        variable=variable,
        direction=given["direction"],
        file=str(tmp_path / given["file"]),
    )
    job = load(arguments, {variable: "secret", "HOME": str(tmp_path)})
    assert missing(arguments, job) is None
    assert (job.url, job.username, job.workspace) == ("https://localhost:8443", "ana", "default")
    assert job.tls_fingerprint == json.loads(trust)["tls_fingerprint"]


def test_the_longest_text_that_the_old_client_can_fetch() -> None:
    longest = int(re.search(r"with `nota.txt` as the name the longest text has (\d+)", PAGE)[1])  # type: ignore[index]
    assert len(text.file("nota.txt", b"a" * longest, "porta 10001")) == text.LONGEST_ANSWER
    with pytest.raises(BackupRefusal) as refused:
        text.file("nota.txt", b"a" * (longest + 1), "porta 10001")
    assert refused.value.sentence in PAGE
    lines = ("Segue a nota de hoje: a reunião é às dez horas.\n" * 30).encode()
    assert text.file("nota.txt", lines[:900], "porta 10001")
    with pytest.raises(BackupRefusal):
        text.file("nota.txt", lines[:980], "porta 10001")
