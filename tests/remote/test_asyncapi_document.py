"""The AsyncAPI document of stations hangs together."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from motet.remote.messages import REQUEST

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "asyncapi.json"


def _references(found: Any) -> list[str]:
    if isinstance(found, dict):
        entries: dict[str, Any] = found  # pyright: ignore[reportUnknownVariableType]
        own = [entries["$ref"]] if isinstance(entries.get("$ref"), str) else []
        return own + [each for value in entries.values() for each in _references(value)]
    return [each for value in found for each in _references(value)] if isinstance(found, list) else []  # pyright: ignore[reportUnknownVariableType]


def test_every_reference_leads_somewhere_and_every_request_is_there() -> None:
    document = json.loads(DOCUMENT.read_text())
    references = _references(document)
    assert len(references) > 50
    for reference in references:
        at = document
        for part in reference.removeprefix("#/").split("/"):
            at = at[part]
    requests: TypeAdapter[Any] = REQUEST
    kinds = set(requests.json_schema()["discriminator"]["mapping"])
    schemas = document["components"]["schemas"]
    told = {schemas[name]["properties"]["do"]["const"] for name in document["channels"]["request"]["messages"]}
    assert told == kinds
