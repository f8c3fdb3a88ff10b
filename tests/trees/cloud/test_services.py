"""What a job file says becomes OpenDAL's options, or an error."""

import re
from collections.abc import Mapping

import pytest

from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.trees.cloud.services import CloudPlace, config_of


@pytest.mark.parametrize(
    ("place", "config"),
    [
        (
            CloudPlace("gs", "b", "a/b", "ana", "KEY"),
            {"bucket": "b", "root": "/a/b", "credential": "KEY"},
        ),
        (
            CloudPlace("azblob", "c", "", "ana", "KEY", {"endpoint": "https://x"}),
            {
                "container": "c",
                "root": "/",
                "account_name": "ana",
                "account_key": "KEY",
                "endpoint": "https://x",
            },
        ),
        (CloudPlace("dropbox", "", "a", "ana", "", {"t": "x"}), {"root": "/a", "t": "x"}),
    ],
)
def test_options_are_those_of_the_service(place: CloudPlace, config: Mapping[str, str]) -> None:
    assert config_of(place) == config


@pytest.mark.parametrize(
    ("place", "code", "sentence"),
    [
        (CloudPlace("gs", "", ""), Code.BAD_SETTINGS, "names no bucket"),
        (CloudPlace("fs", "b", ""), Code.BAD_SETTINGS, "has no buckets"),
        (CloudPlace("fs", "", "", "", "secret"), Code.BAD_SETTINGS, "what a password is"),
        (CloudPlace("gs", "b", "", options={"root": "/"}), Code.BAD_SETTINGS, "options has root"),
        (
            CloudPlace("azblob", "b", "", options={"container": "c"}),
            Code.BAD_SETTINGS,
            "options has container",
        ),
        (CloudPlace("s3", "b", ""), Code.UNSUPPORTED, "a better way"),
    ],
)
def test_what_does_not_fit_is_said(place: CloudPlace, code: Code, sentence: str) -> None:
    with pytest.raises(ProblemError, match=re.escape(sentence)) as caught:
        config_of(place)
    assert caught.value.problem.code is code and caught.value.problem.hint
    assert "secret" not in str(caught.value) + repr(place)
