"""Whether two sets of values agree, within tolerances."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np


def differences(found: Mapping[str, Any], wanted: Mapping[str, Any], tolerance: Mapping[str, float]) -> list[str]:
    """What is in `wanted` and not so in `found`, in words."""
    unlike: list[str] = []
    for key, value in wanted.items():
        if key not in found:
            unlike.append(f"{key} is not there; there is: {', '.join(found) or 'nothing'}")
        elif not same(found[key], value, tolerance.get(key, 0.0)):
            within = f" within {tolerance[key]:g}" if key in tolerance else ""
            unlike.append(f"{key} is {found[key]!r}, not {value!r}{within}")
    return unlike


def same(found: Any, wanted: Any, tolerance: float = 0.0) -> bool:
    """Numbers are the same within `tolerance`, or 1e-9 of their size; lists are when their elements are."""
    if isinstance(found, bool) or isinstance(wanted, bool):
        return bool(found) == bool(wanted)
    if isinstance(found, int | float) and isinstance(wanted, int | float):
        both_nan = math.isnan(found) and math.isnan(wanted)
        return both_nan or math.isclose(found, wanted, rel_tol=1e-9, abs_tol=max(tolerance, 1e-12))
    these, those = _listed(found), _listed(wanted)
    if these is None or those is None:
        return bool(found == wanted)
    pairs = zip(these, those, strict=False)
    return len(these) == len(those) and all(same(this, that, tolerance) for this, that in pairs)


def _listed(value: Any) -> Sequence[Any] | None:
    """A list, tuple or array as a list."""
    if isinstance(value, np.ndarray):
        return cast("list[Any]", value.tolist())
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else None
