"""Commands and the feed over TCP, through real sockets: keys and roles."""

import contextlib
import errno
import os
import random
import socket
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import zmq

from cargo_sync.api.addresses import AddressError, find, instance_addresses
from cargo_sync.api.arguments import ArgumentKind
from cargo_sync.api.client import (
    Client,
    CommandError,
    NotAdmitted,
    NotRunning,
    Subscription,
    subscribe,
)
from cargo_sync.api.daemon_commands import COMMANDS
from cargo_sync.api.keys import ClientKey, read_key
from cargo_sync.api.line import new_pair, prepare
from cargo_sync.api.messages import Request, encode_request, parse_reply
from cargo_sync.api.roles import Role
from cargo_sync.config.control import ControlSettings
from cargo_sync.control import endpoint as endpoints
from cargo_sync.control import tcp
from cargo_sync.control.connections import Connections
from cargo_sync.control.endpoint import Endpoint, EndpointError
from cargo_sync.control.publisher import Publisher, bind_feed
from cargo_sync.process import doors
from tests.control.canned import Answer, Canned, canned

KEYED = ControlSettings(port=0)
PLAIN = ControlSettings(port=0, plain_loopback=True)
JOBS: dict[str, Answer] = {
    "hello": {},
    "status": {"state": "synced"},
    "job.list": {"jobs": []},
    "job.pause": {"jobs": []},
    "job.start": {"jobs": []},
    "job.sync": {"run": "1"},
}
EXAMPLES: Mapping[ArgumentKind, Any] = {str: "a", int: 1, bool: True, dict: {}, list: ["a"]}


@contextmanager
def client(daemon: Canned, key: ClientKey | None) -> Iterator[Client]:
    with Client(daemon.ports[0].commands, key=key) as one:
        yield one


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(CommandError) as caught:
        call()
    return f"{caught.value.code}: {caught.value}"


def not_admitted(call: Callable[[], object]) -> str:
    with pytest.raises(NotAdmitted) as caught:
        call()
    return caught.value.message


def test_an_unknown_key_gets_no_connection_and_is_told_so(runtime: str) -> None:
    with canned(runtime, JOBS, control=KEYED) as daemon:
        known = daemon.made_key("laptop", "control")
        public, secret = new_pair()
        unknown = ClientKey(known.address, known.server, public, secret)
        with client(daemon, unknown) as one:
            told = not_admitted(lambda: one.call("status"))
        assert told == f"the daemon at {daemon.ports[0].commands} does not know this key"
        with subscribe(replace(daemon.ports[0], key=unknown)) as feed:
            assert "does not know this key" in not_admitted(lambda: feed.receive(60))
        with client(daemon, known) as one:
            assert one.call("status") == {"state": "synced"}
        assert daemon.asked == [("status", {})]


def test_a_refused_handshake_is_told_also_before_the_first_command(
    runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Accepted at once, the client soon learns what the daemon speaks, and libzmq tries no more.
    monkeypatch.setattr(doors, "DEFERRED", 0)
    with canned(runtime, JOBS, control=KEYED) as daemon, client(daemon, None) as one:
        for _ in range(100):  # until libzmq has given the connection up, which it may do later too
            if not one._socket.poll(0, zmq.POLLOUT):
                break
            time.sleep(0.01)
        assert "needs a key" in not_admitted(lambda: one.call("status"))


def test_who_speaks_another_language_is_told_so(runtime: str) -> None:
    with canned(runtime, JOBS, control=KEYED) as daemon:
        key = daemon.made_key("laptop", "control")
        with client(daemon, None) as one:
            assert "needs a key" in not_admitted(lambda: one.call("status"))
        other = ClientKey(key.address, new_pair()[0], key.public, key.secret)
        with client(daemon, other) as one:
            assert "is not the daemon of this key" in not_admitted(lambda: one.call("status"))
        nobody = daemon.ports[0]
    with canned(runtime, JOBS, "other", control=PLAIN) as daemon, client(daemon, key) as one:
        assert "is not the daemon of this key" in not_admitted(lambda: one.call("status"))
    with (
        Client(nobody.commands, key=key) as one,
        pytest.raises(NotRunning, match="no daemon answers at tcp"),
    ):
        one.call("status")
    with pytest.raises(NotRunning):
        subscribe(replace(nobody, key=key))


def test_a_key_that_may_watch_changes_nothing(runtime: str) -> None:
    with canned(runtime, JOBS, control=KEYED) as daemon:
        key = daemon.made_key("laptop", "watch")
        with client(daemon, key) as one:
            assert one.call("job.list") == {"jobs": []}
            assert refusal(lambda: one.call("job.pause", {"job": "a"})) == (
                "forbidden: this key may only watch; job.pause changes something"
            )
            assert refusal(lambda: one.call("key.list")) == (
                "forbidden: this key may only watch; key.list needs the role control"
            )
        assert ordered(daemon, b"PAUSE a", key) == (
            b"ERROR: this key may only watch; job.pause changes something"
        )
        assert daemon.asked == [("job.list", {})]
        assert daemon.audit.rows == []


def test_a_watching_key_is_not_told_how_a_command_of_another_went(runtime: str) -> None:
    with canned(runtime, JOBS, control=KEYED) as daemon:
        for role, said in (("control", {"run": "1"}), ("watch", "forbidden")):
            key = daemon.made_key(role, role)
            with Client(daemon.ports[0].commands, key=key, new_id=lambda: "same") as one:
                try:
                    assert one.call("job.sync", {"job": "a"}) == said
                except CommandError as error:
                    assert error.code == said


def ordered(daemon: Canned, order: bytes, key: ClientKey | None = None) -> bytes:
    """The answer to a legacy order, from a REQ socket."""
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.linger = 0
        if key is not None:
            socket.curve_serverkey = key.server.encode()
            socket.curve_publickey, socket.curve_secretkey = (
                key.public.encode(),
                key.secret.encode(),
            )
        socket.connect(daemon.ports[0].commands)
        socket.send(order)
        assert socket.poll(60_000)
        return socket.recv()


def test_a_plain_port_takes_the_old_orders_and_little_else(
    runtime: str, caplog: pytest.LogCaptureFixture
) -> None:
    with canned(runtime, JOBS, control=PLAIN) as daemon:
        assert f"{daemon.ports[0].commands} is PLAIN" in caplog.text
        with client(daemon, None) as one:
            assert one.call("status") == {"state": "synced"}
            assert refusal(lambda: one.call("job.sync", {"job": "a"})) == (
                "forbidden: `job.sync` is not allowed on a plain port (use the local socket, or a "
                "port with keys)"
            )
            assert refusal(lambda: one.call("job.pause")).startswith(
                "forbidden: `job.pause` is not allowed"
            )
            assert refusal(lambda: one.call("job.show", {"job": "a"})).startswith("unknown_command")
        assert ordered(daemon, b"PAUSE a") == b"PAUSED"
        assert ordered(daemon, b"LIST-JOBS") == b"[]"
        assert daemon.audit.rows == [("plain port", "job.pause", '{"job":"a"}', "ok")]
        daemon.tell(lambda publisher: publisher.publish("status/", "status", {"state": "synced"}))
        with subscribe(daemon.ports[0]) as feed:
            heard = feed.receive(60)
            assert heard is not None and heard.topic == "status/"
        assert not os.path.exists(f"{runtime}/keys")


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_give_the_commands_that_are_its(runtime: str, role: Role) -> None:
    answers: dict[str, Answer] = {name: {} for name in COMMANDS}
    control = PLAIN if role is Role.PLAIN else KEYED
    with canned(runtime, answers, control=control) as daemon:
        key = None if role is Role.PLAIN else daemon.made_key("one", role)
        with client(daemon, key) as one:
            done = {name for name in COMMANDS if _is_done(one, name)}
        # Every command asks for what it needs; nobody else's handler ran.
        assert done == {name for name, command in COMMANDS.items() if role.may(command.needs)}
        assert {name for name, _ in daemon.asked} == done
    plain = {"hello", "status", "job.list"}
    assert done == plain if role is Role.PLAIN else plain < done
    assert (done == COMMANDS.keys()) == (role is Role.CONTROL)


def _is_done(one: Client, name: str) -> bool:
    args = {
        each: next(iter(takes.one_of), EXAMPLES[takes.kind])
        for each, takes in COMMANDS[name].args.items()
        if takes.required
    }
    try:
        return one.call(name, args) == {}
    except CommandError as error:
        assert error.code == "forbidden", error
        return False


def heard(feed: Subscription, count: int) -> list[int]:
    told: list[int] = []
    while len(told) < count:
        message = feed.receive(60)
        assert message is not None
        told.append(message.fields["number"])
    return told


def test_a_revoked_key_is_refused_at_once_and_hears_no_more(runtime: str) -> None:
    def say(number: int) -> Callable[[Publisher], None]:
        return lambda publisher: publisher.publish("test/", "test", {"number": number})

    with canned(runtime, JOBS, control=KEYED) as daemon:
        gone, stays = daemon.made_key("gone", "control"), daemon.made_key("stays", "watch")
        daemon.tell(say(1))
        with (
            client(daemon, gone) as one,
            subscribe(replace(daemon.ports[0], key=gone)) as lost,
            subscribe(replace(daemon.ports[0], key=stays)) as kept,
            Client(daemon.addresses.commands) as local,
        ):
            assert one.call("status") == {"state": "synced"}
            assert heard(lost, 1) == heard(kept, 1) == [1]
            assert local.call("key.revoke", {"name": "gone"})["key"]["public"] == gone.public
            assert refusal(lambda: one.call("status")) == "forbidden: this key was revoked"
            daemon.tell(say(2))
            assert "does not know this key" in not_admitted(lambda: heard(lost, 1))
            assert heard(kept, 1) == [2], "it came back by itself, and was told the last value"
        with client(daemon, gone) as one:
            assert "does not know this key" in not_admitted(lambda: one.call("status"))
        listed = [(row.name, row.role) for row in daemon.keyring.all()] if daemon.keyring else []
        assert listed == [("local", "control"), ("stays", "watch")]


def test_who_changed_something_is_written_down(runtime: str) -> None:
    with canned(runtime, JOBS, control=KEYED) as daemon:
        with client(daemon, daemon.made_key("laptop", "control")) as one:
            one.call("job.pause", {"job": "a"})
            one.call("status")
        with Client(daemon.addresses.commands) as local:
            local.call("job.start")
            refusal(lambda: local.call("key.revoke", {"name": "desktop"}))
    me = f"uid {os.getuid()}, process {os.getpid()}"
    assert daemon.audit.rows == [
        ('key "laptop"', "job.pause", '{"job":"a"}', "ok"),
        (me, "job.start", "{}", "ok"),
        (me, "key.revoke", '{"name":"desktop"}', "unknown_key"),
    ]


def test_without_local_sockets_front_ends_find_the_port_by_its_key(runtime: str) -> None:
    env = {"CARGO_RUNTIME_DIR": runtime, "XDG_CONFIG_HOME": runtime}
    key = f"{runtime}/cargo_sync/keys/daemon/local.key"
    with canned(runtime, JOBS, ipc=False) as daemon:
        [port] = daemon.ports
        assert port == daemon.addresses
        assert port.commands.startswith("tcp://127.0.0.1:")
        for connect in (None, "daemon", port.commands, key):
            found = find(connect, env)
            assert found is not None
            assert (found.commands, found.feed) == (port.commands, port.feed)
            with Client(found.commands, key=found.key) as one:
                assert one.call("job.pause") == {"jobs": []}
        assert find(None, env, server=True) is None
        assert not os.path.exists(f"{runtime}/daemon/commands")
    assert find(None, env) is None
    with pytest.raises(AddressError, match="is not running"):
        find(key, env)


def test_without_local_sockets_a_plain_port_is_not_the_only_one(runtime: str) -> None:
    env = {"CARGO_RUNTIME_DIR": runtime, "XDG_CONFIG_HOME": runtime}
    with canned(runtime, JOBS, control=PLAIN, ipc=False) as daemon:
        plain, _ = daemon.ports
        found = find(None, env)
        assert found is not None and found.key is not None and found.commands != plain.commands
        with Client(found.commands, key=found.key) as one:
            assert one.call("job.sync", {"job": "a"}) == {"run": "1"}
        with Client(plain.commands) as one:
            assert refusal(lambda: one.call("job.sync", {"job": "a"})).startswith("forbidden")


def test_a_key_of_an_instance_elsewhere_is_not_used_for_a_runtime_folder(
    runtime: str, tmp_path: Path
) -> None:
    with canned(runtime, JOBS, control=KEYED, ipc=False):
        assert find(None, {"CARGO_RUNTIME_DIR": runtime, "XDG_CONFIG_HOME": runtime}) is not None
        elsewhere = {"CARGO_RUNTIME_DIR": str(tmp_path), "XDG_CONFIG_HOME": runtime}
        assert find(None, elsewhere) is None
        assert find("daemon", elsewhere) == instance_addresses(str(tmp_path), "daemon")


def test_the_keys_are_made_once_and_are_the_owners_alone(runtime: str) -> None:
    folder = Path(runtime, "cargo_sync/keys/daemon")
    with canned(runtime, {}, control=KEYED) as daemon:
        first = read_key(str(folder / "local.key"))
        assert first.address == daemon.ports[0].commands
        modes = {
            each.name: stat.S_IMODE(each.stat().st_mode) for each in (folder, *folder.iterdir())
        }
        assert modes == {
            "daemon": 0o700,
            "own.json": 0o600,
            "admitted.json": 0o600,
            "local.key": 0o600,
        }
        daemon.made_key("laptop", "watch")
    assert first.secret not in (folder / "admitted.json").read_text()
    with canned(runtime, {}, control=KEYED) as daemon:
        again = read_key(str(folder / "local.key"))
        assert (again.server, again.public, again.secret) == (
            first.server,
            first.public,
            first.secret,
        )
        assert daemon.keyring is not None
        assert [key.name for key in daemon.keyring.all()] == ["laptop", "local"]
    (folder / "local.key").unlink()
    with canned(runtime, {}, control=KEYED) as daemon:
        fresh = read_key(str(folder / "local.key"))
        assert daemon.keyring is not None
        assert fresh.public != first.public
        assert daemon.keyring.of(first.public) is None
        assert daemon.keyring.of(fresh.public) is not None


@pytest.mark.parametrize(
    ("name", "content", "mode", "said"),
    [
        ("own.json", None, 0o640, "holds keys and others may read it"),
        ("local.key", None, 0o644, "others may read the key"),
        ("own.json", b"{}", 0o600, "is damaged"),
        ("own.json", b"\xff", 0o600, "is damaged"),
        ("admitted.json", b'[{"name": "a"}]', 0o600, "is damaged"),
        ("local.key", b"[]", 0o600, "is not a key file"),
    ],
)
async def test_keys_that_cannot_be_used_stop_the_start(
    runtime: str, name: str, content: bytes | None, mode: int, said: str
) -> None:
    def open_one() -> Endpoint:
        return Endpoint(
            runtime, "daemon", epoch="e", now=lambda: 0.0, control=KEYED, keys=f"{runtime}/k/d"
        )

    open_one().close()
    path = Path(runtime, "k/d", name)
    if content is not None:
        path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(EndpointError, match=said):
        open_one()
    path.unlink()
    open_one().close()


async def test_a_port_that_is_taken_is_said_in_words(runtime: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = ControlSettings(port=port)
        with pytest.raises(EndpointError) as caught:
            Endpoint(
                runtime,
                "daemon",
                epoch="e",
                now=lambda: 0.0,
                control=settings,
                keys=f"{runtime}/k/d",
            )
    assert str(caught.value).startswith(
        f"cannot listen on tcp://127.0.0.1:{port}: address already in use; change"
    )


def test_strangers_who_say_nothing_are_hung_up_on(
    runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "DEFERRED", 0)
    monkeypatch.setattr(tcp, "HANDSHAKE_MS", 50)
    with canned(runtime, JOBS, control=KEYED) as daemon:
        port = int(daemon.ports[0].commands.rpartition(":")[2])
        for said in (b"", random.Random(5).randbytes(1000)):
            with socket.create_connection(("127.0.0.1", port), timeout=60) as stranger:
                stranger.sendall(said)
                with contextlib.suppress(ConnectionResetError):
                    while stranger.recv(100):
                        pass  # its greeting, then the end
        key = daemon.made_key("laptop", "watch")
        while not _is_answered(daemon, key):
            pass  # a machine that is busy may not have shaken hands within so little either


def _is_answered(daemon: Canned, key: ClientKey) -> bool:
    with client(daemon, key) as one:
        try:
            return one.call("status") == {"state": "synced"}
        except (NotAdmitted, NotRunning):
            return False


def test_only_so_many_connections_are_let_in(runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "Connections", partial(Connections, most=1))
    with canned(runtime, JOBS, control=KEYED) as daemon:
        key = daemon.made_key("laptop", "control")
        with client(daemon, key) as first:
            first.call("status")
            with client(daemon, key) as second:
                assert "has too many connections" in not_admitted(lambda: second.call("status"))
            assert first.call("status") == {"state": "synced"}


def test_another_key_with_the_same_identity_takes_nobodys_answers(runtime: str) -> None:
    with canned(runtime, JOBS, control=KEYED) as daemon, zmq.Context() as context:
        first, second = (_named_same(context, daemon.made_key(key, "watch")) for key in "ab")
        with first, second:
            first.connect(daemon.ports[0].commands)
            assert _status_of(first) == "synced"
            with second.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED) as events:
                second.connect(daemon.ports[0].commands)
                assert events.poll(60_000), "it is let in"
            second.send_multipart([b"", encode_request(Request("status", {}, "1"))])
            assert _status_of(first) == "synced"
            second.disable_monitor()


def _named_same(context: "zmq.Context[zmq.Socket[bytes]]", key: ClientKey) -> "zmq.Socket[bytes]":
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.IDENTITY, b"me")
    prepare(socket, key.address, key)
    return socket


def _status_of(socket: "zmq.Socket[bytes]") -> object:
    socket.send_multipart([b"", encode_request(Request("status", {}, "1"))])
    assert socket.poll(60_000)
    return parse_reply(socket.recv_multipart()[-1]).result["state"]


def test_a_message_over_a_mebibyte_ends_that_connection(runtime: str) -> None:
    with canned(runtime, JOBS, control=KEYED) as daemon:
        key = daemon.made_key("laptop", "control")
        with client(daemon, key) as huge, client(daemon, key) as other:
            huge.call("status")
            with pytest.raises(NotRunning):
                huge.call("job.pause", {"job": "x" * 1024 * 1024}, timeout=0.2)
            assert other.call("status") == {"state": "synced"}
    assert ("job.pause", {"job": "x" * 1024 * 1024}) not in daemon.asked


def test_a_feed_that_cannot_be_bound_again_is_tried_again(
    runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bind, failed = bind_feed, list[str]()

    def failing_once(context: Any, address: str, prepare: Any) -> Any:
        if not failed:
            failed.append(address)
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return bind(context, address, prepare)

    monkeypatch.setattr(endpoints, "SOON", 0.01)
    with canned(runtime, JOBS, control=KEYED) as daemon:
        daemon.made_key("gone", "control")
        daemon.tell(lambda publisher: publisher.publish("test/", "test", {"number": 1}))
        monkeypatch.setattr(tcp, "bind_feed", failing_once)
        with Client(daemon.addresses.commands) as local:
            local.call("key.revoke", {"name": "gone"})
        stays = daemon.made_key("stays", "watch")
        with subscribe(replace(daemon.ports[0], key=stays), ["test/"]) as feed:
            assert heard(feed, 1) == [1]
            daemon.tell(lambda publisher: publisher.publish("test/", "test", {"number": 2}))
            assert heard(feed, 1) == [2]
    assert failed
