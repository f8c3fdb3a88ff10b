import time

import pytest

from benchmarks.transfers.alone.ends import NoDisk, NoFiles
from cargo_sync.lanes.link import Link
from cargo_sync.lanes.receiver import Receiver
from cargo_sync.lanes.sender import Sender
from cargo_sync.model.transfers import Offer, Receipt
from cargo_sync.testing.channel import memory_pair
from cargo_sync.testing.driver import alternate


@pytest.mark.parametrize(("files", "size"), [(3, 5), (1, 3 << 20)])
def test_what_nobody_has_written_arrives_where_nobody_keeps_it(files: int, size: int) -> None:
    here, there = memory_pair()
    got: list[Receipt] = []
    sink = NoDisk()
    sender = Sender(
        Link(here), NoFiles(), time.monotonic, client=True, on_receipts=lambda _, r: got.extend(r)
    )
    receiver = Receiver(Link(there), sink, time.monotonic, client=False)
    sender.offer(0, [Offer(f"{n}", size, 1, 0o644, 1, n, f"{n:032x}") for n in range(files)])
    sender.finish()
    alternate(sender, receiver)
    assert (sender.problem, receiver.problem) == (None, None)
    assert sink.received == files * size
    assert [one.code for one in got] == ["done"] * files
    assert len({one.version for one in got}) == files
