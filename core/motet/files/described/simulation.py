"""Whether what a description says of its simulation goes with its commands and replies."""

from collections.abc import Iterable, Iterator, Mapping

from motet.files.described import Activity, Described
from motet.files.described.mistakes import NUMERIC, TYPES, Mistake, expression, plain
from motet.files.described.variables import kinds
from motet.files.report import one_of
from motet.files.templates import Kind, Value, template


def mistakes_in_simulation(described: Described) -> Iterator[Mistake]:
    """Everything that is wrong with it; the rest of the description must be right."""
    known, simulation = _known(described), described.simulation
    root = ("simulation",)
    yield from _values((*root, "state"), simulation.state, known)
    fixed = [text for text in described.commands() if not template(text).names]
    for command, values in simulation.sets.items():
        if command not in fixed:
            yield Mistake((*root, "sets", command), f"the command {command!r}", one_of(command, fixed))
        yield from _values((*root, "sets", command), values, known)
    numeric = [name for name, kind in known.items() if kind in NUMERIC]
    for key, names in (
        ("noise", list(simulation.noise)),
        ("reads", list(simulation.reads)),
    ):
        for name in names:
            if name not in numeric:
                yield Mistake((*root, key, name), f"the variable {name!r}", one_of(name, numeric))
    for quantity, name in simulation.drives.items():
        if name not in numeric:
            yield Mistake((*root, "drives", quantity), f"the variable {name!r}", one_of(name, numeric))
    for name, activity in simulation.activities.items():
        yield from _activity((*root, "activities", name), activity, described, known)
    yield from _codes(described)


def _known(described: Described) -> dict[str, Kind]:
    """Variables of places, and further ones that `state` brings in for expressions."""
    known = kinds(described)
    for name, value in described.simulation.state.items():
        if name not in known:
            known[name] = _kind(value)
    return known


def _kind(value: Value) -> Kind:
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, str) else "number"


def _values(path: tuple[str, ...], values: Mapping[str, Value], known: Mapping[str, Kind]) -> Iterator[Mistake]:
    for name, value in values.items():
        if name not in known:
            yield Mistake((*path, name), f"the variable {name!r}", f"{one_of(name, known)}: places of its commands")
        elif not isinstance(value, TYPES[known[name]]) or (known[name] in NUMERIC and isinstance(value, bool)):
            yield Mistake((*path, name), plain(value), f"{name} is of `type: {known[name]}`")


def _activity(
    path: tuple[str, ...], activity: Activity, described: Described, known: Mapping[str, Kind]
) -> Iterator[Mistake]:
    commands = list(described.commands())
    for key, texts in (("begins", (activity.begins,)), ("ends", activity.ends)):
        for text in texts:
            if text not in commands:
                yield Mistake((*path, key), f"the command {text!r}", one_of(text, commands))
    numeric = [name for name, kind in known.items() if kind in NUMERIC]
    yield from expression((*path, "lasts"), activity.lasts, numeric, "numeric variables")
    for name, amount in activity.changes.items():
        if name not in numeric:
            yield Mistake((*path, "changes", name), f"the variable {name!r}", one_of(name, numeric))
        yield from expression((*path, "changes", name), amount, numeric, "numeric variables")
    for quantity, amount in activity.adds.items():
        yield from expression((*path, "adds", quantity), amount, numeric, "numeric variables")
    yield from _values((*path, "shows"), activity.shows, known)
    yield from _values((*path, "stalls"), activity.stalls, known)


def _codes(described: Described) -> Iterator[Mistake]:
    known: Iterable[str] = ()
    if described.errors is not None:
        known = described.errors.codes
    elif described.error_query is not None:
        known = described.error_query.codes
    known, errors = list(known), described.simulation.errors
    for key, code in (("unknown", errors.unknown), ("range", errors.range), ("busy", errors.busy)):
        if code and code not in known:
            yield Mistake(("simulation", "errors", key), f"the code {code!r}", f"{one_of(code, known)} (codes)")
