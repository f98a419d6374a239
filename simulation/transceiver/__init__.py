"""Firmware of the simulated transceiver: CMIS memory, state machines and pins over one physics."""

from simulation.transceiver.capabilities import Application, Capabilities, Thresholds, Window
from simulation.transceiver.data_path import DataPathState
from simulation.transceiver.durations import Durations
from simulation.transceiver.faults import FirmwareFaults
from simulation.transceiver.firmware import Firmware
from simulation.transceiver.identity import Identity
from simulation.transceiver.module_state import ModuleState
from simulation.transceiver.monitors import LossOfSignal, MonitorAccuracy
from simulation.transceiver.physics_port import PhysicsPort
from simulation.transceiver.rail import Rail
from simulation.transceiver.two_wire import Nack, TwoWireFace

__all__ = [
    "Application",
    "Capabilities",
    "DataPathState",
    "Durations",
    "Firmware",
    "FirmwareFaults",
    "Identity",
    "LossOfSignal",
    "ModuleState",
    "MonitorAccuracy",
    "Nack",
    "PhysicsPort",
    "Rail",
    "Thresholds",
    "TwoWireFace",
    "Window",
]
