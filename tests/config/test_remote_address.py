import pytest

from cargo_sync.config.remote_address import RemoteAddress, RemoteKind

K = RemoteKind


@pytest.mark.parametrize(
    ("text", "address", "shown"),
    [
        (
            "files.example.org",
            RemoteAddress(K.CARGO, "files.example.org", 8443, True),
            "https://files.example.org:8443",
        ),
        (
            "http://[::1]:80//a/b/",
            RemoteAddress(K.CARGO, "::1", 80, False, "a/b"),
            "http://[::1]:80/a/b",
        ),
        (
            "s3://Photos.2026/a%20b//c/".lower(),
            RemoteAddress(K.S3, "", 0, True, "a b/c", "photos.2026"),
            "s3://photos.2026/a%20b/c",
        ),
        (
            "S3+HTTPS://Minio.example.org:9000/Bucket_1/x y",
            RemoteAddress(K.S3, "minio.example.org", 9000, True, "x y", "Bucket_1"),
            "s3+https://minio.example.org:9000/Bucket_1/x%20y",
        ),
        (
            "s3+http://[::1]:80/b",
            RemoteAddress(K.S3, "::1", 80, False, "", "b"),
            "s3+http://[::1]/b",
        ),
        (
            "webdav+https://cloud.example.org/remote.php/dav/files/ana%40example.org",
            RemoteAddress(
                K.WEBDAV,
                "cloud.example.org",
                443,
                True,
                "remote.php/dav/files/ana@example.org",
            ),
            "webdav+https://cloud.example.org/remote.php/dav/files/ana%40example.org",
        ),
        (
            "webdav+http://nas:5005/",
            RemoteAddress(K.WEBDAV, "nas", 5005, False),
            "webdav+http://nas:5005",
        ),
        ("sftp://nas", RemoteAddress(K.SFTP, "nas", 22, True), "sftp://nas"),
        (
            "sftp://nas:2222/volume1/año 1",
            RemoteAddress(K.SFTP, "nas", 2222, True, "volume1/año 1"),
            "sftp://nas:2222/volume1/a%C3%B1o%201",
        ),
        (
            "sftp://nas/~/work",
            RemoteAddress(K.SFTP, "nas", 22, True, "work", home=True),
            "sftp://nas/~/work",
        ),
        ("sftp://nas/~", RemoteAddress(K.SFTP, "nas", 22, True, home=True), "sftp://nas/~/"),
        (
            "sftp://nas/%7Eold/%25",
            RemoteAddress(K.SFTP, "nas", 22, True, "~old/%"),
            "sftp://nas/%7Eold/%25",
        ),
        ("ftp://h/pub", RemoteAddress(K.FTP, "h", 21, False, "pub"), "ftp://h/pub"),
        ("ftps://h:990", RemoteAddress(K.FTP, "h", 990, True), "ftps://h:990"),
        ("pydio+https://p/x", RemoteAddress(K.PYDIO, "p", 443, True, "x"), "pydio+https://p/x"),
        (
            "cloud+gs://bucket/a",
            RemoteAddress(K.CLOUD, "", 0, True, "a", "bucket", service="gs"),
            "cloud+gs://bucket/a",
        ),
        (
            "cloud+fs:///srv/a",
            RemoteAddress(K.CLOUD, "", 0, True, "srv/a", service="fs"),
            "cloud+fs:///srv/a",
        ),
        (
            "cloud+memory://",
            RemoteAddress(K.CLOUD, "", 0, True, service="memory"),
            "cloud+memory://",
        ),
    ],
)
def test_forms(text: str, address: RemoteAddress, shown: str) -> None:
    assert RemoteAddress.parse(text) == address
    assert str(address) == shown
    assert RemoteAddress.parse(shown) == address


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gopher://h", "known: .*s3://BUCKET, s3\\+https://HOST/BUCKET, .*sftp://HOST/PATH"),
        ("sftpx://h", 'did you mean "sftp"'),
        ("davs://h", r"must begin with webdav\+https://"),
        ("smb://h/share", "let the system mount it"),
        ("https://", "has no host name"),
        ("https://a b", "wrong host name"),
        ("https://a/b c", "contains a space"),
        ("sftp://ana:canary@h", "belong in username and password"),
        ("sftp://ana:can/ary@h", "belong in username and password"),
        ("s3://key:canary@bucket", "belong in username and password"),
        ("webdav+https://h/a@b", "An @ in a path is written %40"),
        ("webdav+https://h/a?x", "%3F and %23"),
        ("s3://bucket#x", "%3F and %23"),
        ("s3://bucket:9000/x", r"names a server, not a bucket; write s3\+https://HOST/BUCKET"),
        ("s3://", "names no bucket"),
        ("s3://Bucket", "AWS"),
        ("s3+https://h/", r"names no bucket; write s3\+https://HOST/BUCKET"),
        ("s3+https://h/%20", "wrong name of a bucket"),
        ("sftp://h:0", "port 0"),
        ("sftp://h:x", "host or port is wrong"),
        ("sftp://h/~ana/x", "names the home folder of a user"),
        ("sftp://h/a/../b", '".." is not allowed'),
        ("sftp://h/%2e%2e/b", '".." is not allowed'),
        ("sftp://h/a%2Fb", "%2F"),
        ("sftp://h/100%", "%25"),
        ("sftp://h/%ff", "UTF-8"),
        ("sftp://h/%0A", "control character"),
        ("sftp://h\n/a", "control character"),
        ("s3://bucket/.Cargo_Sync/x", "reserved"),
        ("cloud+://x", "names no service"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        RemoteAddress.parse(text)
    assert not {"canary", "can/ary", "gopher"} & set(str(caught.value).split())
    assert "canary" not in str(caught.value)


def test_what_it_tells() -> None:
    server = RemoteAddress.parse("webdav+https://[::1]:8080/a")
    assert (server.origin, server.authority, server.is_loopback) == (
        "https://[::1]:8080",
        "[::1]:8080",
        True,
    )
    assert [str(server.below(folder)) for folder in ("", "b c")] == [
        "webdav+https://[::1]:8080/a",
        "webdav+https://[::1]:8080/a/b%20c",
    ]
    at_once = {
        text: RemoteAddress.parse(text).tls_at_once
        for text in ("ftps://h", "ftps://h:990", "ftp://h", "https://h", "s3+http://h/b")
    }
    assert [text for text, tls in at_once.items() if tls] == ["ftps://h:990", "https://h"]
    assert RemoteAddress.parse("cargo.example.org").origin == "https://cargo.example.org:8443"
