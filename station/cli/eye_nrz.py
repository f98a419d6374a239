"""The figures of a stored two-level eye, as `photonbench eye` prints them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from measurements.capture import Waveform
from measurements.nrz import (
    CWDM4_MASK,
    LR4_MASK,
    Crossings,
    NrzEye,
    ThinTails,
    data_dependent_jitter,
    edge_times,
    eye_levels,
    eye_opening,
    find_crossings,
    find_sampled_crossings,
    fold,
    jitter_width,
    mask_margin,
    mask_test,
    q_factor,
    separate_jitter,
    settled_levels,
    total_jitter,
    vecp,
)
from measurements.nrz.jitter import J2, J4, J9
from measurements.quantity import NotMeasurable
from station.cli.lines import line

MASKS = {mask.name: mask for mask in (LR4_MASK, CWDM4_MASK)}
_WIDTHS = {"j2_ui": J2, "j4_ui": J4, "j9_ui": J9}
_BER = 1e-12


def nrz_figures(
    waveform: Waveform, *, noise_mw: float, mask: str | None, equivalent_time: bool
) -> dict[str, Any]:
    """Compute every figure of a two-level eye; what cannot be measured says why."""
    eye = fold(waveform, noise_mw=noise_mw)
    if isinstance(eye, NotMeasurable):
        return {"not_measurable": eye.reason}
    levels, settled, quality = eye_levels(eye), settled_levels(eye), q_factor(eye)
    return {
        "oma_mw": settled.oma_mw,
        "oma_dbm": settled.oma_dbm,
        "extinction_ratio_db": levels.extinction_ratio_db,
        "extinction_ratio_error_db": levels.extinction_ratio_error_db,
        "levels_mw": [levels.zero_mw, levels.one_mw],
        "crossing_percent": levels.crossing_percent,
        "q": quality.q,
        "q_standard_error": quality.standard_error,
        "ber_of_q": quality.ber,
        **_edges(eye),
        **_closure(eye),
        **_jitter(eye, equivalent_time=equivalent_time),
        **({} if mask is None else _mask(eye, mask)),
        "phase_ui": eye.crossing_ui + 0.5,
    }


def _edges(eye: NrzEye) -> dict[str, Any]:
    times = edge_times(eye)
    if isinstance(times, NotMeasurable):
        return {"rise_time_ps": None, "fall_time_ps": None, "edges_reason": times.reason}
    return {"rise_time_ps": times.rise_ps, "fall_time_ps": times.fall_ps}


def _closure(eye: NrzEye) -> dict[str, Any]:
    closure, opening = vecp(eye), eye_opening(eye)
    closed = isinstance(closure, NotMeasurable)
    shut = isinstance(opening, NotMeasurable)
    return {
        "vecp_db": None if isinstance(closure, NotMeasurable) else closure.vecp_db,
        "eye_height_percent": None if isinstance(opening, NotMeasurable) else opening.height_percent,
        "eye_width_ui": None if isinstance(opening, NotMeasurable) else opening.width_ui,
        **({"closure_reason": "the eye is closed"} if closed or shut else {}),
    }


def _jitter(eye: NrzEye, *, equivalent_time: bool) -> dict[str, Any]:
    crossings = find_sampled_crossings(eye) if equivalent_time else find_crossings(eye)
    if isinstance(crossings, NotMeasurable):
        return {"jitter_rms_ui": None, "jitter_reason": crossings.reason}
    total = total_jitter(crossings)
    return {
        "jitter_peak_peak_ui": total.peak_peak_ui,
        "jitter_rms_ui": total.rms_ui,
        "jitter_edges": total.edges,
        "data_dependent_ui": data_dependent_jitter(crossings).peak_peak_ui,
        **_separated(crossings),
    }


def _separated(crossings: Crossings) -> dict[str, Any]:
    """Separate random from deterministic jitter, or say why the tails do not tell."""
    try:
        parts = separate_jitter(crossings)
        widths = {name: jitter_width(crossings, share).width_ui for name, share in _WIDTHS.items()}
    except ThinTails as error:
        return {"random_rms_ui": None, "separation_reason": str(error)}
    return {
        "random_rms_ui": parts.random_rms_ui,
        "deterministic_ui": parts.deterministic_ui,
        "total_at_1e-12_ui": parts.total_ui(_BER),
        "tails_fit": parts.passed,
        **widths,
    }


def _mask(eye: NrzEye, name: str) -> dict[str, Any]:
    mask = MASKS[name]
    hits, margin = mask_test(eye, mask), mask_margin(eye, mask)
    if isinstance(hits, NotMeasurable) or isinstance(margin, NotMeasurable):
        return {"mask": name, "mask_margin_percent": None}
    return {
        "mask": name,
        "mask_source": f"{mask.source} {mask.confidence}",
        "mask_hits": hits.hits,
        "mask_hit_ratio": hits.hit_ratio,
        "mask_hit_ratio_allowed": mask.hit_ratio,
        "mask_margin_percent": margin.margin_percent,
    }


def nrz_lines(found: dict[str, Any]) -> Iterator[str]:
    """Write the figures of a two-level eye, one a line."""
    yield line("OMA", f"{found['oma_dbm']:.2f} dBm  ({found['oma_mw']:.4g} mW)")
    error = found["extinction_ratio_error_db"]
    yield line("ER", f"{found['extinction_ratio_db']:.2f} dB  (standard error {error:.2g} dB)")
    yield line("levels", f"{'  '.join(f'{level:.4f}' for level in found['levels_mw'])} mW")
    yield line("crossing", f"{found['crossing_percent']:.1f} %")
    rarity = f"BER {found['ber_of_q']:.1e}" if found["ber_of_q"] > 1e-99 else "BER below 1e-99"
    yield line("Q", f"{found['q']:.2f}  ({rarity})")
    if found["rise_time_ps"] is not None:
        rise, fall = found["rise_time_ps"], found["fall_time_ps"]
        yield line("rise, fall", f"{rise:.2f} ps, {fall:.2f} ps (20 to 80 %)")
    if found["eye_width_ui"] is not None:
        yield line("eye", f"{found['eye_height_percent']:.1f} % high, {found['eye_width_ui']:.3f} UI wide")
    if found["vecp_db"] is not None:
        yield line("VECP", f"{found['vecp_db']:.2f} dB")
    yield from _jitter_lines(found)
    if "mask" in found:
        yield line("mask", f"{found['mask']}: {_mask_told(found)}")


def _mask_told(found: dict[str, Any]) -> str:
    if found["mask_margin_percent"] is None:
        return "no eye to hold it against"
    hits = f"{found['mask_hits']} hits ({found['mask_hit_ratio']:.1e} of the samples)"
    return f"margin {found['mask_margin_percent']:.1f} %, {hits}"


def _jitter_lines(found: dict[str, Any]) -> Iterator[str]:
    if found["jitter_rms_ui"] is None:
        yield line("jitter", f"not measurable: {found['jitter_reason']}")
        return
    edges = f"{found['jitter_edges']:,} edges"
    yield line(
        "jitter",
        f"{found['jitter_rms_ui']:.4f} UI rms, {found['jitter_peak_peak_ui']:.3f} UI over {edges}",
    )
    yield line("by pattern", f"{found['data_dependent_ui']:.4f} UI")
    if found["random_rms_ui"] is None:
        return
    yield line("random", f"{found['random_rms_ui']:.4f} UI rms")
    yield line("deterministic", f"{found['deterministic_ui']:.4f} UI (two peaks)")
    yield line("J2, J4, J9", ", ".join(f"{found[name]:.3f}" for name in _WIDTHS) + " UI")
