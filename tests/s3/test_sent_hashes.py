"""Which hash a content is sent with."""

from collections.abc import Set

import pytest

from cargo_sync.s3.sent_hashes import SentHash, ServerChecks, by_cost, measured, needed

NONE, MD5, SHA = ServerChecks(), ServerChecks(md5=True), ServerChecks(sha256=True)
BOTH = ServerChecks(md5=True, sha256=True)
ALL = ServerChecks(md5=True, sha256=True, crc32=True)
CRC = ServerChecks(crc32=True)
M, S, C = SentHash.MD5, SentHash.SHA256, SentHash.CRC32
LINE, TLS, READER = "line", "TLS", "reader"


@pytest.mark.parametrize(
    ("checks", "known", "by", "cheap", "found"),
    [
        # Without TLS, for readers who do not know what it must be.
        (NONE, set(), LINE, S, {M, S}),
        (MD5, set(), LINE, S, {M, S}),
        (MD5, {M}, LINE, M, {M, S}),
        (SHA, set(), LINE, M, {S}),
        (BOTH, set(), LINE, M, {S}),
        (BOTH, {M}, LINE, M, {M, S}),
        # With TLS, or checked by its reader.
        (NONE, set(), TLS, S, {M}),
        (MD5, set(), TLS, S, {M}),
        (SHA, set(), TLS, M, {S}),
        (BOTH, set(), TLS, M, {M}),
        (BOTH, set(), TLS, S, {S}),
        (BOTH, {M}, TLS, S, {M}),
        (SHA, {M}, TLS, M, {M, S}),
        (NONE, set(), READER, S, {M}),
        (MD5, set(), READER, S, {M}),
        (SHA, set(), READER, M, {S}),
        (BOTH, set(), READER, M, {M}),
        (BOTH, set(), READER, S, {S}),
        (BOTH, {M}, READER, S, {M}),
        (SHA, {M}, READER, M, {M, S}),
        # A CRC-32 only if its reader checks it.
        (ALL, set(), READER, S, {C}),
        (CRC, set(), READER, S, {C}),
        (ALL, {C}, READER, S, {C}),
        (NONE, {C}, READER, S, {C}),
        (ALL, {M}, READER, S, {M}),
        (ALL, set(), TLS, S, {S}),
        (CRC, set(), TLS, S, {M}),
        (ALL, set(), LINE, S, {S}),
        (CRC, {C}, LINE, S, {C, M, S}),
        # What is known need not be made.
        (NONE, {S}, LINE, M, {S}),
        (MD5, {S}, READER, M, {S}),
    ],
)
def test_a_content_has_what_its_server_compares(
    checks: ServerChecks,
    known: Set[SentHash],
    by: str,
    cheap: SentHash,
    found: Set[SentHash],
) -> None:
    costs = sorted(SentHash, key=lambda kind: (kind is not C, kind is not cheap))
    ways = {"is_sealed": by == TLS, "is_checked_later": by == READER}
    assert needed(checks, known, by_cost=lambda: costs, **ways) == found


@pytest.mark.parametrize("slow", SentHash)
def test_the_one_that_takes_less_time_is_cheaper(slow: SentHash) -> None:
    """A clock that goes on by so much with each look: twice a hash, in the order of `SentHash`."""
    steps = [5.0 if kind is slow else 1.0 for _ in range(3) for kind in SentHash]
    now, looks = 0.0, iter([at for step in steps for at in (0.0, step)])

    def clock() -> float:
        nonlocal now
        now += next(looks)
        return now

    assert measured(clock)[-1] is slow
    assert set(by_cost()) == set(SentHash)
