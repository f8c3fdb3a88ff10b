"""A job file's secrets: hidden when it is read, kept when it comes back."""

import pytest

from cargo_sync.config.editing import fields_of
from cargo_sync.config.errors import ConfigError
from cargo_sync.config.masking import MASK, masked, unmasked

TEXT = """{
    "password": "canary-1", // of ana
    "events": {
        "onFinish": {"url": "https://a/?x=1", "secret": "canary-2",
                     "headers": {"Authorization": "Bearer canary-3", "X-Id": "${TOKEN}"}},
        "onError": {"headers": "canary-4", "body": {"n": {{ ERROR }}}},
    },
}
"""


def test_what_is_hidden() -> None:
    shown = masked(TEXT, "f")
    assert "canary" not in shown and shown.count(MASK) == 4
    assert "// of ana" in shown and "https://a/?x=1" in shown and "${TOKEN}" in shown
    assert unmasked(shown, "f", TEXT) == TEXT


@pytest.mark.parametrize(
    "field",
    [
        '"pasword": "canary"', '"Password": ["canary"]', '"password": 4711',
        '"id": {"__type__": "JobConfig", "password": "canary"}',
        '"hostname": "https://ana:canary@host"', '"server": "ana:canary@host"',
        '"passwd": {"of": "canary"}', '"password": {"keyring": ["canary"]}',
        '"options": {"account_key": "canary", "n": {"x": "canary"}}', '"options": "canary"',
        '"secret": "${A}canary"', '"password": "$${A}"',
    ],
)  # fmt: skip
def test_a_secret_in_the_wrong_place(field: str) -> None:
    shown = masked(f"{{{field}}}", "f")
    assert "canary" not in shown and "4711" not in shown and MASK in shown
    again = unmasked(shown, "f", f"{{{field}}}")
    assert fields_of(again, "f") == fields_of(f"{{{field}}}", "f")


@pytest.mark.parametrize(
    "field",
    [
        '"password_file": "~/secret"', '"password": "${PASSWORD}"', '"password": null',
        '"hostname": "https://host"', '"password": {"keyring": "cargo"}',
        '"key_passphrase_file": "~/p"',
        '"options": {"endpoint": "https://x", "region": "r", "key": "${KEY}"}',
        '"events": "x"', '"events": {"onFinish": 3}',
    ],
)  # fmt: skip
def test_what_is_no_secret(field: str) -> None:
    assert masked(f"{{{field}}}", "f") == f"{{{field}}}"


def test_a_new_secret_and_one_that_is_not_there() -> None:
    new = masked(TEXT, "f").replace(f'"password": "{MASK}"', '"password": "new"')
    assert unmasked(new, "f", TEXT) == TEXT.replace("canary-1", "new")
    with pytest.raises(ConfigError) as caught:
        unmasked(masked(TEXT, "f"), "f", '{"password": "x"}')
    assert [problem.field for problem in caught.value.problems] == [
        "events.onFinish.secret", "events.onFinish.headers.Authorization", "events.onError.headers",
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="there is none yet"):
        unmasked(f'{{"password": "{MASK}"}}', "f", None)
    assert unmasked(f'{{"sync_name": "{MASK}"}}', "f", None) == f'{{"sync_name": "{MASK}"}}'


def test_a_file_that_is_no_json_is_not_shown() -> None:
    with pytest.raises(ConfigError):
        masked('{"password": "canary" "x"}', "f")
