"""The address of a PostgreSQL: what it leaves out is added; no message has its password."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from cargo_sync.config.database import DatabaseAddress, has_password
from cargo_sync.config.errors import ConfigError
from cargo_sync.config.server import load_server

READ = TypeAdapter(DatabaseAddress).validate_python
TLS = "sslmode=verify-full&sslrootcert=system"


@pytest.mark.parametrize(
    ("written", "added"),
    [
        ("postgresql:///cargo", ""),
        ("postgresql:///cargo?host=/run/postgresql", ""),
        ("postgres://ana@%2Frun%2Fpostgresql/cargo", ""),
        ("postgresql://localhost:5433,[::1]:5434/cargo", ""),
        ("postgresql://127.0.0.1/cargo?connect_timeout=3", ""),
        ("postgresql://db/cargo?sslmode=require", ""),
        ("postgresql://db/cargo", f"?{TLS}"),
        ("postgresql://ana:p%40%20s%2B@db:5433/cargo?options=-c%20a%3Db&password=x+y", f"&{TLS}"),
        ("postgresql://a:5432,b:5433/cargo?target_session_attrs=read-write", f"&{TLS}"),
        ("postgresql://localhost,b/cargo", f"?{TLS}"),
        ("postgresql:///cargo?host=localhost,b", f"&{TLS}"),
        ("postgresql://localhost/cargo?hostaddr=192.0.2.1", f"&{TLS}"),
        ("postgresql://db/cargo?sslrootcert=/ca.pem", "&sslmode=verify-full"),
    ],
)
def test_encryption_is_added_and_nothing_else_changes(written: str, added: str) -> None:
    assert READ(written) == written + added


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ("ana:canary@x@db/cargo", "%40"),
        ("ana:canary/x@db/cargo", "%2F"),
        ("ana:12/canary@db/cargo", "%2F"),
        ("ana:canary#x@db/cargo", "postgresql://cargo@db.example.com/cargo"),
        ("ana:canary%zz@db/cargo", "%25"),
        ("ana:canary@db:543210/cargo", "is not"),
    ],
)
def test_what_cannot_be_an_address(tmp_path: Path, login: str, words: str) -> None:
    file = tmp_path / "server.json"
    file.write_text(f'{{"database": "postgresql://{login}"}}')
    with pytest.raises(ConfigError) as caught:
        load_server(str(file), {})
    assert "canary" not in str(caught.value) and words in str(caught.value)


@pytest.mark.parametrize(
    ("written", "warned"),
    [
        ("postgresql://ana:x@localhost/c", True),
        ("postgresql://ana@db/c?password=x", True),
        ("postgresql://ana:${PW}@db/c", False),
        ("postgresql://ana@db/c?passfile=/p", False),
    ],
)
def test_a_file_with_the_password_is_private(tmp_path: Path, written: str, warned: bool) -> None:
    file = tmp_path / "server.json"
    file.write_text(f'{{"database": "{written}"}}')
    file.chmod(0o644)
    warnings = load_server(str(file), {"PW": "x"}).warnings
    assert any("chmod 600" in warning for warning in warnings) is warned
    assert has_password(written) is (warned or "PW" in written)
