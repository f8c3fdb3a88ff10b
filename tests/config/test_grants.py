"""Grants as people write them."""

import pytest

from cargo_sync.config.grants import Grant, grant


@pytest.mark.parametrize(
    ("given", "meant", "shown"),
    [
        ("rw", Grant("rw"), "rw"),
        ("wo", Grant("wo"), "wo"),
        ({"access": "ro"}, Grant("ro"), "ro"),
        ({"access": "ro", "path": "/"}, Grant("ro"), "ro"),
        (
            {"access": "wo", "path": "/in//ben/"},
            Grant("wo", "in/ben"),
            {"access": "wo", "path": "in/ben"},
        ),
    ],
)
def test_what_a_grant_means(given: object, meant: Grant, shown: object) -> None:
    assert grant(given) == meant
    assert meant.shown() == shown
    assert grant(meant.shown()) == meant


@pytest.mark.parametrize(
    ("given", "place", "words"),
    [
        (7, (), "must be .* not a number"),
        ("w", (), '"w" is not allowed'),
        ({}, ("access",), "is missing"),
        ({"access": "rx"}, ("access",), '"rx" is not allowed'),
        ({"access": ["rw"]}, ("access",), "must be .* not a list"),
        ({"access": "rw", "path": 1}, ("path",), "must be text in quotes, not a number"),
        ({"access": "rw", "path": "../x"}, ("path",), '"..*" is not allowed'),
        ({"access": "rw", "path": "a/.Cargo_Sync"}, ("path",), "is reserved"),
        ({"access": "rw", "path": "x" * 256}, ("path",), "longer than 255 bytes"),
        ({"access": "rw", "paht": "x"}, ("paht",), r'not a field here .*did you mean "path"'),
    ],
)
def test_what_is_none(given: object, place: tuple[str, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        grant(given)
    assert refused.value.place == place  # type: ignore[attr-defined]


def test_words_of_people_are_cut() -> None:
    with pytest.raises(ValueError, match="…") as refused:
        grant("x" * 1000)
    assert len(str(refused.value)) < 300
