"""Contents that are sealed once and go over several lanes.

A piece of a file that goes to two storage nodes at the same time is sealed once, with a key of its
own, and is sent as it lies over both lanes. Each lane brings its node the key, sealed with the
lane's keys.

    header   12 bytes  as of any frame (`frames`), with the flag "shared"
    content  n         sealed with AES-256-GCM; the nonce is zeros, because the key seals nothing
                       else
    tag      16        of that
    key      52        the key (32) and the header of the record (20), sealed as the body of an
                       ordinary frame; associated data = the frame's header and the tag
    trailer  16        the tag of that

The body that is opened is the record's header and the content. Who does not know the key can change
nothing, because the lane's tag covers the frame's header, the record's header, the key and the tag
of the content. GCM does not bind who knows the key: another node that gets the same piece, and sits
on the way to this one, could put other bytes of the same length in its place. So only contents may
travel so whose receiver hashes them, and relies on nothing but their hash.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cargo_sync.wire.records import SIZE as RECORD

KEY: Final = 32
TAG: Final = 16
AROUND: Final = TAG + KEY + RECORD
"""So much longer than its content is the body of such a frame."""
_NONCE: Final = bytes(12)


@dataclass(frozen=True, slots=True)
class SharedRecord:
    """A record, ready for one of these lanes.

    header   of the record
    content  sealed, with its tag behind it
    key      what it was sealed with
    let_go   to be called once, when `content` is not needed any more
    """

    header: bytes
    content: memoryview
    key: bytes = field(repr=False)
    let_go: Callable[[], None]


def seal(key: bytes, content: memoryview, memory: memoryview) -> memoryview:
    """Seals a content into `memory`, which has room for `TAG` bytes more; returns it with its tag.

    It may be the memory of the content itself, from the same place on.

    `key` is 32 bytes by chance, and is never used again.
    """
    sealed = memory[: len(content) + TAG]
    AESGCM(key).encrypt_into(_NONCE, content, None, sealed)
    return sealed


def open_sealed(key: bytes, sealed: memoryview, memory: memoryview) -> None:
    """Opens what `seal` has returned, into `memory`, which is as long as the content.

    Raises:
        InvalidTag: it is something else.
    """
    AESGCM(key).decrypt_into(_NONCE, sealed, None, memory)
