"""JSON values as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windlass.errors import BadRequest
from windlass.resources.values import decode, encode

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_every_value_comes_back(value):
    assert decode(encode(value)) == value


def test_half_a_surrogate_pair_is_escaped():
    assert encode("\ud83d") == b'"\\ud83d"'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_what_json_cannot_say_is_refused(value):
    with pytest.raises(BadRequest, match="value:"):
        encode(value)
