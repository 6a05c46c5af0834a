"""What stations and orchestrators say to one another: an AsyncAPI document and a page, from the models."""

import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from motet.remote import messages as m
from motet.remote.topics import Topics
from motet.station.latch_state import LatchState

_TOPICS = Topics("{lab}", "{station}")
_REF = "#/components/schemas/"


@dataclass(frozen=True)
class Channel:
    """A topic with its messages, as seen from the station."""

    name: str
    address: str
    doc: str
    action: str
    retained: bool
    messages: Sequence[type[BaseModel]]


def _channels() -> list[Channel]:
    requests = (
        *(m.Describe, m.Hold, m.Release, m.Run, m.Recall, m.Acknowledge, m.Drop, m.Abort),
        *(m.Safe, m.EmergencyStop, m.Clear, m.ReadSignal, m.AnswerQuestion),
    )
    estop = "The emergency stop of the lab: every press that nobody has cleared. Owned by everybody; states are merged."
    return [
        Channel("manifest", _TOPICS.manifest, _doc(Topics.manifest), "send", True, (m.Manifest,)),
        Channel("state", _TOPICS.state, _doc(Topics.state), "send", True, (m.StateMessage,)),
        Channel("request", _TOPICS.request, _doc(Topics.request), "receive", False, requests),
        Channel("reply", _TOPICS.reply, _doc(Topics.reply), "send", False, (m.Reply,)),
        Channel("result", _TOPICS.result, _doc(Topics.result), "send", False, (m.ResultPart,)),
        Channel("event", _TOPICS.event, _doc(Topics.event), "send", False, (m.Events,)),
        Channel("estop", "motet/{lab}/estop", estop, "receive", True, (LatchState,)),
    ]


def document() -> str:
    """The AsyncAPI 3.0 document, as JSON."""
    channels = _channels()
    models: list[type[BaseModel]] = [model for channel in channels for model in channel.messages]
    _, schemas = models_json_schema([(model, "validation") for model in models], ref_template=_REF + "{model}")
    parameters = {"lab": {"description": "The name of the lab."}, "station": {"description": "That of the station."}}
    found: dict[str, Any] = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "A station of Motet",
            "version": f"{m.PROTOCOL}.0.0",
            "description": "JSON over MQTT 3.1.1 at QoS 1. Ids are in the JSON; no broker queues, nothing of MQTT 5.",
            "license": {"name": "BSD-3-Clause"},
        },
        "defaultContentType": "application/json",
        "channels": {
            channel.name: {
                "address": channel.address,
                "description": channel.doc,
                "parameters": {key: about for key, about in parameters.items() if f"{{{key}}}" in channel.address},
                "messages": {
                    model.__name__: {"$ref": f"#/components/messages/{model.__name__}"} for model in channel.messages
                },
            }
            for channel in channels
        },
        "operations": {
            f"{channel.action}_{channel.name}": {
                "action": channel.action,
                "channel": {"$ref": f"#/channels/{channel.name}"},
                "bindings": {"mqtt": {"qos": 1, "retain": channel.retained, "bindingVersion": "0.2.0"}},
            }
            for channel in channels
        },
        "components": {
            "messages": {
                model.__name__: {"summary": _first(model), "payload": {"$ref": _REF + model.__name__}}
                for model in models
            },
            "schemas": schemas["$defs"],
        },
    }
    return json.dumps(found, indent=2) + "\n"


def page() -> str:
    """The same for people."""
    lines = [
        "# Messages of stations",
        "",
        f"What `motet station` and a campaign say to one another, version {m.PROTOCOL} of the protocol; made from the",
        "models of the messages. For programs: [asyncapi.json](asyncapi.json), an AsyncAPI 3.0 document. How they play",
        "together is told in [Remote stations](../explanation/remote-stations.md).",
        "",
        "Every message is a JSON object in UTF-8, published at QoS 1, and every one of a station has",
        f'`"motet": {m.PROTOCOL}`, the version of the protocol. Keys that are not listed are refused. A station reads',
        f"messages of at most {m.MOST_BYTES} bytes; longer results come in parts. Every request has besides:",
        *_table(m.Request, everywhere=True),
    ]
    for channel in _channels():
        how = "received" if channel.action == "receive" else "sent"
        kept = ", retained" if channel.retained else ""
        lines += ["", f"## `{channel.address}`", "", f"{channel.doc} ({how} by the station{kept})"]
        for model in channel.messages:
            lines += ["", f"### {model.__name__}", "", _first(model), *_table(model)]
    lines += ["", "## Parts of messages"]
    for model in (
        *(m.ProcessBody, m.HolderBody, m.DeviceBody, m.VerbBody, m.ArgumentBody, m.OutputBody, m.JobBody),
        *(m.StateEvent, m.StepEvent, m.QuestionEvent, m.WithdrawnEvent, m.ProblemEvent),
    ):
        lines += ["", f"### {model.__name__}", "", _first(model), *_table(model)]
    lines += ["", "### Said", "", "What a reply says.", ""]
    lines += [f"- `{said.value}`" for said in m.Said]
    return "\n".join(lines) + "\n"


_EVERYWHERE = ("motet", "id", "orchestrator", "session", "number")


def _table(model: type[BaseModel], *, everywhere: bool = False) -> list[str]:
    fields = model.model_fields
    if issubclass(model, m.Request) and not everywhere:
        fields = {key: field for key, field in fields.items() if key not in _EVERYWHERE}
    rows = [f"| `{key}` | {_type(model, key)} | {field.description or ''} |" for key, field in fields.items()]
    return ["", "| key | type | |", "|---|---|---|", *rows] if rows else []


def _type(model: type[BaseModel], key: str) -> str:
    found = model.model_json_schema()["properties"][key]
    return _shown(found).replace("|", "\\|")


def _shown(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "anyOf" in schema or "oneOf" in schema:
        kinds = schema.get("anyOf") or schema["oneOf"]
        return " or ".join(dict.fromkeys(_shown(kind) for kind in kinds))
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        items: Any = schema.get("items")
        return f"list of {_shown(items)}" if items else "list"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"mapping to {_shown(schema['additionalProperties'])}"
    return kind


def _first(model: type[BaseModel]) -> str:
    return " ".join((inspect.getdoc(model) or "").split())


def _doc(topic: Any) -> str:
    return " ".join((inspect.getdoc(topic) or "").split())
