"""The steps of a procedure against the devices of the stations that are to run it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from motet.errors import ProcedureError
from motet.files import expressions
from motet.files.argument_check import check_argument, check_reference
from motet.files.instruments import Bench, Instrument
from motet.files.node import Node
from motet.files.references import seconds
from motet.files.report import Report, one_of
from motet.files.scope import ANY_STAGE, NUMERIC, Known, Scope, described, literal
from motet.files.steps import is_whole, step_names, verb_steps
from motet.files.units import convertible
from motet.model.procedure import IfStep, Procedure, RepeatStep, Step, VerbStep, WaitStep

if TYPE_CHECKING:
    from motet.devices import Output

READ = "read"
"""The verb that every device has without declaring it: it takes nothing and gives the device's signals."""


def check_procedure(
    procedure: Procedure,
    node: Node,
    whole: Node,
    bench: Bench,
    parameters: Mapping[str, Known],
    report: Report,
    before: Scope | None = None,
) -> Scope:
    """Check every step at one station. The scope given back is what there is when the procedure has run.

    `before` are the outputs of earlier stages; when left out, whatever those of a campaign may give. `node` is the tree
    that the procedure was made from and `whole` the same with its mistakes, which were reported before. Steps for
    devices that the station does not have, or that have mistakes of their own, are left out: nothing is known about
    their outputs.
    """
    check = _Check(bench, whole, report)
    steps = [*verb_steps(procedure.steps, node.at("steps")), *verb_steps(procedure.cleanup, node.at("cleanup"))]
    wrong = frozenset(step.name for step, _ in steps if bench.instruments.get(step.device) is None)
    if not is_whole(node, whole):
        wrong |= frozenset(step_names(whole))
    before = Scope(unknown=frozenset((ANY_STAGE,))) if before is None else before
    start = replace(before, sure={**parameters, **before.sure}, wrong=before.wrong | wrong)
    end = check.steps(procedure.steps, node.at("steps"), start)
    if procedure.cleanup:
        results = frozenset(end.sure.keys() - start.sure.keys()) | end.perhaps
        check.steps(procedure.cleanup, node.at("cleanup"), replace(start, perhaps=results))
    return end


class _Check:
    def __init__(self, bench: Bench, whole: Node, report: Report) -> None:
        self._bench = bench
        self._whole = whole
        self._report = report
        self._streams: dict[str, tuple[str, Node]] = {}

    def steps(self, steps: Sequence[Step], node: Node, scope: Scope) -> Scope:
        """Check steps in their order; the scope after the last."""
        for step, where in zip(steps, node.items, strict=True):
            match step:
                case VerbStep():
                    scope = scope.plus(self._verb_step(step, where, scope))
                case WaitStep():
                    self._wait(step, where)
                case RepeatStep():
                    inner = where.at("repeat")
                    scope = self.steps(step.steps, inner.at("steps"), scope)
                    if step.until is not None:
                        self._condition(step.until, inner.at("until"), scope)
                case IfStep():
                    self._condition(step.condition, where.at("if"), scope)
                    then = self.steps(step.then, where.at("then"), scope)
                    otherwise = self.steps(step.otherwise, where.at("else"), scope) if step.otherwise else scope
                    scope = scope.joined(then, otherwise)
        return scope

    def _wait(self, step: WaitStep, where: Node) -> None:
        try:
            seconds(step.wait)
        except ProcedureError:
            found = where.at("wait").shown()
            self._report.add(where.at("wait"), found, "lab seconds or a quantity such as '2 s' are needed")

    def _verb_step(self, step: VerbStep, where: Node, scope: Scope) -> dict[str, Known]:
        label = where.at(step.label)
        instrument = self._bench.instruments.get(step.device)
        if instrument is None:
            return {}
        if step.verb == READ:
            for key in step.arguments:
                self._report.add(label.at(key), f"the argument {key!r}", "`read` takes no arguments")
            if not instrument.signals:
                self._report.add(label, step.label, f"{step.device} has no signals to read")
            outputs = instrument.signals
        else:
            outputs = self._called(step, label, instrument, scope)
        if outputs:
            self._stream(step, where)
        return {f"{step.name}.{key}": Known(output.dtype, output.unit) for key, output in outputs.items()}

    def _called(self, step: VerbStep, label: Node, instrument: Instrument, scope: Scope) -> Mapping[str, "Output"]:
        verb = instrument.verbs.get(step.verb)
        if verb is None:
            verbs = one_of(step.verb, [*instrument.verbs, READ])
            self._report.add(label, f"the verb {step.verb!r}", f"{verbs} (driver {instrument.driver})")
            return {}
        given = self._whole.at(*label.path[len(self._whole.path) :]).entries
        for key, value in step.arguments.items():
            spec = verb.arguments.get(key)
            if spec is None:
                self._report.add(label.at(key), f"the argument {key!r}", one_of(key, verb.arguments))
            else:
                check_argument(value, label.at(key), step, key, instrument, scope, self._report)
        for key, spec in verb.arguments.items():
            if spec.required and key not in step.arguments and key not in given:
                unit = f" in {spec.unit}" if spec.unit else ""
                self._report.add(label, "nothing", f"{step.label} needs the argument {key!r}{unit}", key)
        return verb.outputs

    def _stream(self, step: VerbStep, where: Node) -> None:
        """Outputs are kept under the step's name, one name for one verb of one device."""
        first, line = self._streams.setdefault(step.name, (step.label, where))
        if first != step.label:
            node = where.at("as") if "as" in where.entries else where
            taken = f"line {line.line} uses it for {first}; give one of them another name with `as: NAME`"
            self._report.add(node, f"the name {step.name!r} for the outputs of {step.label}", taken)

    def _condition(self, text: str, where: Node, scope: Scope) -> None:
        try:
            names, comparisons = expressions.references(text), expressions.comparisons(text)
        except ProcedureError as error:
            self._report.add(where, where.shown(), str(error))
            return
        there = {name: check_reference(name, where, scope, self._report) for name in names}
        for name, known in there.items():
            if known is not None and known.kind == "array":
                self._report.add(where, f"${name}, which is a list of values", "a single value can be compared")
        for comparison in comparisons:
            self._comparison(comparison, there, where)

    def _comparison(self, comparison: expressions.Comparison, there: Mapping[str, Known | None], where: Node) -> None:
        sides: list[Known] = []
        for side in (comparison.left, comparison.right):
            known = there[side.name] if isinstance(side, expressions.Reference) else literal(side.value)
            if known is None or known.kind == "array":
                return
            sides.append(known)
        kinds = {"number" if side.kind in NUMERIC else side.kind for side in sides if side.kind is not None}
        if len(kinds) > 1:
            both = " with ".join(sorted(described(kind) for kind in kinds))
            self._report.add(where, where.shown(), f"{both} cannot be compared")
        units = [side.unit for side in sides if side.unit]
        if len(set(units)) > 1:
            reason = "values of different units" if convertible(*units) else "values of different dimensions"
            self._report.add(where, f"{where.shown()}: {' and '.join(units)}", f"{reason} cannot be compared")
