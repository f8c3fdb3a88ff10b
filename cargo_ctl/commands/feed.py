"""`cargo_ctl feed` and `cargo_ctl watch`: what happens, while it happens."""

import contextlib
from collections.abc import Iterator

import click

from cargo_ctl.reach import Reach, as_line, reaching
from cargo_ctl.render.words import escaped
from cargo_ctl.watching import view
from cargo_sync.api.messages import FeedMessage
from cargo_sync.api.topics import ALL, SERVER

_QUIET = 0.25


@click.command()
@click.option(
    "--topic",
    "topics",
    multiple=True,
    metavar="PREFIX",
    help="Only topics that begin so. Can be given several times.",
)
@reaching
def feed(reach: Reach, topics: tuple[str, ...]) -> None:
    """Print each message of the feed: its topic, then JSON.

    Ctrl-C ends it.

    \b
    Topics:
      status/   progress/   job/NAME/   transfer/ID/   notice/NAME/
      of a server: status/   progress/   flow/ID/   notice/USER/

    \b
    Examples:
      cargo_ctl feed
      cargo_ctl feed --topic notice/ --json
      cargo_ctl feed --server
    """
    with contextlib.suppress(KeyboardInterrupt):
        _print_all(reach, topics or ("",))


@click.command()
@reaching
def watch(reach: Reach) -> None:
    """Show jobs and transfers live, or the flows of a server, until Ctrl-C.

    On a terminal it draws a table with bars; elsewhere it prints one line per change.

    \b
    Examples:
      cargo_ctl watch
      cargo_ctl watch --server
    """
    with contextlib.suppress(KeyboardInterrupt):
        server = reach.kind() == "server"
        topics = SERVER if server else ALL
        if reach.as_json:
            _print_all(reach, topics)
            return
        with view(server=server) as screen:
            for message in _messages(reach, topics, _QUIET):
                screen.take(message)


def _messages(
    reach: Reach, topics: tuple[str, ...], quiet: float | None
) -> Iterator[FeedMessage | None]:
    """The messages, and None after each `quiet` seconds without one.

    If the daemon stops, the program ends.
    """
    with reach.feed(topics) as subscription, reach.ending():
        while True:
            yield subscription.receive(quiet)


def _print_all(reach: Reach, topics: tuple[str, ...]) -> None:
    for message in _messages(reach, topics, None):
        if message is not None:
            _print(reach, message)


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
