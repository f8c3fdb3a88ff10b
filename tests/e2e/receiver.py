"""A real HTTP server that takes callbacks: it can be busy, go away and come back on its port."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Taken(NamedTuple):
    """One request that was answered with 200."""

    id: str
    method: str
    path: str
    body: dict[str, Any]


class Receiver:
    """`answers` gives the status of the n-th request (from 0) since it was set."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.refused = 0
        self._guard = threading.Lock()
        self._answers: Callable[[int], int] = lambda number: 200
        self._number = 0
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self.port = 0
        self.up()

    def answers(self, status: Callable[[int], int]) -> None:
        with self._guard:
            self._answers, self._number = status, 0

    def up(self) -> None:
        self._server = server = _Server(("127.0.0.1", self.port), self._handler())
        self.port = server.server_address[1]
        self._thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        self._thread.start()

    def down(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = self._thread = None

    def take(self, request: Taken) -> int:
        with self._guard:
            status = self._answers(self._number)
            self._number += 1
            if status == 200:
                self.taken.append(request)
            else:
                self.refused += 1
            return status

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def _take(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = json.loads(content) if content else {}
                taken = Taken(self.headers["webhook-id"], self.command, self.path, body)
                self.send_response(receiver.take(taken))
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = do_PUT = do_DELETE = do_UPDATE = _take  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:
                return None

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
