"""The simulated person: what is answered, and when."""

import asyncio
from typing import Any

import pytest

from motet.contracts.people import Answer, AnswerForm, Question
from motet.errors import ProcedureError
from motet.simulation.manual import ManualClock
from motet_simulators.manual import Manual, Options, problem

NUMBER = AnswerForm(answer="number", unit="mL", low=0, high=10)
TEXT = AnswerForm(answer="text")
DONE = AnswerForm()


def person(seed: int = 1, **options: Any) -> tuple[Manual, ManualClock]:
    clock = ManualClock()
    return Manual(Options(**options), None, clock, seed), clock


async def answers(form: AnswerForm, times: int, **options: Any) -> list[Answer]:
    somebody, clock = person(**options)
    given: list[Answer] = []
    for _ in range(times):
        asked = asyncio.ensure_future(somebody.ask(Question("cell-balance", "How much?", form)))
        await asyncio.sleep(0)
        clock.advance(0)
        given.append(await asked)
    return given


async def test_one_answer_is_always_the_same() -> None:
    assert await answers(NUMBER, 3, answer=5) == [5, 5, 5]


async def test_answers_come_in_turn_and_begin_again() -> None:
    assert await answers(TEXT, 3, answers=["red", "blue"]) == ["red", "blue", "red"]


async def test_numbers_are_drawn_within_the_bounds_and_alike_for_a_seed() -> None:
    drawn = await answers(NUMBER, 200, normal=[5, 5])
    assert all(isinstance(number, float) and 0 <= number <= 10 for number in drawn)
    assert {0.0, 10.0} < set(drawn)
    assert drawn == await answers(NUMBER, 200, normal=[5, 5])
    assert drawn != await answers(NUMBER, 200, normal=[5, 5], seed=2)
    assert await answers(AnswerForm(answer="number"), 2, normal=[5, 0]) == [5, 5]


@pytest.mark.parametrize(("delay", "seconds"), [("5 min", 300), (300, 300), ("0.5 s", 0.5)])
async def test_an_answer_takes_its_delay_in_lab_time(delay: float | str, seconds: float) -> None:
    somebody, clock = person(delay=delay)
    asked = asyncio.ensure_future(somebody.ask(Question("cell-plate", "Change the plate, please", DONE)))
    await asyncio.sleep(0)
    clock.advance(seconds * 0.99)
    await asyncio.sleep(0)
    assert not asked.done()
    clock.advance(seconds * 0.01)
    assert await asked is True


async def test_a_question_that_is_withdrawn_leaves_no_timer() -> None:
    somebody, clock = person(delay="1 h")
    asked = asyncio.ensure_future(somebody.ask(Question("cell-plate", "Change the plate, please", DONE)))
    await asyncio.sleep(0)
    assert clock.waiting == 1
    asked.cancel()
    clock.advance(3600)  # falls due in the same turn
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert clock.waiting == 0


async def test_a_question_without_a_stated_answer_fails_the_experiment() -> None:
    somebody, _ = person(delay=5)
    with pytest.raises(
        ProcedureError, match="cell-balance: 'How much\\?' cannot be answered: a campaign with a manual"
    ):
        await somebody.ask(Question("cell-balance", "How much?", NUMBER))


@pytest.mark.parametrize(
    ("form", "options", "reason"),
    [
        (DONE, {}, "needs a stated answer or delay: a `delay`, such as 5 min"),
        (DONE, {"delay": 0}, None),
        (DONE, {"answer": True}, None),
        (DONE, {"answer": False}, r"the answer False will not do: true \(for done\) is needed"),
        (NUMBER, {}, r"`answer`, `answers` or `normal` \(a number in \[0, 10\] mL\), and a `delay` where"),
        (NUMBER, {"delay": 5}, "needs a stated answer or delay"),
        (NUMBER, {"answer": 5}, None),
        (NUMBER, {"answer": "5"}, "the answer '5' will not do"),
        (NUMBER, {"answers": [5, 11]}, r"the answer 11.0 will not do: a number in \[0, 10\] mL is needed"),
        (NUMBER, {"normal": [5, 1], "delay": "5 min"}, None),
        (TEXT, {}, r"`answer` or `answers` \(text\)"),
        (TEXT, {"normal": [5, 1]}, "`normal` gives numbers: text is needed"),
        (TEXT, {"answers": ["a", "b"]}, None),
        (AnswerForm(answer="yes_no"), {"answer": "yes"}, r"true or false \(for yes or no\) is needed"),
        (AnswerForm(answer="yes_no"), {"answers": [True, False]}, None),
    ],
    ids=str,
)
def test_what_must_be_stated_depends_on_what_is_asked(
    form: AnswerForm, options: dict[str, Any], reason: str | None
) -> None:
    found = problem(form, Options(**options))
    if reason is None:
        assert found is None
    else:
        with pytest.raises(ValueError, match=reason):
            raise ValueError(found)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"answer": 1, "answers": [1]}, "only one of them is needed"),
        ({"answer": 1, "normal": [1, 1]}, "only one of them is needed"),
        ({"answers": []}, "at least 1"),
        ({"normal": [1, -1]}, "greater than or equal to 0"),
        ({"normal": [1]}, "Field required"),
        ({"delay": -1}, "0 s or more"),
        ({"delay": "5 mm"}, "cannot be converted to s"),
        ({"delay": "soon"}, "is not a quantity"),
        ({"delay": True}, "lab seconds, or a quantity"),
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Options(**options)
