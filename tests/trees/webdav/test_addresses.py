import pytest

from cargo_sync.trees.webdav.addresses import WebDavPlace, names_of, same_names

PLACE = WebDavPlace("https://h:8443", "dav/a b")


def test_paths_become_urls_and_hrefs_names() -> None:
    assert PLACE.url("x/100% #1?;é") == "https://h:8443/dav/a%20b/x/100%25%20%231%3F%3B%C3%A9"
    assert PLACE.url("", folder=True) == "https://h:8443/dav/a%20b/"
    assert WebDavPlace("https://h", "").url("", folder=True) == "https://h/"
    table = {
        "/dav/a%20b/": ["dav", "a b"],
        "http://inner:80/dav/a%20b": ["dav", "a b"],
        "//dav/a b/x%252f": ["dav", "a b", "x%2f"],
        "/a%2Fb": ["a/b"],
        "/": [],
        "/../x": ["..", "x"],
        "": [],
    }
    for href, names in table.items():
        assert names_of(href) == names, href
    with pytest.raises(UnicodeDecodeError):
        names_of("/%ff")
    assert same_names(["e\u0301"], ["\u00e9"]) and not same_names(["e"], ["\u00e9"])


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/dav/a%20b/", PLACE),
        ("https://h:8443/other/", WebDavPlace("https://h:8443", "other")),
        ("https://h/dav/", None),
        ("http://h:8443/dav/", None),
        ("https://elsewhere:8443/dav/", None),
        ("//elsewhere:8443/dav/", None),
        ("https://ana:secret@h:8443/dav/", None),
        ("/login?next=dav", None),
        ("/%ff", None),
    ],
)
def test_a_redirect_stays_with_the_server(location: str, expected: WebDavPlace | None) -> None:
    assert PLACE.redirected(location) == expected


def test_a_redirect_may_become_safer() -> None:
    plain = WebDavPlace("http://h", "dav")
    assert plain.redirected("https://h/dav/") == WebDavPlace("https://h", "dav")
    assert plain.redirected("https://other/dav/") is None
