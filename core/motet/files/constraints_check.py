"""The constraints of a campaign's search space: they fit the parameters, leave points, and the candidates meet them."""

from collections.abc import Collection, Mapping, Sequence

from motet.errors import Problem
from motet.files.candidates import Table
from motet.files.node import shown
from motet.files.report import Report, one_of
from motet.files.validate import Checked
from motet.model.campaign import Campaign
from motet.model.constraints import Constraint
from motet.model.parameters import Parameter
from motet.model.space import Space

ROWS_NAMED = 20
"""So many candidates that break a constraint are reported one by one."""


def check_constraints(
    checked: Checked[Campaign],
    parameters: Mapping[str, Parameter],
    wrong: Collection[str],
    table: Table | None,
    report: Report,
) -> tuple[Constraint, ...]:
    """The constraints that are as they should be. `wrong` are the names of parameters with mistakes of their own."""
    found: dict[int, Constraint] = {}
    where = checked.node.at("constraints")
    for index, constraint in enumerate(checked.model.constraints):
        if not parameters or any(name in wrong for name in constraint.names):
            continue
        faults = list(constraint.faults(parameters))
        for fault in faults:
            allowed = f"{one_of(str(fault.name), parameters)} (the campaign's parameters)"
            report.add(where.items[index].at(*fault.path), fault.found, fault.allowed or allowed)
        if not faults:
            found[index] = constraint
    if table is not None:
        _check_rows(table, found, report)
    elif found and not wrong and not _leave(parameters, list(found.values())):
        _report_nothing_left(checked, parameters, found, report)
    return tuple(found.values())


def _leave(parameters: Mapping[str, Parameter], constraints: Sequence[Constraint]) -> bool:
    """Whether constraints leave any point, as far as that can be found out."""
    from motet.model.axes import Axes
    from motet.model.feasible import Undecided, witness

    listed = Space(parameters, None, constraints).listed()
    if listed is not None:
        return len(listed) > 0
    try:
        return witness(Axes(parameters, constraints)) is not None
    except Undecided:
        return True


def _report_nothing_left(
    checked: Checked[Campaign], parameters: Mapping[str, Parameter], found: Mapping[int, Constraint], report: Report
) -> None:
    """Name the first constraint with which nothing is left."""
    before: list[Constraint] = []
    for index, constraint in found.items():
        node = checked.node.at("constraints").items[index]
        if not _leave(parameters, [constraint]):
            report.add(node, f"`{constraint}`", "no values of the parameters meet it")
            return
        before.append(constraint)
        if not _leave(parameters, before):
            report.add(node, f"`{constraint}`", "no point that meets the constraints before it meets this one too")
            return


def _check_rows(table: Table, constraints: Mapping[int, Constraint], report: Report) -> None:
    """Report the candidates that break a constraint."""
    import numpy as np

    for index, constraint in constraints.items():
        broken = np.flatnonzero(~np.asarray(constraint.holds(table.rows.columns), dtype=bool)).tolist()
        for row in broken[:ROWS_NAMED]:
            point = table.rows[row]
            values = ", ".join(f"{name} = {shown(point[name])}" for name in constraint.names)
            needed = f"it breaks constraints.{index} of the campaign: {constraint}"
            report.put(Problem(str(table.path), table.lines[row], "", values, needed))
        if len(broken) > ROWS_NAMED:
            line, more = table.lines[broken[ROWS_NAMED]], len(broken) - ROWS_NAMED
            found = f"{more} more candidates that break constraints.{index}"
            report.put(Problem(str(table.path), line, "", found, f"all must meet it: {constraint}"))
