"""A server looked after by command: real processes."""

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from cargo_ctl.main import cargo_ctl
from cargo_sync.config.server import load_server
from tests.e2e import processes
from tests.e2e.processes import PASSWORD, tree

GUIDE = (Path(__file__).parents[2] / "docs" / "server.md").read_text(encoding="utf-8")
OTHER = "canary-5d2c"


def test_a_user_made_by_command_uploads_at_once_and_after_a_kill(tmp_path: Path) -> None:
    with processes.place(tmp_path) as place:
        place.start("server")
        place.start("daemon")
        secret = Path(place.write("ben.password", {}))
        secret.write_text(f"{OTHER}\n")
        added = place.run(
            "cargo_ctl", "user", "add", "ben", str(tmp_path / "ben"), "--password-file", str(secret)
        )
        assert (added.returncode, added.stderr) == (0, "")
        local = place.job("his", username="ben", password=OTHER, remote_dir="/in")
        (local / "one.txt").write_text("one")
        place.call("reload")
        place.until(lambda: tree(tmp_path / "ben") == {"in/one.txt": b"one"}, "ben's file arrives")
        place.kill("server")
        place.start("server")
        (local / "two.txt").write_text("two")
        place.until(lambda: "in/two.txt" in tree(tmp_path / "ben"), "ben is known after the kill")
        assert place.run("cargo_ctl", "user", "disable", "ben").stdout.startswith("ben: disabled")
        (local / "three.txt").write_text("three")
        assert "password" in place.until_state("his", "error")["detail"]
        assert place.run("cargo_ctl", "user", "remove", "ben", "--yes").returncode == 0
        assert tree(tmp_path / "ben").keys() == {"in/one.txt", "in/two.txt"}
        logged = "".join(path.read_text() for path in tmp_path.glob("*.log"))
        kept = b"".join(path.read_bytes() for path in (tmp_path / "server").glob("state.db*"))
        assert OTHER not in logged and OTHER.encode() not in kept


def without_chance(text: str) -> str:
    """Without what an invitation has each time anew: its port, fingerprint, token and end."""
    text = re.sub(r":\d+#[\w-]{43}\.[\w-]{22}$", "#", text, flags=re.MULTILINE)
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "then", text)


def test_the_examples_of_the_guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as printed, in the order of the page, each prints what the page says."""
    file, behind_a_proxy = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    examples = re.findall(r"^    \$ (.*)\n((?:    .*\n)*)", GUIDE, re.MULTILINE)
    assert len(examples) == len(re.findall(r"^    \$", GUIDE, re.MULTILINE)) > 15
    with processes.place(tmp_path) as place:
        (tmp_path / "ana.password").write_text(PASSWORD)
        (tmp_path / "ben.password").write_text(OTHER)
        for name in ("ana", "ben"):
            (tmp_path / f"{name}.password").chmod(0o600)
        changed = {"listen": f"127.0.0.1:{place.api}", "initial_port": place.lanes}
        loaded = load_server(place.write("proxied.json", json.loads(behind_a_proxy)), {})
        assert (loaded.plain, loaded.warnings) == (True, ())
        place.write("server.json", json.loads(file) | changed)
        place.start("server")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("CARGO_RUNTIME_DIR", str(place.runtime))
        for line, printed in examples:
            program, *arguments = shlex.split(line)
            assert program == "cargo_ctl"
            told = (
                CliRunner()
                .invoke(cargo_ctl, arguments)
                .output.replace(f"{tmp_path}/server.json", "server.json")
            )
            told = re.sub(r"up for \d+ s", "up for 1 s", told.replace(str(tmp_path), "/srv/cargo"))
            told, printed = map(without_chance, (told, printed))
            # Columns are as wide as what stands in them: spaces are not compared.
            assert [each.split() for each in told.splitlines()] == [
                each.split() for each in printed.splitlines()
            ], f"{line}\n{told}"
        assert place.ended("server") == 0
