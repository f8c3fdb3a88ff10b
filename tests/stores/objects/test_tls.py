"""A bucket over TLS, with a certificate that its owner has made: which one is trusted."""

import asyncio
import hashlib
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cargo_sync.api.own_certificate import make_certificate
from cargo_sync.config.bucket import BucketSettings
from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.config.secret import Secret
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.world import World
from cargo_sync.stores.objects.s3_bucket import S3Bucket, connect
from tests.remotes.remotes import Remotes
from tests.stores.blobs import LARGE
from tests.stores.nodes.house import in_thread
from tests.stores.objects.house import object_house

SOME = [b"one", b"two", LARGE]


class Sealed:
    """What lies between: it takes TLS off. `came` counts bytes of clients that trusted it."""

    def __init__(self, to: int) -> None:
        self._to = to
        self.came = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, out = await asyncio.open_connection("127.0.0.1", self._to)

        async def pass_on(
            source: asyncio.StreamReader, target: asyncio.StreamWriter, *, counts: bool
        ) -> None:
            try:
                while piece := await source.read(1 << 16):
                    self.came += len(piece) if counts else 0
                    target.write(piece)
                    await target.drain()
            except OSError:
                pass  # the other end has gone
            finally:
                target.close()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(pass_on(reader, out, counts=True))
            tasks.create_task(pass_on(there, writer, counts=False))


@asynccontextmanager
async def sealed(place: Path, to: int) -> AsyncIterator[tuple[Sealed, int, str, str]]:
    """The proxy, its port, the file of its certificate, and that one's fingerprint."""
    names = str(place / "cert.pem"), str(place / "key.pem")
    make_certificate(*names, "a test", ["127.0.0.1"], datetime.now(UTC))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*names)
    proxy = Sealed(to)
    server = await asyncio.start_server(proxy.take, "127.0.0.1", 0, ssl=context)
    der = ssl.PEM_cert_to_DER_cert(Path(names[0]).read_text())
    async with server:
        yield proxy, server.sockets[0].getsockname()[1], names[0], hashlib.sha256(der).hexdigest()


def bucket_of(settings: BucketSettings) -> S3Bucket:
    return connect(
        settings,
        World(time.time, time.monotonic, lambda: 0.0, lambda: "0" * 32, in_thread, time.time),
    )


async def test_a_certificate_of_ones_own_is_trusted_if_it_is_named(
    remotes: Remotes, tmp_path: Path
) -> None:
    far = remotes.get("rclone-s3")
    plain = RemoteAddress.parse(f"{far.place().url}/a/folder")
    async with sealed(tmp_path, plain.port or 0) as (proxy, port, file, seen):

        def settings(**trust: str) -> BucketSettings:
            url = f"s3+https://127.0.0.1:{port}/{plain.bucket}/{'/'.join(trust) or 'nothing'}"
            at, login = RemoteAddress.parse(url), far.login
            return BucketSettings(at, login.user, Secret(login.password), **trust)

        for wrong in (settings(), settings(tls_fingerprint="ab" * 32)):
            bucket = bucket_of(wrong)
            with pytest.raises(ProblemError) as caught:
                await bucket.marker()
            assert caught.value.problem.code is Code.CERTIFICATE
            await bucket.aclose()
        assert not proxy.came, "nobody is asked who is not trusted"
        for right in (settings(ca_file=file), settings(tls_fingerprint=seen)):
            bucket = bucket_of(right)
            async with object_house(tmp_path / right.address.path, bucket) as house:
                contents = await house.upload(SOME)
                assert await house.reads(contents) == SOME
