"""The hash of a file's content: BLAKE3, but a file of a 100 GiB hole costs next to nothing.

Blocks of 64 MiB, counted from the start of the file, that hold nothing but zeros are left out. A
file without such a block, which is nearly each file, has the plain BLAKE3 of its bytes. Otherwise
the hash is BLAKE3 in a mode of its own (`_CONTEXT`) over the size of the file, the BLAKE3 of all
bytes that are not left out, and that of where the others were. So it depends on the content alone:
it is the same whether a zero is on the disk or in a hole, and however the content arrived.
"""

from collections.abc import Callable
from struct import Struct
from typing import Any, Final

from blake3 import blake3

from cargo_sync.local.piece_lists import DIGESTS, KEY, PIECE, ListForm, PieceSum, Tags

BLOCK: Final = 64 * 2**20
"""Bytes of a block that is left out if all of them are zero."""
ZEROS: Final = bytes(2**20)

_CONTEXT: Final = "cargo 2026-11-29 content with blocks of zeros left out"
_RUN: Final = Struct("<QQ")
_WHOLE: Final = Struct("<Q32s32s")


class ContentHash:
    """The hash of bytes that are given in file order."""

    __slots__ = ("_bytes", "_first", "_gaps", "_next", "_size", "_zeros")

    def __init__(self) -> None:
        self._bytes: Any = blake3()
        self._gaps: Any = blake3()
        self._size = 0
        self._zeros = 0
        """How many bytes of the current block came, if all of them are zeros; they are not hashed
        yet."""
        self._first = self._next = 0
        """The newest run of blocks that were left out; `_gaps` has those before."""

    @property
    def size(self) -> int:
        """How many bytes came."""
        return self._size

    def update(self, content: memoryview | bytes) -> None:
        """The next bytes."""
        content = memoryview(content)
        while content:
            at = self._size % BLOCK
            part = content[: BLOCK - at]
            if at == self._zeros and _is_zero(part):
                ContentHash.zeros(self, len(part))
            else:
                self._hash_zeros()
                self._bytes.update(part)
                self._size += len(part)
            content = content[len(part) :]

    def zeros(self, count: int) -> None:
        """So many zeros are next."""
        while count:
            at = self._size % BLOCK
            if at != self._zeros:
                part = min(count, BLOCK - at, len(ZEROS))
                self._bytes.update(ZEROS[:part])
            else:
                end = at + count
                part = count if end < BLOCK else end // BLOCK * BLOCK - at
                blocks, self._zeros = divmod(at + part, BLOCK)
                self._leave_out(self._size // BLOCK, blocks)
            self._size += part
            count -= part

    @property
    def pieces(self) -> bytes:
        """The list of its pieces, if it makes one."""
        return b""

    @property
    def form(self) -> ListForm:
        """The form of that list."""
        return DIGESTS

    def hexdigest(self) -> str:
        """64 hex digits; nothing may come after it."""
        self._hash_zeros()
        if not self._next:
            return str(self._bytes.hexdigest())
        self._gaps.update(_RUN.pack(self._first, self._next))
        whole = _WHOLE.pack(self._size, self._bytes.digest(), self._gaps.digest())
        return blake3(whole, derive_key_context=_CONTEXT).hexdigest()

    def _leave_out(self, block: int, count: int) -> None:
        if not count:
            return
        if self._next and self._next != block:
            self._gaps.update(_RUN.pack(self._first, self._next))
        if self._next != block or not self._next:
            self._first = block
        self._next = block + count

    def _hash_zeros(self) -> None:
        """The current block is not left out: its zeros are hashed like other bytes."""
        while self._zeros:
            part = min(self._zeros, len(ZEROS))
            self._bytes.update(ZEROS[:part])
            self._zeros -= part


class ListedHash(ContentHash):
    """Also lists the pieces, for who reads some of the content later."""

    __slots__ = ("_begun", "_begun_size", "_count", "_form", "_listed")

    def __init__(self, form: ListForm = DIGESTS) -> None:
        """`form` is that of the list; one with a key is for this content alone."""
        super().__init__()
        self._form = form
        self._listed = bytearray(form.head)
        self._count = 0
        """Pieces that are listed."""
        self._begun: PieceSum | None = None
        """The piece after them, of which only so many bytes came."""
        self._begun_size = 0

    @property
    def form(self) -> ListForm:
        return self._form

    @property
    def pieces(self) -> bytes:
        """The list (`piece_lists`), to be asked for once; b"" for a content of one piece."""
        if self._size <= PIECE:
            return b""
        return bytes(self._listed) + (b"" if self._begun is None else self._begun.digest())

    def update(self, content: memoryview | bytes) -> None:
        super().update(content)
        content = memoryview(content)
        while content:
            part = content[: PIECE - self._begun_size]
            if len(part) == PIECE:
                self._add(self._form.of(self._count, part))
            else:
                self._go_on(part)
            content = content[len(part) :]

    def zeros(self, count: int) -> None:
        super().zeros(count)
        while count:
            if self._begun_size or count < PIECE:
                part = min(count, PIECE - self._begun_size)
                self._go_on(bytes(part))
            else:
                part = count - count % PIECE
                self._add(self._form.of_hole(PIECE), part // PIECE)
            count -= part

    def _add(self, entry: bytes, pieces: int = 1) -> None:
        self._listed += entry * pieces
        self._count += pieces

    def _go_on(self, part: memoryview | bytes) -> None:
        """Some of a piece came."""
        begun = self._begun
        if begun is None:
            begun = self._begun = self._form.begun(self._count)
        begun.update(part)
        self._begun_size += len(part)
        if self._begun_size == PIECE:
            self._add(begun.digest())
            self._begun, self._begun_size = None, 0


def tagging(chance: Callable[[int], bytes]) -> Callable[[], ListedHash]:
    """Makes hashes whose lists are tags, for who keeps them to himself: see `piece_lists`.

    Args:
        chance: gives so many bytes that nobody can guess.
    """
    return lambda: ListedHash(Tags(chance(KEY)))


def _is_zero(content: memoryview) -> bool:
    """Whether all bytes are zero; for nearly all contents the first one answers it."""
    if content[0] or content[-1]:
        return False
    return all(
        content[at : at + len(ZEROS)].tobytes() == ZEROS[: len(content) - at]
        for at in range(0, len(content), len(ZEROS))
    )
