"""Makes a bucket by S3's oldest signature, which all servers still take.

Nothing of the product is used here: it is what these servers are to test.
"""

import base64
import hashlib
import hmac
import http.client
import time
from email.utils import formatdate
from typing import Final

from tests.remotes.server import Login
from tests.remotes.waiting import PATIENCE

TRIES: Final = 20
AGAIN: Final = 0.25
"""Seconds between two tries."""


def make_bucket(port: int, name: str, login: Login) -> None:
    """Makes a bucket of this name on the server at this port of loopback."""
    status, body = _asked(port, name, login)
    tries = 1
    while status == 500 and tries < TRIES:
        # A busy moto fails at times, also when it has made the bucket.
        time.sleep(AGAIN)
        status, body = _asked(port, name, login)
        tries += 1
    assert status == 200 or (status == 409 and tries > 1), (status, body)


def _asked(port: int, name: str, login: Login) -> tuple[int, bytes]:
    date = formatdate(usegmt=True)
    signed = hmac.digest(
        login.password.encode(), f"PUT\n\n\n{date}\n/{name}".encode(), hashlib.sha1
    )
    server = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        server.request("PUT", f"/{name}", headers={
            "Date": date, "Content-Length": "0",
            "Authorization": f"AWS {login.user}:{base64.b64encode(signed).decode()}",
        })  # fmt: skip
        answer = server.getresponse()
        return answer.status, answer.read()
    finally:
        server.close()
