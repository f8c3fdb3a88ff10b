"""Invitations and devices, as they are kept."""

import pytest

from cargo_sync.state.database import Database
from cargo_sync.state.devices import NOTED, DeviceRow, DeviceRows
from cargo_sync.state.invitations import InvitationRow, InvitationRows
from cargo_sync.state.users import UserRow, UserRows

ANA = InvitationRow("a1", "ana", b"token", 100.0, 200.0)


def test_an_invitation_is_used_once_in_its_time_by_its_user(server: Database) -> None:
    rows, done = InvitationRows(server), list[str]()
    rows.add(ANA)

    def use(user: str, token: bytes, now: float) -> bool:
        assert rows.has(user, token, now) == (user == "ana" and token == b"token" and now < 200)
        return rows.use(user, token, now, lambda: done.append(user))

    assert not use("ben", b"token", 150.0)
    assert not use("ana", b"other", 150.0)
    assert not use("ana", b"token", 200.0)
    assert use("ana", b"token", 199.9)
    assert not rows.use("ana", b"token", 150.0, lambda: done.append("again"))
    assert done == ["ana"]


def test_an_invitation_stays_if_what_it_is_for_fails(server: Database) -> None:
    rows = InvitationRows(server)
    rows.add(ANA)
    with pytest.raises(ZeroDivisionError):
        rows.use("ana", b"token", 150.0, lambda: 1 / 0)
    assert rows.has("ana", b"token", 150.0)


def test_open_ones_are_listed_and_old_ones_go(server: Database) -> None:
    rows = InvitationRows(server)
    rows.add(ANA)
    later = InvitationRow("b2", "ben", b"t2", 100.0, 900.0)
    rows.add(later)
    assert rows.open(100.0) == [ANA, later]
    assert rows.open(200.0) == [later]
    assert rows.purge(200.0, 10) == 1 and rows.purge(200.0, 10) == 0
    assert rows.revoke("b2") and not rows.revoke("b2")
    assert "token" not in repr(ANA)


def test_devices_have_names_of_their_own(server: Database) -> None:
    rows = DeviceRows(server)
    names = [rows.add("ana", DeviceRow("laptop", bytes([n]), 5.0)) for n in range(3)]
    assert names == ["laptop", "laptop 2", "laptop 3"]
    assert rows.add("ben", DeviceRow("laptop", b"\0", 5.0)) == "laptop"
    found = rows.found("ana", b"\1")
    assert found is not None and found.name == "laptop 2"
    assert rows.found("ana", b"x") is None and rows.found("eva", b"\1") is None
    assert rows.revoke("ana", "laptop 2") and not rows.revoke("ana", "laptop 2")
    assert [row.name for row in rows.of("ana")] == ["laptop", "laptop 3"]
    assert "secret" not in repr(DeviceRow("a", b"secret", 1.0))


def test_a_use_is_written_now_and_then(server: Database) -> None:
    rows = DeviceRows(server)
    rows.add("ana", DeviceRow("a", b"s", 5.0))

    def used(now: float) -> float | None:
        row = rows.found("ana", b"s")
        assert row is not None
        rows.note_use("ana", row, now)
        return rows.of("ana")[0].used

    assert used(100.0) == 100.0
    assert used(100.0 + NOTED - 1) == 100.0
    assert used(100.0 + NOTED) == 100.0 + NOTED
    assert used(50.0) == 50.0  # the clock was set back


def test_another_user_of_the_same_name_has_none_of_it(server: Database) -> None:
    rows, devices, users = InvitationRows(server), DeviceRows(server), UserRows(server)

    def left() -> tuple[list[str], list[str]]:
        return [row.id for row in rows.open(0.0)], [row.name for row in devices.of("ana")]

    for forget in (
        lambda: users.add(UserRow("ana", "/srv/ana"), "!"),
        lambda: users.remove("ana"),
        lambda: users.forget_others({"ben"}),
    ):
        rows.add(ANA)
        devices.add("ana", DeviceRow("a", b"s", 5.0))
        assert left() == (["a1"], ["a"])
        forget()
        assert left() == ([], [])


def test_who_is_in_the_file_or_was_made_by_command_keeps_their_devices(server: Database) -> None:
    devices, users = DeviceRows(server), UserRows(server)
    users.put(UserRow("ana", "/srv/ana"))
    users.put(UserRow("cleo", None, 5))  # a setting of a user of the file
    for name in ("ana", "ben", "cleo"):
        devices.add(name, DeviceRow("a", b"s", 5.0))
    assert users.forget_others({"ben"}) == ["cleo"]
    assert [len(devices.of(name)) for name in ("ana", "ben", "cleo")] == [1, 1, 0]
