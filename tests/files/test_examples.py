"""The example that newcomers read is valid with the plugins that come with Motet."""

from pathlib import Path

import jsonschema
import pytest

from motet.files.campaign import load_campaign
from motet.files.schema import schema
from motet.files.source import read
from motet.plugins import installed

FOLDER = Path(__file__).parents[2] / "examples" / "twin_sdc"


def test_the_twin_cell_campaign_is_valid() -> None:
    file = load_campaign(FOLDER / "campaign.yaml", installed())
    assert file.stations == ("sdc1", "sdc2")
    assert file.space.size == 441
    assert file.campaign.budget.experiments == 132
    assert sorted(file.files) == ["campaign.yaml", "lab.yaml"]


@pytest.mark.parametrize("kind", ["lab", "campaign"])
def test_the_schemas_accept_it(kind: str) -> None:
    jsonschema.validate(read(FOLDER / f"{kind}.yaml").data, schema(kind))
