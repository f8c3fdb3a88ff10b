"""The small synchronous client, against real sockets."""

import threading

import pytest

from cargo_sync.api.addresses import instance_addresses
from cargo_sync.api.client import Client, CommandError, NotRunning, Subscription, subscribe
from cargo_sync.api.messages import ControlError, FeedMessage
from cargo_sync.control.publisher import Publisher
from tests.control.canned import Answer, canned


def test_a_call_and_a_refusal(runtime: str) -> None:
    refusal = ControlError("unknown_job", 'there is no job "a"', 'did you mean "b"?')
    answers: dict[str, Answer] = {"status": {"state": "synced"}, "job.show": refusal}
    with canned(runtime, answers) as daemon, Client(daemon.addresses.commands) as client:
        assert client.call("status") == {"state": "synced"}
        with pytest.raises(CommandError) as caught:
            client.call("job.show", {"job": "a"})
        assert client.call("status") == {"state": "synced"}
    assert (caught.value.code, str(caught.value)) == (
        "unknown_job",
        'there is no job "a" (did you mean "b"?)',
    )


def test_nobody_there(runtime: str) -> None:
    addresses = instance_addresses(runtime, "daemon")
    with (
        Client(addresses.commands) as client,
        pytest.raises(NotRunning, match="no daemon answers at ipc://"),
    ):
        client.call("status")
    with pytest.raises(NotRunning):
        subscribe(addresses.feed)


def test_no_answer_in_time_and_a_late_one(runtime: str) -> None:
    gate = threading.Event()

    def slow(_args: dict[str, object]) -> dict[str, object]:
        gate.wait(5)
        return {"slow": True}

    answers: dict[str, Answer] = {"status": slow, "job.list": {"jobs": []}}
    with canned(runtime, answers) as daemon, Client(daemon.addresses.commands) as client:
        with pytest.raises(NotRunning, match=r"no answer to status from ipc:.* within 0.05 s"):
            client.call("status", timeout=0.05)
        gate.set()
        assert client.call("job.list") == {"jobs": []}


def test_a_repeated_id_is_answered_from_memory(runtime: str) -> None:
    with canned(runtime, {"job.pause": {"jobs": []}}) as daemon:
        with Client(daemon.addresses.commands, new_id=lambda: "same") as client:
            client.call("job.pause")
            client.call("job.pause")
        assert daemon.asked == [("job.pause", {})]


def test_a_subscription_sees_the_last_value_then_what_comes_then_the_end(runtime: str) -> None:
    def first(publisher: Publisher) -> None:
        publisher.publish("job/a/status", "status", {"state": "starting"})
        publisher.publish("job/a/status", "status", {"state": "syncing"})
        publisher.publish("status/", "status", {"state": "syncing"})

    def second(publisher: Publisher) -> None:
        # Somebody else subscribes: a replay of what is known here.
        [socket] = publisher.sockets
        publisher.replay(publisher.subscribed(b"\x01job/", socket), socket)
        publisher.publish("job/a/status", "status", {"state": "synced"})

    with canned(runtime, {}) as daemon:
        daemon.tell(first)
        with subscribe(daemon.addresses.feed, ["job/a/"]) as feed:
            heard = feed.receive(60)
            assert heard is not None
            assert (heard.seq, heard.replay, heard.fields) == (2, True, {"state": "syncing"})
            daemon.tell(second)
            heard = feed.receive(60)
            assert heard is not None
            assert (heard.seq, heard.replay, heard.missed) == (3, False, 0)
            assert feed.receive(0) is None
            daemon.tell(
                lambda publisher: publisher.publish("job/a/status", "status", {"state": "last"})
            )
            daemon.end()
            told = [message.fields["state"] for _, message in _until_the_end(feed)]
            assert told == ["last"]


def test_a_line_is_closed_however_many_events_nobody_looked_at(runtime: str) -> None:
    with canned(runtime, {}) as daemon:
        daemon.tell(lambda publisher: publisher.publish("last/", "status", {}))
        feed = subscribe(daemon.addresses.feed, ["first/"])
        for number in range(3_000):  # as one that is away for long, but at once
            feed._socket.connect(f"ipc://{runtime}/nobody-{number}")
        feed._socket.subscribe("last/")
        assert feed._socket.poll(60_000)  # so nothing stands still
        closing = threading.Thread(target=feed.close, daemon=True)
        closing.start()
        closing.join(60)
        assert not closing.is_alive()


def _until_the_end(feed: Subscription) -> list[tuple[str, FeedMessage]]:
    heard = []
    with pytest.raises(NotRunning, match="the daemon went away"):
        for each in feed:
            heard.append(each)  # noqa: PERF402 - what came before the end is wanted
    return heard
