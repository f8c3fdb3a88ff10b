#!/bin/sh
# aiohttp 3.14.5 and HEAD answers without a length, as S3 servers give them for an object that is not there.
#
# Expected: the answer to HEAD never has a body, so after a 404 with keep-alive the connection is used again, whether the
# answer has a Content-Length or not (RFC 9112, 6.3). curl 7.88.1 does so.
# It does otherwise: after each HEAD whose answer has no Content-Length, aiohttp closes the connection, and the next call opens a
# new one, with a new TLS handshake. `Content-Length: 0` in the answer, which the client has no say in, changes that.
# Who asks a store for thousands of new names by HEAD makes thousands of connections, although the session keeps them alive.
#
# Needs python3 with venv. Ends with 0 while this is so.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check aiohttp==3.14.5

cat > "$place/ask.py" <<'PY'
import asyncio

import aiohttp

CALLS = 10


async def connections(more: bytes) -> int:
    """How many connections ten HEADs in a row take."""
    count = 0

    async def serve(reader, writer):
        nonlocal count
        count += 1
        while (await reader.readuntil(b"\r\n\r\n")).startswith(b"HEAD"):
            writer.write(b"HTTP/1.1 404 Not Found\r\nConnection: keep-alive\r\n" + more + b"\r\n")
            await writer.drain()

    async def each(reader, writer):
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(each, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as session:
        for number in range(CALLS):
            async with session.head(f"http://127.0.0.1:{port}/{number}") as answer:
                assert answer.status == 404
    server.close()
    return count


async def main() -> None:
    print("without Content-Length:", await connections(b""))
    print("with Content-Length: 0:", await connections(b"Content-Length: 0\r\n"))


asyncio.run(main())
PY
seen=$("$place/venv/bin/python" "$place/ask.py")
printf 'connections for 10 calls of HEAD, one after the other\n%s\n' "$seen"

# Seen on 2026-11-30:
#   connections for 10 calls of HEAD, one after the other
#   without Content-Length: 10
#   with Content-Length: 0: 1
[ "$seen" = "without Content-Length: 10
with Content-Length: 0: 1" ] || { echo "changed"; exit 1; }
