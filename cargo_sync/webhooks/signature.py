"""Signatures as in Standard Webhooks (standardwebhooks.com, specification 1.0.0).

A signature is the HMAC-SHA256 of id, time and body.
"""

import base64
import hashlib
import hmac

from cargo_sync.config.events import KEY_PREFIX


def signature(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and base64 of the HMAC of `id.timestamp.body`.

    Args:
        secret: `whsec_` and base64 of the key; any other text is the key itself.
        id: of the callback.
        timestamp: of the attempt, in unix seconds.
        body: of the request.
    """
    if secret.startswith(KEY_PREFIX):
        key = base64.b64decode(secret.removeprefix(KEY_PREFIX))
    else:
        key = secret.encode()
    signed = f"{id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
