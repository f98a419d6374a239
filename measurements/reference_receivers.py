"""Reference receivers of the clauses that use TDECQ, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReferenceReceiver:
    """What a clause prescribes for the equaliser and the histograms of TDECQ.

    The feed-forward equaliser is spaced by one symbol and its taps sum to 1. `main_taps` are the
    0-based places that the largest tap may take, `main_tap_min` its least value. Each threshold may
    move by `threshold_allowance` of OMAouter. The histograms are `window_width_ui` wide, centred
    `window_left_ui` and `window_right_ui` in a symbol; the pair slides together in time.
    `bandwidth` is that of the 4th-order Bessel-Thomson filter in symbol rates. `side_tap_limits` are
    (places after the main tap, least, largest); taps not named there stay within `other_tap_limit`
    of zero. `confidence` marks
    a text that was not read in the original: "M" from memory, "M?" from memory and doubtful,
    "S" from a public source that quotes it.
    """

    name: str
    taps: int
    main_taps: tuple[int, ...]
    main_tap_min: float | None
    threshold_allowance: float
    target_ser: float
    source: str
    confidence: str
    window_left_ui: float = 0.45
    window_right_ui: float = 0.55
    window_width_ui: float = 0.04
    bandwidth: float = 0.5
    side_tap_limits: tuple[tuple[int, float, float], ...] = ()
    other_tap_limit: float | None = None
    main_tap_max: float | None = None

    def tap_limits(self, offset: int) -> tuple[float | None, float | None]:
        """Get the least and the largest value of the tap so many places after the main one."""
        if offset == 0:
            return self.main_tap_min, self.main_tap_max
        for place, low, high in self.side_tap_limits:
            if place == offset:
                return low, high
        if self.other_tap_limit is None:
            return None, None
        return -self.other_tap_limit, self.other_tap_limit


IEEE_802_3BS = ReferenceReceiver(
    name="IEEE 802.3bs",
    taps=5,
    main_taps=(0, 1),
    main_tap_min=None,
    threshold_allowance=0.0,
    target_ser=4.8e-4,
    source="IEEE 802.3bs-2017, 121.8.5",
    confidence="M",
)
"""Thresholds fixed, largest tap first or second."""

IEEE_802_3CD = ReferenceReceiver(
    name="IEEE 802.3cd",
    taps=5,
    main_taps=(0, 1, 2),
    main_tap_min=0.8,
    threshold_allowance=0.01,
    target_ser=4.8e-4,
    source="IEEE 802.3, 121.8.5 as amended by 802.3cd; also 802.3cu and, at 100 Gb/s a lane, 802.3df",
    confidence="M",
)
"""That of 400GBASE-DR4, 100GBASE-DR, FR1, LR1, 400GBASE-FR4, LR4-6, 800GBASE-DR8."""

IEEE_802_3DB = ReferenceReceiver(
    name="IEEE 802.3db",
    taps=9,
    main_taps=tuple(range(9)),
    main_tap_min=None,
    threshold_allowance=0.01,
    target_ser=4.8e-4,
    source="IEEE 802.3db, clause 167; the rule for the main tap was not seen, so none is applied",
    confidence="M?",
)

LPO_MSA_100G_DR = ReferenceReceiver(
    name="LPO MSA 100G-DR",
    taps=9,
    main_taps=tuple(range(9)),
    main_tap_min=None,
    threshold_allowance=0.01,
    target_ser=4.0e-4,
    source="LPO MSA 100G-DR-LPO 1.0, by digests; main tap and threshold rules were not seen",
    confidence="S",
)

IEEE_802_3DJ_DRAFT = ReferenceReceiver(
    name="IEEE P802.3dj draft",
    taps=15,
    main_taps=(0, 1, 2, 3),
    main_tap_min=0.8,
    threshold_allowance=0.01,
    target_ser=4.8e-4,
    source="P802.3dj D1.3 to D2.1, second-hand; without feedback tap and bound on the first taps' skew",
    confidence="M?",
    main_tap_max=2.5,
    side_tap_limits=((-2, -0.1, 0.2), (-1, -0.4, 0.05), (1, -0.4, 0.05), (2, -0.1, 0.2)),
    other_tap_limit=0.1,
)
"""For 200 Gb/s a lane, up to three precursors; a draft that still moved."""

REFERENCE_RECEIVERS = (IEEE_802_3BS, IEEE_802_3CD, IEEE_802_3DB, LPO_MSA_100G_DR, IEEE_802_3DJ_DRAFT)


def reference_receiver(name: str) -> ReferenceReceiver:
    """Find a reference receiver by its name."""
    for receiver in REFERENCE_RECEIVERS:
        if receiver.name == name:
            return receiver
    known = ", ".join(receiver.name for receiver in REFERENCE_RECEIVERS)
    raise ValueError(f"no reference receiver {name!r}; known: {known}")
