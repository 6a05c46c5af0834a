"""JSON schemas of the files, for editors that complete and check while one types (draft 2020-12).

They describe what files accept, short forms included, with names and options of the installed plugins. What
needs several keys at once (a range upside down, references, units) only `motet check` can tell.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from motet.contracts.declarations import Declaration, Kind
from motet.model.campaign import Campaign
from motet.model.lab import Lab
from motet.model.procedure import Procedure
from motet.model.values import NAME_PATTERN
from motet.plugins import Registry, installed

Schema = dict[str, Any]

KINDS: Mapping[str, type[Lab] | type[Campaign] | type[Procedure]] = {
    "lab": Lab,
    "campaign": Campaign,
    "procedure": Procedure,
}
_STEPS = ("VerbStep", "WaitStep", "RepeatStep", "IfStep")
_PARAMETERS = ("Continuous", "Stepped", "Integer", "Categorical", "Fixed")
_LEARNER = {
    "start": Kind.START,
    "surrogate": Kind.SURROGATE,
    "acquisition": Kind.ACQUISITION,
    "pending": Kind.PENDING,
}


def schema(kind: str, registry: Registry | None = None) -> Schema:
    """The JSON schema of a lab, campaign or procedure file. Raises KeyError for another kind."""
    model = KINDS[kind]
    root: Schema = model.model_json_schema()
    builder = _Builder(root.setdefault("$defs", {}), registry or installed())
    builder.steps()
    builder.procedures(root if kind == "procedure" else root["$defs"].get("Procedure"))
    if kind == "lab":
        builder.devices()
        root["patternProperties"] = {"^x-": {}}
    if kind == "campaign":
        builder.campaign(root["properties"])
        root["oneOf"] = [{"required": ["procedure"]}, {"required": ["stages"]}]
    _refer_to_steps(root)
    _tidy(root)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"Motet {kind} file", **root}


class _Builder:
    """Rewrites what pydantic generates from the models' fields into what stands in files."""

    def __init__(self, defs: Schema, registry: Registry) -> None:
        self._defs = defs
        self._registry = registry

    def steps(self) -> None:
        """The short forms of steps."""
        repeat, condition, wait = (self._defs[name] for name in ("RepeatStep", "IfStep", "WaitStep"))
        arguments = self._defs["VerbStep"]["properties"]["arguments"]
        alias = self._defs["VerbStep"]["properties"]["name"]
        branches = condition["properties"]
        self._defs["RepeatStep"] = _object({"repeat": repeat}, ["repeat"])
        self._defs["IfStep"] = _object(
            {"if": branches["condition"], "then": branches["then"], "else": branches["otherwise"]},
            ["if", "then"],
        )
        self._defs["WaitStep"] = wait
        self._defs["VerbStep"] = {
            "type": "object",
            "description": self._defs["VerbStep"]["description"],
            "properties": {"as": alias},
            "patternProperties": {r"^[^.]+\.[^.]+$": {"anyOf": [arguments, {"type": "null"}]}},
            "additionalProperties": False,
            "if": {"required": ["as"]},
            "then": {"minProperties": 2, "maxProperties": 2},
            "else": {"minProperties": 1, "maxProperties": 1},
        }

    def procedures(self, procedure: Schema | None) -> None:
        """Parameters of a procedure: with units, or as a list."""
        if procedure is not None:
            described = procedure["properties"]["parameters"]
            names = {"type": "array", "items": {"type": "string", "pattern": NAME_PATTERN}}
            procedure["properties"]["parameters"] = {"anyOf": [described, names]}
        self._defs["Step"] = {
            "anyOf": [
                {"type": "string", "pattern": r"^[^.]+\.[^.]+$"},
                *({"$ref": f"#/$defs/{name}"} for name in _STEPS),
            ]
        }

    def devices(self) -> None:
        """Drivers and simulators with their options; lines and the broker by their URL alone."""
        line = self._defs["SerialLine"]
        self._defs["SerialLine"] = {"anyOf": [{"type": "string"}, line]}
        broker = self._defs["Broker"]
        self._defs["Broker"] = {"anyOf": [broker["properties"]["url"], broker]}
        for name in ("Device", "SharedDevice"):
            self._device(self._defs[name])
        for name in ("Station", "SharedDevice"):
            self._put(self._defs[name]["properties"], "world", Kind.WORLD)
            world = self._defs[name]["properties"]["world"]
            self._defs[name]["properties"]["world"] = {"anyOf": [world, {"type": "null"}]}

    def _device(self, device: Schema) -> None:
        """A device's driver, with its options and those of its simulator."""
        drivers = self._registry.usable(Kind.DRIVER)
        simulators = self._registry.usable(Kind.SIMULATOR)
        if drivers:
            device["properties"]["driver"]["enum"] = list(drivers)
        device["allOf"] = [
            {
                "if": {"properties": {"driver": {"const": name}}, "required": ["driver"]},
                "then": {
                    "properties": {
                        "options": self._options(Kind.DRIVER, found.declaration),
                        "simulator": self._options(Kind.SIMULATOR, simulators[name].declaration)
                        if name in simulators
                        else {"maxProperties": 0},
                    }
                },
            }
            for name, found in drivers.items()
        ]

    def campaign(self, properties: Schema) -> None:
        """Plugins of a campaign, and its short forms."""
        for key, kind in _LEARNER.items():
            self._put(self._defs["LearnerConfig"]["properties"], key, kind)
        properties["learner"].pop("default", None)
        self._put(properties, "analysis", Kind.ANALYSIS)
        rule = self._plugin(Kind.STOP_RULE)
        properties["stop"] = {
            "description": properties["stop"]["description"],
            "anyOf": [rule, {"type": "array", "items": rule}],
        }
        for owner in (properties, self._defs["StageEntry"]["properties"]):
            owner["procedure"] = {
                "description": owner["procedure"]["description"],
                "anyOf": [{"type": "string"}, self._plugin(Kind.PROCEDURE), {"$ref": "#/$defs/Procedure"}],
            }
        for name in _PARAMETERS:
            self._defs[name].setdefault("required", []).append("type")
        self._defs.pop("PluginRef", None)

    def _put(self, properties: Schema, key: str, kind: Kind) -> None:
        """Say which plugins a key may name, in place of the model of a reference to any."""
        properties[key] = {"description": properties[key].get("description", ""), **self._plugin(kind)}

    def _plugin(self, kind: Kind) -> Schema:
        """A plugin's name, where it needs no options, or a mapping of one name to its options."""
        found = {name: item.declaration for name, item in self._registry.usable(kind).items()}
        forms = {name: self._options(kind, declaration) for name, declaration in found.items()}
        needs_none = [name for name, d in found.items() if not any(f.is_required() for f in _fields(d))]
        mapping = {
            "type": "object",
            "properties": {
                name: {"anyOf": [form, {"type": "null"}]} if name in needs_none else form
                for name, form in forms.items()
            },
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        }
        return {"anyOf": [*([{"enum": needs_none}] if needs_none else []), mapping]}

    def _options(self, kind: Kind, declaration: Declaration) -> Schema:
        """The schema of a plugin's options, with what it refers to put beside ours under names of its own."""
        prefix = f"{kind}.{declaration.name}"
        found: Schema = declaration.options.model_json_schema(ref_template=f"#/$defs/{prefix}.{{model}}")
        for name, inner in found.pop("$defs", {}).items():
            self._defs[f"{prefix}.{name}"] = inner
        self._defs[prefix] = found
        return {"$ref": f"#/$defs/{prefix}"}


def _fields(declaration: Declaration) -> list[Any]:
    return list(declaration.options.model_fields.values())


def _object(properties: Schema, required: list[str]) -> Schema:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _everywhere(piece: Any) -> Iterator[Schema]:
    """Every mapping in a schema, from the top down."""
    if isinstance(piece, dict):
        mapping = cast("Schema", piece)
        yield mapping
        for inner in list(mapping.values()):
            yield from _everywhere(inner)
    elif isinstance(piece, list):
        for inner in cast("list[Any]", piece):
            yield from _everywhere(inner)


def _refer_to_steps(root: Schema) -> None:
    """Put one reference in the place of every list of the four classes of steps."""
    for piece in _everywhere(root):
        items = piece.get("items")
        if isinstance(items, dict) and {"$ref": "#/$defs/VerbStep"} in cast("Schema", items).get("oneOf", []):
            piece["items"] = {"$ref": "#/$defs/Step"}


def _tidy(root: Schema) -> None:
    """Refuse keys that are no names, and drop the titles that pydantic makes of field names."""
    for piece in _everywhere(root):
        if NAME_PATTERN in piece.get("patternProperties", {}):
            piece["additionalProperties"] = False
        if isinstance(piece.get("title"), str):
            del piece["title"]
