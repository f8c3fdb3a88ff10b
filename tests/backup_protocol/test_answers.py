"""A coordinator's answers become values, or a problem of the server's."""

from collections.abc import Mapping

import pytest

from cargo_sync.backup_protocol import frames
from cargo_sync.backup_protocol.answers import (
    FetchedFile,
    StoredFile,
    fetched_file,
    stored_files,
    stored_id,
)
from cargo_sync.backup_protocol.text import Listed
from cargo_sync.model.problems import Code, ProblemError


def read(frame: bytes) -> Mapping[str, object]:
    return frames.read_answer(frame[frames.LENGTH.size :])


def test_what_our_server_answers_is_read_back() -> None:
    assert stored_id(read(frames.stored("3507"))) == "3507"
    listed = read(frames.listed([Listed("1", "nota.txt"), Listed("2", "olá")]))
    assert stored_files(listed) == [StoredFile("1", "nota.txt", None), StoredFile("2", "olá", None)]
    assert fetched_file(read(frames.fetched("nota.txt", 0))) == FetchedFile("nota.txt", 0)


def test_what_is_not_told_is_empty() -> None:
    assert stored_id({}) == ""
    assert stored_files({}) == []
    assert stored_files({"list_nome_arquivo": [{}]}) == [StoredFile("", "", None)]
    assert fetched_file({"tamanho": 7}) == FetchedFile("", 7)


@pytest.mark.parametrize("size", [True, "7", 7.0, -1, 2**63, None])
def test_a_size_is_a_number_of_bytes(size: object) -> None:
    assert stored_files({"list_nome_arquivo": [{"tamanho": size}]})[0].size is None
    with pytest.raises(ProblemError, match="does not send the size") as caught:
        fetched_file({"tamanho": size})
    assert (caught.value.problem.code, caught.value.problem.retry) == (Code.PROTOCOL, False)


@pytest.mark.parametrize("files", [{}, "nota.txt", None, ["nota.txt"], [None]])
def test_a_list_that_is_none_is_a_problem_of_the_server(files: object) -> None:
    with pytest.raises(ProblemError, match="list of files") as caught:
        stored_files({"list_nome_arquivo": files})
    assert (caught.value.problem.code, caught.value.problem.retry) == (Code.PROTOCOL, False)
