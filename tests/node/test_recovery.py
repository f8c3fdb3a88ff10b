"""Snapshots over a node's ports: its server brings them, who has only the recovery key asks."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cargo_sync.api.recovery_key import RecoveryKey
from cargo_sync.machines.nodes.snapshots import MadeSnapshot
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.stores.snapshots.asking import HttpsNode, OfferedSnapshot
from tests.node.coordinator import Coordinator, running
from tests.stores.blobs import LARGE, content_of

KEY, OTHER = RecoveryKey(b"k" * 16), RecoveryKey(b"o" * 16)


def port_of(coordinator: Coordinator) -> int:
    return int(coordinator.api.rpartition(":")[2])


async def kept(coordinator: Coordinator, number: int, content: bytes, key: RecoveryKey) -> None:
    """As a server brings a snapshot."""
    [receipt] = await coordinator.send([content])
    assert receipt.code == "done"
    hash, size = content_of(content)
    body = {"number": number, "made": 1.5, "hash": hash, "size": size}
    asked = await coordinator.call("POST", "/n1/snapshots", body | {"verifier": key.verifier.hex()})
    assert asked == (200, {})


def asked(coordinator: Coordinator, key: RecoveryKey = KEY, pin: str = "") -> HttpsNode:
    return HttpsNode("127.0.0.1", port_of(coordinator), key, pin)


def whole(node: HttpsNode, one: OfferedSnapshot) -> bytes:
    stream = node.open(one)
    return b"".join(iter(lambda: stream.read(300_000), b""))


async def refused(coordinator: Coordinator, work: Callable[[], object]) -> str:
    with pytest.raises(ProblemError) as error:
        await coordinator.offload(work)
    return error.value.problem.code


async def test_who_has_the_key_gets_its_snapshots_and_no_others(tmp_path: Path) -> None:
    async with running(tmp_path) as coordinator:
        assert await refused(coordinator, asked(coordinator).snapshots) == Code.UNAUTHORIZED
        await kept(coordinator, 1, LARGE, KEY)
        await kept(coordinator, 2, b"of another server", OTHER)
        node = asked(coordinator)

        def asking() -> tuple[Sequence[OfferedSnapshot], bytes]:
            found = node.snapshots()
            return found, whole(node, found[0])

        offered, content = await coordinator.offload(asking)
        assert offered == [OfferedSnapshot(MadeSnapshot(1, 1.5), len(LARGE))]
        assert content == LARGE
        theirs = OfferedSnapshot(MadeSnapshot(2, 1.5), 17)
        assert await refused(coordinator, lambda: whole(node, theirs)) == Code.REFUSED
        stranger = asked(coordinator, RecoveryKey(b"s" * 16))
        assert await refused(coordinator, stranger.snapshots) == Code.UNAUTHORIZED
        assert await refused(coordinator, lambda: whole(stranger, theirs)) == Code.UNAUTHORIZED
        wrong = asked(coordinator, pin="0" * 64)
        assert await refused(coordinator, wrong.snapshots) == Code.CERTIFICATE


async def test_a_snapshot_that_was_cut_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as coordinator:
        await kept(coordinator, 1, LARGE, KEY)
        node = asked(coordinator)
        real, starts = node.bytes_from, list[int]()

        def cutting(number: int, start: int) -> object:
            starts.append(start)
            line, stream = real(number, start)
            if len(starts) == 2:
                line.sock.close()
                raise ProblemError(node._problem(Code.UNREACHABLE, "it was cut").problem)
            return line, stream

        monkeypatch.setattr(node, "bytes_from", cutting)

        def asking() -> bytes:
            [one] = node.snapshots()
            stream = node.open(one)
            first = stream.read(1_000)
            stream._close()  # type: ignore[attr-defined]
            return first + b"".join(iter(lambda: stream.read(300_000), b""))

        assert await coordinator.offload(asking) == LARGE
        assert starts[0] == 0 and len(starts) == 3 and 0 < starts[1] == starts[2]


STRANGE = [
    ("POST", "/n1/recovery/snapshots", {"challenge": "0" * 32}),
    ("POST", "/n1/recovery/snapshots", {"challenge": 1, "verifier": "x", "signature": None}),
    ("POST", "/n1/recovery/challenge", None),
    ("GET", "/n1/recovery/snapshots/1", None),
    ("GET", "/n1/recovery/snapshots/x", None),
    ("GET", "/n1/recovery/../status", None),
    ("GET", "/n1/recovery/%2e%2e/status", None),
    ("POST", "/n1/snapshots", {"number": 3}),
]


@pytest.mark.parametrize(("method", "path", "body"), STRANGE)
async def test_strangers_learn_nothing(
    tmp_path: Path, method: str, path: str, body: dict[str, object] | None
) -> None:
    async with running(tmp_path) as coordinator:
        for bearer in (None, "wrong"):
            status, answer = await coordinator.call(method, path, body, bearer)
            if path == "/n1/recovery/snapshots":
                assert status in (400, 401)
            else:
                assert (status, answer) == (401, None)


async def test_a_snapshot_that_was_never_brought_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as coordinator:
        good = {"number": 1, "made": 1.5, "hash": "0" * 64, "size": 5, "verifier": "ab" * 32}
        status, answer = await coordinator.call("POST", "/n1/snapshots", good)
        assert (status, answer["error"]["code"]) == (404, "vanished")
        for wrong in ({"hash": "../x"}, {"made": "now"}, {"number": -1}, {"verifier": "abc"}):
            status, answer = await coordinator.call("POST", "/n1/snapshots", good | wrong)
            assert (status, answer["error"]["code"]) == (400, "bad_request")
