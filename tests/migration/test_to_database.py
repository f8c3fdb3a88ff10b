"""A server's state goes from its file into PostgreSQL, and its settings name it."""

from pathlib import Path

import pytest

from cargo_sync.config.errors import ConfigError
from cargo_sync.migration import settings_file
from cargo_sync.migration.screen import Screen
from cargo_sync.migration.to_database import move_state
from cargo_sync.model.problems import ProblemError
from cargo_sync.state.postgres.database import PostgresDatabase
from cargo_sync.state.sqlite.database import SqliteDatabase


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A server's file, with a state that has an account."""
    file = tmp_path / "server.json"
    file.write_text('{"state_dir": "state"} // end')
    with (
        SqliteDatabase.open(str(tmp_path / "state/state.db"), "server") as source,
        source.transaction() as connection,
    ):
        connection.execute("INSERT INTO account VALUES ('ana', 'x')")
    return file


def test_the_settings_name_the_database_afterwards(file: Path, fresh_postgres: str) -> None:
    assert move_state(str(file), fresh_postgres, Screen(), {}) == 0
    assert f'"database": "{fresh_postgres}"' in file.read_text()
    assert file.read_text().endswith("// end")
    assert not (file.parent / "state/state.db").exists()
    assert (file.parent / "state/state.db.before-postgresql").exists()
    with (
        PostgresDatabase.open(fresh_postgres, str(file.parent)) as target,
        target.read() as connection,
    ):
        assert connection.execute("SELECT * FROM account").fetchall() == [("ana", "x")]
    with pytest.raises(ConfigError, match="already"):
        move_state(str(file), fresh_postgres, Screen(), {})


def test_a_move_that_is_cut_off_at_its_end_leaves_the_file_in_use(
    file: Path, fresh_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_text()

    def cut(file: str, text: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(settings_file, "write", cut)
    with pytest.raises(KeyboardInterrupt):
        move_state(str(file), fresh_postgres, Screen(), {})
    assert file.read_text() == before and (file.parent / "state/state.db").exists()
    with pytest.raises(ProblemError, match="dropdb") as caught:
        move_state(str(file), fresh_postgres, Screen(), {})
    assert caught.value.problem.code == "occupied"


def test_a_server_that_uses_the_database_is_left_alone(file: Path, fresh_postgres: str) -> None:
    with (
        PostgresDatabase.open(fresh_postgres, str(file.parent)),
        pytest.raises(ProblemError) as caught,
    ):
        move_state(str(file), fresh_postgres, Screen(), {})
    assert caught.value.problem.code == "state_in_use"


@pytest.mark.parametrize("login", ["cargo:canary@db/x", "cargo@db/x?password=canary"])
def test_a_password_in_the_command_is_refused(file: Path, login: str) -> None:
    with pytest.raises(ConfigError) as caught:
        move_state(str(file), f"postgresql://{login}", Screen(), {})
    assert "passfile" in str(caught.value) and "canary" not in str(caught.value)
