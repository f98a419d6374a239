"""The commands that every instrument has: IEEE 488.2 chapter 10, SCPI-99 SYSTem and STATus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulation.scpi.answers import WhenIdle
from simulation.scpi.commands import Command, Confirmed
from simulation.scpi.errors import ScpiError
from simulation.scpi.parameters import Number
from simulation.scpi.status import Register

_IEEE = "IEEE 488.2-1992, chapter 10"
_SCPI = "SCPI-99 volume 2, chapters 20 and 21"
_BYTE = Number(minimum=0, maximum=255, integer=True)
_WORD = Number(minimum=0, maximum=65535, integer=True)


def error_text(device: Any, error: ScpiError) -> str:
    """Write an error as this make of instrument does."""
    text = f"{error.text};{error.detail}" if error.detail and device.profile.error_details else error.text
    return str(device.profile.error_format.format(code=error.code, text=text))


def _clear(device: Any) -> None:
    device.errors.clear()
    device.status.clear()
    device.cancel_announcement()


def _status_byte(device: Any) -> int:
    available = device.exchange is not None and device.exchange.message_available
    return int(device.status.byte(message_available=available))


def _set_event_enable(device: Any, mask: int) -> None:
    device.status.event_enable = mask


def _set_request_enable(device: Any, mask: int) -> None:
    device.status.request_enable = mask


def _preset(device: Any) -> None:
    device.status.operation.preset()
    device.status.questionable.preset()


def _ieee(pattern: str, **row: Any) -> Command:
    return Command(pattern=pattern, confirmed="manual page", source=_IEEE, **row)


def _scpi(pattern: str, **row: Any) -> Command:
    return Command(pattern=pattern, confirmed="manual page", source=_SCPI, **row)


def register_rows(
    pattern: str,
    register: Callable[..., Register],
    *,
    confirmed: Confirmed = "no",
    source: str = "",
) -> tuple[Command, ...]:
    """Give the commands of one status register; `register(device, *suffixes)` finds it."""

    def row(path: str, **handlers: Any) -> Command:
        return Command(pattern=pattern + path, confirmed=confirmed, source=source, **handlers)

    def mask(path: str, name: str) -> Command:
        return row(
            path,
            action=lambda *where: setattr(register(*where[:-1]), name, where[-1]),
            query=lambda *where: getattr(register(*where), name),
            parameters=(_WORD,),
        )

    return (
        row("[:EVENt]", query=lambda *where: register(*where).take_event()),
        row(":CONDition", query=lambda *where: register(*where).condition),
        mask(":ENABle", "enable"),
        mask(":PTRansition", "positive"),
        mask(":NTRansition", "negative"),
    )


def _standard_rows(pattern: str, register: Callable[..., Register]) -> tuple[Command, ...]:
    return register_rows(pattern, register, confirmed="manual page", source=_SCPI)


COMMON = (
    _ieee("*IDN", query=lambda device: device.identity, indefinite=True),
    _ieee("*OPT", query=lambda device: device.installed_options(), indefinite=True),
    _ieee("*RST", action=lambda device: device.reset()),
    _ieee("*CLS", action=_clear),
    _ieee("*TST", query=lambda device: device.self_test()),
    _ieee("*TRG", action=lambda device: device.trigger()),
    _ieee("*OPC", action=lambda device: device.announce_completion(), query=lambda _device: WhenIdle("1")),
    _ieee("*WAI", action=lambda _device: WhenIdle(None)),
    _ieee("*ESR", query=lambda device: device.status.take_events()),
    _ieee("*STB", query=_status_byte),
    _ieee(
        "*ESE",
        action=_set_event_enable,
        query=lambda device: device.status.event_enable,
        parameters=(_BYTE,),
    ),
    _ieee(
        "*SRE",
        action=_set_request_enable,
        query=lambda device: device.status.request_enable,
        parameters=(_BYTE,),
    ),
    _scpi("SYSTem:ERRor[:NEXT]", query=lambda device: error_text(device, device.errors.pop())),
    _scpi("SYSTem:ERRor:COUNt", query=lambda device: len(device.errors)),
    _scpi("SYSTem:VERSion", query=lambda device: device.profile.scpi_version),
    _scpi("STATus:PRESet", action=_preset),
    *_standard_rows("STATus:OPERation", lambda device: device.status.operation),
    *_standard_rows("STATus:QUEStionable", lambda device: device.status.questionable),
)
