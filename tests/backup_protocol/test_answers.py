"""A coordinator's answers become values, or a problem of the server's."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_sync.backup_protocol import frames
from cargo_sync.backup_protocol.answers import (
    FetchedFile,
    StoredFile,
    fetched_file,
    stored_files,
    stored_id,
)
from cargo_sync.backup_protocol.messages import BackupRefusal, BackupStatus
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


FILES = st.lists(st.builds(Listed, st.text(max_size=12), st.text(max_size=12)), max_size=6)


@given(FILES, st.text(max_size=12), st.integers(0, 2**63 - 1))
def test_every_answer_is_read_back(files: list[Listed], name: str, size: int) -> None:
    found = stored_files(read(frames.listed(files)))
    assert found == [StoredFile(one.id, one.name, None) for one in files]
    assert fetched_file(read(frames.fetched(name, size))) == FetchedFile(name, size)
    assert stored_id(read(frames.stored(name))) == name


@given(st.text(max_size=12), st.sampled_from([BackupStatus.COORDINATOR, BackupStatus.STORE]))
def test_every_refusal_is_read_back(sentence: str, status: BackupStatus) -> None:
    with pytest.raises(BackupRefusal) as caught:
        read(frames.refused(BackupRefusal(sentence, status)))
    assert (caught.value.sentence, caught.value.status) == (sentence.strip(), status)


FIELDS = st.sampled_from(["status", "id", "tamanho", "nome_arquivo", "list_nome_arquivo", "x"])
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda some: st.one_of(st.lists(some, max_size=3), st.dictionaries(FIELDS, some, max_size=3)),
    max_leaves=8,
)


@given(st.one_of(st.binary(max_size=100), JSON.map(lambda value: json.dumps(value).encode())))
def test_any_answer_is_a_value_or_a_problem(body: bytes) -> None:
    try:
        answer = frames.read_answer(body)
        stored_files(answer)
        fetched_file(answer)
    except BackupRefusal as refused:
        assert refused.status != BackupStatus.DONE
    except ProblemError as error:
        assert error.problem.code == Code.PROTOCOL
