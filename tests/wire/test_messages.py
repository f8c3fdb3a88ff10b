"""Messages: decoding returns what was encoded; what no correct end would send is refused."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer, Receipt, Want, columns
from cargo_sync.wire import messages

INT64 = st.integers(-(2**63), 2**63 - 1)
HEX = "0123456789abcdef"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
HASH = st.one_of(st.just(""), st.text(HEX, min_size=64, max_size=64))
SIZE = st.integers(0, 2**63 - 1)
OFFERS = st.lists(
    st.builds(
        Offer,
        TEXT,
        SIZE,
        INT64,
        st.integers(0, 0o7777),
        INT64,
        INT64,
        st.text(HEX, max_size=64),
        INT64,
        INT64,
        HASH,
        TEXT,
    ).flatmap(
        lambda offer: st.integers(0, offer.size).map(lambda many: offer._replace(holes=many))
    ),
    min_size=1,
    max_size=5,
)
CODES = st.sampled_from(["done", "vanished", "disk_full"])
RECEIPTS = st.lists(
    st.builds(
        Receipt, CODES, INT64, INT64, INT64, st.integers(0, 0o7777), HASH, TEXT, TEXT, st.booleans()
    ),
    min_size=1,
    max_size=5,
)


@given(OFFERS)
def test_offers_survive(offers: list[Offer]) -> None:
    assert messages.decode_offers(messages.encode_offers(offers)) == offers


@given(RECEIPTS)
def test_receipts_survive(receipts: list[Receipt]) -> None:
    assert messages.decode_receipts(messages.encode_receipts(receipts), len(receipts)) == receipts


@settings(max_examples=40)
@given(OFFERS, st.data())
def test_asks_survive(offers: list[Offer], data: st.DataObject) -> None:
    wants = [data.draw(_want(offer)) for offer in offers]
    assert messages.decode_ask(messages.encode_ask(offers, wants)) == (offers, wants)
    assert messages.decode_wants(messages.encode_wants(wants), offers) == wants


def _want(offer: Offer) -> st.SearchStrategy[Want]:
    edges = st.lists(st.integers(0, offer.size), max_size=8, unique=True).map(sorted)
    ranges = edges.map(lambda found: tuple(zip(found[::2], found[1::2], strict=False)))
    return st.one_of(
        st.just(Want("all")),
        st.just(Want("none")),
        st.builds(Want, st.just("bad_path"), st.just(()), TEXT),
        st.builds(Want, st.just("ranges"), ranges, TEXT),
    )


def test_problems_grants_and_reports_survive() -> None:
    problem = Problem(Code.CHANGED, "it was changed", "a/b", "wait", retry=False)
    assert messages.decode_problem(messages.encode_problem(problem)) == problem
    foreign = Problem.received("melted", "a later version knows it", "a", retry=False)
    assert messages.decode_problem(messages.encode_problem(foreign)) == foreign
    assert foreign.code_text == "melted"
    for bits in (None, 1, 8_000_000):
        assert messages.decode_grant(messages.encode_grant(bits)) == bits
    for report in (
        messages.LinkReport(),
        messages.LinkReport(0, 0.5, 0.25),
        messages.LinkReport(7, 12, None),
    ):
        assert messages.decode_report(messages.encode_report(report)) == report


JSON = st.recursive(
    st.none() | st.booleans() | INT64 | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=11) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=30,
)


@given(st.one_of(st.binary(max_size=100), JSON.map(orjson.dumps)))
def test_nothing_but_a_problem_is_ever_raised(noise: bytes) -> None:
    offer = Offer("a", 10, 0, 0, 0, 0, "")
    for decode in (
        messages.decode_offers,
        lambda payload: messages.decode_wants(payload, [offer]),
        messages.decode_ask,
        lambda payload: messages.decode_receipts(payload, 1),
        messages.decode_problem,
        messages.decode_grant,
        messages.decode_report,
    ):
        try:
            decode(noise)
        except ProblemError as error:
            assert error.problem.code == "protocol"


GOOD = Offer("a", 10, 0, 0o644, 1, 1, "ab")


@pytest.mark.parametrize(
    "bad",
    [
        {"path": 1},
        {"path": None},
        {"size": -1},
        {"size": 2**63},
        {"size": True},
        {"size": 1.0},
        {"mtime_ns": 2**63},
        {"mode": 0o10000},
        {"mode": -1},
        {"transfer": "../../etc"},
        {"transfer": "AB"},
        {"transfer": "a\nb"},
        {"transfer": "a" * 65},
        {"hash": "ab"},
        {"hash": "g" * 64},
        {"target": []},
        {"occupant": "1"},
    ],
    ids=str,
)
def test_an_offer_that_cannot_be_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ProblemError, match="offers cannot be read"):
        messages.decode_offers(orjson.dumps(columns([GOOD, GOOD._replace(**bad)])))


@pytest.mark.parametrize(
    "fields",
    [[], {}, [[]] * 11, columns([GOOD])[:-1], [*columns([GOOD]), []], [["a"], *[[1, 2]] * 10]],
)
def test_columns_that_do_not_fit_are_refused(fields: Any) -> None:
    with pytest.raises(ProblemError, match="columns"):
        messages.decode_offers(orjson.dumps(fields))


@pytest.mark.parametrize(
    "ranges",
    [
        [[0, 11]],
        [[-1, 5]],
        [[5, 5]],
        [[5, 3]],
        [[0, 5], [4, 6]],
        [[5, 6], [0, 1]],
        [[0]],
        [[0, 1, 2]],
        [["0", 1]],
        [0, 1],
        "all",
        {"0": 1},
        [[n, n + 1] for n in range(5000)],
    ],
    ids=lambda value: str(value)[:30],
)
def test_ranges_that_are_not_in_order_within_the_file_are_refused(ranges: Any) -> None:
    with pytest.raises(ProblemError, match="ranges"):
        messages.decode_wants(orjson.dumps([["ranges"], [ranges], [""]]), [GOOD])


def test_only_ranges_have_ranges_and_every_offer_has_one_want() -> None:
    for wants in (
        [["all"], [[[0, 1]]], [""]],
        [["all"] * 2, [[]] * 2, [""] * 2],
        [["NO"], [[]], [""]],
    ):
        with pytest.raises(ProblemError, match="want"):
            messages.decode_wants(orjson.dumps(wants), [GOOD])


def test_what_is_not_text_is_a_problem_of_ours() -> None:
    with pytest.raises(ProblemError) as caught:
        messages.encode_offers([GOOD._replace(path="\udcff")])
    assert caught.value.problem.code == "bad_path"
