"""What keeps a folder of a bucket in which nothing is: an object of no bytes.

Usually it is `folder/`. A server that stores objects as files of a disk may not be able to hold
that beside `folder/x`; there it is an object with a name of ours in the folder, which no listing of
ours has.
"""

from contextlib import suppress
from enum import StrEnum

from cargo_sync.model.paths import RESERVED
from cargo_sync.s3.abilities import forget_versions
from cargo_sync.s3.client import S3
from cargo_sync.s3.content import S3Content
from cargo_sync.s3.errors import S3Error
from cargo_sync.s3.objects import Versioning


class Marker(StrEnum):
    """How the key of a marker ends, behind the key of its folder."""

    SLASH = "/"
    INSIDE = f"/{RESERVED}"


async def usual_marker(s3: S3, probe: str, versioning: Versioning = Versioning.OFF) -> Marker:
    """The kind of marker that a server can hold, tried at the key `probe`, which is free.

    Nothing stays of it, also where the bucket keeps versions.

    Raises:
        S3Error: the bucket cannot be written to.
    """
    keys = [f"{probe}{Marker.SLASH}", f"{probe}/x"]
    found = Marker.SLASH
    try:
        for key in keys:
            # On a condition, so that a server that cannot do it is not asked again.
            await s3.put(key, S3Content((b"",)), absent=True)
        for key in keys:
            if await s3.head(key) is None:
                found = Marker.INSIDE
    except S3Error as error:
        if error.status in (401, 403, 0):
            raise
        found = Marker.INSIDE
    finally:
        await s3.delete_many(keys[::-1])
        if versioning is not Versioning.OFF:
            with suppress(S3Error):
                await forget_versions(s3, probe)
    return found
