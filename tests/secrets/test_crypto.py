"""Sealed texts: what they look like, and what happens to one that is not as it was."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windlass.errors import WindlassError
from windlass.secrets import crypto

KEY, OTHER_KEY = "a" * 64, "b" * 64


def seal(text: str) -> str:
    return crypto.seal(text, key=KEY, workspace="main")


def flipped(sealed: str, position: int) -> str:
    raw = bytearray(base64.b64decode(sealed))
    raw[position] ^= 1
    return base64.b64encode(raw).decode()


@given(st.text())
def test_every_text_comes_back_as_it_was(text):
    assert crypto.reveal(seal(text), key=KEY, workspace="main") == text


@given(st.text())
def test_the_command_line_recognises_a_sealed_text_by_its_length(text):
    assert len(base64.b64decode(seal(text))) % 16 == 0


def test_the_same_text_is_sealed_differently_each_time():
    assert seal("same") != seal("same")


def test_the_length_of_a_short_text_is_hidden_up_to_a_block():
    assert len(seal("a")) == len(seal("a" * 15))


@pytest.mark.parametrize("position", [4, 15, 16, 31, -1])
def test_an_altered_byte_is_noticed(position):
    with pytest.raises(WindlassError, match="altered"):
        crypto.reveal(flipped(seal("secret"), position), key=KEY, workspace="main")


def test_another_workspace_cannot_read_it():
    with pytest.raises(WindlassError, match="another workspace"):
        crypto.reveal(seal("secret"), key=KEY, workspace="other")


def test_another_key_is_named_by_its_id():
    with pytest.raises(
        WindlassError, match=f"another key.*{crypto.key_id(KEY).hex()}.*{crypto.key_id(OTHER_KEY).hex()}"
    ):
        crypto.reveal(seal("secret"), key=OTHER_KEY, workspace="main")


@pytest.mark.parametrize("text", ["", "plain text", "é", "QUJD", base64.b64encode(b"\x02" * 48).decode()])
def test_what_was_never_sealed_is_refused(text):
    with pytest.raises(WindlassError, match="not an encrypted value"):
        crypto.reveal(text, key=KEY, workspace="main")
