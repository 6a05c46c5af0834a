"""One page for each driver that comes with Motet, from what the driver declares."""

import inspect
import math
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from motet.contracts.declarations import Driver, Kind, Simulator
from motet.devices import Device, Limit, Output, VerbSpec, verbs_of
from motet.plugins import installed

_WIRE = {
    "serial": "a serial line",
    "mqtt": "MQTT",
    "person": "a person who is asked",
    "object": "a Python object",
    "none": "nothing: it is part of the program",
}


def names() -> list[str]:
    """The drivers that have a page."""
    return sorted(name for name, found in installed().all(Kind.DRIVER).items() if found.distribution == "motet")


def index() -> str:
    """The page that lists them."""
    lines = ["# Drivers", "", "| driver | instrument | on | on hardware |", "|---|---|---|---|"]
    for name in names():
        driver = _driver(name)
        seen = "; ".join(_device(driver).verified.hardware) or "not yet"
        lines.append(f"| [`{name}`]({name}.md) | {driver.doc} | {_WIRE[driver.transport]} | {seen} |")
    return "\n".join(lines) + "\n"


def page(name: str) -> str:
    """The page of one."""
    driver = _driver(name)
    device = _device(driver)
    module = inspect.getmodule(device)
    parts = [
        f"# `{name}`",
        driver.doc,
        _paragraphs(inspect.getdoc(module) or ""),
        "## In a lab file",
        _line(driver),
        _options("Options of the driver", driver.options),
        "## Verbs",
        *_verbs(driver, device),
        "## Signals",
        _signals(driver, device),
        "## When it is stopped",
        f"`stop`: {_doc(device.stop)}",
        f"`safe`, at an emergency stop or when its station is lost: {_safe(device)}",
        "## States",
        _table(("state", "meaning"), [(f"`{key}`", text) for key, text in device.states.items()])
        or "None that a driver tells of.",
        "## After a lost line",
        _bullets(("It is opened again and asked who it is. Not known any more:", device.forgets))
        or "It is opened again and asked who it is; nothing else is lost.",
        "## Verified against",
        *_verified(device),
        "## Simulator",
        _simulator(name),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _driver(name: str) -> Driver:
    return cast("Driver", installed().get(Kind.DRIVER, name))


def _device(driver: Driver) -> type[Device]:
    return cast("type[Device]", driver.make)


def _line(driver: Driver) -> str:
    said = [f"It is on {_WIRE[driver.transport]}."]
    if driver.line:
        said.append(
            "Unless the lab file says otherwise: " + ", ".join(f"{k} {v}" for k, v in driver.line.items()) + "."
        )
    if driver.address is not None:
        said.append(f"Several may share a line; `{driver.address}` tells them apart.")
    return " ".join(said)


def _options(title: str, model: type[BaseModel]) -> str:
    rows = [(f"`{key}`", _given(field), field.description or "") for key, field in _fields(model).items()]
    return f"{title}:\n\n" + (_table(("option", "default", "what it is"), rows) if rows else "none")


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return dict(model.model_fields)


def _given(field: Any) -> str:
    return "required" if field.is_required() else f"`{field.get_default(call_default_factory=True)!r}`"


def _verbs(driver: Driver, device: type[Device]) -> list[str]:
    specs = _declared(driver, device)
    if specs is None:
        return ["The lab file says what they are, in the options."]
    follows = device.verbs_for.__func__ is not Device.verbs_for.__func__
    without = "from the options and the lab file" if follows else "those of the lab file"
    return [_verb(spec, without) for spec in specs.values()] or ["none"]


def _declared(driver: Driver, device: type[Device]) -> dict[str, VerbSpec] | None:
    """The verbs with the options left as they are; None where they are declared in them."""
    try:
        found = dict(device.verbs_for(driver.options()))
    except ValidationError:
        found = dict(verbs_of(device))
    return found or None


def _verb(spec: VerbSpec, without: str) -> str:
    parts = [f"### `{spec.name}`", spec.doc]
    rows = [
        (
            f"`{key}`",
            argument.type.__name__,
            argument.unit or "",
            _range(spec.limits.get(key), without if argument.type in (float, int) else ""),
            "" if argument.required else "may be left out",
        )
        for key, argument in spec.arguments.items()
    ]
    if rows:
        parts.append(_table(("argument", "type", "unit", "instrument's limits", ""), rows))
    if spec.outputs:
        parts.append("It gives " + ", ".join(_output(key, output) for key, output in spec.outputs.items()) + ".")
    if not spec.repeatable:
        parts.append("It is never repeated by itself.")
    return "\n\n".join(parts)


def _range(limit: Limit | None, without: str) -> str:
    if limit is None:
        return without
    if math.isinf(limit.low) and math.isinf(limit.high):
        return ""
    return f"{limit.low:g} to {limit.high:g}"


def _output(key: str, output: Output) -> str:
    unit = f" in {output.unit}" if output.unit else ""
    return f"`{key}`{unit} ({output.dtype})"


def _signals(driver: Driver, device: type[Device]) -> str:
    try:
        signals = device.signals_for(driver.options())
    except ValidationError:
        signals = device.signals
    rows = [(f"`{key}`", output.dtype, output.unit) for key, output in signals.items()]
    return _table(("signal", "type", "unit"), rows) or "None, or those that the lab file states."


def _verified(device: type[Device]) -> list[str]:
    verified = device.verified
    kinds = (
        ("Manuals:", verified.manuals),
        ("Other people's drivers and simulators:", verified.drivers),
        ("Hardware:", verified.hardware or ("not yet on hardware",)),
        ("Not verified:", verified.unverified),
    )
    return [_bullets(kind) for kind in kinds if kind[1]]


def _simulator(name: str) -> str:
    known = installed().all(Kind.SIMULATOR)
    if name not in known:
        return "none"
    simulator = cast("Simulator", known[name].declaration)
    served = {
        "serial": f"`motet simulator {name} --pty LINK`",
        "mqtt": f"`motet simulator {name} --mqtt URL --topic T`",
    }
    hint = f" {served[simulator.transport]} serves it to any program." if simulator.transport in served else ""
    return f"{simulator.doc}{hint}\n\n{_options('Options of the simulator', simulator.options)}"


def _doc(method: Any) -> str:
    return " ".join((inspect.getdoc(method) or "").split())


def _safe(device: type[Device]) -> str:
    return "the same as `stop`." if device.safe is Device.safe else _doc(device.safe)


def _paragraphs(doc: str) -> str:
    """A docstring as Markdown: indented blocks become code."""
    lines: list[str] = []
    inside = False
    for line in doc.splitlines():
        indented = line.startswith("    ")
        if indented and not inside:
            lines.append("```text")
        if inside and not indented and line:
            lines.insert(len(lines) - (not lines[-1]), "```")
        inside = indented or (inside and not line)
        lines.append(line[4:] if indented else line)
    return "\n".join([*lines, "```"] if inside else lines)


def _bullets(titled: tuple[str, tuple[str, ...]]) -> str:
    title, items = titled
    return "\n".join([title, "", *(f"- {item}" for item in items)]) if items else ""


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in line) + " |" for line in lines
    )
