"""Whether a described instrument goes together: templates, units, limits, expressions, names."""

import re
from collections.abc import Iterable, Iterator, Mapping

from motet.files.described import Argument, Command, Described, Query, Until, ValueOf, Verb
from motet.files.described.mistakes import NUMERIC, TYPES, Key, Mistake, expression, plain, text_of
from motet.files.described.simulation import mistakes_in_simulation
from motet.files.described.variables import queries
from motet.files.report import one_of
from motet.files.templates import Kind, Place, template
from motet.files.units import problem

IDENTITY = ("maker", "model", "serial_number", "firmware")
RESERVED = frozenset({
    "add_children_as_readables", "add_readables", "children", "check_value", "clear", "close", "configure",
    "connect", "context", "describe", "describe_configuration", "forgets", "framing", "framing_for", "hints",
    "identity", "kickoff", "line_for", "limits", "locked", "log", "name", "open", "parent", "pause", "read",
    "read_configuration", "recover", "resume", "safe", "set", "set_name", "signals", "signals_for", "stage", "states",
    "stop", "subscribe", "trigger", "unstage", "verbs", "verbs_for", "verified",
})  # fmt: skip
"""Names that every device has already."""


def mistakes_in(described: Described) -> list[Mistake]:
    """Everything that is wrong with a description whose every part is right by itself."""
    found = [*_queries(described), *_names(described), *_verbs(described), *_rest(described)]
    if _readable(described):  # else it is not known which variables there are
        found += mistakes_in_simulation(described)
    return found


def _readable(described: Described) -> bool:
    asked = [text for _, _, query, _ in queries(described) for text in (query.query, query.reply)]
    return not any(list(text_of((), text)) for text in (*asked, *described.commands()))


def _queries(described: Described) -> Iterator[Mistake]:
    replies: dict[str, str] = {}
    for path, _, query, _ in queries(described):
        if replies.setdefault(query.query, query.reply) != query.reply:
            other = replies[query.query]
            yield Mistake((*path, "reply"), repr(query.reply), f"{query.query!r} is answered {other!r} elsewhere")
    for path, own, query, value in queries(described):
        broken = [*text_of((*path, "query"), query.query), *text_of((*path, "reply"), query.reply)]
        yield from broken
        if broken:
            continue
        if template(query.query).names:
            yield Mistake((*path, "query"), repr(query.query), "a question has no places for values")
        names = template(query.reply).names
        if own and own not in names:
            yield Mistake((*path, "reply"), repr(query.reply), f"the place {{{own}}} is needed in it")
        yield from _pattern(path, query, names)
        if value is not None:
            yield from _value(path, value)
            yield from _formats((*path, "reply"), query.reply, {own: value.dtype})


def _pattern(path: Key, query: Query, names: Iterable[str]) -> Iterator[Mistake]:
    if query.pattern is None:
        return
    key = (*path, "pattern")
    try:
        groups = re.compile(query.pattern).groupindex
    except re.error as error:
        yield Mistake(key, repr(query.pattern), f"this is no regular expression: {error}")
        return
    for name in names:
        if name not in groups:
            yield Mistake(key, repr(query.pattern), f"the group (?P<{name}>...) is needed in it")


def _value(path: Key, value: ValueOf) -> Iterator[Mistake]:
    yield from _unit((*path, "unit"), value.unit)
    if not value.scale:
        yield Mistake((*path, "scale"), "0", "a number other than 0 is needed")
    if value.scale != 1 and value.dtype not in NUMERIC:
        yield Mistake((*path, "scale"), f"{value.scale:g}", f"a scale goes with numbers, not with {value.dtype}")
    if value.words is not None and value.dtype != "boolean":
        yield Mistake((*path, "words"), str(list(value.words)), "words go with `dtype: boolean`")
    if value.texts and value.dtype != "string":
        yield Mistake((*path, "texts"), str(list(value.texts)), "texts go with `dtype: string`")


def _unit(key: Key, unit: str) -> Iterator[Mistake]:
    reason = problem(unit) if unit else None
    if reason is not None:
        yield Mistake(key, f"the unit {unit!r}", reason)


def _formats(key: Key, text: str, known: Mapping[str, Kind]) -> Iterator[Mistake]:
    for piece in template(text).pieces:
        if isinstance(piece, Place) and piece.format and known.get(piece.name, "number") not in NUMERIC:
            found = f"{{{piece.name}:{piece.format}}}"
            yield Mistake(key, found, f"{piece.name} is no number: write {{{piece.name}}}")


def _names(described: Described) -> Iterator[Mistake]:
    for kind, names in (("signals", described.signals), ("verbs", described.verbs)):
        for name in names:
            if name in RESERVED:
                yield Mistake((kind, name), f"the name {name!r}", "every device has that already: another is needed")
    for name in described.verbs:
        if name in described.signals:
            yield Mistake(("verbs", name), f"the name {name!r}", "a signal is called so: another is needed")


def _verbs(described: Described) -> Iterator[Mistake]:
    for name, verb in described.verbs.items():
        path = ("verbs", name)
        if not verb.send and verb.until is None and not verb.outputs:
            yield Mistake(path, "a verb that does nothing", "at least one of send, until and outputs is needed")
        for key, argument in verb.arguments.items():
            yield from _argument((*path, "arguments", key), argument)
        yield from _commands((*path, "send"), verb.send, {key: each.type for key, each in verb.arguments.items()})
        used = {place for command in verb.send for place in _places(command)}
        for key in verb.arguments.keys() - used:
            yield Mistake((*path, "arguments", key), f"the argument {key!r}", f"no command has the place {{{key}}}")
        if verb.until is not None:
            yield from _until((*path, "until"), verb.until, verb)
        for key, result in verb.outputs.items():
            if isinstance(result, str) and result not in described.signals:
                allowed = f"{one_of(result, described.signals)} (signals), or a question with query and reply"
                yield Mistake((*path, "outputs", key), repr(result), allowed)


def _places(command: Command) -> tuple[str, ...]:
    try:
        return template(command.command).names
    except ValueError:
        return ()


def _argument(path: Key, argument: Argument) -> Iterator[Mistake]:
    yield from _unit((*path, "unit"), argument.unit)
    numeric = argument.type in NUMERIC
    for key, value, goes in (
        ("low", argument.low, numeric),
        ("high", argument.high, numeric),
        ("choices", argument.choices or None, argument.type == "string"),
        ("words", argument.words, argument.type == "boolean"),
        ("scale", argument.scale if argument.scale != 1 else None, numeric and argument.scale != 0),
    ):
        if value is not None and not goes:
            yield Mistake((*path, key), plain(value), f"this does not go with `type: {argument.type}`")
    if argument.low is not None and argument.high is not None and not argument.low < argument.high:
        yield Mistake((*path, "low"), f"{argument.low:g}", f"it must be below high = {argument.high:g}")
    default = argument.default
    if default is None:
        return
    if not isinstance(default, TYPES[argument.type]) or (numeric and isinstance(default, bool)):
        yield Mistake((*path, "default"), repr(default), f"a value of `type: {argument.type}` is needed")
    elif argument.choices and default not in argument.choices:
        yield Mistake((*path, "default"), repr(default), one_of(str(default), argument.choices))
    elif numeric and not isinstance(default, str):
        if argument.low is not None and default < argument.low:
            yield Mistake((*path, "default"), f"{default:g}", f"it must be at least {argument.low:g}")
        if argument.high is not None and default > argument.high:
            yield Mistake((*path, "default"), f"{default:g}", f"it must be at most {argument.high:g}")


def _commands(path: Key, commands: Iterable[Command], known: Mapping[str, Kind]) -> Iterator[Mistake]:
    for number, command in enumerate(commands):
        key = (*path, number)
        broken = list(text_of(key, command.command))
        yield from broken
        if broken:
            continue
        for name in template(command.command).names:
            if name not in known:
                yield Mistake(key, f"the place {{{name}}}", f"{one_of(name, known)} (arguments)")
        yield from _formats(key, command.command, known)


def _until(path: Key, until: Until, verb: Verb) -> Iterator[Mistake]:
    try:
        names = template(until.reply).names
    except ValueError:
        return  # it is reported as a query
    if len(names) != 1:
        yield Mistake((*path, "reply"), repr(until.reply), "one place is needed in it: for what `done` says")
    for word in until.failed.keys() & set(until.done_words):
        yield Mistake((*path, "failed", word), repr(word), "`done` has it already")
    numeric = [key for key, argument in verb.arguments.items() if argument.type in NUMERIC]
    yield from expression((*path, "longest"), until.longest, numeric, "numeric arguments")


def _rest(described: Described) -> Iterator[Mistake]:
    yield from _commands(("stop",), described.stop, {})
    yield from _commands(("safe",), described.safe or (), {})
    try:
        unknown = [name for name in template(described.identity.reply).names if name not in IDENTITY]
    except ValueError:
        unknown = []
    for name in unknown:
        yield Mistake(("identity", "reply"), f"the place {{{name}}}", one_of(name, IDENTITY))
    for key, replies in (("errors", described.errors), ("error_query", described.error_query)):
        if replies is None:
            continue
        broken = list(text_of((key, "reply"), replies.reply)) if key == "errors" else []
        yield from broken
        if not broken and "{code" not in replies.reply:
            yield Mistake((key, "reply"), repr(replies.reply), "the place {code} is needed in it")
