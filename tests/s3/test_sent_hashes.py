"""Which hash a content is sent with."""

from collections.abc import Set

import pytest

from cargo_sync.s3.sent_hashes import SentHash, ServerChecks, cheaper, measured, needed

NONE, MD5, SHA = ServerChecks(), ServerChecks(md5=True), ServerChecks(sha256=True)
BOTH = ServerChecks(md5=True, sha256=True)
M, S = SentHash.MD5, SentHash.SHA256


@pytest.mark.parametrize(
    ("checks", "known", "is_exposed", "cheap", "found"),
    [
        # Without TLS, for readers who do not know what it must be.
        (NONE, set(), True, S, {M, S}),
        (MD5, set(), True, S, {M, S}),
        (MD5, {M}, True, M, {M, S}),
        (SHA, set(), True, M, {S}),
        (BOTH, set(), True, M, {S}),
        (BOTH, {M}, True, M, {M, S}),
        # With TLS, or checked by its reader.
        (NONE, set(), False, S, {M}),
        (MD5, set(), False, S, {M}),
        (SHA, set(), False, M, {S}),
        (BOTH, set(), False, M, {M}),
        (BOTH, set(), False, S, {S}),
        (BOTH, {M}, False, S, {M}),
        (SHA, {M}, False, M, {M, S}),
        # What is known need not be made.
        (NONE, {S}, True, M, {S}),
        (MD5, {S}, False, M, {S}),
    ],
)
def test_a_content_has_what_its_server_compares(
    checks: ServerChecks,
    known: Set[SentHash],
    is_exposed: bool,
    cheap: SentHash,
    found: Set[SentHash],
) -> None:
    assert needed(checks, known, is_exposed=is_exposed, cheaper=lambda: cheap) == found


@pytest.mark.parametrize("slow", SentHash)
def test_the_one_that_takes_less_time_is_cheaper(slow: SentHash) -> None:
    """A clock that goes on by so much with each look: twice a hash, in the order of `SentHash`."""
    steps = [5.0 if kind is slow else 1.0 for _ in range(3) for kind in SentHash]
    now, looks = 0.0, iter([at for step in steps for at in (0.0, step)])

    def clock() -> float:
        nonlocal now
        now += next(looks)
        return now

    assert measured(clock) is not slow
    assert cheaper() in SentHash
