import pytest

from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.s3.addresses import S3Address


@pytest.mark.parametrize(
    ("text", "region", "root", "path", "signed_for"),
    [
        (
            "s3://films/2026",
            "eu-central-1",
            "https://films.s3.eu-central-1.amazonaws.com",
            "/a//b",
            "eu-central-1",
        ),
        (
            "s3://my.films",
            "cn-north-1",
            "https://s3.cn-north-1.amazonaws.com.cn",
            "/my.films/a//b",
            "cn-north-1",
        ),
        (
            "S3+HTTPS://S3.Example.com:443/Films_1/x",
            None,
            "https://s3.example.com",
            "/Films_1/a//b",
            "us-east-1",
        ),
        ("s3+http://[::1]:9000/films", "here", "http://[::1]:9000", "/films/a//b", "here"),
    ],
)
def test_a_bucket_is_asked_for_by_host_or_by_path(
    text: str, region: str | None, root: str, path: str, signed_for: str
) -> None:
    address = S3Address.of(RemoteAddress.parse(text), region)
    assert (address.root, address.path("a//b")) == (root, path)
    assert address.path() == path.removesuffix("a//b").rstrip("/") or "/"
    assert address.host == root.partition("://")[2]
    assert (address.region, address.sealed) == (signed_for, root.startswith("https"))
