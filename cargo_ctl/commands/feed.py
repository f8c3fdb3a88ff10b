"""`cargo_ctl feed` and `cargo_ctl watch`: what happens, while it happens."""

import contextlib
from collections.abc import Iterator
from time import sleep

import click

from cargo_ctl.reach import Reach, as_line, reaching
from cargo_ctl.render.words import escaped
from cargo_ctl.watching import FeedView, view
from cargo_sync.api.addresses import Addresses, is_live
from cargo_sync.api.messages import FeedMessage
from cargo_sync.api.topics import ALL, EVERY, SERVER
from cargo_sync.suggest import did_you_mean

_QUIET = 0.25
_RETRY = 1.0
"""Seconds until a daemon that has ended is looked for again."""


@click.command()
@click.option(
    "--topic",
    "topics",
    multiple=True,
    metavar="PREFIX",
    help="Only topics that begin so. Can be given several times.",
)
@click.option("--last", is_flag=True, help="Print the last message of each topic, and end.")
@reaching
def feed(reach: Reach, topics: tuple[str, ...], last: bool) -> None:
    """Print each message of the feed: its topic, then JSON.

    It begins with the last message of each topic. Ctrl-C ends it.

    \b
    Topics:
      status/   progress/   job/NAME/   transfer/ID/   notice/NAME/
      of a server: status/   progress/   flow/ID/   node/NAME/   repair/   notice/USER/

    \b
    Examples:
      cargo_ctl feed
      cargo_ctl feed --topic notice/ --json
      cargo_ctl feed --last --topic job/
      cargo_ctl feed --server
    """
    for topic in topics:
        _check_topic(topic)
    with contextlib.suppress(KeyboardInterrupt):
        for message in (_last if last else _messages)(reach, topics or ("",)):
            _print(reach, message)


def _check_topic(prefix: str) -> None:
    """Refuse a prefix that no topic will ever have: nothing would come, for ever."""
    if not any(prefix.startswith(topic) or topic.startswith(prefix) for topic in EVERY):
        hint = did_you_mean(prefix, EVERY) or f"topics begin with {', '.join(EVERY)}"
        raise click.BadParameter(f"no topic begins with {escaped(prefix)!r}; {hint}")


@click.command()
@reaching
def watch(reach: Reach) -> None:
    """Show jobs and transfers live, or the flows of a server, until Ctrl-C.

    On a terminal it draws a table with bars; elsewhere it prints one line per change. If the daemon
    ends, it says so, and goes on when the daemon is back. With --json it ends with the daemon.

    \b
    Examples:
      cargo_ctl watch
      cargo_ctl watch --server
    """
    with contextlib.suppress(KeyboardInterrupt):
        addresses = reach.addresses()
        kind = reach.kind()
        topics = SERVER if kind == "server" else ALL
        if reach.as_json:
            for message in _messages(reach, topics):
                _print(reach, message)
            return
        # Outside of the view, whose last picture would be drawn over an error.
        with reach.ending(), view(server=kind == "server") as screen:
            while True:
                _show(addresses, topics, screen)
                screen.lost(f"the {kind} has ended; waiting for it to come back (Ctrl-C ends this)")
                while not is_live(addresses.feed):
                    sleep(_RETRY)


def _show(addresses: Addresses, topics: tuple[str, ...], screen: FeedView) -> None:
    """Show the feed until the daemon is gone. Raises NotAdmitted."""
    from cargo_sync.api.client import NotRunning, subscribe

    with (
        contextlib.suppress(NotRunning),
        subscribe(addresses, topics) as subscription,
    ):
        while True:
            screen.take(subscription.receive(_QUIET))


def _messages(reach: Reach, topics: tuple[str, ...]) -> Iterator[FeedMessage]:
    """The messages. If the daemon stops, the program ends."""
    with reach.feed(topics) as subscription, reach.ending():
        while True:
            message = subscription.receive()
            if message is not None:
                yield message


def _last(reach: Reach, topics: tuple[str, ...]) -> Iterator[FeedMessage]:
    from cargo_sync.api.client import Client, last_of_each

    addresses = reach.addresses()
    with reach.ending(), Client(addresses.commands, key=addresses.key) as client:
        yield from last_of_each(client, topics)


def _print(reach: Reach, message: FeedMessage) -> None:
    head = {"epoch": message.epoch, "seq": message.seq, "time": message.time, "type": message.type}
    if message.cursor is not None:
        head["cursor"] = message.cursor
    if message.replay:
        head["replay"] = True
    if message.missed:
        head["missed"] = message.missed
    if reach.as_json:
        click.echo(as_line({"topic": message.topic} | head | message.fields))
    else:
        click.echo(f"{escaped(message.topic)} {as_line(head | message.fields)}")
