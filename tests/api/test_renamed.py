import pytest

from cargo_sync.api.daemon_commands import COMMANDS
from cargo_sync.api.renamed import RENAMED_COMMANDS
from cargo_sync.api.server_commands import COMMANDS as OF_SERVERS


@pytest.mark.parametrize(("old", "new"), RENAMED_COMMANDS.items())
def test_old_commands_are_gone_and_the_new_ones_are_there(old: str, new: str) -> None:
    assert old not in COMMANDS and old not in OF_SERVERS
    assert new in COMMANDS
