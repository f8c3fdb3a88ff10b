"""The connections of one login: one that may be used again is not closed."""

import asyncio

import aiohttp
import pytest

from cargo_sync.s3.addresses import S3Address
from cargo_sync.s3.credentials import S3Login
from cargo_sync.s3.session import new_session
from cargo_sync.wire.sigv4 import AccessKey

MISSING = "HTTP/1.1 404 Not Found"


@pytest.mark.parametrize(
    ("answer", "connections"),
    [
        ([MISSING], 1),
        ([MISSING, "Content-Length: 7"], 1),
        ([MISSING, "Connection: Close"], 3),
        (["HTTP/1.0 404 Not Found"], 3),
    ],
)
async def test_a_head_of_what_is_not_there_leaves_its_connection(
    answer: list[str], connections: int
) -> None:
    made = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal made
        made += 1
        while await reader.read(65536):  # one request at a time
            writer.write("\r\n".join([*answer, "", ""]).encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    login = S3Login(S3Address(f"http://127.0.0.1:{port}", "b"), lambda: AccessKey("key", "secret"))
    async with server, new_session(login) as session:
        for _ in range(3):
            async with session.head(f"http://127.0.0.1:{port}/b/x") as response:
                assert response.status == 404
        assert isinstance(session.connector, aiohttp.TCPConnector)
    assert made == connections
