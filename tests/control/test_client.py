"""The small synchronous client, against real sockets."""

import threading
from collections.abc import Callable, Iterator
from itertools import islice

import pytest

from cargo_sync.api.addresses import instance_addresses
from cargo_sync.api.client import (
    Client,
    CommandError,
    NotRunning,
    Subscription,
    last_of_each,
    subscribe,
)
from cargo_sync.api.line import ConnectionMonitor
from cargo_sync.api.messages import LONGEST_LIST, ControlError, FeedMessage
from cargo_sync.control.publisher import PAGE, Publisher
from tests.control.canned import PATIENCE, Answer, canned


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
        subscribe(addresses)


def test_no_answer_in_time_and_a_late_one(runtime: str) -> None:
    gate = threading.Event()

    def slow(_args: dict[str, object]) -> dict[str, object]:
        gate.wait(5)
        return {"slow": True}

    answers: dict[str, Answer] = {"status": slow, "job.list": {"jobs": []}}
    with canned(runtime, answers) as daemon, Client(daemon.addresses.commands) as client:
        silence = r"no answer to `status` from ipc:.* within 0.05 s"
        with pytest.raises(NotRunning, match=silence) as raised:
            client.call("status", timeout=0.05)
        assert raised.value.late
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

    with canned(runtime, {}) as daemon:
        daemon.tell(first)
        with subscribe(daemon.addresses, ["job/a/"]) as feed:
            heard = feed.receive(60)
            assert heard is not None
            assert (heard.seq, heard.replay, heard.fields) == (2, True, {"state": "syncing"})
            # Its own subscription replays what is known here, and then the one of somebody else.
            daemon.tell_subscribers("job/a/", lambda _: None)
            with subscribe(daemon.addresses, ["job/a/"]) as other:
                assert other.receive(60) == heard
            daemon.tell(
                lambda publisher: publisher.publish("job/a/status", "status", {"state": "last"})
            )
            heard = feed.receive(60)
            assert heard is not None
            assert (heard.seq, heard.replay, heard.missed) == (3, False, 0)
            daemon.end()
            assert _until_the_end(feed) == []


def test_the_last_values_come_page_by_page_and_are_older_than_the_feed(runtime: str) -> None:
    def many(publisher: Publisher) -> None:
        for number in range(PAGE + 1):
            publisher.publish(f"job/{number:03d}/status", "status", {"number": number})

    with canned(runtime, {}) as daemon:
        daemon.tell(many)
        with subscribe(daemon.addresses, ["job/", "status/"]) as feed:
            topics = [message.topic for message in islice(_each(feed), PAGE + 1)]
        assert topics == [f"job/{number:03d}/status" for number in range(PAGE + 1)]
        with Client(daemon.addresses.commands) as client:
            page = client.call("feed.last", {"prefixes": ["job/000/", "job/25"]})
            assert [row["topic"] for row in page["messages"]] == [
                "job/000/status",
                "job/250/status",
            ]
            assert page["messages"][0].items() >= {"seq": 1, "replay": True, "number": 0}.items()
            assert page["next"] is None
            rest = client.call("feed.last", {"after": "job/248/status"})
            assert [row["number"] for row in rest["messages"]] == [249, 250]


def test_five_thousand_topics_are_all_subscribed_to(runtime: str) -> None:
    wanted = [f"job/{number:04d}/" for number in range(5_000)]
    last = f"{wanted[-1]}status"

    def say(number: int) -> Callable[[Publisher], None]:
        return lambda publisher: publisher.publish(last, "status", {"number": number})

    with canned(runtime, {}) as daemon:
        daemon.tell(say(1))
        with subscribe(daemon.addresses, wanted) as feed:
            first = feed.receive(60)
            daemon.tell_subscribers(last, say(2))
            second = feed.receive(PATIENCE)
    assert first is not None and second is not None
    assert [one.fields["number"] for one in (first, second)] == [1, 2]


def test_the_last_values_are_asked_for_in_groups_of_topics(runtime: str) -> None:
    wanted = [f"job/{number:03d}/" for number in range(2 * LONGEST_LIST + 1)]

    def tell(publisher: Publisher) -> None:
        for prefix in wanted:
            publisher.publish(f"{prefix}status", "status", {})

    with canned(runtime, {}) as daemon, Client(daemon.addresses.commands) as client:
        daemon.tell(tell)
        assert [one.topic for one in last_of_each(client, wanted)] == [
            f"{prefix}status" for prefix in wanted
        ]
        assert list(last_of_each(client, [])) == []


def test_a_daemon_that_answered_and_ended_before_its_feed_was_connected_went_away(
    runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with canned(runtime, {}) as daemon:
        daemon.tell(lambda publisher: publisher.publish("job/a/status", "status", {}))
        with subscribe(daemon.addresses, ["job/"]) as feed:
            assert feed.receive(60) is not None

            def never_connected(_: ConnectionMonitor) -> None:
                raise NotRunning(feed.address)

            monkeypatch.setattr(ConnectionMonitor, "look", never_connected)
            daemon.end()
            with pytest.raises(NotRunning, match="the daemon went away") as caught:
                while feed.receive(60) is not None:
                    pass
            assert caught.value.lost
        monkeypatch.undo()


def test_without_an_answer_the_feed_itself_tells_the_last_values(runtime: str) -> None:
    refusal: dict[str, Answer] = {"feed.last": ControlError("forbidden", "not here")}
    with canned(runtime, refusal) as daemon:
        daemon.tell(lambda publisher: publisher.publish("status/", "status", {}))
        with subscribe(daemon.addresses) as feed:
            heard = feed.receive(60)
            assert heard is not None and heard.replay


def _each(feed: Subscription) -> Iterator[FeedMessage]:
    while (message := feed.receive(60)) is not None:
        yield message


def test_a_line_is_closed_however_many_events_nobody_looked_at(runtime: str) -> None:
    with canned(runtime, {}) as daemon:
        daemon.tell(lambda publisher: publisher.publish("last/", "status", {}))
        feed = subscribe(daemon.addresses, ["first/"])
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
