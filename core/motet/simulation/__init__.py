"""Simulators: their bases and faults, a clock, and hosts: the other end of a pty, a socket, a line in memory, a
topic."""

from motet.simulation.clock import LoopClock
from motet.simulation.faults import Fault, FaultInjector, Faults
from motet.simulation.instrument import SimulatedInstrument, SimulatedNode
from motet.simulation.memory import MemoryOpener
from motet.simulation.mqtt import MqttHost
from motet.simulation.multidrop import Multidrop
from motet.simulation.pty import PtyServer
from motet.simulation.tcp import TcpServer

__all__ = [
    "Fault",
    "FaultInjector",
    "Faults",
    "LoopClock",
    "MemoryOpener",
    "MqttHost",
    "Multidrop",
    "PtyServer",
    "SimulatedInstrument",
    "SimulatedNode",
    "TcpServer",
]
