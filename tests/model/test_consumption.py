"""What attempts use up and cost, and how far stocks go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.model.consumption import Supply, cost_of, used_up
from motet.model.lab import Consumable, Device, Lab, Station


def lab(rate: float | None = None, **prices: float | None) -> Lab:
    stage = {"stage": Device(driver="soft")}
    return Lab(
        lab="bench",
        stations={"a": Station(devices=stage, price_per_hour=rate), "b": Station(devices=stage)},
        consumables={name: Consumable(price=price) for name, price in prices.items()},
    )


def test_every_run_of_a_stage_uses_up_and_costs_the_same() -> None:
    supplies = {"acid": Supply("mL", each=0.5, price=0.02), "plate": Supply(each=1, price=12.5)}
    amounts = used_up({"": supplies}, {"": 10})
    assert amounts == {"acid": 5.0, "plate": 10.0}
    assert cost_of(lab(acid=0.02, plate=12.5), supplies, amounts) == pytest.approx(125.1)


def test_stages_use_up_what_each_of_them_does() -> None:
    stages = {"make": {"acid": Supply("mL", each=0.5)}, "look": {"acid": Supply("mL", each=0.1), "tip": Supply(each=1)}}
    assert used_up(stages, {"make": 10, "look": 4}) == {"acid": pytest.approx(5.4), "tip": 4}


def test_the_hours_of_stations_with_a_price_cost() -> None:
    assert cost_of(lab(30.0), {}, {}, {"a": 2.5, "b": 100.0}) == pytest.approx(75.0)


def test_without_any_price_there_is_no_cost() -> None:
    assert cost_of(lab(acid=None), {"acid": Supply("mL", each=0.5)}, {"acid": 5.0}, {"a": 2.0}) is None


def test_where_a_price_is_stated_what_costs_nothing_costs_nothing() -> None:
    assert cost_of(lab(acid=0.02), {"acid": Supply("mL", price=0.02)}, {}) == 0
    assert cost_of(lab(plate=0.0), {"plate": Supply(each=1, price=0.0)}, {"plate": 10}) == 0


def test_what_the_procedure_does_not_use_is_left_out() -> None:
    supplies = {"acid": Supply("mL", stock=0, price=0.02), "plate": Supply(each=2)}
    assert used_up({"": supplies}, {"": 3}) == {"plate": 6.0}


def test_a_stock_is_short_of_what_is_more_than_it() -> None:
    assert [Supply(each=3, stock=40).is_short(3 * runs) for runs in (13, 14)] == [False, True]
    assert not Supply("L", each=1).is_short(1e9)


def test_a_station_that_is_not_in_the_lab_is_an_error() -> None:
    with pytest.raises(KeyError, match="c"):
        cost_of(lab(30.0), {}, {}, {"c": 1.0})


@given(st.floats(1e-6, 1e6), st.integers(0, 10_000))
def test_a_stock_of_n_portions_lasts_for_n_attempts(each: float, times: int) -> None:
    assert Supply(each=each, stock=each * times).lasts == times
