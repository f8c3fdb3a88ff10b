import pytest

from cargo_sync.api.daemon_commands import COMMANDS
from cargo_sync.api.renamed import RENAMED_COMMANDS
from cargo_sync.api.server_commands import COMMANDS as OF_SERVERS
from cargo_sync.api.suggest import did_you_mean


def test_what_is_near() -> None:
    assert did_you_mean("nigthly", ["docs", "nightly"]) == 'did you mean "nightly"?'
    assert did_you_mean("photos", ["docs", "nightly"]) == ""
    assert did_you_mean("a" * 101, ["a" * 101]) == did_you_mean("b" * 100, ["b" * 101]) == ""


def test_an_old_name_means_the_new_one_where_that_is_known() -> None:
    renamed = {"events": "history"}
    assert did_you_mean("events", ["event", "history"], renamed) == 'did you mean "history"?'
    assert did_you_mean("events", ["status"], renamed) == ""


@pytest.mark.parametrize(("old", "new"), RENAMED_COMMANDS.items())
def test_old_commands_are_gone_and_the_new_ones_are_there(old: str, new: str) -> None:
    assert old not in COMMANDS and old not in OF_SERVERS
    assert new in COMMANDS
