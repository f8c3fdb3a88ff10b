"""Notices for people, in the log, the feed and callbacks: a quota is used up, a user expires."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from cargo_sync.catalogue.quota_ledger import QuotaNews
from cargo_sync.server.reporting import views
from cargo_sync.server.reporting.feed import ServerFeed
from cargo_sync.server.reporting.webhooks import ServerWebhooks
from cargo_sync.webhooks.file_variables import of_quota

_log = logging.getLogger(__name__)


class ServerNotices:
    """To be made in the event loop. `wall` gives unix seconds."""

    def __init__(
        self, feed: ServerFeed, webhooks: ServerWebhooks, wall: Callable[[], float]
    ) -> None:
        self._feed = feed
        self._webhooks = webhooks
        self._wall = wall
        self._loop = asyncio.get_running_loop()

    def quota_news(self, news: QuotaNews) -> None:
        """Tells that a quota is reached, or nearly. Any thread may call it."""
        with suppress(RuntimeError):  # the event loop has ended already
            self._loop.call_soon_threadsafe(self._say_quota, news)

    def _say_quota(self, news: QuotaNews) -> None:
        sentence = views.quota_sentence(news)
        _log.warning("%s", sentence, extra={"user": news.user})
        self._feed.quota(news)
        percent = int(100 * (news.quota.share(news.used) or 0))
        now = self._wall()
        self._webhooks.quota(of_quota(news.user, news.workspace, percent, sentence, now))

    def expired(self, name: str) -> None:
        """A user's time is over."""
        _log.info("%s has expired", name, extra={"user": name})
        self._feed.notice(name, "expired")

    def expires_soon(self, name: str, at: float) -> None:
        """A user's time is over at `at`, unix seconds."""
        _log.warning("%s expires on %s", name, views.moment(at), extra={"user": name})
        self._feed.expires_soon(name, at)
