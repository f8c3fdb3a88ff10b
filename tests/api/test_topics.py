import pytest

from cargo_sync.api import topics


def test_every_topic() -> None:
    assert topics.job("a b/c") == "job/a%20b%2Fc/"
    assert topics.job_status("a") == "job/a/status"
    assert topics.job_progress("a") == "job/a/progress"
    assert topics.transfer("1f") == "transfer/1f/"
    assert topics.notice("é") == "notice/%C3%A9/"


@pytest.mark.parametrize("name", ["a", "a b/c", "é", "100%", "status", "..", "日本", "a\x1bb"])
def test_a_name_comes_back(name: str) -> None:
    for topic in (topics.job_status(name), topics.job_progress(name), topics.notice(name)):
        assert topics.name_of(topic) == name


def test_no_name_begins_the_topic_of_another() -> None:
    assert not topics.job_status("nightly-2").startswith(topics.job("nightly"))
    assert topics.name_of(topics.STATUS) == ""
