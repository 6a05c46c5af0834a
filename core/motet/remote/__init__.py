"""Stations in other processes: what they and the orchestrator say to one another over MQTT."""

from motet.remote.connect import connect_remote
from motet.remote.host import Host
from motet.remote.identity import orchestrator_id
from motet.remote.station import RemoteStation

__all__ = ["Host", "RemoteStation", "connect_remote", "orchestrator_id"]
