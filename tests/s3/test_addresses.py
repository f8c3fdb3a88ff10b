import pytest

from cargo_sync.s3.addresses import S3Address, parsed_address


@pytest.mark.parametrize(
    ("text", "region", "address", "folder", "root", "path"),
    [
        (
            "s3://films",
            "eu-central-1",
            S3Address("https://s3.eu-central-1.amazonaws.com", "films", "eu-central-1", False),
            "",
            "https://films.s3.eu-central-1.amazonaws.com",
            "/a//b",
        ),
        (
            "s3://my.films/2026/raw/",
            "cn-north-1",
            S3Address("https://s3.cn-north-1.amazonaws.com.cn", "my.films", "cn-north-1", True),
            "2026/raw",
            "https://s3.cn-north-1.amazonaws.com.cn",
            "/my.films/a//b",
        ),
        (
            "S3+HTTPS://S3.Example.com:443/Films_1/x",
            "",
            S3Address("https://s3.example.com", "Films_1", "us-east-1", True),
            "x",
            "https://s3.example.com",
            "/Films_1/a//b",
        ),
        (
            "s3+http://[::1]:9000/films",
            "here",
            S3Address("http://[::1]:9000", "films", "here", True),
            "",
            "http://[::1]:9000",
            "/films/a//b",
        ),
    ],
)
def test_an_address_names_endpoint_bucket_and_folder(
    text: str, region: str, address: S3Address, folder: str, root: str, path: str
) -> None:
    assert parsed_address(text, region) == (address, folder)
    assert (address.root, address.path("a//b")) == (root, path)
    assert parsed_address(str(address), region)[0] == address
    assert address.sealed == root.startswith("https")


@pytest.mark.parametrize(
    ("text", "region", "why"),
    [
        ("films", "r", "not the address"),
        ("ftp://films", "r", "not the address"),
        ("s3://", "r", "not the address"),
        ("s3://films", "", "needs a region"),
        ("s3://films", "a.b", "wrong region"),
        ("s3+https://host", "", "names no bucket"),
        ("s3+https://host/a", "", "wrong bucket name"),
        ("s3+https://host/a..b", "", "wrong bucket name"),
        ("s3+https://host:0/films", "", "port 0"),
        ("s3+https://host:x/films", "", "port is wrong"),
        ("s3+https://-/films?x", "", "[?]"),
        ("s3+https://me:canary@host/films", "", "user or password"),
        ("s3://films/a/../b", "r", r"\.\."),
        ("s3://films/.cargo_sync", "r", "reserved"),
    ],
)
def test_what_is_no_address_is_refused_without_being_quoted(
    text: str, region: str, why: str
) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        parsed_address(text, region)
    assert "canary" not in str(caught.value)
