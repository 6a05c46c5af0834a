"""The variables of a described instrument: what places in its commands and replies stand for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from motet.files.described import Argument, Described, Query, ValueOf
from motet.files.templates import Kind, Value, read, template

DEFAULT_WORDS = ("0", "1")
_ZERO: Mapping[Kind, Value] = {"number": 0.0, "integer": 0, "string": "", "boolean": False}


@dataclass(frozen=True, slots=True)
class Written:
    """How one variable is written at a place: its kind, and what a number is times there, or the words for it.

    `factor` is the number on the wire for a value of 1. `words` are the texts on the wire, each with its value.
    """

    kind: Kind
    factor: float = 1.0
    words: Mapping[str, Value] = field(default_factory=dict[str, Value])

    def write(self, value: Value) -> Value:
        """What stands on the wire for a value."""
        if self.words:
            return next((word for word, meant in self.words.items() if meant == value), str(value))
        if self.kind in ("number", "integer") and not isinstance(value, str):
            scaled = float(value) * self.factor
            return round(scaled) if self.kind == "integer" else scaled
        return value

    def read(self, text: str) -> Value:
        """The value of what stands on the wire. Raises ValueError."""
        if self.words:
            if text not in self.words:
                raise ValueError(f"{text!r} is none of {', '.join(self.words)}")
            return self.words[text]
        found = read(text, self.kind)
        if self.factor == 1.0 or isinstance(found, str):
            return found
        return round(found / self.factor) if self.kind == "integer" else found / self.factor


def of_value(value: ValueOf) -> Written:
    """How a value that is read is written."""
    words: dict[str, Value] = {text: text for text in value.texts} or _words(value.dtype, value.words)
    return Written(value.dtype, 1 / value.scale if value.scale else 1.0, words)


def of_argument(argument: Argument) -> Written:
    """How an argument is written in commands."""
    if argument.choices:
        return Written("string", words={sent: choice for choice, sent in argument.choices.items()})
    return Written(argument.type, argument.scale or 1.0, _words(argument.type, argument.words))


def places(query: Query, own: str, value: ValueOf | None) -> dict[str, Written]:
    """How every place of a reply is written: its own as stated, the others as text."""
    written = {name: Written("string") for name in template(query.reply).names}
    if value is not None and own in written:
        written[own] = of_value(value)
    return written


def queries(described: Described) -> Iterator[tuple[tuple[str, ...], str, Query, ValueOf | None]]:
    """Every query with its key, the name of its own place ('' without one) and what stands there."""
    yield ("identity",), "", described.identity, None
    if described.error_query is not None:
        yield ("error_query",), "", described.error_query, None
    for name, signal in described.signals.items():
        yield ("signals", name), name, signal, signal
    for name, verb in described.verbs.items():
        if verb.until is not None:
            yield ("verbs", name, "until"), "", verb.until, None
        for key, result in verb.outputs.items():
            if not isinstance(result, str):
                yield ("verbs", name, "outputs", key), key, result, result


def kinds(described: Described) -> dict[str, Kind]:
    """The kind of every variable; one that is text at one place and a number at another is a number.

    Templates must be right already.
    """
    found: dict[str, Kind] = {}
    for path, own, query, value in queries(described):
        if path != ("error_query",):
            for name, written in places(query, own, value).items():
                if found.get(name, "string") == "string":
                    found[name] = written.kind
    for verb in described.verbs.values():
        for name, argument in verb.arguments.items():
            if found.get(name, "string") == "string":
                found[name] = argument.type
    return found


def at_power_on(described: Described) -> dict[str, Value]:
    """The value of every variable of the simulated instrument.

    Where nothing is stated: the default of an argument, done for what `until` asks, the model for itself, else zero.
    """
    values: dict[str, Value] = {name: _ZERO[kind] for name, kind in kinds(described).items()}
    values |= {"maker": described.maker, "model": described.model, "serial_number": "12345", "firmware": "1.0"}
    for verb in described.verbs.values():
        for name, argument in verb.arguments.items():
            if argument.default is not None:
                values[name] = argument.default
            elif argument.low is not None and argument.low > 0:
                values[name] = argument.low
        if verb.until is not None and (names := template(verb.until.reply).names):
            values[names[0]] = verb.until.done_words[0]
    return values | described.simulation.state


def _words(kind: Kind, words: tuple[str, str] | None) -> dict[str, Value]:
    if kind != "boolean":
        return {}
    off, on = words or DEFAULT_WORDS
    return {off: False, on: True}
