"""What a product advertises: applications, power, wavelength and alarm windows."""

from __future__ import annotations

from dataclasses import dataclass, field

LANES = 4


@dataclass(frozen=True, slots=True)
class Application:
    """One row of the application list; codes are those of SFF-8024."""

    host_interface: int
    media_interface: int
    host_lanes: int
    media_lanes: int
    host_assignment: int
    media_assignment: int


# SFF-8024: host 4Fh = 400GAUI-4-S C2M and 50h = 400GAUI-4-L C2M (IEEE 802.3 Annex 120G), media
# 1Ch = 400GBASE-DR4 (Clause 124). Four lanes, so the only start lane is 1.
DR4_APPLICATIONS = (
    Application(0x4F, 0x1C, LANES, LANES, 0x01, 0x01),
    Application(0x50, 0x1C, LANES, LANES, 0x01, 0x01),
)


@dataclass(frozen=True, slots=True)
class Window:
    """Alarm and warning limits of one monitored quantity."""

    high_alarm: float
    low_alarm: float
    high_warning: float
    low_warning: float

    def __post_init__(self) -> None:
        if not self.low_alarm < self.low_warning < self.high_warning < self.high_alarm:
            raise ValueError(
                f"limits must be ordered low alarm < low warning < high warning < high alarm: {self}"
            )


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Windows of page 02h.

    The warnings of the powers are the operating range of IEEE 802.3 Clause 124 (Tx -2.9 to 4.0 dBm,
    Rx -5.9 to 4.0 dBm), the Rx high alarm its damage threshold; the other values are vendor's choice.
    """

    temperature_c: Window = Window(75.0, -5.0, 70.0, 0.0)
    supply_v: Window = Window(3.63, 2.97, 3.465, 3.135)
    tx_power_dbm: Window = Window(5.0, -3.9, 4.0, -2.9)
    bias_ma: Window = Window(200.0, 5.0, 180.0, 10.0)
    rx_power_dbm: Window = Window(5.0, -8.9, 4.0, -5.9)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the memory of a 400GBASE-DR4 in QSFP112 says about the product.

    `identifier` 1Eh is "QSFP+ or later with CMIS", `connector` 0Ch an MPO 1x12 (both SFF-8024);
    `technology` 06h is a 1310 nm EML; the wavelength is the range of IEEE 802.3 Clause 124
    (1304.5 to 1317.5 nm). `power_class` counts from 1 as in the hardware specification.
    """

    identifier: int = 0x1E
    cmis_revision: int = 0x52
    media_type: int = 0x02
    connector: int = 0x0C
    technology: int = 0x06
    power_class: int = 5
    max_power_w: float = 9.0
    wavelength_nm: float = 1311.0
    wavelength_tolerance_nm: float = 6.5
    reach_km: float = 0.5
    case_temperature_max_c: int = 70
    case_temperature_min_c: int = 0
    supply_min_v: float = 3.135
    firmware_version: tuple[int, int] = (1, 0)
    hardware_version: tuple[int, int] = (1, 0)
    full_page_reads: bool = False
    applications: tuple[Application, ...] = DR4_APPLICATIONS
    thresholds: Thresholds = field(default_factory=Thresholds)
