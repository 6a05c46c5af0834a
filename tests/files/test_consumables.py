"""What files state about consumables and prices comes out in plain numbers, in the consumables' own units."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from motet.errors import FileProblems
from motet.files.campaign import load_campaign
from motet.files.lab import load_lab
from motet.files.procedure_choice import load_procedure
from motet.files.schema import schema
from motet.model.consumption import Supply
from motet.plugins import Registry

Write = Callable[..., Path]
Problems = Callable[[Path], list[str]]

LAB = """\
lab: bench
currency: EUR
stations:
  a:
    devices:
      stage: {driver: soft}
      balance: {driver: balance, topic: a/balance}
    price_per_hour: 30
consumables:
  electrolyte: {unit: mL, stock: 0.5 L, price: 0.02}
  substrate: {stock: 40, price: 12.5}
  gas: {unit: L}
procedures:
  weigh_at:
    parameters: {x: mm}
    uses: {electrolyte: 500 uL, substrate: 1}
    steps:
      - stage.move: {x: $x}
      - balance.weigh: {time: 2 s}
"""
STEPS = """
  uses: USES
  steps:
    - stage.move: {x: $x}
    - balance.weigh: {time: 2 s}
"""


def test_amounts_are_in_the_units_of_the_consumables(write: Write, registry: Registry) -> None:
    file = load_campaign(write(lab=LAB), registry)
    electrolyte = file.supplies["electrolyte"]
    assert (electrolyte.unit, electrolyte.price) == ("mL", 0.02)
    assert (electrolyte.each, electrolyte.stock) == pytest.approx((0.5, 500.0))
    assert file.supplies["substrate"] == Supply("", each=1.0, stock=40.0, price=12.5)
    assert file.supplies["gas"] == Supply("L")
    assert (file.lab.currency, file.lab.stations["a"].price_per_hour) == ("EUR", 30)


def test_a_plain_number_is_in_the_consumables_unit(write: Write, registry: Registry) -> None:
    path = write(lab=LAB.replace("500 uL", "0.25").replace("0.5 L", "250"))
    assert load_campaign(path, registry).supplies["electrolyte"] == Supply("mL", 0.25, 250.0, 0.02)


def test_a_procedure_written_out_in_the_campaign_uses_the_labs_consumables(write: Write, registry: Registry) -> None:
    path = write(lab=LAB)
    path.write_text(path.read_text().replace(" weigh_at", STEPS.replace("USES", "{gas: 200 mL}")))
    supplies = load_campaign(path, registry).supplies
    assert {name: supply.each for name, supply in supplies.items()} == {
        "electrolyte": 0,
        "substrate": 0,
        "gas": pytest.approx(0.2),
    }


def test_mistakes_in_a_campaigns_own_procedure_have_its_lines(write: Write, problems: Problems) -> None:
    path = write(lab=LAB)
    path.write_text(path.read_text().replace(" weigh_at", STEPS.replace("USES", "{electrolite: 1, gas: 5 g}")))
    assert problems(path) == [
        "campaign.yaml:8: procedure.uses.electrolite: found the consumable 'electrolite'; "
        "did you mean 'electrolyte'? allowed: electrolyte, substrate, gas (consumables of the lab)",
        "campaign.yaml:8: procedure.uses.gas: found '5 g'; g ([mass]) cannot be converted to L",
    ]


def test_a_mistake_in_a_procedure_of_the_lab_is_told_once(write: Write, problems: Problems) -> None:
    assert problems(write(lab=LAB.replace("500 uL", "5 s"))) == [
        "lab.yaml:16: procedures.weigh_at.uses.electrolyte: found '5 s'; s ([time]) cannot be converted to mL"
    ]


def test_a_lab_without_consumables_has_none_to_use(write: Write, registry: Registry, problems: Problems) -> None:
    path = write()
    assert load_campaign(path, registry).supplies == {}
    path.write_text(path.read_text().replace(" weigh_at", STEPS.replace("USES", "{gas: 5 L}")))
    assert problems(path) == [
        "campaign.yaml:8: procedure.uses.gas: found the consumable 'gas'; allowed: none (consumables of the lab)"
    ]


def test_a_plugins_procedure_uses_nothing(write: Write, registry: Registry) -> None:
    path = write(lab=LAB)
    path.write_text(path.read_text().replace("weigh_at", "{scan: {n: 3}}"))
    supplies = load_campaign(path, registry).supplies
    assert [supply.each for supply in supplies.values()] == [0, 0, 0]


def test_consumables_that_cannot_be_read_are_one_mistake(write: Write, problems: Problems) -> None:
    path = write(lab=LAB.replace("weigh_at:", "other:").split("consumables")[0] + "consumables: [electrolyte]\n")
    path.write_text(path.read_text().replace(" weigh_at", STEPS.replace("USES", "{electrolyte: 1 mL}")))
    assert problems(path) == ["lab.yaml:9: consumables: found ['electrolyte']; a mapping of keys to values is needed"]


def test_a_procedure_file_by_itself_is_checked_as_far_as_it_says(tmp_path: Path) -> None:
    path = tmp_path / "weigh.yaml"
    path.write_text("uses:\n  a: 1 mL\n  b: 2\n  c: 0 mL\n  d: 1 mLL\n  e: '-2'\nsteps: [stage.move: {x: 5}]\n")
    with pytest.raises(FileProblems) as caught:
        load_procedure(path)
    assert [(problem.key, problem.allowed) for problem in caught.value.problems] == [
        ("uses.c", "an amount above 0 is needed"),
        ("uses.d", "did you mean 'mL'? 'mLL' is not a known unit"),
        ("uses.e", "an amount above 0 is needed"),
    ]
    path.write_text("uses: {a: 1 mL, b: 2}\nsteps: [stage.move: {x: 5}]\n")
    assert load_procedure(path).uses == {"a": "1 mL", "b": 2}


def test_an_empty_stock_is_a_stock(tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text(LAB.replace("stock: 40", "stock: 0"))
    assert load_lab(path, registry).lab.consumables["substrate"].stock == 0


@pytest.mark.parametrize(
    ("valid", "kind", "changes"),
    [
        (True, "lab", {"consumables": {"a": {}, "b": {"unit": "mL", "stock": "1 L", "price": 0}}, "currency": "EUR"}),
        (True, "procedure", {"uses": {"a": 1, "b": "5 mL"}}),
        (False, "lab", {"consumables": {"a": {"stock": -1}}}),
        (False, "lab", {"consumables": {"a": {"price": "1 EUR"}}}),
        (False, "lab", {"consumables": {"a": {"prize": 1}}}),
        (False, "lab", {"consumables": {"2a": {}}}),
        (False, "lab", {"consumables": ["a"]}),
        (False, "lab", {"currency": 5}),
        (False, "procedure", {"uses": {"a": 0}}),
        (False, "procedure", {"uses": {"a": [1]}}),
        (False, "procedure", {"uses": {"2a": 1}}),
    ],
    ids=str,
)
def test_the_schemas_know_consumables(valid: bool, kind: str, changes: dict[str, Any], registry: Registry) -> None:
    found = {
        "lab": {"lab": "bench", "stations": {"a": {"devices": {"d": {"driver": "soft"}}, "price_per_hour": 5}}},
        "procedure": {"steps": ["stage.home"]},
    }[kind]
    validator: Any = jsonschema.Draft202012Validator(schema(kind, registry))
    assert validator.is_valid({**found, **changes}) is valid
