"""Hosts for simulators: a clock, and the other end of a pty, a socket, a line in memory or a topic."""

from motet.simulation.clock import LoopClock
from motet.simulation.memory import MemoryOpener
from motet.simulation.mqtt import MqttHost
from motet.simulation.pty import PtyServer
from motet.simulation.tcp import TcpServer

__all__ = ["LoopClock", "MemoryOpener", "MqttHost", "PtyServer", "TcpServer"]
