"""How much of what is endless is tried: inputs at random, seeds."""

import os

VARIABLE = "MOTET_TESTS"
"""`full`, which it is where it is not set, or `short`: fewer random inputs and seeds, for where time is short."""


def effort(full: int, short: int) -> int:
    """`full`, or `short` where MOTET_TESTS asks for that. ValueError where it asks for something else."""
    match os.environ.get(VARIABLE) or "full":
        case "full":
            return full
        case "short":
            return short
        case other:
            raise ValueError(f"{VARIABLE}={other}: full or short is needed")
