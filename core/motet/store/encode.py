"""Values as JSON text and back: numpy arrays and scalars, NaN and infinities survive the way.

A float that JSON has no word for is written `{"$float": "nan"}`; an array `{"$array": [...], "dtype":
"float64"}`, with the same words inside it. The text is valid JSON, so that SQLite's own JSON functions and
other programs can read it.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from motet.errors import StoreError

_FLOAT, _ARRAY = "$float", "$array"


def dumps(value: object) -> str:
    """`value` as compact JSON text. Raises StoreError naming the type that has no place in JSON."""
    try:
        try:
            return _encoder.encode(value)
        except ValueError:  # a NaN or an infinity: rare, so only then is everything walked through
            return _encoder.encode(_finite(value))
    except TypeError as error:
        raise StoreError(f"cannot be stored as JSON: {error}") from error


def loads(text: str) -> Any:
    """What `dumps` was given, with tuples as lists."""
    return _decoder.decode(text)


def _default(value: object) -> object:
    if isinstance(value, np.ndarray):
        return _array(cast("NDArray[Any]", value))
    if isinstance(value, np.generic):
        return cast("object", value.item())
    if isinstance(value, Mapping):
        return dict(cast("Mapping[Any, Any]", value))
    raise TypeError(f"{type(value).__name__} {value!r}; allowed are JSON's own types, numpy arrays and scalars")


def _array(array: NDArray[Any]) -> dict[str, Any]:
    if array.dtype.kind not in "biufU":
        raise TypeError(f"array of dtype {array.dtype}; allowed are booleans, integers, floats and strings")
    written: dict[str, Any] = {_ARRAY: array.tolist(), "dtype": array.dtype.str}
    return written if array.size else written | {"shape": array.shape}


def _finite(value: object) -> object:
    """The value with every non-finite float spelt out."""
    match value:
        case float() if not math.isfinite(value):
            return {_FLOAT: repr(float(value))}
        case np.ndarray() | np.generic():
            return _finite(_default(cast("object", value)))
        case Mapping():
            return {key: _finite(item) for key, item in cast("Mapping[Any, object]", value).items()}
        case list() | tuple():
            return [_finite(item) for item in cast("list[object]", value)]
        case _:
            return value


def _hook(found: dict[str, Any]) -> object:
    if _FLOAT in found and len(found) == 1:
        return float(found[_FLOAT])
    if _ARRAY in found and "dtype" in found:
        array = np.array(found[_ARRAY], dtype=np.dtype(found["dtype"]))
        return array.reshape(found["shape"]) if "shape" in found else array
    return found


_encoder = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_default)
_decoder = json.JSONDecoder(object_hook=_hook)
