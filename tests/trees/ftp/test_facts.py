"""Lines of listings, as servers of our days write them."""

import pytest

from cargo_sync.model.abilities import SECOND
from cargo_sync.model.entries import BY_UMASK, FILE, FOLDER, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.ftp.channel import port_of
from cargo_sync.trees.ftp.entries import entry_of, refusal_of, written
from cargo_sync.trees.ftp.facts import Fact, of_facts, of_listing, time_of
from cargo_sync.trees.ftp.line import check_command
from cargo_sync.trees.ftp.problems import refused

AT = 1_600_000_000 * SECOND


@pytest.mark.parametrize(
    ("line", "fact"),
    [
        (
            "modify=20200913122640;perm=adfrw;size=5;type=file;unique=FE00U21628D;"
            "UNIX.mode=0640;UNIX.owner=33; x",
            Fact("x", "file", 5, AT, 0o640),
        ),
        ("type=dir;sizd=4096;modify=20200913122640.5;UNIX.mode=0755; [a]*",
         Fact("[a]*", "dir", None, AT, 0o755)),
        ("Type=file;Modify=20200913122640;Size=0;  -rf é ", Fact(" -rf é ", "file", 0, AT)),
        ("type=cdir;modify=20200913122640; .", None),
        ("type=pdir; ..", None),
        ("type=OS.unix=slink:/x; l", Fact("l", "link")),
        ("type=OS.unix=symlink;size=1; l", Fact("l", "link", 1)),
        ("type=file;size=99999999999999999999;modify=2020; x", Fact("x", "file")),
    ],
)  # fmt: skip
def test_a_line_of_facts(line: str, fact: Fact | None) -> None:
    assert of_facts(line) == fact


@pytest.mark.parametrize(
    ("line", "fact"),
    [
        ("-rw-r-----    1 33       33              5 Sep 13  2020 x", Fact("x", "file", 5)),
        ("-rw-r--r--    1 33  33  0 Nov 30 02:00  -rf é ", Fact(" -rf é ", "file", 0)),
        ("drwxr-xr-x    4 33  www-data  4096 Nov 30 02:00 .", Fact(".", "dir", 4096)),
        ("-rw-r--r--+   1 ftp 12 Jan  1 12:00 no group", Fact("no group", "file", 12)),
        ("-rwxrwxrwx 1 ftp ftp            5 Nov 30 02:00 1 2 x", Fact("1 2 x", "file", 5)),
        ("lrwxrwxrwx 1 a b 7 Nov 30 02:00 l -> x/y", Fact("l", "link", 7)),
        ("crw-rw-rw- 1 root root 1, 3 Nov 30 02:00 null", Fact("null", "c")),
        ("09-13-20  12:26PM       <DIR>          a b", Fact("a b", "dir")),
        ("09-13-2020  12:26                   12 a b", Fact("a b", "file", 12)),
    ],
)
def test_a_line_for_people(line: str, fact: Fact) -> None:
    assert list(of_listing(f"total 12\r\n{line}\r\n")) == [fact]


def test_a_line_that_is_not_understood_ends_the_listing() -> None:
    for work in (lambda: of_listing("x.txt\r\n"), lambda: of_facts("type=file;size=1;x")):
        with pytest.raises(ProblemError) as caught:
            work()
        assert caught.value.problem.code is Code.BAD_ANSWER


def test_an_entry_needs_size_and_time() -> None:
    said = Fact("x", "file", 5, AT, 0o100640)
    found = entry_of("f/x", said, modes=True)
    assert isinstance(found, Entry)
    assert found[:5] == ("x", FILE, 5, AT, 0o640)
    other = entry_of("f/x", said._replace(time=AT + SECOND), modes=False)
    assert isinstance(other, Entry) and (other.mode, other.ident) == (BY_UMASK, 0)
    assert other.version not in (0, 1, found.version)
    assert entry_of("d", Fact("d", "dir", 4096, AT), modes=True) == Entry(
        "d", FOLDER, mode=BY_UMASK, version=1
    )
    for fact, code in (
        (said._replace(size=None), Code.UNREADABLE),
        (said._replace(time=None), Code.UNREADABLE),
        (said._replace(kind="link"), Code.SYMLINK),
        (said._replace(kind="c"), Code.SPECIAL),
    ):
        problem = entry_of("f/x", fact, modes=True)
        assert isinstance(problem, Problem) and problem.code is code


def test_names_of_the_server_are_checked() -> None:
    for name, folder in (("", ""), ("a/b", ""), ("..", "f"), ("a\rb", ""), ("\udce9", "f")):
        problem = refusal_of(name, folder)
        assert problem is not None and problem.code is Code.BAD_NAME, name
        problem.message.encode()
    assert refusal_of(".cargo_sync", "f") is not None
    assert refusal_of(".cargo_sync", ".cargo_sync/trash/run/f") is None
    assert refusal_of("a b*", "f") is None


def test_times_are_of_utc_and_within_what_servers_can_say() -> None:
    assert (time_of("20200913122640"), time_of("20201313122640"), time_of("x")) == (AT, None, None)
    assert written(AT + 123) == "20200913122640"
    assert (written(-SECOND), written(2**40 * SECOND)) == ("19700101000000", "21060207062815")


def test_only_the_port_of_a_data_connection_is_read() -> None:
    assert port_of("Entering Extended Passive Mode (|||32635|)") == 32635
    assert port_of("Entering Passive Mode (10,0,0,1,4,1).") == 1025
    assert port_of("=10,0,0,1,4,1") == 1025
    for text in ("", "(|||0|)", "(|||70000|)", "(10,0,0,1,256,1)", "(10,0,0,1,0,0)"):
        with pytest.raises(ProblemError):
            port_of(text)


def test_no_name_begins_another_command() -> None:
    check_command("DELE /a b", "a b")
    for name in ("a\r\nDELE b", "a\nb", "a\rb", "a\0b"):
        with pytest.raises(ProblemError) as caught:
            check_command(f"DELE /{name}", name)
        assert caught.value.problem.code is Code.BAD_NAME


@pytest.mark.parametrize(
    ("number", "text", "code", "words"),
    [
        (421, "Timeout.", Code.BUSY, "ends the connection"),
        (426, "", Code.CUT, "data connection"),
        (452, "", Code.DISK_FULL, "no room for 'x'"),
        (500, "", Code.UNSUPPORTED, "'x'"),
        (522, "SSL connection failed", Code.TLS, "does not resume the TLS session"),
        (530, "Login incorrect.", Code.UNAUTHORIZED, "refuses this login"),
        (550, "Permission denied.", Code.UNREADABLE, "'x'"),
        (550, "No\x1b[2Jsuch", Code.REFUSED, "No?[2Jsuch"),
        (552, "", Code.OVER_QUOTA, "quota"),
        (599, "", Code.REFUSED, "answers 599"),
    ],
)
def test_an_answer_is_said_for_people(number: int, text: str, code: Code, words: str) -> None:
    error = refused(number, text, "h:21", "x")
    assert (error.number, error.problem.code) == (number, code)
    assert words in error.problem.message
