"""The backup protocol: bytes as the published program sends and reads them, and the framed form."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cargo_sync.backup_protocol import frames, text
from cargo_sync.backup_protocol.messages import (
    BackupRefusal,
    BackupRequest,
    BackupStatus,
    BackupVerb,
)
from cargo_sync.backup_protocol.text import Listed, TextRequest

FRAMED = "porta 10001"


def take(*pieces: bytes) -> BackupRequest | None:
    request, found = TextRequest(), None
    for piece in pieces:
        assert found is None
        found = request.feed(piece)
    return found


def test_what_the_program_sends() -> None:
    sent = (
        b'TRANSMITIR{"apelido": "ana", "nome_arquivo": "nota.txt", "conteudo_arquivo": "ol\\u00e1"}'
    )
    assert take(sent) == BackupRequest(BackupVerb.SEND, "ana", name="nota.txt", content="olá")
    assert take(b"LISTAR", b'"ana"') == BackupRequest(BackupVerb.LIST, "ana")
    assert take(b"BAIXAR", b'{"id": "3507", "apelido": "ana"}') == BackupRequest(
        BackupVerb.FETCH, "ana", id="3507"
    )


def test_what_the_page_says() -> None:
    assert take(b'LISTAR {"apelido": "ana"}') == BackupRequest(BackupVerb.LIST, "ana")
    assert take(b'BAIXAR\n{"apelido": "ana", "id_arquivo": 3507}') == BackupRequest(
        BackupVerb.FETCH, "ana", id="3507"
    )


def test_it_waits_for_the_end() -> None:
    assert take(b"") is None
    assert take(b"TRANS", b"MITIR") is None
    assert take(b"LISTAR", b"  ", b'"a\\') is None
    assert take(b"LISTAR", b"  ", b'"a\\', b'"b"') == BackupRequest(BackupVerb.LIST, 'a"b')


@given(
    st.text(min_size=1, max_size=40).filter(str.strip),
    st.text(max_size=200),
    st.booleans(),
    st.lists(st.integers(0, 400), max_size=12),
)
def test_pieces_make_no_difference(
    nickname: str, content: str, ascii_only: bool, cuts: list[int]
) -> None:
    fields = {
        "apelido": nickname,
        "nome_arquivo": "n",
        "conteudo_arquivo": content,
        "x": [{"}": "]"}],
    }
    raw = b"TRANSMITIR" + json.dumps(fields, ensure_ascii=ascii_only).encode()
    edges = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    pieces = [raw[start:end] for start, end in pairwise(edges)]
    assert take(*pieces) == BackupRequest(BackupVerb.SEND, nickname, name="n", content=content)


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (b"GET / HTTP/1.1\r\n", "Verbo desconhecido: use TRANSMITIR, LISTAR ou BAIXAR"),
        (b"LISTAR nonsense", "O pedido não é JSON válido"),
        (b'LISTAR{"apelido": }', "O pedido não é JSON válido"),
        (b'LISTAR["ana"]', "O pedido não é um objeto JSON"),
        (b"LISTAR{}", 'Falta o campo "apelido"'),
        (b'BAIXAR{"apelido": "ana"}', 'Falta o campo "id"'),
        (
            b'TRANSMITIR{"apelido": "ana", "nome_arquivo": "n"}',
            'Falta o campo "conteudo_arquivo", ou',
        ),
        (b'TRANSMITIR{"apelido": "ana", "nome_arquivo": 7}', 'Falta o campo "nome_arquivo"'),
        (b'LISTAR"' + b"a" * 300 + b'"', '"apelido" tem mais de 255 caracteres'),
        (b"LISTAR" + b"[" * 30_000 + b"]" * 30_000, "O pedido tem campos demais"),
        (b"LISTAR[" + b'"x":0,' * 1024, "O pedido tem campos demais"),  # before its end
    ],
)
def test_what_is_none_is_refused(sent: bytes, sentence: str) -> None:
    with pytest.raises(BackupRefusal) as refused:
        take(sent)
    assert refused.value.sentence.startswith(sentence)
    assert refused.value.status is BackupStatus.COORDINATOR


def test_what_is_too_large_is_refused_while_it_comes() -> None:
    request = TextRequest(longest=100)
    assert request.feed(b'TRANSMITIR{"a": "') is None
    with pytest.raises(BackupRefusal, match="framed"):
        request.feed(b"x" * 100)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_refused(raw: bytes) -> None:
    for request in (TextRequest().feed, frames.read_request):
        try:
            request(raw)
        except BackupRefusal as refused:
            assert refused.sentence


def test_a_list_as_the_program_reads_it() -> None:
    assert text.listing("ana", [Listed("3507", "nota.txt")], FRAMED).decode() == (
        "\nUsuário: ana\n\n\nID: 3507 ---- Nome do Arquivo: nota.txt\n"
    )


@given(st.integers(0, 80), st.text(min_size=1, max_size=60))
def test_a_long_list_is_cut_at_a_line(count: int, name: str) -> None:
    answer = text.listing("ana", [Listed(str(number), name) for number in range(count)], FRAMED)
    lines = answer.decode().split("\n")
    assert len(answer) <= 1024
    shown = sum(line.startswith("ID: ") for line in lines)
    rest = [line for line in lines if line.startswith("… e mais ")]
    assert shown + sum(int(line.split()[3]) for line in rest) == count
    assert all(line.endswith(f"({FRAMED})") for line in rest)


def test_a_file_as_the_program_reads_it() -> None:
    assert text.file("nota.txt", b"ol\xc3\xa1", FRAMED) == (
        b'{"nome_arquivo": "nota.txt", "conteudo": "ol\\u00e1"}'
    )


def test_a_file_that_would_be_cut_is_refused() -> None:
    fits = "á" * 490  # 6 bytes each in the program's spelling, 2 in ours
    assert json.loads(text.file("n", fits.encode(), FRAMED)) == {
        "nome_arquivo": "n",
        "conteudo": fits,
    }
    for content in (b"x" * 1024, b"\xff"):
        with pytest.raises(BackupRefusal, match=FRAMED):
            text.file("n", content, FRAMED)


def test_a_sentence_is_never_cut_within_a_character() -> None:
    assert text.sentence("é" * 600) == ("é" * 512).encode()


def test_frames() -> None:
    request = {"verbo": "baixar", "apelido": "ana", "senha": "s", "id": "12"}
    raw = frames.frame(request)
    assert frames.length(raw[:4]) == len(raw) - 4
    assert frames.read_request(raw[4:]) == BackupRequest(BackupVerb.FETCH, "ana", "s", "12")
    sent = {"verbo": "TRANSMITIR", "apelido": "ana", "nome_arquivo": "n", "tamanho": 5}
    assert frames.read_request(json.dumps(sent).encode()) == BackupRequest(
        BackupVerb.SEND, "ana", name="n", size=5
    )
    assert "senha" not in repr(frames.read_request(raw[4:])) and "'s'" not in repr(
        frames.read_request(raw[4:])
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"verbo": "APAGAR", "apelido": "ana"},
        {"apelido": "ana"},
        {"verbo": "LISTAR", "apelido": "ana", "senha": 7},
        {"verbo": "TRANSMITIR", "apelido": "ana", "nome_arquivo": "n", "tamanho": -1},
        {"verbo": "TRANSMITIR", "apelido": "ana", "nome_arquivo": "n", "tamanho": True},
        {
            "verbo": "TRANSMITIR",
            "apelido": "ana",
            "nome_arquivo": "n",
            "tamanho": 2,
            "conteudo": "x",
        },
    ],
)
def test_bad_frames_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(BackupRefusal):
        frames.read_request(json.dumps(fields).encode())


def test_a_frame_may_not_be_of_any_length() -> None:
    with pytest.raises(BackupRefusal):
        frames.length(b"\xff\xff\xff\xff")


def test_answers_are_read_back() -> None:
    assert frames.read_answer(frames.stored("12")[4:]) == {"status": 255, "id": "12"}
    assert frames.read_answer(frames.listed([Listed("1", "n")])[4:])["list_nome_arquivo"] == [
        {"id": "1", "nome_arquivo": "n"}
    ]
    assert frames.read_answer(frames.fetched("n", 9)[4:]) == {
        "status": 255, "nome_arquivo": "n", "tamanho": 9,
    }  # fmt: skip
    with pytest.raises(BackupRefusal, match="cheio") as refused:
        frames.read_answer(
            frames.refused(BackupRefusal("o disco está cheio", BackupStatus.STORE))[4:]
        )
    assert refused.value.status is BackupStatus.STORE
    with pytest.raises(BackupRefusal):
        frames.read_answer(b'{"status": 200}')


@pytest.mark.parametrize(
    "inside",
    [
        b"[" + b"[]," * 100_000 + b"[]]",
        b"{" + b",".join(b'"%d":0' % number for number in range(20_000)) + b"}",
        b"[" + b'"",' * 100_000 + b'""]',
        b'"\\\\",' + b"[]," * 100_000 + b'"a":0',
        b" " * 100_000 + b"1",
    ],
)
def test_a_large_request_is_large_by_its_texts_only(inside: bytes) -> None:
    """The parser needs seconds for many small values, and holds up all threads meanwhile."""
    request = b'{"apelido":"ana","nome_arquivo":"n","conteudo_arquivo":"x","verbo":"LISTAR","a":%s}'
    with pytest.raises(BackupRefusal, match="campos demais"):
        frames.read_request(request % inside)
    with pytest.raises(BackupRefusal, match="campos demais"):
        take(b"LISTAR", request % inside)


@settings(max_examples=30)
@given(st.text(alphabet='a"\\[{é\n', max_size=40))
def test_a_large_text_arrives_as_it_is(part: str) -> None:
    content = part * (70_000 // max(1, len(part)))
    fields = {"verbo": "TRANSMITIR", "apelido": "ana", "nome_arquivo": "n"}
    body = json.dumps({**fields, "conteudo_arquivo": content}).encode()
    assert frames.read_request(body).content == content
