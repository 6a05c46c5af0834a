"""What is left of consumables as a campaign goes on, and where its samples are."""

from motet.model.consumption import Stocks, Supply, cost_of, used_up
from motet.model.experiment import State, Suggestion
from motet.model.lab import Consumable, Device, Lab, Station
from motet.model.sample import Visit, samples
from motet.store import Attempt, ExperimentRow

SUPPLIES = {
    "acid": Supply("mL", each=2.0, stock=10.0, refill_at=5.0),
    "tip": Supply(each=3.0, stock=7.0),
    "gas": Supply("L", each=1.0),
    "plate": Supply(stock=0.0),
}
MIX = {"acid": Supply("mL", each=2.0), "tip": Supply(each=1.0), "gas": Supply("L", each=1.0)}


def test_a_person_is_asked_before_it_runs_dry_and_a_stage_waits_when_there_is_too_little() -> None:
    stocks = Stocks(SUPPLIES, {"acid": 6.0})
    assert (stocks.left("acid"), stocks.left("tip"), stocks.left("gas")) == (6.0, 7.0, None)
    assert stocks.low() == stocks.lacking(MIX) == ()
    stocks = Stocks(SUPPLIES, {"acid": 4.0})
    assert (stocks.low(), stocks.lacking(MIX)) == (("acid",), ())
    stocks = Stocks(SUPPLIES, {"acid": 1.5, "tip": 0.5})
    assert (stocks.low(), stocks.lacking(MIX)) == (("acid", "tip"), ("acid", "tip"))


def test_what_floats_lose_is_not_lacking() -> None:
    supplies, left = {"acid": Supply("mL", each=0.1, stock=0.3)}, 0.3
    for _ in range(3):
        assert Stocks(supplies, {"acid": left}).lacking(supplies) == ()
        left -= 0.1
    assert Stocks(supplies, {"acid": left}).lacking(supplies) == ("acid",)


def test_the_question_says_what_is_left_and_what_an_experiment_uses() -> None:
    question = Stocks(SUPPLIES, {"acid": 3.0}).question("acid")
    assert question.text == (
        "acid is low: 3 mL left; one experiment uses 2 mL. How much was added (mL), or is it full again?"
    )
    assert question.form.check("full") == "full"


def test_runs_of_each_stage_use_up_and_cost_what_that_stage_does() -> None:
    stages = {"mix": MIX, "measure": {"tip": Supply(each=2.0), "acid": Supply("mL")}}
    amounts = used_up(stages, {"mix": 5, "measure": 3})
    assert amounts == {"acid": 10.0, "tip": 11.0, "gas": 5.0}
    station = Station(devices={"stage": Device(driver="soft")}, price_per_hour=10.0)
    lab = Lab(lab="bench", stations={"a": station}, consumables={"tip": Consumable(price=0.5)})
    assert cost_of(lab, {"tip": Supply(price=0.5), "acid": Supply(), "gas": Supply()}, amounts, {"a": 2.0}) == 25.5


def test_a_sample_is_where_its_experiment_was_last() -> None:
    def row(number: int, state: State, *attempts: Attempt) -> ExperimentRow:
        return ExperimentRow(f"c-1/{number}", number, state, Suggestion({}, ""), {}, "", None, 0.0, attempts, None)

    made = Attempt(1, "bench1", 1.0, 5.0, stage="make")
    found = samples(
        [
            row(
                1, State.DONE, made, Attempt(2, "meter", 6.0, 7.0, "no reply", "measure"), Attempt(3, "meter", 8.0, 9.0)
            ),
            row(2, State.RUNNING, Attempt(1, "bench2", 1.0)),
            row(3, State.PLANNED),
        ]
    )
    assert [sample.place for sample in found] == ["meter", "bench2", None]
    assert [sample.is_at_work for sample in found] == [False, True, False]
    assert found[0].history[:2] == (Visit("bench1", "make", 1.0, 5.0), Visit("meter", "measure", 6.0, 7.0, "no reply"))
    assert [str(visit) for visit in found[0].history] == ["make at bench1", "measure at meter", "meter"]
    assert (found[0].id, found[0].state) == ("c-1/1", "done")
