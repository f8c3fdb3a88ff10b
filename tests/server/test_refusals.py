"""What users read of the server's problems: no absolute path, and no less than they need."""

import errno

import pytest

from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.model.transfers import Finished, Offer, Receipt, Unread, Want
from cargo_sync.server.flows.public_ends import PublicSink, PublicSource
from cargo_sync.server.refusals import public, public_message
from cargo_sync.trees.placed import below

DISK = from_os_error(OSError(errno.EIO, "x"), "/srv/ana")
FILE = from_os_error(OSError(errno.EIO, "x"), "films/a.mov")
OFFER = Offer("a", 1, 1, 0o644, 1, 1, "ab" * 16, 0)


@pytest.mark.parametrize(
    ("problem", "shown"),
    [
        (DISK, "the server's disk reports an error"),
        (from_os_error(OSError(errno.ENOSPC, ""), "/srv/ana"), "the server's disk is full"),
        (from_os_error(OSError(errno.ENOLINK, ""), "/srv/ana"), "the server cannot do this now"),
        (
            Problem(Code.ROOT_GONE, "the folder '/srv/ana' is gone", hint="mount it"),
            "the folder of this workspace is not there",
        ),
        (
            Problem(Code.ROOT_REPLACED, "not the one", hint="echo ab12 > '/srv/.cargo_sync'"),
            "another folder is at the place of this workspace",
        ),
        (
            Problem(Code.STATE_ERROR, "'/var/lib/cargo/state.db' cannot be written: disk I/O"),
            "the server cannot do this now",
        ),
        (Problem(Code.OS_ERROR, 'failed: [Errno 5]: "/srv/a\'b"'), "the server cannot do this now"),
    ],
)
def test_absolute_paths_stay_on_the_server(problem: Problem, shown: str) -> None:
    told = public(problem)
    assert (told.code, told.message, told.retry) == (problem.code, shown, problem.retry)
    assert told.hint == "the person who runs the server can find the cause and mend it"
    assert "/" not in public_message(problem.code_text, f"{problem.message} '/srv'")


@pytest.mark.parametrize(
    "problem",
    [
        FILE,
        Problem(Code.BAD_PATH, "the path '/etc' has a part that is empty, '.' or '..'", "/etc"),
        Problem(Code.UNAUTHORIZED, "wrong", hint="log in at /v1/login"),
        Problem(Code.UNKNOWN, "there is nothing here", hint="the API is under /v1"),
    ],
)
def test_what_names_no_path_of_the_server_is_said_as_it_is(problem: Problem) -> None:
    assert public(problem) is problem
    assert public_message(problem.code_text, problem.message) == problem.message


class _Failing:
    """A sink and source on a disk that fails."""

    def begin(self, batch: int, offers: object) -> list[Want]:
        if batch == 1:
            raise ProblemError(DISK)
        return [Want("all"), Want(DISK.code_text, message=DISK.message)]

    def finished(self) -> list[Finished]:
        return [
            (1, DISK),
            (2, [Receipt("done"), Receipt(DISK.code_text, message=DISK.message)]),
        ]

    def checkpoint(self) -> None:
        raise ProblemError(DISK)

    def open(self, offer: Offer) -> None:
        raise ProblemError(DISK)

    def read(self, offers: object, views: object) -> Unread:
        return Unread(0, DISK)


def test_a_lane_says_it_in_the_same_words() -> None:
    failing = _Failing()
    sink = PublicSink(failing, below(""))  # type: ignore[arg-type]
    source = PublicSource(failing, below(""))  # type: ignore[arg-type]
    for call in (
        lambda: sink.begin(1, [OFFER]),
        sink.checkpoint,
        lambda: source.open(OFFER),
    ):
        with pytest.raises(ProblemError, match=r"^the server's disk reports an error") as told:
            call()
        assert "/srv" not in str(told.value)
    unread = source.read([OFFER], [memoryview(b"")])
    assert unread is not None and unread.problem is not None
    assert unread.problem.message.startswith("the server's disk reports an error")
    [_, want] = sink.begin(2, [OFFER, OFFER])
    [(_, failed), (_, receipts)] = sink.finished()
    assert isinstance(failed, Problem) and isinstance(receipts, list)
    assert failed.message == "the server's disk reports an error"
    [_, receipt] = receipts
    assert want.message == receipt.message
    assert want.message.startswith("the server's disk reports an error (")
