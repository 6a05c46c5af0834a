"""JSON lines: one JSON object a line."""

import json
import math
from collections.abc import Iterable
from typing import TextIO

from motet.contracts.declarations import NoOptions
from motet.contracts.results import Row


class JsonLines:
    """One JSON object (RFC 8259) for each experiment, one a line, UTF-8.

    A number that is not finite, for which JSON has no word, becomes null.
    """

    def __init__(self, options: NoOptions) -> None:
        """There are no options."""

    def write(self, rows: Iterable[Row], out: TextIO) -> None:
        """Raises TypeError for a value that has no place in JSON."""
        for row in rows:
            finite = {name: None if _not_finite(value) else value for name, value in row.items()}
            out.write(json.dumps(finite, ensure_ascii=False, allow_nan=False) + "\n")


def _not_finite(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
