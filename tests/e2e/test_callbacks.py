"""Callbacks of real programs to a real HTTP server: it is busy, it is away, the daemon is
killed."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.e2e.processes import Place, tree
from tests.e2e.receiver import Receiver

FILES = 30
KEY = "canary-4f7c"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    try:
        yield one
    finally:
        one.down()


def events(port: int) -> dict[str, object]:
    body = "{{ SYNC_NAME }}", "{{ FILE_NAME }}", "{{ TRANSFER_ID }}"
    return {
        name: {
            "method": "POST",
            "url": f"http://127.0.0.1:{port}/{name}",
            "body": dict(zip(("job", "file", "transfer"), body, strict=True)) | {"event": name},
            "headers": {"X-Key": KEY},
            "secret": KEY,
        }
        for name in ("onStart", "onFinish")
    }


def test_none_is_lost_across_a_busy_host_a_kill_and_a_host_that_is_away(
    place: Place, receiver: Receiver
) -> None:
    receiver.answers(lambda number: 200 if number < 20 else 503)
    up = place.job("up", events=events(receiver.port))
    down = place.job("down", "download", events=events(receiver.port))
    for number in range(FILES):
        (up / f'{number} "é" & {{{{ FILE_NAME }}}}.txt').write_text(f"{number}")
    place.start("server")
    place.start("daemon")
    place.until(lambda: tree(down) == tree(up), "the files went up and down")
    place.until(lambda: receiver.refused, "the host is busy")
    place.kill("daemon")
    receiver.down()

    place.start("daemon")
    most = 2 * 2 * FILES - 20 - 16
    place.until(
        lambda: place.call("callback.list")["totals"]["pending"] >= most, "all is known that waits"
    )
    place.until(
        lambda: any(
            "cannot be reached" in row["error"] for row in place.call("callback.list")["callbacks"]
        ),
        "the host is away",
    )
    receiver.answers(lambda number: 200)
    receiver.up()
    told = place.run("cargo_ctl", "callback", "retry", "--all")
    assert told.stdout.endswith("callbacks will be tried now\n"), told
    place.until(lambda: not place.call("callback.list")["callbacks"], "nothing waits any more")

    place.stop("daemon")
    written = [
        path.read_bytes() for path in (*place.folder.glob("daemon/*"), *place.folder.glob("*.log"))
    ]
    assert len(written) >= 3 and not any(KEY.encode() in content for content in written)
    expected = {
        (job, event, file) for job in ("up", "down") for event in events(0) for file in tree(up)
    }
    taken = [(one.body["job"], one.body["event"], one.body["file"]) for one in receiver.taken]
    assert set(taken) == expected, "none is missing"
    seen: dict[str, str] = {}
    for one in receiver.taken:
        transfer, event = one.body["transfer"], one.body["event"]
        if one.id not in seen:
            assert event == "onStart" or f"{transfer} onStart" in seen.values(), (
                "in order of the transfer"
            )
            seen[one.id] = f"{transfer} {event}"
        assert seen[one.id] == f"{transfer} {event}", "what comes again comes under its id"
    twice = [id for id, count in Counter(one.id for one in receiver.taken).items() if count > 1]
    assert len(seen) == len(expected) and len(twice) <= 16, (
        "only what was in flight at the kill comes twice"
    )
