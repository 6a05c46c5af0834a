"""The broker of a lab file: its short form, its files, and what never leaves it."""

import json
from pathlib import Path

import pytest

from motet.errors import FileProblems
from motet.files.lab import load_lab
from motet.files.schema import schema
from motet.model.broker import Broker, Secret
from motet.plugins import Registry

LAB = """\
lab: bench
broker: BROKER
stations:
  a: {devices: {stage: {driver: stage, line: /dev/ttyS0}}}
"""


def lab(folder: Path, broker: str) -> Path:
    path = folder / "lab.yaml"
    path.write_text(LAB.replace("BROKER", broker))
    return path


def mistakes(path: Path, registry: Registry) -> list[str]:
    with pytest.raises(FileProblems) as caught:
        load_lab(path, registry)
    return [line.replace(f"{path.parent}/", "") for line in str(caught.value).splitlines()]


def test_a_broker_is_its_address_or_a_mapping_with_it(tmp_path: Path, registry: Registry) -> None:
    assert load_lab(lab(tmp_path, "none"), registry).lab.broker == Broker(url="none")
    short = load_lab(lab(tmp_path, "mqtt://broker.lab"), registry).lab.broker
    assert short == load_lab(lab(tmp_path, "{url: mqtt://broker.lab}"), registry).lab.broker
    for file in ("broker-password", "ca.pem", "a.pem", "a.key"):
        (tmp_path / file).write_text("s3cret")
    path = lab(
        tmp_path,
        "{url: mqtts://broker.lab, user: ann, password: {file: broker-password}, ca: ca.pem, certificate: a.pem, "
        "key: a.key, keepalive: 1 min}",
    )
    found = load_lab(path, registry)
    assert found.lab.broker == Broker(
        url="mqtts://broker.lab",
        user="ann",
        password=Secret(file=tmp_path / "broker-password"),
        ca=tmp_path / "ca.pem",
        certificate=tmp_path / "a.pem",
        key=tmp_path / "a.key",
        keepalive="1 min",
    )
    assert not found.beside, "campaigns keep no file of the broker"


def test_files_that_are_not_there_are_named_with_their_lines(tmp_path: Path, registry: Registry) -> None:
    path = lab(tmp_path, "\n  {url: mqtts://b, user: ann, password: {file: word}, ca: ca.pem, keepalive: 5 mm}")
    needed = "a file is needed, relative to the folder of the lab file"
    assert mistakes(path, registry) == [
        f"lab.yaml:3: broker.ca: found no file 'ca.pem'; {needed}",
        f"lab.yaml:3: broker.password.file: found no file 'word'; {needed}",
        "lab.yaml:3: broker.keepalive: found '5 mm'; mm ([length]) cannot be converted to s",
    ]


@pytest.mark.parametrize(
    "broker",
    [
        "mqtt://ann:s3cret@broker.lab",
        "{url: 'mqtts://ann:s3cret@broker.lab', user: ann}",
        "{url: mqtts://broker.lab, user: ann, password: s3cret}",
        "{url: mqtts://broker.lab, user: ann, password: {env: s3cret-1}}",
    ],
)
def test_a_password_in_the_file_is_refused_and_not_shown(tmp_path: Path, registry: Registry, broker: str) -> None:
    (said,) = mistakes(lab(tmp_path, broker), registry)
    assert said.startswith("lab.yaml:2: broker")
    assert "s3cret" not in said


def test_a_variable_need_not_be_set_to_check_a_file(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MOTET_MQTT_PASSWORD", raising=False)
    path = lab(tmp_path, "{url: mqtts://broker.lab, user: ann, password: {env: MOTET_MQTT_PASSWORD}}")
    assert load_lab(path, registry).lab.broker.password == Secret(env="MOTET_MQTT_PASSWORD")


def test_the_schema_takes_both_forms(registry: Registry) -> None:
    short, long = schema("lab", registry)["$defs"]["Broker"]["anyOf"]
    assert short["type"] == "string"
    assert set(long["properties"]) == set(Broker.model_fields)
    assert json.dumps(long["required"]) == '["url"]'
