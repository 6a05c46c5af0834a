"""Values as JSON text and back."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.errors import StoreError
from motet.store.encode import dumps, loads

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_characters="$")), inner),
    max_leaves=20,
)


@given(PLAIN)
def test_plain_values_come_back(value: object) -> None:
    assert loads(dumps(value)) == value


def _refuse(constant: str) -> float:
    raise AssertionError(f"{constant} is not JSON")


@pytest.mark.parametrize("value", [math.nan, np.float32("nan"), [math.inf], {"a": (1.0, -math.inf)}])
def test_the_text_is_valid_json_even_with_nan_inside(value: object) -> None:
    json.loads(dumps(value), parse_constant=_refuse)


@pytest.mark.parametrize("value", [math.inf, -math.inf, np.float64("inf")])
def test_infinities_come_back(value: float) -> None:
    assert loads(dumps(value)) == value


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.int16).reshape(2, 3),
        np.array([0.1, math.nan, -math.inf]),
        np.zeros((0, 3)),
        np.array(2.5),
        np.array([True, False]),
        np.array(["ä", "<b>"]),
    ],
)
def test_arrays_come_back_with_dtype_and_shape(
    array: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]",
) -> None:
    back = loads(dumps({"trace": array}))["trace"]
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize("value", [object(), {1}, b"bytes", np.array([1j]), [math.nan, object()]])
def test_what_json_has_no_place_for_is_refused(value: object) -> None:
    with pytest.raises(StoreError, match="cannot be stored"):
        dumps(value)
