"""The place of a workspace is exchanged in the server's file; the rest stays as it was written."""

import os
from pathlib import Path

import pytest

from cargo_sync.config.errors import ConfigError
from cargo_sync.migration.settings_file import NewPlace, with_place, write

NODES = NewPlace("", 3)


@pytest.mark.parametrize(
    ("before", "place", "after"),
    [
        (
            '{"name": "a", "path": "/srv/a"}, // one',
            NODES,
            '{"name": "a", "store": {"nodes": {"copies": 3}}}, // one',
        ),
        (
            '{\n  // here\n  path: "/srv/a", /* b */\r\n  name: "a",}',
            NODES,
            '{\n  // here\n  "store": {"nodes": {"copies": 3}}, /* b */\n  name: "a",}',
        ),
        (
            '{"store": {"nodes": {\n "copies": 2 // two\n }}, "name": "a"}',
            NewPlace("/srv/ñ"),
            '{"path": "/srv/ñ", "name": "a"}',
        ),
    ],
)
def test_only_the_place_changes(tmp_path: Path, before: str, place: NewPlace, after: str) -> None:
    file = tmp_path / "server.json"
    text = '{"listen": "127.0.0.1:1", "workspaces": [{"name": "b", "path": "/srv/b"}, %s\n]} // end'
    newline = "\r\n" if "\r\n" in before else "\n"
    file.write_bytes((text % before).encode())
    os.chmod(file, 0o640)
    changed = with_place(str(file), "a", place, {})
    write(str(file), changed.text)
    assert file.read_bytes() == (text % after).replace("\n", newline).encode()
    assert file.stat().st_mode & 0o777 == 0o640 and os.listdir(tmp_path) == ["server.json"]
    assert changed.settings.workspaces[1].copies == (place.copies or None)


@pytest.mark.parametrize(
    ("name", "place", "why"),
    [
        ("c", NODES, "no workspace with the name 'c'"),
        ("a", NewPlace("/srv/b/in"), "overlap"),
        ("a", NewPlace("", 4), "1, 2 or 3"),
    ],
)
def test_a_file_that_would_be_wrong_is_refused(
    tmp_path: Path, name: str, place: NewPlace, why: str
) -> None:
    file = tmp_path / "server.json"
    spaces = '[{"name": "b", "path": "/srv/b"}, {"name": "a", "path": "/srv/a"}]'
    file.write_text(f'{{"listen": "127.0.0.1:1", "workspaces": {spaces}}}')
    with pytest.raises(ConfigError, match=why):
        with_place(str(file), name, place, {})


def test_what_a_link_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("one")
    (tmp_path / "link").symlink_to("real")
    write(str(tmp_path / "link"), "two")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "two"
