"""What attempts use up and cost, and how far stocks go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.model.consumption import Supply, consumption
from motet.model.lab import Consumable, Device, Lab, Station


def lab(rate: float | None = None, **prices: float | None) -> Lab:
    stage = {"stage": Device(driver="soft")}
    return Lab(
        lab="bench",
        stations={"a": Station(devices=stage, price_per_hour=rate), "b": Station(devices=stage)},
        consumables={name: Consumable(price=price) for name, price in prices.items()},
    )


def test_every_attempt_uses_up_and_costs_the_same() -> None:
    supplies = {"acid": Supply("mL", each=0.5, price=0.02), "plate": Supply(each=1, price=12.5)}
    found = consumption(lab(acid=0.02, plate=12.5), supplies, attempts=10)
    assert found.amounts == {"acid": 5.0, "plate": 10.0}
    assert found.cost == pytest.approx(125.1)
    assert found.short == {}


def test_the_hours_of_stations_with_a_price_cost() -> None:
    assert consumption(lab(30.0), {}, 5, {"a": 2.5, "b": 100.0}).cost == pytest.approx(75.0)


def test_without_any_price_there_is_no_cost() -> None:
    supplies = {"acid": Supply("mL", each=0.5)}
    found = consumption(lab(acid=None), supplies, 10, {"a": 2.0})
    assert (found.amounts, found.cost) == ({"acid": 5.0}, None)


def test_where_a_price_is_stated_what_costs_nothing_costs_nothing() -> None:
    assert consumption(lab(acid=0.02), {"acid": Supply("mL", price=0.02)}, 10).cost == 0
    assert consumption(lab(plate=0.0), {"plate": Supply(each=1, price=0.0)}, 10).cost == 0


def test_what_the_procedure_does_not_use_is_left_out() -> None:
    supplies = {"acid": Supply("mL", stock=0, price=0.02), "plate": Supply(each=2)}
    found = consumption(lab(acid=0.02), supplies, 3)
    assert (found.amounts, found.short) == ({"plate": 6.0}, {})


def test_stocks_that_run_short_say_after_how_many_attempts() -> None:
    supplies = {
        "acid": Supply("mL", each=0.5, stock=500),
        "plate": Supply(each=3, stock=40),
        "tip": Supply(each=1, stock=0),
        "gas": Supply("L", each=1),
    }
    assert consumption(lab(), supplies, 13).short == {"tip": 0}
    assert consumption(lab(), supplies, 14).short == {"plate": 13, "tip": 0}
    assert consumption(lab(), supplies, 1001).short == {"acid": 1000, "plate": 13, "tip": 0}


def test_no_attempts_use_up_nothing() -> None:
    found = consumption(lab(plate=1.0), {"plate": Supply(each=1, stock=0, price=1.0)}, 0)
    assert (found.amounts, found.cost, found.short) == ({"plate": 0}, 0, {})


def test_a_station_that_is_not_in_the_lab_is_an_error() -> None:
    with pytest.raises(KeyError, match="c"):
        consumption(lab(30.0), {}, 1, {"c": 1.0})


@given(st.floats(1e-6, 1e6), st.integers(0, 10_000))
def test_a_stock_of_n_portions_lasts_for_n_attempts(each: float, times: int) -> None:
    assert Supply(each=each, stock=each * times).lasts == times
