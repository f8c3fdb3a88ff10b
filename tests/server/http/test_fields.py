"""What a client asks: every field says what it must be, for the error that names it."""

from collections.abc import Iterator

import pytest

from cargo_sync.model.problems import ProblemError
from cargo_sync.process.http.fields import Asked
from cargo_sync.server.http import gateway  # all handlers, with what they are asked


def asked(kind: type[Asked]) -> Iterator[type[Asked]]:
    for one in kind.__subclasses__():
        yield one
        yield from asked(one)


def test_every_field_says_what_it_must_be() -> None:
    kinds = {one for one in asked(Asked) if one.model_fields}
    assert len(kinds) > 10 and gateway
    for kind in kinds:
        silent = [name for name, field in kind.model_fields.items() if not field.description]
        assert not silent, f"{kind.__module__}.{kind.__name__}"


@pytest.mark.parametrize("kind", sorted({*asked(Asked)}, key=str))
def test_nothing_that_is_sent_is_more_than_a_refusal(kind: type[Asked]) -> None:
    for name in kind.model_fields:
        for value in (None, True, -1, 1.5, 2**70, "\0", [], [{}], {}, {"a": []}, object()):
            try:
                kind.read({name: value})
            except ProblemError as error:
                assert error.problem.code in ("bad_request", "bad_path")
                assert not error.problem.retry
