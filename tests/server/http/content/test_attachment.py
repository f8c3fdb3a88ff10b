"""Names that others chose, for the disks of those who download."""

import pytest

from cargo_sync.server.http.content.attachment import archive_path, disposition, file_name


@pytest.mark.parametrize(
    "name", ["a.txt", "no ending", "über.txt", ".profile", "写真.jpg", "a..b", "com10.txt", "~x"]
)
def test_a_plain_name_stays(name: str) -> None:
    assert file_name(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("..\\..\\evil.bat", ".._.._evil"),
        ("C:evil.txt", "C_evil"),
        ("two\nlines.txt", "two_lines"),
        ("photo\u202egpj.exe", "photo_gpj"),
        ("a\x00b", "a_b"),
        ("NUL", "_NUL"),
        ("con.txt", "_con"),
        ("lpt¹.log", "_lpt¹"),
        ("ends.", "ends_"),
        ("ends ", "ends_"),
        ("..", "_"),
        ('say "hi"?.doc', "say _hi__"),
    ],
)
def test_a_name_that_means_something_elsewhere_is_replaced_and_marked(
    name: str, shown: str
) -> None:
    safe = file_name(name)
    assert safe.startswith(f"{shown}~"), safe
    assert not set('\\/:*?"<>|\n\x00\u202e') & set(safe)


def test_two_names_do_not_become_one() -> None:
    names = ["a:b", "a*b", "a?b", "a\nb", "a_b"]
    assert len(set(map(file_name, names))) == len(names)


def test_the_ending_stays() -> None:
    assert file_name("a:b.txt").endswith(".txt")


def test_each_component_of_a_path_is_made_safe() -> None:
    first, second = archive_path("in\\a/b:c.txt").split("/")
    assert (first[:5], second[:4], second[-4:]) == ("in_a~", "b_c~", ".txt")


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a b.txt", "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt"),
        ("é.txt", "attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%A9.txt"),
        ("50%.txt", "attachment; filename=\"50_.txt\"; filename*=UTF-8''50%25.txt"),
        ("it's", "attachment; filename=\"it's\"; filename*=UTF-8''it%27s"),
    ],
)
def test_the_header_has_both_forms_of_the_name(name: str, header: str) -> None:
    assert disposition(name) == header


def test_a_name_cannot_add_a_header() -> None:
    header = disposition('x"; filename=evil\r\nSet-Cookie: a=b')
    assert "\r" not in header and "\n" not in header
    assert header.count("filename=") == 2  # its own, and what is part of the quoted name
    assert header.count('"') == 2
