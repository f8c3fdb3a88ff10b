"""The values that records carry as JSON: offers, wants, receipts, problems, grants, reports.

Batches are sent as columns, one array per field. The shape of what the other end sent is checked
here: types, lengths, ranges. Paths are not: the code that stages a file checks its path with
`model.paths`.
"""

import math
import re
from collections.abc import Iterable, Sequence
from operator import gt
from typing import Any, Final, NamedTuple

import orjson

from cargo_sync.model import paths
from cargo_sync.model.documents import parsed
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer, Receipt, RowT, Want, columns, rows
from cargo_sync.wire.records import BATCH_MAX
from cargo_sync.wire.refusal import breach

MESSAGE_MAX: Final = 12 << 20
"""The largest JSON of one message in bytes: 2,000 paths of 4,096 bytes fit."""

SHORT_MAX: Final = 4096
"""The same for grants and reports, which are a few numbers."""

VALUES_MAX: Final = 1 << 20
"""The most values in one message: the largest batch has 65,535 files with 12 fields each."""

DISPLACED_MAX: Final = 2 * paths.PATH_BYTES
"""Characters of a path in the trash, which is kept in the history."""

RANGES_MAX: Final = 4096
"""The largest number of ranges of one file."""

Payload = bytes | bytearray | memoryview

_INT64: Final = 1 << 63
_HEX: Final = b"0123456789abcdef"
_TRANSFER_MAX: Final = 64
_HASH_LENGTHS: Final = frozenset({0, 64})
_CODE: Final = re.compile(r"[a-z_]{1,64}")


class LinkReport(NamedTuple):
    """What a sender measured on its connection; None if its platform has no such figures.

    lost                segments that were lost and sent again
    rtt_ms, min_rtt_ms  mean and smallest round trip time, milliseconds
    """

    lost: int | None = None
    rtt_ms: float | None = None
    min_rtt_ms: float | None = None


def encode_offers(offers: Sequence[Offer]) -> bytes:
    """Returns the JSON of a batch's offers."""
    return _encode(columns(offers))


def decode_offers(payload: Payload) -> list[Offer]:
    """Reads a batch's offers.

    Raises:
        ProblemError: the payload cannot be read ("protocol"), as in each `decode_*` here.
    """
    return _offers(_decode(payload))


def encode_wants(wants: Sequence[Want]) -> bytes:
    """Returns the JSON of a batch's wants."""
    return _encode(columns(wants))


def decode_wants(payload: Payload, offers: Sequence[Offer]) -> list[Want]:
    """Reads the wants for these offers: one per offer, ranges in order and within the file."""
    return _wants(_decode(payload), offers)


def encode_ask(offers: Sequence[Offer], wants: Sequence[Want]) -> bytes:
    """Returns the JSON of a batch that a client asks for: the offers and what it needs of each."""
    return _encode([columns(offers), columns(wants)])


def decode_ask(payload: Payload) -> tuple[list[Offer], list[Want]]:
    """Reads a batch that a client asks for: the offers and what it needs of each."""
    match _decode(payload):
        case [offer_columns, want_columns]:
            offers = _offers(offer_columns)
            return offers, _wants(want_columns, offers)
    raise breach("a requested batch is not a list of offers and wants")


def encode_receipts(receipts: Sequence[Receipt]) -> bytes:
    """Returns the JSON of a batch's receipts."""
    return _encode(columns(receipts))


def decode_receipts(payload: Payload, count: int) -> list[Receipt]:
    """Reads the receipts of a batch of `count` offers."""
    fields = _decode(payload)
    table = _rows(Receipt, fields)
    if (
        len(table) != count
        or not _are(int, fields[1:5])
        or not _are(str, (fields[0], *fields[5:8]))
        or not _are(bool, fields[8:])
        or not _within(fields[3], -_INT64, _INT64)
        or not _codes(fields[0])
        or not _HASH_LENGTHS.issuperset(map(len, fields[5]))
        or not _are_hex(fields[5])
        or max(map(len, fields[6])) > DISPLACED_MAX
    ):
        raise breach("a batch's receipts cannot be read")
    return table


def encode_problem(problem: Problem) -> bytes:
    """Returns the JSON of a problem."""
    return _encode([problem.code_text, problem.message, problem.path, problem.hint, problem.retry])


def decode_problem(payload: Payload) -> Problem:
    """Reads a problem; a code that is not known is kept as `foreign`."""
    match _decode(payload):
        case [str(code), str(message), str(path), str(hint), bool(retry)] if _CODE.fullmatch(code):
            return Problem.received(code, message, path[: paths.PATH_BYTES], hint, retry)
    raise breach("a problem cannot be read")


def encode_grant(bits: int | None) -> bytes:
    """Returns the JSON of a granted speed, in bits per second."""
    return _encode(bits)


def decode_grant(payload: Payload) -> int | None:
    """Reads a granted speed: bits per second, at least 1; None means as fast as possible."""
    value = _decode(payload)
    if value is not None and (type(value) is not int or not 1 <= value < _INT64):
        raise breach("a granted speed cannot be read")
    return value


def encode_count(count: int) -> bytes:
    """Returns the JSON of how much content has arrived over a lane, in bytes."""
    return _encode(count)


def decode_count(payload: Payload) -> int:
    """Reads how much content has arrived over a lane: bytes."""
    value = _decode(payload)
    if type(value) is not int or not 0 <= value < _INT64:
        raise breach("a count of content cannot be read")
    return value


def encode_report(report: LinkReport) -> bytes:
    """Returns the JSON of a sender's measurements."""
    return _encode(list(report))


def decode_report(payload: Payload) -> LinkReport:
    """Reads a sender's measurements."""
    match _decode(payload):
        case [lost, rtt, least] if (
            lost is None or (type(lost) is int and 0 <= lost < _INT64)
        ) and all(
            value is None or (type(value) in (int, float) and value >= 0 and math.isfinite(value))
            for value in (rtt, least)
        ):
            return LinkReport(lost, rtt, least)
    raise breach("a report cannot be read")


def _encode(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError as error:  # includes orjson's own: a lone surrogate, an integer over 64 bits
        raise ProblemError(
            Problem(
                Code.BAD_PATH,
                f"a message for the other end cannot be written as JSON: {error}",
                retry=False,
            )
        ) from error


def _decode(payload: Payload) -> Any:
    try:
        return parsed(bytes(payload) if isinstance(payload, memoryview) else payload, VALUES_MAX)
    except ValueError as error:
        raise breach(f"a record cannot be read: {error}") from error


def _rows(kind: type[RowT], fields: Any) -> list[RowT]:
    _refuse_misshapen(kind, fields)
    try:
        return rows(kind, fields)
    except ValueError as error:
        raise breach("a batch's columns differ in length") from error


def _refuse_misshapen(kind: type[RowT], fields: Any) -> None:
    width = len(kind._fields)  # type: ignore[attr-defined]
    if (
        type(fields) is not list
        or len(fields) != width
        or not _are(list, (fields,))
        or not fields[0]
    ):
        raise breach(f"a batch is not {width} columns")


def _offers(fields: Any) -> list[Offer]:
    _refuse_many(fields)
    table = _rows(Offer, fields)
    column = dict(zip(Offer._fields, fields, strict=True))
    texts = [column.pop(name) for name in ("path", "transfer", "hash", "target")]
    if (
        not _are(str, texts)
        or not _are(int, column.values())
        or not _within(column["size"], 0, _INT64)
        or not _within(column["mtime_ns"], -_INT64, _INT64)
        or not _within(column["mode"], 0, 0o10000)
        or not _within(column["holes"], 0, _INT64)
        or any(map(gt, column["holes"], column["size"]))
        or max(map(len, texts[1])) > _TRANSFER_MAX
        or not _HASH_LENGTHS.issuperset(map(len, texts[2]))
        or not _are_hex(texts[1])
        or not _are_hex(texts[2])
    ):
        raise breach("a batch's offers cannot be read")
    return table


def _refuse_many(fields: Any) -> None:
    """Refuses a batch of too many files before an object is made for each of them."""
    if type(fields) is list and fields and type(fields[0]) is list and len(fields[0]) > BATCH_MAX:
        raise breach(f"a batch has {len(fields[0])} files, {BATCH_MAX} are allowed")


def _wants(fields: Any, offers: Sequence[Offer]) -> list[Want]:
    _refuse_misshapen(Want, fields)
    codes, ranges, messages = fields
    count = len(offers)
    if {*map(len, fields)} != {count} or not _are(str, (codes, messages)) or not _codes(codes):
        raise breach("a batch's wants cannot be read")
    if ranges.count([]) < count:
        some = zip(codes, ranges, offers, strict=True)
        ranges = [_wanted_ranges(code, spans, offer.size) for code, spans, offer in some]
        return rows(Want, (codes, ranges, messages))
    if codes.count(codes[0]) == messages.count("") == count:
        return [Want(codes[0])] * count  # nearly always all is wanted
    return rows(Want, (codes, [()] * count, messages))


def _wanted_ranges(code: str, spans: Any, size: int) -> tuple[tuple[int, int], ...]:
    if spans == []:
        return ()
    if code != "ranges":
        raise breach("a want has ranges, but its code is not 'ranges'")
    return _ranges(spans, size)


def _ranges(spans: Any, size: int) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    at = 0
    if type(spans) is not list or len(spans) > RANGES_MAX:
        raise breach(f"a want's ranges are not a list of at most {RANGES_MAX}")
    for span in spans:
        match span:
            case [int(start), int(end)] if at <= start < end <= size:
                found.append((start, end))
                at = end
            case _:
                raise breach("a want's ranges are not in order within the file")
    return tuple(found)


def _are(kind: type, fields: Iterable[Sequence[Any]]) -> bool:
    """True when every value has exactly this type (a bool is not an int)."""
    return all({kind}.issuperset(map(type, field)) for field in fields)


def _within(values: Sequence[int], least: int, beyond: int) -> bool:
    return least <= min(values) and max(values) < beyond


def _codes(values: Sequence[str]) -> bool:
    return all(map(_CODE.fullmatch, set(values)))


def _are_hex(values: Sequence[str]) -> bool:
    """True when no value has anything but hex digits; all are looked at as one text."""
    return not "".join(values).encode().translate(None, _HEX)
