from collections.abc import Iterable

import pytest

from cargo_sync.model.entries import FILE, FOLDER
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.trees.remote.contract import RemoteListing
from cargo_sync.trees.remote.staging import beside, of_file
from cargo_sync.trees.webdav.addresses import WebDavPlace
from cargo_sync.trees.webdav.answers import FolderAnswer, OneAnswer
from cargo_sync.trees.webdav.entries import condition, time_of, version_of
from cargo_sync.trees.webdav.listing import MultiStatus
from cargo_sync.trees.webdav.problems import refused

PLACE = WebDavPlace("https://h", "dav")
SIZED = "<getcontentlength>5</getcontentlength>"
COLLECTION = "<resourcetype><collection/></resourcetype>"
TOP = ("/dav/", COLLECTION)


def document(some: Iterable[tuple[str, str]]) -> bytes:
    responses = "".join(
        f"<response><href>{href}</href><propstat><prop>{props}</prop><status>HTTP/1.1 200 OK"
        "</status></propstat><propstat><prop><getetag>no</getetag></prop>"
        "<status>HTTP/1.1 404 Not Found</status></propstat></response>"
        for href, props in some
    )
    return f'<multistatus xmlns="DAV:">{responses}</multistatus>'.encode()


def listing(*some: tuple[str, str], folder: str = "") -> RemoteListing:
    answer = FolderAnswer(PLACE, folder)
    reading = MultiStatus(answer.told)
    for byte in document(some):
        reading.feed(bytes([byte]))
    reading.end()
    return answer.listing()


def test_only_what_is_directly_in_the_folder_is_listed() -> None:
    found = listing(
        TOP,
        ("https://h/dav/a%20b", SIZED + "<getlastmodified>Sun, 13 Sep 2020 12:26:40 GMT"
         "</getlastmodified><getetag>W/\"t\"</getetag>"),
        ("/dav/sub/", COLLECTION),
        ("/dav/.CARGO_sync/", COLLECTION),
        ("/other/x", SIZED),
        ("/x", SIZED),
        ("https://elsewhere/dav/x", SIZED),
        ("relative", SIZED),
    )  # fmt: skip
    one, sub = found.entries
    assert (one.name, one.kind, one.size, one.mtime_ns) == ("a b", FILE, 5, 16 * 10**17)
    assert one.version == version_of('"t"', 5, 0)
    assert (sub.name, sub.kind, sub.version) == ("sub", FOLDER, 1)
    assert not found.problems


@pytest.mark.parametrize(
    ("href", "props", "code"),
    [
        ("/dav/a%2Fb", SIZED, Code.BAD_NAME),
        ("/dav/%2e%2e", SIZED, Code.BAD_NAME),
        ("/dav/..", COLLECTION, Code.BAD_NAME),
        ("/dav/" + "x" * 256, SIZED, Code.BAD_NAME),
        ("/dav/a%00", SIZED, Code.BAD_NAME),
        ("/dav/%ff", SIZED, Code.BAD_NAME),
        ("/dav/sub/.cargo_sync", SIZED, Code.BAD_NAME),
        ("/dav/x", "", Code.UNREADABLE),
        ("/dav/x", "<getcontentlength>-1</getcontentlength>", Code.UNREADABLE),
    ],
)
def test_a_name_that_cannot_be_used_is_left_out_alone(href: str, props: str, code: Code) -> None:
    found = listing(TOP, (href, props), ("/dav/stays", SIZED))
    assert [entry.name for entry in found.entries] == ["stays"]
    assert [problem.code for problem in found.problems] == [code]


@pytest.mark.parametrize(
    ("some", "code"),
    [
        ([], Code.BAD_ANSWER),
        ([("/dav/x", SIZED)], Code.BAD_ANSWER),
        ([("/elsewhere/", COLLECTION)], Code.BAD_ANSWER),
        ([("/dav/", SIZED)], Code.NOT_A_FOLDER),
    ],
)
def test_an_answer_about_something_else_is_no_empty_folder(
    some: list[tuple[str, str]], code: Code
) -> None:
    with pytest.raises(ProblemError) as caught:
        listing(*some)
    assert caught.value.problem.code is code


@pytest.mark.parametrize(
    "content",
    [
        document([TOP])[:-5],
        b"<html/>",
        b"",
        b'<!DOCTYPE a [<!ENTITY b "c">]><multistatus xmlns="DAV:"/>',
        b'<multistatus xmlns="DAV:"><response><status>no</status></response></multistatus>',
    ],
)
def test_what_is_no_whole_answer_is_refused(content: bytes) -> None:
    reading = MultiStatus(FolderAnswer(PLACE, "").told)
    with pytest.raises(ProblemError) as caught:
        reading.feed(content)
        reading.end()
    assert caught.value.problem.code is Code.BAD_ANSWER


def test_one_path_is_found_among_others() -> None:
    answer = OneAnswer(PLACE, "é")
    reading = MultiStatus(answer.told)
    reading.feed(document([("/dav/x", SIZED), ("/dav/e%CC%81", SIZED), ("/%ff", SIZED)]))
    assert answer.found is not None and answer.found.href == "/dav/e%CC%81"


def test_versions_and_conditions() -> None:
    assert version_of('W/"a"', 1, 2) == version_of('"a"', 1, 3) == version_of("a", 1, 4)
    versions = {version_of(*one) for one in [("", 1, 2), ("", 1, 3), ("", 2, 2), ("a", 1, 2)]}
    assert len(versions) == 4 and 0 not in versions
    assert condition("a-1") == condition('"a-1"') == {"If-Match": '"a-1"'}
    for etag in ("", 'W/"a"', '"a"b"', '"a\r\nX: y"'):
        assert condition(etag) == {}
    assert time_of("Thu, 01 Jan 1970 00:00:01 GMT") == 10**9
    for text in ("", "never", "Thu, 01 Jan 99999 00:00:01 GMT"):
        assert time_of(text) == 0


@pytest.mark.parametrize(
    "staged",
    [".cargo_sync/staging/2b43dddd-de17d89e", beside("films/x.mov", "2b43dddd"), "films/x.mov"],
)
def test_a_problem_of_a_staged_file_names_the_file(staged: str) -> None:
    problem = of_file(refused(413, "h", staged).problem, "films/x.mov")
    assert problem.path == "films/x.mov"
    assert problem.message == "'films/x.mov' is too large for the server"
    assert "LimitRequestBody" in problem.hint


def test_a_problem_of_the_folder_above_names_that() -> None:
    problem = of_file(refused(404, "h", "films").problem, "films/x.mov")
    assert (problem.path, problem.message) == ("films/x.mov", "'films' does not exist")
