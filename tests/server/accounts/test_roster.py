"""The file's users and workspaces, and what the state keeps: what holds of both."""

from typing import Any

import pytest

from cargo_sync.config.grants import Grant
from cargo_sync.config.server import UserSettings, WorkspaceSettings
from cargo_sync.server.accounts.roster import Roster, effective
from cargo_sync.state.users import UserRow
from cargo_sync.state.workspaces import WorkspaceRow

ANA = UserSettings(
    "ana", "/srv/ana", upload_speed=10, given=frozenset({"username", "path", "upload_speed"})
)
MUSIC = WorkspaceSettings("music", "/srv/music", {"ana": Grant("ro")})
FILE = Roster((ANA,), (MUSIC,))
LINKS = {"/srv/link": "/srv/ana"}


def hold(*rows: UserRow | WorkspaceRow, file: Roster = FILE) -> Roster:
    users = {row.name: row for row in rows if isinstance(row, UserRow)}
    spaces = {row.name: row for row in rows if isinstance(row, WorkspaceRow)}
    return effective(file, users, spaces, "/var/state", lambda path: LINKS.get(path, path))


def test_a_state_that_keeps_nothing_changes_nothing() -> None:
    assert hold() == FILE


@pytest.mark.parametrize(
    ("why", "row", "held"),
    [
        ("the file gives the speed", {"upload_speed": 99}, {"upload_speed": 10}),
        ("it says nothing of the other", {"download_speed": 99}, {"download_speed": 99}),
        ("nor of the totals", {"upload_bandwidth": 7}, {"upload_bandwidth": 7}),
        ("nor whether they are enabled", {"enabled": False}, {"enabled": False}),
        ("the folder is the file's", {"path": "/srv/other"}, {"path": "/srv/ana"}),
    ],
)
def test_of_a_user_of_the_file_each_field_that_it_gives_wins(
    why: str, row: dict[str, Any], held: dict[str, Any]
) -> None:
    user = hold(UserRow("ana", **row)).user("ana")
    assert user is not None
    assert {name: getattr(user, name) for name in held} == held, why
    assert user.given == ANA.given


def test_null_in_the_file_is_given_too() -> None:
    unlimited = UserSettings(
        "ana", "/srv/ana", given=frozenset({"username", "path", "upload_speed"})
    )
    user = hold(UserRow("ana", upload_speed=5), file=Roster((unlimited,))).user("ana")
    assert user is not None and user.upload_speed is None


def test_users_made_by_command_come_beside_those_of_the_file() -> None:
    roster = hold(UserRow("ben", "/srv/ben", 1, 2, 3, 4, False))
    assert roster.users == (ANA, UserSettings("ben", "/srv/ben", None, None, 1, 2, 3, 4, False))


def test_what_was_set_of_a_user_who_is_in_the_file_no_more_makes_no_user() -> None:
    assert hold(UserRow("gone", upload_speed=5)) == FILE


@pytest.mark.parametrize(
    ("row", "against"),
    [
        (UserRow("ben", "/srv/ana/ben"), 'the folder of the user "ana", /srv/ana,'),
        (UserRow("ben", "/srv"), 'the folder of the user "ana", /srv/ana,'),
        (UserRow("ben", "/srv/link/below"), None),
        (UserRow("ben", "/srv/music"), 'the folder of the workspace "music", /srv/music,'),
        (UserRow("ben", "/var/state/x"), "the server's state_dir, /var/state,"),
        (UserRow("ben", "/srv/ana"), None),
        (UserRow("ben", "/srv/link"), None),
        (WorkspaceRow("two", "/srv/link"), 'the folder of the user "ana", /srv/ana,'),
        (WorkspaceRow("two", "/srv/music"), 'the folder of the workspace "music", /srv/music,'),
        (WorkspaceRow("two", "/srv/two"), None),
    ],
)
def test_what_lies_in_the_way_of_the_file_is_left_out(
    row: UserRow | WorkspaceRow, against: str | None
) -> None:
    roster = hold(row)
    known = [one.username for one in roster.users] + [one.name for one in roster.workspaces]
    assert (row.name in known) == (against is None)
    kind = "user" if isinstance(row, UserRow) else "workspace"
    expected = [
        f'the {kind} "{row.name}" was made by command and is left out: {row.path} and {against}'
    ]
    assert [notice.removesuffix(" overlap") for notice in roster.notices] == (
        expected if against else []
    )


def test_grants_are_the_files_and_the_states_and_the_files_win() -> None:
    roster = hold(
        UserRow("ben", "/srv/ben"),
        WorkspaceRow("music", None, dict.fromkeys(("ana", "ben", "nobody"), Grant("rw"))),
        WorkspaceRow("own", "/srv/own", {"ben": Grant("ro")}),
        WorkspaceRow("gone", None, {"ben": Grant("ro")}),
    )
    assert [(one.name, one.path, dict(one.grants)) for one in roster.workspaces] == [
        ("music", "/srv/music", {"ana": Grant("ro"), "ben": Grant("rw")}),
        ("own", "/srv/own", {"ben": Grant("ro")}),
    ]


def test_of_a_name_in_both_the_file_has_the_folder() -> None:
    roster = hold(WorkspaceRow("music", "/srv/elsewhere", {}), UserRow("ana", "/srv/elsewhere"))
    assert (roster.workspace("music"), roster.users) == (MUSIC, (ANA,))
