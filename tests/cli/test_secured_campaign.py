"""A campaign over a broker with a password and TLS: others control it, and the password is kept nowhere."""

import json
from pathlib import Path
from typing import Any

import pytest

from motet_testing.certificates import Authority
from motet_testing.mosquitto import StartMosquitto

PASSWORD = "not to be found anywhere"
pytestmark = pytest.mark.slow


def test_a_campaign_runs_and_stops_and_leaves_no_password(
    twin: Any, start_mosquitto: StartMosquitto, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = start_mosquitto(users={"motet": PASSWORD}, tls=authority.issue())
    ca = Path(twin.folder) / "ca.pem"
    if ca != authority.ca:
        ca.write_bytes(authority.ca.read_bytes())
    mapping = f"{{url: {broker.url}, user: motet, password: {{env: MOTET_MQTT_PASSWORD}}, ca: ca.pem}}"
    twin.change("lab.yaml", "broker: embedded", f"broker: {mapping}")
    twin.change("campaign.yaml", "experiments: 8", "experiments: 132")
    unset = twin.motet("run", "campaign.yaml")
    assert unset.returncode == 3
    assert "MOTET_MQTT_PASSWORD, which is not set" in unset.stderr

    monkeypatch.setenv("MOTET_MQTT_PASSWORD", PASSWORD)
    running = twin.start("run", "campaign.yaml")
    assert any("2/132" in line for line in running.stdout), running.stderr.read()
    kept = json.loads((Path(twin.data) / "twin_sdc-1" / "control.json").read_text())["broker"]
    assert kept["password"] == {"env": "MOTET_MQTT_PASSWORD", "file": None}
    stopped = twin.motet("stop", "twin_sdc")
    assert stopped.returncode == 0, stopped.stderr
    out, err = running.communicate(timeout=60)
    assert "stopped: asked to stop" in out, err
    files = [path for path in Path(twin.data).rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if PASSWORD.encode() in path.read_bytes()]
