"""Problems in words for a person who has no job."""

import pytest

from cargo_sync.daemon.sessions.views import in_a_session
from cargo_sync.model.problems import Code, Problem


@pytest.mark.parametrize(
    ("code", "hint", "told"),
    [
        (Code.ROOT_GONE, "check hostname in the job", "check the address"),
        (
            Code.BAD_ANSWER,
            "check hostname in the job: is it the address of an FTP server?",
            "check the address: is it the address of an FTP server?",
        ),
        (Code.UNAUTHORIZED, "check username, and password in the job", ""),
        (Code.BUSY, "try again later", "try again later"),
        (Code.BUSY, "", ""),
    ],
)
def test_hints_do_not_speak_of_a_job(code: Code, hint: str, told: str) -> None:
    assert in_a_session(Problem(code, "m", hint=hint)).hint == told
