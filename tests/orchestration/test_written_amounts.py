"""What people write about consumables, in answers and commands alike."""

import pytest

from motet.model.consumption import Supply
from motet.orchestration.amounts import added

ACID = Supply("mL", each=2.0, stock=10.0)


@pytest.mark.parametrize(
    ("written", "amount"),
    [(4.0, 4.0), ("4", 4.0), ("4 mL", 4.0), ("2.5mL", 2.5), ("0.004 L", 4.0), ("0", 0.0), (" Full ", 9.0)],
)
def test_it_says_how_much_was_added(written: float | str, amount: float) -> None:
    assert added("acid", written, ACID, 1.0) == pytest.approx(amount)


@pytest.mark.parametrize("written", ["much", "-1", "4 g", "nan", "inf", True, "", "1e400"])
def test_anything_else_is_no_amount(written: str | bool) -> None:
    with pytest.raises(ValueError, match=r"acid: .* is no amount: a number \(mL\) of at least 0, or `full`, is needed"):
        added("acid", written, ACID, 1.0)


def test_a_bottle_that_is_fuller_than_full_has_nothing_added() -> None:
    assert added("acid", "full", ACID, 12.0) == 0.0
