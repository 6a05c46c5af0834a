"""Amounts of consumables as people write them: in an answer to a campaign's question, or in a command."""

import math

from motet.files.units import convert
from motet.model.consumption import FULL, Supply
from motet.model.values import Value


def is_full(written: Value) -> bool:
    """Whether somebody wrote that there is as much again as the lab file states."""
    return isinstance(written, str) and written.strip().lower() == FULL


def amount_of(name: str, written: Value, supply: Supply) -> float:
    """A number, or a quantity in any unit of its kind, in the consumable's unit. Raises ValueError with what is
    needed."""
    needed = f"{name}: {written!r} is no amount: a number ({supply.unit or 'pieces'}) of at least 0, or `{FULL}`"
    if isinstance(written, bool):
        raise ValueError(f"{needed}, is needed")
    try:
        amount = convert(written, supply.unit)
    except ValueError as error:
        raise ValueError(f"{needed}, is needed ({error})") from None
    if not 0 <= amount < math.inf:
        raise ValueError(f"{needed}, is needed")
    return amount


def added(name: str, written: Value, supply: Supply, left: float) -> float:
    """How much was added to what was `left`; `full` is all that the lab file states. Raises ValueError as
    `amount_of`."""
    return max(0.0, (supply.stock or 0.0) - left) if is_full(written) else amount_of(name, written, supply)
