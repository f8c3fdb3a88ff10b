"""A server without room: whatever it speaks, files wait until there is some."""

import pytest

from cargo_sync.model.problems import NO_ROOM, Problem, ProblemError
from cargo_sync.s3.errors import S3Refusal
from cargo_sync.s3.errors import refused as s3_refused
from cargo_sync.trees.ftp.problems import refused as ftp_refused
from cargo_sync.trees.pydio.problems import refused_with
from cargo_sync.trees.sftp.problems import translated
from cargo_sync.trees.webdav.problems import refused as webdav_refused
from cargo_sync.wire.sftp.packets import SftpError, Status


def of_sftp(code: int) -> Problem:
    with pytest.raises(ProblemError) as caught, translated("host:22", "a"):
        raise SftpError(code)
    return caught.value.problem


def of_s3(status: int, code: str = "") -> Problem:
    fields = {"Code": code} if code else {}
    return s3_refused(S3Refusal("'a'", "host", status, {}, fields, 0.0)).problem


@pytest.mark.parametrize(
    "problem",
    [
        pytest.param(of_sftp(Status.NO_SPACE), id="sftp: no space"),
        pytest.param(of_sftp(Status.QUOTA_EXCEEDED), id="sftp: quota"),
        pytest.param(ftp_refused(452, "No space left", "host", "a").problem, id="ftp: 452"),
        pytest.param(ftp_refused(552, "Quota exceeded", "host", "a").problem, id="ftp: 552"),
        pytest.param(ftp_refused(426, "No space left", "host", "a").problem, id="ftp: words"),
        pytest.param(ftp_refused(550, "Quota exceeded", "host", "a").problem, id="ftp: quota"),
        pytest.param(webdav_refused(507, "host", "a").problem, id="webdav: 507"),
        pytest.param(of_s3(507), id="s3: 507"),
        pytest.param(of_s3(403, "QuotaExceeded"), id="s3: quota of Ceph"),
        pytest.param(of_s3(507, "XMinioStorageFull"), id="s3: full disk of MinIO"),
        pytest.param(refused_with("Quota exceeded (507)", "a").problem, id="pydio"),
    ],
)
def test_files_wait_for_room(problem: Problem) -> None:
    assert problem.code in NO_ROOM and problem.retry, problem
    assert "room" in problem.message or "full" in problem.message or "quota" in problem.message


def test_a_name_is_no_reason() -> None:
    problem = ftp_refused(550, "a/over quota: no such file", "host", "a/over quota").problem
    assert problem.code not in NO_ROOM
