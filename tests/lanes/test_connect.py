"""Lanes over real sockets: the handshake and its deadline, threads, and refused connections."""

import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from cargo_sync.lanes import end, pacing, tuning
from cargo_sync.lanes.connect import accept_lane, open_lane
from cargo_sync.lanes.link import Link
from cargo_sync.lanes.receiver import Receiver
from cargo_sync.lanes.sender import Sender
from cargo_sync.lanes.tcp_info import LinkMeter, TcpInfo
from cargo_sync.lanes.threads import SAMPLE_SECONDS, LaneThread
from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.model.transfers import Receipt
from cargo_sync.testing.disk import MemoryDisk, MemoryFile, MemorySink
from cargo_sync.wire import handshake, records
from cargo_sync.wire.handshake import LaneKeys
from tests.lanes.flows import DOWN, PREFIX, UP, files, pattern

PLAIN = LaneKeys(b"t" * 16, b"a" * 32)
SEALED = LaneKeys(b"t" * 16, b"a" * 32, UP, DOWN, PREFIX)
SECONDS = 20.0


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


class Server:
    """Accepts one lane in a thread."""

    def __init__(self, listener: socket.socket, keys: LaneKeys | None) -> None:
        self.port = listener.getsockname()[1]
        self.problem: Problem | None = None
        self.lane: tuple[socket.socket, Link] | None = None
        self.full = False
        self._listener, self._keys = listener, keys
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        try:
            message = sock.recv(handshake.HELLO_SIZE, socket.MSG_WAITALL)
            _, link = accept_lane(sock, message, self._lookup, full=self.full)
            self.lane = (sock, link)
        except ProblemError as error:
            self.problem = error.problem
            sock.close()

    def _lookup(self, token: bytes) -> LaneKeys | None:
        return self._keys if self._keys and token == self._keys.token else None

    def join(self) -> None:
        self._thread.join(SECONDS)

    def accepted(self) -> tuple[socket.socket, Link]:
        self.join()
        assert self.lane, self.problem
        return self.lane


class Ended:
    """The argument of the one call of `on_end`."""

    def __init__(self) -> None:
        self.problems: list[Problem | None] = []
        self._event = threading.Event()

    def __call__(self, problem: Problem | None) -> None:
        self.problems.append(problem)
        self._event.set()

    def wait(self) -> list[Problem | None]:
        assert self._event.wait(SECONDS)
        return self.problems


@pytest.mark.parametrize("keys", [PLAIN, SEALED], ids=["plain", "sealed"])
@pytest.mark.parametrize("upload", [True, False], ids=["upload", "download"])
def test_files_travel_between_two_threads(
    listener: socket.socket, keys: LaneKeys, upload: bool
) -> None:
    source, disk = files(a=b"a", b=pattern(5_000_000), c=b""), MemoryDisk()
    offers = [source.files[path].offer(path) for path in source.files]
    server = Server(listener, keys)
    client_socket, client_link = open_lane("127.0.0.1", server.port, keys, SECONDS, time.monotonic)
    server_socket, server_link = server.accepted()
    told: dict[int, list[Receipt]] = {}
    send_link, receive_link = (client_link, server_link) if upload else (server_link, client_link)
    sender = Sender(send_link, source, time.monotonic, client=upload, on_receipts=told.__setitem__)
    receiver = Receiver(receive_link, MemorySink(disk), time.monotonic, client=not upload)
    ends = Ended(), Ended()
    threads = (
        LaneThread(sender, client_socket if upload else server_socket, "sender", ends[0]),
        LaneThread(receiver, server_socket if upload else client_socket, "receiver", ends[1]),
    )
    for thread in threads:
        thread.start()
    begin: Callable[[], None] = (
        (lambda: sender.offer(0, offers)) if upload else (lambda: receiver.ask(0, offers))
    )
    client = threads[0] if upload else threads[1]
    client.submit(begin)
    client.submit(sender.finish if upload else receiver.finish)
    assert [ended.wait() for ended in ends] == [[None], [None]]
    assert all(thread.join(SECONDS) for thread in threads)
    assert {path: file.content for path, file in disk.files.items()} == {
        path: file.content for path, file in source.files.items()
    }
    assert [receipt.code for receipt in told[0]] == ["done"] * 3
    if sys.platform == "linux":
        assert sender.figures().lost is not None
        assert receiver.figures().min_rtt_ms is not None
    client.submit(lambda: pytest.fail("the lane is over"))


def lane_pair() -> tuple[tuple[socket.socket, Link], tuple[socket.socket, Link]]:
    from cargo_sync.lanes.channel import SocketChannel

    one, other = socket.socketpair()
    return (one, Link(SocketChannel(one))), (other, Link(SocketChannel(other)))


def test_stop_ends_a_thread_and_its_peer_sees_a_cut() -> None:
    (client_socket, client_link), (server_socket, server_link) = lane_pair()
    ends = Ended(), Ended()
    client = LaneThread(
        Sender(client_link, files(), time.monotonic, client=True), client_socket, "sender", ends[0]
    )
    server = LaneThread(
        Receiver(server_link, MemorySink(MemoryDisk()), time.monotonic, client=False),
        server_socket,
        "receiver",
        ends[1],
    )
    client.start()
    server.start()
    client.stop()
    client.stop()
    problems = [ended.wait()[0] for ended in ends]
    assert [problem.code for problem in problems if problem] == ["stopped", "cut"]
    assert client.join(SECONDS) and server.join(SECONDS)


@pytest.mark.parametrize(("stuck", "code"), [(19_999, "stopped"), (20_000, "cut")])
def test_a_way_on_which_nothing_comes_back_for_twenty_seconds_is_broken(
    monkeypatch: pytest.MonkeyPatch, stuck: int, code: str
) -> None:
    (sock, link), (peer, _) = lane_pair()
    ended = Ended()
    lane = LaneThread(Sender(link, files(), time.monotonic, client=True), sock, "sender", ended)

    def sample(_: LinkMeter) -> TcpInfo:
        lane.stop()  # in the next turn, if there is one
        return TcpInfo(0, 0.0, None, None, stuck)

    monkeypatch.setattr(LinkMeter, "sample", sample)
    lane.start()
    [problem] = ended.wait()
    assert problem and problem.code == code
    assert lane.join(SECONDS)
    peer.close()


class OnePoll:
    """In the place of `select.poll`: keeps how long the lane would wait, and ends it."""

    def __init__(self, stop: Callable[[], None], waits: list[float]) -> None:
        self._stop = stop
        self._waits = waits

    def register(self, fd: object, events: int) -> None: ...
    def modify(self, fd: int, events: int) -> None: ...

    def poll(self, milliseconds: float) -> list[tuple[int, int]]:
        self._waits.append(milliseconds)
        self._stop()
        return []


@pytest.mark.parametrize("rests", [True, False])
def test_a_lane_is_measured_while_something_is_to_move(
    monkeypatch: pytest.MonkeyPatch, rests: bool
) -> None:
    (sock, link), (peer, _) = lane_pair()
    ended, waits = Ended(), list[float]()
    machine = Sender(link, files(), time.monotonic, client=True)
    if not rests:
        machine.offer(0, [MemoryFile(b"content").offer("a")])
    lane = LaneThread(machine, sock, "sender", ended)
    monkeypatch.setattr(end, "PING_SECONDS", 3_600.0)
    monkeypatch.setattr(select, "poll", lambda: OnePoll(lane.stop, waits))
    lane.start()
    assert ended.wait() and lane.join(SECONDS)
    assert (waits[0] > 1_000 * SAMPLE_SECONDS) is rests
    peer.close()


def test_a_call_that_breaks_ends_the_lane_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise KeyError("a bug")

    (sock, link), (peer, _) = lane_pair()
    ended = Ended()
    thread = LaneThread(Sender(link, files(), time.monotonic, client=True), sock, "sender", ended)
    thread.start()
    thread.submit(broken)
    [problem] = ended.wait()
    assert problem and problem.code == "internal"
    assert "lane sender failed" in caplog.text
    assert thread.join(SECONDS)
    peer.close()


def test_a_client_of_another_key_is_sent_away_without_a_word(listener: socket.socket) -> None:
    server = Server(listener, PLAIN)
    with pytest.raises(ProblemError) as caught:
        open_lane("127.0.0.1", server.port, LaneKeys(b"t" * 16, b"?" * 32), SECONDS, time.monotonic)
    server.join()
    assert caught.value.problem.code == "cut"
    assert server.problem and server.problem.code == "protocol"


@pytest.mark.parametrize(
    "hello", [b"GET / HTTP/1.1\r\n\r\n" * 9, b"CARGOLN1" + b"\0" * 68, b"\x16\x03"]
)
def test_strangers_are_sent_away_without_a_word(listener: socket.socket, hello: bytes) -> None:
    server = Server(listener, PLAIN)
    # Unread bytes make the server's close a reset, which any of these calls can see.
    with suppress(OSError), socket.create_connection(("127.0.0.1", server.port)) as sock:
        sock.sendall(hello)
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(100) == b""
    server.join()
    assert server.lane is None
    assert server.problem


def test_another_program_at_the_data_port_is_named(listener: socket.socket) -> None:
    """As when a proxy, or its neighbour, listens at the address that clients are told."""

    def serve() -> None:
        sock, _ = listener.accept()
        with sock:
            sock.recv(handshake.HELLO_SIZE, socket.MSG_WAITALL)
            sock.sendall(b"HTTP/1.1 400 Bad Request\r\n".ljust(handshake.ANSWER_SIZE))

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    port = listener.getsockname()[1]
    with pytest.raises(ProblemError) as caught:
        open_lane("127.0.0.1", port, PLAIN, SECONDS, time.monotonic)
    server.join(SECONDS)
    problem = caught.value.problem
    opened = f"no data connection could be opened at 127.0.0.1 port {port}"
    assert problem.message == f"{opened}: another program answers there"
    assert "public_ip" in problem.hint and problem.retry


def test_a_full_server_says_so_to_who_knows_the_key(listener: socket.socket) -> None:
    server = Server(listener, SEALED)
    server.full = True
    with pytest.raises(ProblemError) as caught:
        open_lane("127.0.0.1", server.port, SEALED, SECONDS, time.monotonic)
    server.join()
    assert caught.value.problem.code == "busy"
    assert server.problem and server.problem.code == "busy"


@pytest.mark.parametrize(
    ("version", "status"),
    [(handshake.VERSION + 1, handshake.OK), (handshake.VERSION, handshake.NO_COMMON_VERSION)],
)
def test_a_server_of_another_version_is_left(
    listener: socket.socket, version: int, status: int
) -> None:
    heard: list[bytes] = []

    def serve() -> None:
        sock, _ = listener.accept()
        with sock:
            sock.settimeout(SECONDS)
            hello = sock.recv(handshake.HELLO_SIZE, socket.MSG_WAITALL)
            fields = handshake._ANSWER.pack(handshake.MAGIC, version, status, b"n" * 16, PREFIX)
            sock.sendall(fields + handshake._mac(PLAIN, hello + fields))
            heard.append(sock.recv(1))

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    with pytest.raises(ProblemError) as caught:
        open_lane("127.0.0.1", listener.getsockname()[1], PLAIN, SECONDS, time.monotonic)
    server.join(SECONDS)
    assert (caught.value.problem.code, caught.value.problem.retry) == ("version", False)
    assert heard == [b""], "the client has closed its socket"


@pytest.mark.parametrize(("keys", "shown"), [(PLAIN, True), (SEALED, False)])
def test_only_a_plain_lane_shows_what_it_carries(
    listener: socket.socket, keys: LaneKeys, shown: bool
) -> None:
    server = Server(listener, keys)
    client_socket, client = open_lane("127.0.0.1", server.port, keys, SECONDS, time.monotonic)
    server_socket, _ = server.accepted()
    record = records.Record(records.PING, 0, 0, 0, 0, memoryview(b"the content"))
    with client_socket, server_socket:
        client.close_frame(records.put(client.body, 0, record), False)
        assert client.flush()
        client_socket.shutdown(socket.SHUT_WR)
        server_socket.settimeout(SECONDS)
        carried = server_socket.makefile("rb").read()
    assert carried
    assert (b"the content" in carried) is shown


def test_a_server_that_does_not_answer_is_left_at_the_deadline(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with pytest.raises(ProblemError) as caught:  # no accept: the connection waits in the backlog
        open_lane("127.0.0.1", port, PLAIN, 0.05, time.monotonic)
    assert caught.value.problem.code == "cut"


def test_a_port_where_nobody_listens_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    with pytest.raises(ProblemError) as caught:
        open_lane("127.0.0.1", port, PLAIN, SECONDS, time.monotonic)
    assert caught.value.problem.code == "unreachable"


def test_the_kernel_paces_where_it_can_and_the_bucket_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as sock:
        sock.connect(listener.getsockname())
        pace = pacing.pace_of(sock)
        assert isinstance(pace, pacing.KernelPace if sys.platform == "linux" else pacing.BucketPace)
        pace.limit(8_000_000, 0.0)
        if sys.platform == "linux":
            paced = sock.getsockopt(socket.SOL_SOCKET, 47)
            assert 900_000 < paced < 1_000_000
        pace.limit(None, 0.0)
        assert isinstance(pacing.pace_of(sock, kernel=False), pacing.BucketPace)
        monkeypatch.setattr(sys, "platform", "darwin")
        assert isinstance(pacing.pace_of(sock), pacing.BucketPace)
        tuning.tune(sock)
