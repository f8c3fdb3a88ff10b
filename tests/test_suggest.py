import pytest

from cargo_sync.api import daemon_commands, server_commands
from cargo_sync.suggest import did_you_mean


def test_what_is_near() -> None:
    assert did_you_mean("nigthly", ["docs", "nightly"]) == 'did you mean "nightly"?'
    assert did_you_mean("photos", ["docs", "nightly"]) == ""
    assert did_you_mean("a" * 101, ["a" * 101]) == did_you_mean("b" * 100, ["b" * 101]) == ""


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("job.puase", "job.pause"),
        ("jop.remove", "job.remove"),
        ("job.remvoe", "job.remove"),
        ("joblist", "job.list"),
        ("usr.list", "user.list"),
        ("job.events", ""),
        ("job.rename", ""),
        ("job.delete", ""),
        ("job.stop", ""),
        ("user.erase", ""),
    ],
)
def test_another_word_after_the_same_noun_is_not_near(name: str, near: str) -> None:
    known = [*daemon_commands.COMMANDS, *server_commands.COMMANDS]
    assert did_you_mean(name, known) == (near and f'did you mean "{near}"?')


def test_an_old_name_means_the_new_one_where_that_is_known() -> None:
    renamed = {"events": "history"}
    assert did_you_mean("events", ["event", "history"], renamed) == 'did you mean "history"?'
    assert did_you_mean("events", ["status"], renamed) == ""
