"""Random calls in random order: driver and simulator must go on agreeing."""

from typing import ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from motet.errors import LimitError, MotetError, ProcedureError
from motet_conformance.agreement import differences
from motet_conformance.applies import drawn, where
from motet_conformance.base import Part, outcome
from motet_conformance.case import READ, Call, Case
from motet_conformance.rig import Rig, in_virtual_time, rig


class MachinePart(Part):
    """A state machine of random verbs."""

    examples: ClassVar[int] = 12
    """How many sequences are tried."""
    steps: ClassVar[int] = 8
    """How long each is."""

    @where(drawn)
    def test_after_any_calls_driver_and_simulator_agree(self) -> None:
        assert self.case.random is not None
        calls = self.case.random()
        case = self.case

        class Machine(RuleBasedStateMachine):
            """Collects calls, and makes them when a sequence ends: it is one piece of virtual time."""

            def __init__(self) -> None:
                super().__init__()
                self.calls: list[Call] = []

            @rule(call=calls)
            def call(self, call: Call) -> None:
                self.calls.append(call)

            def teardown(self) -> None:
                if self.calls:
                    in_virtual_time(lambda: _sequence(case, self.calls))

        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=self.examples,
                stateful_step_count=self.steps,
                deadline=None,
                derandomize=True,
                database=None,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
            ),
        )


async def _sequence(case: Case, calls: list[Call]) -> None:
    async with rig(case) as made:
        await made.ready()
        for number, call in enumerate(calls):
            done = ", then ".join(map(str, calls[: number + 1]))
            _, error = await outcome(made.do(call))
            if (problem := _unexpected(made, call, error)) is not None:
                raise AssertionError(f"{done}: {problem}") from error
            unlike = differences(await made.signals(), made.truth(), case.tolerance)
            assert not unlike, f"{done}: {unlike}"


def _unexpected(made: Rig, call: Call, error: Exception | None) -> str | None:
    """What is wrong with how a call ended."""
    refused = _refusal(made, call)
    if refused is not None:
        return None if isinstance(error, type(refused)) else f"it should be refused ({refused}), but {error!r}"
    if error is None or isinstance(error, call.fails):
        return None
    relative = call.verb != READ and made.device.verbs[call.verb].spec.relative
    if isinstance(error, LimitError) and relative:
        return None
    return f"{type(error).__name__}: {error}"


def _refusal(made: Rig, call: Call) -> MotetError | None:
    """Why a call must be refused before anything is sent."""
    if call.verb == READ:
        return None
    try:
        made.device.verbs[call.verb].check(call.arguments)
    except (LimitError, ProcedureError) as error:
        return error
    return None
