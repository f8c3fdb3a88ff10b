"""The examples that Amazon publishes for S3, and keys that must not be touched."""

from hashlib import sha256
from typing import Final

import pytest

from cargo_sync.wire.sigv4 import (
    EMPTY,
    AccessKey,
    authorization,
    encoded_path,
    encoded_query,
    signing_key,
)

KEY: Final = AccessKey("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
TIME: Final = "20130524T000000Z"
HOST: Final = {"host": "examplebucket.s3.amazonaws.com", "x-amz-date": TIME}
WELCOME: Final = sha256(b"Welcome to Amazon S3.").hexdigest()


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "payload", "signed", "signature"),
    [
        (
            "GET",
            "/test.txt",
            [],
            {"Range": "bytes=0-9"},
            EMPTY,
            "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT",
            "/test$file.text",
            [],
            {
                "Date": "Fri, 24 May 2013 00:00:00 GMT",
                "x-amz-storage-class": " REDUCED_REDUNDANCY  ",
            },
            WELCOME,
            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            "GET",
            "/",
            [("lifecycle", "")],
            {},
            EMPTY,
            "host;x-amz-content-sha256;x-amz-date",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "GET",
            "/",
            [("prefix", "J"), ("max-keys", "2")],
            {},
            EMPTY,
            "host;x-amz-content-sha256;x-amz-date",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
    ids=["get an object", "put an object", "lifecycle", "list"],
)
def test_the_examples_of_amazon(
    method: str,
    path: str,
    query: list[tuple[str, str]],
    headers: dict[str, str],
    payload: str,
    signed: str,
    signature: str,
) -> None:
    header = authorization(
        signing_key(KEY, TIME[:8], "us-east-1"),
        TIME,
        method,
        encoded_path(path),
        encoded_query(query),
        HOST | {"x-amz-content-sha256": payload} | headers,
        payload,
    )
    assert header == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        f"SignedHeaders={signed},Signature={signature}"
    )


def test_a_path_is_encoded_once_and_never_normalised() -> None:
    assert encoded_path("/a//b/./c/../d") == "/a//b/./c/../d"
    assert encoded_path("/ü+ %2F~'(*)") == "/%C3%BC%2B%20%252F~%27%28%2A%29"
    assert encoded_query([("b", "ü/+ "), ("a", "~"), ("a", "")]) == "a=&a=~&b=%C3%BC%2F%2B%20"


def test_no_secret_is_shown() -> None:
    key = AccessKey("id", "the secret", "the token")
    shown = f"{key!r} {signing_key(key, '20130524', 'here')!r}"
    assert "the secret" not in shown and "the token" not in shown and "key=" not in shown
