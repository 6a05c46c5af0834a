"""The manual device: it asks a person, here the simulated one."""

import asyncio
from typing import Any

import pytest

from motet.contracts.people import Answer, AnswerForm, Person, Question
from motet.devices import Context, Limits, Output, Verb
from motet.errors import ConnectionProblem, GarbledReply, InstrumentError, ProcedureError
from motet.simulation import LoopClock
from motet_drivers import manual as driver
from motet_simulators import manual as simulator

SCALE = 1000.0


class Awaited:
    """A person who never answers, and what was asked."""

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self.withdrawn = False
        self.why = ""
        self.begun = asyncio.Event()

    async def ask(self, question: Question) -> Answer:
        """Hear the question."""
        self.asked.append(question)
        self.begun.set()
        try:
            return await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError as error:
            self.why = "".join(map(str, error.args))
            self.withdrawn = True
            raise


def simulated(**options: Any) -> simulator.Manual:
    clock = LoopClock(asyncio.get_running_loop(), SCALE)
    return simulator.Manual(simulator.Options(**options), None, clock, seed=1)


def manual(person: Person | None, **options: Any) -> driver.Manual:
    return driver.Manual(Context("cell-balance", driver.Options(**options), Limits("", {}), person=person))


@pytest.mark.parametrize(
    ("form", "stated", "answer", "output"),
    [
        ({"answer": "number", "unit": "g"}, 12, 12.0, Output("g")),
        ({"answer": "number", "low": 0}, 0.5, 0.5, Output()),
        ({"answer": "text"}, "blue", "blue", Output("", "string")),
        ({"answer": "yes_no"}, False, False, Output("", "boolean")),
        ({"answer": "done"}, True, True, Output("", "boolean")),
    ],
    ids=str,
)
async def test_the_output_is_what_the_options_ask_for(
    form: dict[str, Any], stated: Any, answer: Answer, output: Output
) -> None:
    device = manual(simulated(answer=stated), **form)
    await device.connect()
    ask = device.verbs["ask"]
    await ask.set({"question": "What is it?"})
    assert ask.outputs == {"answer": answer}
    assert ask.spec.outputs == {"answer": output}
    (key,) = (await ask.describe()).values()
    assert (key["dtype"], key.get("units", "")) == (output.dtype, output.unit)
    assert (await ask.read())["cell-balance-answer"]["value"] == answer


async def test_a_question_names_who_asks_and_what_is_needed() -> None:
    person = Awaited()
    device = manual(person, answer="number", unit="mL", low=0, high=10)
    await device.connect()
    asking = asyncio.create_task(device.ask("How much is left?"))
    await person.begun.wait()
    asking.cancel()
    (question,) = person.asked
    assert (question.device, question.text) == ("cell-balance", "How much is left?")
    assert str(question.form) == "a number in [0, 10] mL"


async def test_stopping_withdraws_the_question() -> None:
    person = Awaited()
    device = manual(person)
    ask: Verb = device.verbs["ask"]
    status = ask.set({"question": "Change the plate, please"})
    await person.begun.wait()
    await ask.stop()
    async with asyncio.timeout(5):
        await status
    assert person.withdrawn
    assert not ask.running


async def test_a_question_waits_no_longer_than_it_may() -> None:
    person = Awaited()
    device = driver.Manual(
        Context("cell-balance", driver.Options(timeout="30 min"), Limits("", {}), person=person, scale=36_000.0)
    )
    with pytest.raises(ProcedureError, match="cell-balance: nobody answered 'Change the plate' within 30 min"):
        async with asyncio.timeout(5):
            await device.ask("Change the plate")
    assert (person.withdrawn, person.why) == (True, "nobody answered within 30 min")
    assert person.asked[0].within == "30 min"


async def test_a_simulated_person_may_be_too_late() -> None:
    options = driver.Options(timeout=10)
    late = simulated(delay="2 min")
    device = driver.Manual(Context("cell-balance", options, Limits("", {}), person=late, scale=SCALE))
    with pytest.raises(ProcedureError, match="within 10 s"):
        await device.ask("Change the plate")


async def test_a_question_to_a_device_that_is_stopped_says_so() -> None:
    person = Awaited()
    device = manual(person)
    asking = asyncio.create_task(device.ask("Change the plate"))
    await person.begun.wait()
    await device.safe()
    with pytest.raises(InstrumentError, match="'Change the plate' is withdrawn: the device was stopped"):
        await asking
    assert person.withdrawn


async def test_without_anybody_to_ask_connecting_fails() -> None:
    with pytest.raises(ConnectionProblem, match="cell-balance: nobody can be asked: there is no terminal"):
        await manual(None).connect()


class Careless:
    """A person whose face does not check what is answered."""

    async def ask(self, question: Question) -> Answer:
        """Too much."""
        return 11.0


async def test_an_answer_beyond_the_bounds_is_not_taken() -> None:
    device = manual(Careless(), answer="number", unit="mL", high=10)
    with pytest.raises(GarbledReply, match=r"'How much\?': the answer 11.0 will not do: a number of at most 10 mL"):
        await device.ask("How much?")


async def test_a_question_is_asked_in_words() -> None:
    device = manual(simulated(delay=0))
    with pytest.raises(ProcedureError, match="needs the argument 'question'"):
        device.verbs["ask"].check({})


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"answer": "number", "unit": "mmm"}, "did you mean 'mm'"),
        ({"answer": "text", "unit": "mm"}, "unit, low and high go with `answer: number`"),
        ({"low": 0}, "unit, low and high go with `answer: number`"),
        ({"answer": "number", "low": 5, "high": 5}, "low = 5 must be below high = 5"),
        ({"answer": "number", "low": "5"}, "valid number"),
        ({"timeout": "0 s"}, "'0 s' is no time to wait"),
        ({"timeout": "5 mm"}, "cannot be converted to s"),
        ({"answer": "maybe"}, "'number', 'text', 'yes_no' or 'done'"),
    ],
    ids=str,
)
def test_forms_of_answers_that_make_no_sense_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        driver.Options(**options)


@pytest.mark.parametrize(
    ("form", "given"),
    [
        ({"answer": "number"}, True),
        ({"answer": "number"}, "5"),
        ({"answer": "number"}, float("nan")),
        ({"answer": "number"}, float("inf")),
        ({"answer": "number", "low": 1}, 0),
        ({"answer": "text"}, 5),
        ({"answer": "text"}, "  "),
        ({"answer": "yes_no"}, "yes"),
        ({"answer": "yes_no"}, 1),
        ({"answer": "done"}, False),
        ({"answer": "done"}, None),
    ],
    ids=str,
)
def test_what_is_no_answer_is_refused_with_what_is_needed(form: dict[str, Any], given: object) -> None:
    wanted = AnswerForm(**form)
    with pytest.raises(ValueError, match="will not do") as caught:
        wanted.check(given)
    assert f"{wanted} is needed" in str(caught.value)
