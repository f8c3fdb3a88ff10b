import logging
import sys

import pytest

from cargo_sync.process.lines import LONGEST, line_of, redacted


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Authorization: Bearer canary.abc", "Authorization: ***"),
        ("{'Authorization': 'Basic Y2FuYXJ5'}", "{'Authorization': ***"),
        ("Cookie: session=canary", "Cookie: ***"),
        ("sent Bearer canary-0123456789abcdef on", "sent Bearer *** on"),
        (
            '{"username": "ana", "password": "can\\"ary", "n": 1}',
            '{"username": "ana", "password": ***, "n": 1}',
        ),
        ("{'client_secret': 'canary'}", "{'client_secret': ***}"),
        ("POST /login?user=ana&password=canary&x=1", "POST /login?user=ana&password=***&x=1"),
        ("Login(user='ana', token='can ary')", "Login(user='ana', token=***)"),
        ("https://ana:canary@files.example.org/a", "https://***@files.example.org/a"),
    ],
)
def test_what_has_the_shape_of_a_secret_is_blanked(said: str, kept: str) -> None:
    assert redacted(said) == kept
    assert "canary" not in redacted(said)


@pytest.mark.parametrize(
    "said",
    [
        "job.json:4: password: must be text in quotes, not a number (expected: text)",
        "'eva' cannot log in: set password, password_file or password_hash for this user",
        "files.example.org refused the login of 'ana': wrong username or password",
        "basic authentication is not enough",
        "https://files.example.org:8443/v1 answered 502",
        "mail ana@example.org",
    ],
)
def test_what_only_speaks_of_secrets_stays(said: str) -> None:
    assert redacted(said) == said


def record(message: str, *args: object, **about: object) -> logging.LogRecord:
    return logging.makeLogRecord(
        {"msg": message, "args": args, "levelname": "INFO", "name": "a.b"} | about
    )


def test_a_line_knows_what_it_is_about() -> None:
    line = line_of(
        record("%s of %s", 1, 2, job="nightly", user=None, transfer="t1", other=3, created=1.5)
    )
    assert line.values == {
        "time": "1970-01-01T00:00:01.500Z", "level": "info", "logger": "a.b",
        "job": "nightly", "transfer": "t1", "message": "1 of 2",
    }  # fmt: skip


def test_no_record_is_too_odd() -> None:
    assert line_of(record("%d", "x")).message == "%d (without its arguments)"
    assert line_of(record("name \udcff")).message == "name \\udcff"
    assert len(line_of(record("x" * 10**6)).message) == LONGEST


def test_a_traceback_comes_along() -> None:
    try:
        raise ValueError("password=canary")
    except ValueError:
        line = line_of(record("failed", exc_info=sys.exc_info()))
    assert line.trace.endswith("ValueError: password=***")
    assert "canary" not in str(line.values).replace('raise ValueError("password=***', "")


def test_marks_of_direction_are_escaped_for_every_place_of_the_log() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "photo\u202egpj.exe\nis", (), None)
    record.job = "nightly\u2066"
    line = line_of(record)
    assert (line.message, line.about["job"]) == ("photo\\u202egpj.exe\nis", "nightly\\u2066")
