"""What must be refused before a byte is sent: values beyond limits, wrong names and types."""

import math
from collections.abc import Iterator
from typing import Any

import pytest

from motet.devices import Limit, VerbSpec
from motet.errors import LimitError, ProcedureError
from motet_conformance.agreement import differences
from motet_conformance.applies import bounded, where
from motet_conformance.base import Part, outcome
from motet_conformance.rig import NAME, Rig, Setup


def numeric(verbs: Any) -> Iterator[tuple[str, VerbSpec, str]]:
    """Every verb with every argument of it that is a number and no change."""
    for name, verb in verbs.items():
        for key, argument in verb.spec.arguments.items():
            if argument.type in (float, int) and key not in verb.spec.relative:
                yield name, verb.spec, key


def middle(limit: Limit) -> tuple[float, float]:
    """A range well inside of a limit."""
    low = limit.low if math.isfinite(limit.low) else (limit.high - 100 if math.isfinite(limit.high) else 0.0)
    high = limit.high if math.isfinite(limit.high) else low + 100
    return low + 0.4 * (high - low), low + 0.6 * (high - low)


class LimitsPart(Part):
    """Limits of the instrument and of the lab, names and types of arguments."""

    @where(bounded)
    def test_calls_beyond_a_limit_are_refused_with_nothing_sent(self) -> None:
        async def work(made: Rig) -> None:
            await made.ready()
            for call in self.case.beyond:
                truth, sent = made.truth(), made.traffic.sent
                _, error = await outcome(made.do(call))
                assert isinstance(error, LimitError), f"{call}: {error!r}"
                assert NAME in str(error)
                assert "[" in str(error), f"{error} does not name the allowed range"
                if not made.device.verbs[call.verb].spec.relative & set(call.arguments):
                    assert made.traffic.sent == sent, f"{call} sent {made.traffic.sent[len(sent) :]!r}"
                assert not differences(made.truth(), truth, self.case.tolerance)
                assert made.at_rest()

        self.run(work)

    def test_what_is_no_number_is_refused_with_nothing_sent(self) -> None:
        async def work(made: Rig) -> None:
            await made.ready()
            sent = made.traffic.sent
            for name, verb in made.device.verbs.items():
                for key, argument in verb.spec.arguments.items():
                    later = set(verb.spec.arguments) - {key}
                    for value in (math.nan, math.inf, -math.inf) if argument.type is float else ():
                        with pytest.raises(LimitError, match=f"{NAME}.*{key}"):
                            verb.check({key: value}, later)
                    with pytest.raises(ProcedureError, match=f"{NAME}.{name}.*{key}.*{argument.type.__name__}"):
                        verb.check({key: object()}, later)
                with pytest.raises(ProcedureError, match="no argument 'no_such'"):
                    verb.set({"no_such": 1})
                required = [key for key, argument in verb.spec.arguments.items() if argument.required]
                if required:
                    with pytest.raises(ProcedureError, match="needs the argument"):
                        verb.set({})
            assert made.traffic.sent == sent

        self.run(work)

    def test_limits_of_the_lab_tighten_those_of_the_instrument(self) -> None:
        async def look(made: Rig) -> dict[str, list[tuple[str, type, Limit]]]:
            found: dict[str, list[tuple[str, type, Limit]]] = {}
            for name, spec, key in numeric(made.device.verbs):
                limit = spec.limits.get(key, Limit()).tightened(made.device.limits.by_quantity.get(key, Limit()))
                found.setdefault(key, []).append((name, spec.arguments[key].type, limit))
            return found

        for key, uses in self.run(look).items():
            low, high = middle(_tightest([limit for _, _, limit in uses]))
            whole = any(kind is int for _, kind, _ in uses)
            if whole:
                low, high = math.floor(low), math.ceil(high)
            if low < high:
                self.run(lambda made, key=key, uses=uses, low=low, high=high: _tightened(made, key, uses, low, high),
                         Setup(limits={key: (low, high)}))  # fmt: skip


def _tightest(limits: list[Limit]) -> Limit:
    tightest = Limit()
    for limit in limits:
        tightest = tightest.tightened(limit)
    return tightest


async def _tightened(made: Rig, key: str, uses: list[tuple[str, type, Limit]], low: float, high: float) -> None:
    sent = made.traffic.sent
    for name, kind, limit in uses:
        verb = made.device.verbs[name]
        later = set(verb.spec.arguments) - {key}
        for value in (low, high):
            verb.check({key: kind(value)}, later)
        step = 1 if kind is int else (high - low) * 1e-3
        for value in (low - step, high + step):
            if limit.low <= value <= limit.high:  # else it would be refused anyway
                with pytest.raises(LimitError, match=rf"{NAME}.*{key}.*\["):
                    verb.check({key: kind(value)}, later)
    assert made.traffic.sent == sent
