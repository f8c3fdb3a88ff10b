"""What was found out about a bucket's server, as it is kept."""

from dataclasses import asdict, replace
from typing import Final, NamedTuple

import orjson

from cargo_sync.s3.abilities import S3Abilities
from cargo_sync.s3.objects import Versioning
from cargo_sync.trees.s3.markers import Marker

_LIKE: Final = asdict(S3Abilities())


class KnownBucket(NamedTuple):
    """Finding it takes some 30 calls."""

    server: S3Abilities
    marker: Marker

    def with_versions(self, versioning: Versioning) -> "KnownBucket":
        """The same; the bucket keeps versions in this way."""
        return self._replace(server=replace(self.server, versioning=versioning))

    def text(self) -> str:
        return orjson.dumps([asdict(self.server), self.marker]).decode()

    @classmethod
    def read(cls, text: str) -> "KnownBucket | None":
        """What `text` gave; None if it is something else, as of another release."""
        try:
            found, marker = orjson.loads(text)
            values = {**found, "versioning": Versioning(found["versioning"])}
            is_sound = values.keys() == _LIKE.keys() and all(
                type(value) is type(_LIKE[name]) for name, value in values.items()
            )
            return cls(S3Abilities(**values), Marker(marker)) if is_sound else None
        except (ValueError, TypeError, KeyError):
            return None
