import pytest
from blake3 import blake3

from cargo_sync.model.contents import EMPTY_HASH, is_hash


def test_the_content_of_no_bytes() -> None:
    assert blake3(b"").hexdigest() == EMPTY_HASH


@pytest.mark.parametrize(
    "text",
    ["", "a" * 63, "a" * 65, "A" * 64, "g" * 64, "../" * 21 + "a", "a" * 64 + "\n", "٣" * 64],
)
def test_what_is_no_hash(text: str) -> None:
    assert not is_hash(text)
    assert is_hash("0123456789abcdef" * 4)
