"""A peer that knows the keys and breaks the rules: the lane ends and nothing is published."""

from collections.abc import Callable

import pytest

from cargo_sync.lanes import outgoing
from cargo_sync.lanes.link import Link
from cargo_sync.lanes.receiver import Receiver
from cargo_sync.lanes.sender import Sender
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.transfers import Offer, Receipt, Want
from cargo_sync.testing.channel import memory_pair
from cargo_sync.testing.disk import MemoryDisk, MemorySink
from cargo_sync.wire import messages, records
from cargo_sync.wire.records import (
    ASK,
    BYE,
    CANCEL,
    DATA,
    DONE,
    EVERYTHING,
    FAIL,
    FINAL,
    GRANT,
    HOLE,
    MORE,
    OFFER,
    PING,
    RECEIPT,
    REPORT,
    WANT,
    WHOLE,
)
from tests.lanes.flows import Clock, Peer, files, links

OFFERS = [Offer("a", 4, 0, 0o644, 1, 1, "aa"), Offer("b", 10, 0, 0o644, 1, 1, "bb")]
BATCH = messages.encode_offers(OFFERS)
CHANGED = b'["changed","it was changed","","",true]'
Story = Callable[[Peer], None]


def offered(peer: Peer) -> None:
    peer.say(OFFER, BATCH)


def nine_batches(peer: Peer) -> None:
    for number in range(9):
        peer.say(OFFER, BATCH, batch=number)


def whole(length: int, **fields: int) -> Story:
    return lambda peer: peer.say(DATA, b"x" * length, **{"flags": WHOLE | FINAL} | fields)


def piece(length: int, offset: int, flags: int = 0, **fields: int) -> Story:
    return lambda peer: peer.say(DATA, b"x" * length, offset=offset, flags=flags, **fields)


def hole(length: int, offset: int, flags: int = 0, **fields: int) -> Story:
    return lambda peer: peer.say(
        HOLE, records.ZEROS.pack(length), offset=offset, flags=flags, **fields
    )


def says(kind: int, payload: bytes = b"", **fields: int) -> Story:
    return lambda peer: peer.say(kind, payload, **fields)


UPLOADS: dict[str, list[Story]] = {
    "content before an offer": [whole(4)],
    "content of another batch": [offered, whole(4, batch=1)],
    "a file beyond the batch": [offered, whole(4, index=2)],
    "a file too short": [offered, whole(3)],
    "a file too long": [offered, whole(5)],
    "whole, but not final": [offered, whole(4, flags=WHOLE)],
    "whole, but not from the start": [offered, whole(4, offset=1)],
    "a file twice": [offered, whole(4), whole(4)],
    "a piece twice": [offered, piece(5, 0, index=1), piece(5, 0, index=1)],
    "pieces that overlap": [offered, piece(5, 0, index=1), piece(5, 4, index=1)],
    "a piece out of range": [offered, piece(5, 6, index=1)],
    "a piece far out of range": [offered, piece(5, 2**64 - 3, index=1)],
    "an empty piece": [offered, piece(0, 0, index=1)],
    "final too early": [offered, piece(5, 0, FINAL, index=1)],
    "final of nothing": [offered, piece(0, 10, FINAL, index=1)],
    "whole after a piece": [offered, piece(5, 0, index=1), whole(10, index=1)],
    "one byte, whole, after a piece": [offered, piece(5, 0, index=1), whole(1, index=1)],
    "a piece of a file beyond the batch": [offered, piece(1, 0, index=2)],
    "a piece after the final one": [
        offered,
        piece(10, 0, FINAL, index=1),
        piece(0, 10, FINAL, index=1),
    ],
    "a piece of one byte after the final one": [
        offered,
        piece(10, 0, FINAL, index=1),
        piece(1, 0, index=1),
    ],
    "a hole before an offer": [hole(4, 0)],
    "a hole out of range": [offered, hole(5, 6, index=1)],
    "a hole far out of range": [offered, hole(2**64 - 1, 3, index=1)],
    "an empty hole": [offered, hole(0, 0, index=1)],
    "a hole that is whole": [offered, hole(4, 0, WHOLE | FINAL)],
    "a hole of another width": [offered, says(HOLE, b"\0\0\0\4", index=1)],
    "a hole twice": [offered, hole(5, 0, index=1), hole(5, 0, index=1)],
    "a hole over content": [offered, piece(5, 0, index=1), hole(5, 4, index=1)],
    "final too early in a hole": [offered, hole(5, 0, FINAL, index=1)],
    "given up twice": [offered, says(FAIL, CHANGED), says(FAIL, CHANGED)],
    "given up after it came": [offered, whole(4), says(FAIL, CHANGED)],
    "given up before an offer": [says(FAIL, CHANGED)],
    "given up beyond the batch": [offered, says(FAIL, CHANGED, index=2)],
    "given up for no reason": [offered, says(FAIL, b"{}")],
    "content after it was given up": [offered, says(FAIL, CHANGED), whole(4)],
    "a batch twice": [offered, offered],
    "a batch back": [says(OFFER, BATCH, batch=5), says(OFFER, BATCH, batch=4)],
    "an empty batch": [says(OFFER, b"[]")],
    "an offer after done": [offered, says(DONE), says(OFFER, BATCH, batch=1)],
    "more batches than may be open": [nine_batches],
    "an offer that is noise": [says(OFFER, b"\xff\xfe")],
    "a message broken off": [says(OFFER, b"[", flags=MORE), says(OFFER, BATCH, batch=1)],
    "a message without an end": [says(OFFER, b"x" * (1 << 20), flags=MORE)] * 13,
    "what a server says": [says(WANT, b"[]")],
    "a grant from a client": [says(GRANT, b"1")],
    "a receipt from a sender": [says(RECEIPT, b"[]")],
    "an ask in an upload": [says(ASK, b"[]")],
    "one file cancelled": [offered, says(CANCEL)],
    "bye before it is let go": [offered, says(BYE)],
    "a report of a negative loss": [says(REPORT, b"[-1,null,null]")],
    "a report without an end": [says(REPORT, b"[" + b" " * 4096, flags=MORE)],
    "a report of infinity": [says(REPORT, b"[1,1e999,null]")],
    "a record kind of tomorrow": [says(99)],
    "a flag of tomorrow": [says(PING, flags=0x80)],
}


@pytest.mark.parametrize("story", UPLOADS, ids=str)
def test_an_uploading_client_is_refused(story: str) -> None:
    ours, theirs = links(sealed=True, capacity=1 << 25)
    disk = MemoryDisk()
    sink = MemorySink(disk)
    server = Receiver(theirs, sink, Clock(), client=False)
    _refused(server, ours, UPLOADS[story])
    assert disk.files == {}
    assert sink.closed


DOWNLOADS: dict[str, list[Story]] = {
    "content that was not asked for": [whole(4, batch=1)],
    "a file beyond the batch": [whole(4, index=9)],
    "a file too long": [whole(5)],
    "an offer": [says(OFFER, BATCH, batch=1)],
    "done": [says(DONE)],
    "cancel": [says(CANCEL, index=EVERYTHING)],
    "a grant of nothing": [says(GRANT, b"0")],
    "a grant of words": [says(GRANT, b'"fast"')],
    "a problem that is none": [says(BYE, b"[1]")],
    "a name as code": [says(BYE, b'["../x","","","",true]')],
}


@pytest.mark.parametrize("story", DOWNLOADS, ids=str)
def test_a_downloading_client_refuses_its_server(story: str) -> None:
    client_link, server_link = links(sealed=True, capacity=1 << 25)
    disk = MemoryDisk()
    client = Receiver(client_link, MemorySink(disk), Clock(), client=True)
    client.ask(0, OFFERS)
    _refused(client, server_link, DOWNLOADS[story])
    assert disk.files == {}


def wants(*rows: Want) -> bytes:
    return messages.encode_wants(rows)


RECEIPTS = messages.encode_receipts([Receipt("done")] * 2)
WANTS: dict[str, list[Story]] = {
    "wants of nothing": [says(WANT, wants(Want("all"), Want("all")), batch=3)],
    "wants twice": [says(WANT, wants(Want("none"), Want("none")))] * 2,
    "too few wants": [says(WANT, wants(Want("all")))],
    "a range out of range": [says(WANT, wants(Want("all"), Want("ranges", ((5, 11),))))],
    "receipts before wants": [says(RECEIPT, RECEIPTS)],
    "receipts of another batch": [says(RECEIPT, RECEIPTS, batch=1)],
    "receipts twice": [
        says(WANT, wants(Want("none"), Want("none"))),
        *[says(RECEIPT, RECEIPTS)] * 2,
    ],
    "content": [whole(4)],
    "cancel everything": [says(CANCEL, index=EVERYTHING)],
    "an ask": [says(ASK, b"[]")],
}


@pytest.mark.parametrize("story", WANTS, ids=str)
def test_an_uploading_client_refuses_its_server(story: str) -> None:
    client_link, server_link = links(sealed=True, capacity=1 << 25)
    source = files(a=b"aaaa", b=b"b" * 10)
    client = Sender(client_link, source, Clock(), client=True)
    client.offer(0, [source.files[path].offer(path) for path in ("a", "b")])
    _refused(client, server_link, WANTS[story])
    assert source.open_readers == 0


def ask(*rows: Want, batch: int = 0) -> Story:
    return says(ASK, messages.encode_ask(OFFERS[: len(rows)], rows), batch=batch)


ASKS: dict[str, list[Story]] = {
    "a batch twice": [ask(Want("none")), ask(Want("none"))],
    "nine batches": [ask(Want("none"), batch=number) for number in range(9)],
    "wants that do not fit": [says(ASK, messages.encode_ask(OFFERS, [Want("all")]))],
    "an ask after done": [ask(Want("none")), says(DONE), ask(Want("none"), batch=1)],
    "a receipt without an ask": [says(RECEIPT, RECEIPTS)],
    "receipts without an ask, in parts": [says(RECEIPT, b"[", flags=MORE)],
    "more receipts than were asked for": [
        ask(Want("none")),
        *[says(RECEIPT, b" " * (1 << 20), flags=MORE)] * 2,
    ],
    "too few receipts": [ask(Want("none")), says(RECEIPT, RECEIPTS)],
    "an offer": [says(OFFER, BATCH)],
    "content": [whole(4)],
    "a grant": [says(GRANT, b"1")],
    "bye": [says(BYE)],
}


@pytest.mark.parametrize("story", ASKS, ids=str)
def test_a_download_server_refuses_its_client(story: str) -> None:
    client_link, server_link = links(sealed=True, capacity=1 << 25)
    server = Sender(server_link, files(), Clock(), client=False)
    _refused(server, client_link, ASKS[story])


def _refused(machine: Sender | Receiver, peer_link: Link, stories: list[Story]) -> None:
    peer = Peer(peer_link)
    for _ in range(3):
        machine.step()
    for story in stories:
        story(peer)
    for _ in range(40):
        machine.step()
    assert machine.done
    assert machine.problem and machine.problem.code == "protocol", machine.problem


def test_a_last_frame_without_bye_and_bye_without_a_last_frame_are_refused() -> None:
    for kind, last in ((PING, True), (BYE, False)):
        client_link, server_link = links(sealed=False)
        client = Receiver(client_link, MemorySink(MemoryDisk()), Clock(), client=True)
        record = records.Record(kind, 0, 0, 0, 0, memoryview(b""))
        server_link.close_frame(records.put(server_link.body, 0, record), last)
        server_link.flush()
        client.step()
        assert client.problem and client.problem.code == "protocol"


@pytest.mark.parametrize("kind", [PING, BYE, REPORT], ids=["ping", "bye", "report"])
def test_a_record_after_bye_is_refused_also_in_the_same_frame(kind: int) -> None:
    client_link, server_link = links(sealed=True)
    client = Receiver(client_link, MemorySink(MemoryDisk()), Clock(), client=True)
    client.finish()
    peer, used = Peer(server_link), 0
    while not peer.hear():
        client.step()
    for one in (BYE, kind):
        used = records.put(server_link.body, used, records.Record(one, 0, 0, 0, 0, memoryview(b"")))
    server_link.close_frame(used, True)
    server_link.flush()
    client.step()
    assert client.problem and "after the other end's last one" in client.problem.message


def test_a_receipt_for_what_was_not_sent_yet_is_refused() -> None:
    client_link, server_link = links(sealed=True, capacity=1 << 15)
    source = files(a=b"aaaa" * 4096)
    client = Sender(client_link, source, Clock(), client=True)
    client.offer(0, [source.files["a"].offer("a")] * 200)
    peer = Peer(server_link)
    while not peer.hear():
        client.step()
    for kind, payload in (
        (WANT, wants(*[Want("all")] * 200)),
        (RECEIPT, messages.encode_receipts([Receipt("done")] * 200)),
    ):
        peer.say(kind, payload)
        client.step()
    for _ in range(20):
        client.step()
    assert client.problem and "before it was sent" in client.problem.message


def test_bytes_after_the_last_frame_are_refused() -> None:
    ours, theirs = memory_pair()
    server, client = Link(ours), Link(theirs)
    server.close_frame(
        records.put(server.body, 0, records.Record(BYE, 0, 0, 0, 0, memoryview(b""))), True
    )
    server.flush()
    ours.send(memoryview(b"more"))
    with pytest.raises(ProblemError, match="after its last frame"):
        client.receive()


def test_a_problem_that_a_client_tells_is_kept_to_its_file() -> None:
    client_link, server_link = links(sealed=True)
    disk = MemoryDisk()
    server = Receiver(server_link, MemorySink(disk), Clock(), client=False)
    peer = Peer(client_link)
    for story in (offered, whole(4), says(FAIL, CHANGED, index=1)):
        story(peer)
    for _ in range(5):
        server.step()
    assert not server.done
    assert set(disk.files) == {"a"}


def test_a_peer_that_talks_and_never_listens_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "UNSENT_MAX", 1 << 20)
    client_link, server_link = links(sealed=False, capacity=1 << 18)
    server = Receiver(server_link, MemorySink(MemoryDisk()), Clock(), client=False)
    peer = Peer(client_link)
    link_offer = messages.encode_offers(
        [OFFERS[0]._replace(path=f"{n}", target="t", size=0) for n in range(1000)]
    )
    for number in range(200):
        if server.done:
            break
        peer.say(OFFER, link_offer, batch=number)
        server.step()
    assert server.problem and "does not read our answers" in server.problem.message
