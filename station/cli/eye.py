"""`photonbench eye`: analyse a capture that was stored as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from station.cli.output import FILE, CommandError, errors_told, json_option, print_json

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command("eye")
@click.argument("waveform", type=FILE)
@click.option("--product", type=FILE, help="product file: symbol rate, modulation, reference receiver")
@click.option("--symbol-rate-gbd", type=float, help="symbol rate in gigabaud, without a product file")
@click.option("--modulation", type=click.Choice(["pam4", "nrz"]), help="modulation, without a product file")
@click.option("--pattern", help="pattern that the light carries  [default: SSPRQ]")
@click.option("--samples-per-symbol", type=float, help="of a record on an even grid (default: one period)")
@click.option("--averages", type=click.IntRange(1), help="acquisitions that were averaged  [default: 1]")
@click.option("--signal-noise-uw", type=click.FloatRange(0), help="rms noise of ONE acquisition, with light")
@click.option("--scope-noise-uw", type=click.FloatRange(0), help="rms noise without light")
@click.option("--scale-mw", type=float, help="mW of one step, of a record of 16-bit numbers")
@click.option("--offset-mw", type=float, default=0.0, help="mW of its zero")
@click.option("--out", type=FILE, help="write a picture of the eye, as PNG")
@json_option
def command(
    waveform: Path,
    product: Path | None,
    symbol_rate_gbd: float | None,
    modulation: str | None,
    pattern: str | None,
    samples_per_symbol: float | None,
    averages: int | None,
    signal_noise_uw: float | None,
    scope_noise_uw: float | None,
    scale_mw: float | None,
    offset_mw: float,
    out: Path | None,
    as_json: bool,
) -> None:
    """Analyse one stored capture: levels, OMAouter, extinction ratio, RLM, transition time, TDECQ.

    WAVEFORM is an .npy of powers in mW on an even grid, an .npy or .csv with two columns (time in
    s, power in mW), or a waveform in the folder of its run, whose record then says all the rest.
    It must hold whole periods of the pattern, taken through the half-rate filter. Without
    --averages its noise is taken at its word; an averaged record has lost its noise and needs
    --signal-noise-uw for a TDECQ.
    """
    from measurements.capture import CaptureError
    from measurements.patterns import PatternError
    from station.cli.captures import read_capture
    from station.cli.eye_figures import Asked, analysed

    with errors_told(as_json):
        if product is not None and (symbol_rate_gbd is not None or modulation is not None):
            raise CommandError(
                "--product gives symbol rate and modulation already", remedy="leave one of the two away"
            )
        _refuse_nrz(modulation)
        rate, receiver = _of_product(product) if product else (symbol_rate_gbd, None)
        capture = read_capture(waveform, scale_mw=scale_mw, offset_mw=offset_mw)
        told = capture.told
        if rate is None and "symbol_rate_gbd" not in told:
            raise CommandError(
                "the symbol rate is not known",
                remedy="name a product file with --product, or give --symbol-rate-gbd and --modulation",
            )
        if product is None and modulation is None and not told:
            raise CommandError("the modulation is not known", remedy="give --modulation pam4")
        if rate is not None and rate != told.get("symbol_rate_gbd", rate):
            raise CommandError(
                f"{waveform} was taken at {told['symbol_rate_gbd']:g} GBd, says its run, not at {rate:g} GBd",
                remedy="leave the symbol rate to the run's record",
            )
        asked = Asked(
            symbol_rate_gbd=rate if rate is not None else float(told["symbol_rate_gbd"]),
            pattern=pattern or told.get("pattern") or "SSPRQ",
            reference_receiver=receiver or told.get("reference_receiver") or "IEEE 802.3cd",
            samples_per_symbol=samples_per_symbol or told.get("samples_per_symbol"),
            averages=averages or told.get("averages") or 1,
            signal_noise_mw=_mw(signal_noise_uw, told.get("noise_mw")),
            scope_noise_mw=_mw(scope_noise_uw, told.get("scope_noise_mw")) or 0.0,
        )
        try:
            document = analysed(waveform, capture, asked, out)
        except (CaptureError, PatternError) as error:
            raise CommandError(f"{waveform}: {error}") from error
        print_json(document) if as_json else click.echo("\n".join(_lines(document)))


def _refuse_nrz(modulation: str | None) -> None:
    if modulation == "nrz":
        raise CommandError(
            "NRZ eyes are not built yet: only PAM4 is analysed",
            remedy="use the scope's own measurements until then",
        )


def _of_product(path: Path) -> tuple[float, str]:
    from station.config.loader import load_product

    product = load_product(path).value
    _refuse_nrz(product.modulation)
    return product.symbol_rate_gbd, product.reference_receiver


def _mw(given_uw: float | None, told_mw: float | None) -> float | None:
    return told_mw if given_uw is None else given_uw * 1e-3


def _lines(found: dict[str, Any]) -> Iterator[str]:
    """Write the document for people, one figure a line."""
    periods = "1 period" if found["periods"] == 1 else f"{found['periods']} periods"
    yield found["file"]
    yield (
        f"{periods} of {found['pattern']} at {found['symbol_rate_gbd']:g} GBd, "
        f"{found['samples_per_symbol']:g} samples a symbol, averages: {found['averages']}"
    )
    dbm = "no level in dBm" if found["average_dbm"] is None else f"{found['average_dbm']:.2f} dBm"
    yield _line("average power", f"{dbm}  ({found['average_mw']:.4g} mW)")
    if "not_measurable" in found:
        yield _line("not measurable", found["not_measurable"])
    else:
        yield from _level_lines(found)
        yield from _closure_lines(found)
    if found["picture"]:
        yield _line("picture", found["picture"])


def _level_lines(found: dict[str, Any]) -> Iterator[str]:
    edge = found["transition_time_ps"]
    yield _line("OMAouter", f"{found['oma_outer_dbm']:.2f} dBm  ({found['oma_outer_mw']:.4g} mW)")
    yield _line("outer ER", f"{found['extinction_ratio_db']:.2f} dB")
    yield _line("levels", f"{'  '.join(f'{level:.4f}' for level in found['levels_mw'])} mW")
    yield _line("RLM", f"{found['rlm']:.3f}")
    edge_text = "no edge in this pattern" if edge is None else f"{edge:.2f} ps (20 to 80 %)"
    yield _line("transition time", edge_text)


def _closure_lines(found: dict[str, Any]) -> Iterator[str]:
    import textwrap

    if found["tdecq_db"] is None:
        yield from textwrap.wrap(
            _line("TDECQ", f"not measurable: {found['tdecq_reason']}"), 79, subsequent_indent=" " * 18
        )
        return
    error = found["tdecq_standard_error_db"]
    yield _line("TDECQ", f"{found['tdecq_db']:.2f} dB  (standard error {error:.2g} dB)")
    yield _line("Ceq", f"{found['ceq_db']:.2f} dB")
    taps = "  ".join(f"{tap:.4f}" for tap in found["taps"])
    yield _line("taps", f"{taps}  (main: {found['main_tap'] + 1})")
    yield _line("reference", found["reference_receiver"])
    yield _line("noise", f"{found['noise_mw'] * 1e3:.3g} µW: {found['noise_source']}")


def _line(name: str, value: str) -> str:
    return f"  {name:<16}{value}"
