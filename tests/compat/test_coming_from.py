"""docs/coming-from.md leaves nothing of the reference pages out."""

import re
from pathlib import Path

import pytest

from cargo_sync import pydio
from cargo_sync.backup_protocol.messages import BackupStatus, BackupVerb
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
