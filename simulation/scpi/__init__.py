"""IEEE 488.2 and SCPI message handling for simulated instruments.

errors, units, profile -> framing, lexer -> parameters, commands, status, answers -> steps, common
-> device -> exchange

A device imports what it needs from here; see device.py for the smallest example and
simulation/devices/keysight_n7744a.py for a whole one.
"""

from simulation.scpi.answers import Block as BlockAnswer
from simulation.scpi.answers import Later, Quoted, WhenIdle
from simulation.scpi.commands import Command
from simulation.scpi.common import register_rows
from simulation.scpi.device import FOREVER_NS, Clock, ScpiDevice
from simulation.scpi.errors import ScpiError
from simulation.scpi.exchange import Exchange
from simulation.scpi.parameters import Block, Boolean, ChannelList, Choice, Number, PowerLevel, Text
from simulation.scpi.profile import KEYSIGHT_OPTICAL, Profile
from simulation.scpi.status import Register
from simulation.scpi.steps import Step

__all__ = [
    "FOREVER_NS",
    "KEYSIGHT_OPTICAL",
    "Block",
    "BlockAnswer",
    "Boolean",
    "ChannelList",
    "Choice",
    "Clock",
    "Command",
    "Exchange",
    "Later",
    "Number",
    "PowerLevel",
    "Profile",
    "Quoted",
    "Register",
    "ScpiDevice",
    "ScpiError",
    "Step",
    "Text",
    "WhenIdle",
    "register_rows",
]
