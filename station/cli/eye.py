"""`photonbench eye`: analyse a capture that was stored as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from station.cli.lines import line
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
@click.option("--mask", type=click.Choice(["100GBASE-LR4", "100G CWDM4"]), help="eye mask of an NRZ eye")
@click.option("--equivalent-time", is_flag=True, help="NRZ record of a sampling scope: jitter by its samples")
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
    mask: str | None,
    equivalent_time: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Analyse one stored capture of a PAM4 or NRZ eye.

    PAM4: levels, OMAouter, extinction ratio, RLM, overshoot, transition time, TDECQ, the three eyes.
    NRZ: OMA, extinction ratio, crossing, Q, edges, VECP, jitter and, with --mask, mask margin.

    WAVEFORM is an .npy of powers in mW on an even grid, an .npy or .csv with two columns (time in
    s, power in mW), or a waveform in the folder of its run, whose record then says all the rest.
    It must hold whole periods of the pattern, taken through the reference receiver's filter. Without
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
        rate, receiver = symbol_rate_gbd, None
        if product is not None:
            rate, receiver, modulation = _of_product(product)
        capture = read_capture(waveform, scale_mw=scale_mw, offset_mw=offset_mw)
        told = capture.told
        if rate is None and "symbol_rate_gbd" not in told:
            raise CommandError(
                "the symbol rate is not known",
                remedy="name a product file with --product, or give --symbol-rate-gbd and --modulation",
            )
        if product is None and modulation is None and not told:
            raise CommandError("the modulation is not known", remedy="give --modulation pam4 or nrz")
        if rate is not None and rate != told.get("symbol_rate_gbd", rate):
            raise CommandError(
                f"{waveform} was taken at {told['symbol_rate_gbd']:g} GBd, says its run, not at {rate:g} GBd",
                remedy="leave the symbol rate to the run's record",
            )
        try:
            asked = Asked(
                symbol_rate_gbd=rate if rate is not None else float(told["symbol_rate_gbd"]),
                pattern=_pattern_of(pattern or told.get("pattern"), modulation),
                reference_receiver=receiver or told.get("reference_receiver") or "IEEE 802.3cd",
                samples_per_symbol=samples_per_symbol or told.get("samples_per_symbol"),
                averages=averages or told.get("averages") or 1,
                signal_noise_mw=_mw(signal_noise_uw, told.get("noise_mw")),
                scope_noise_mw=_mw(scope_noise_uw, told.get("scope_noise_mw")) or 0.0,
                mask=mask,
                equivalent_time=equivalent_time,
            )
            document = analysed(waveform, capture, asked, out)
        except (CaptureError, PatternError) as error:
            raise CommandError(f"{waveform}: {error}") from error
        print_json(document) if as_json else click.echo("\n".join(_lines(document)))


def _of_product(path: Path) -> tuple[float, str, str]:
    from station.config.loader import load_product

    product = load_product(path).value
    return product.symbol_rate_gbd, product.reference_receiver, product.modulation


def _pattern_of(named: str | None, modulation: str | None) -> str:
    """Take the pattern that was named, or SSPRQ; refuse one of the other modulation."""
    from measurements.patterns import is_pam4

    if named is None and modulation == "nrz":
        raise CommandError("the pattern is not known", remedy="give --pattern, for example PRBS9")
    name = named or "SSPRQ"
    if modulation is not None and is_pam4(name) is not (modulation == "pam4"):
        levels = "four levels" if is_pam4(name) else "two levels"
        raise CommandError(
            f"{name} has {levels}, not those of {modulation.upper()}", remedy="check --pattern"
        )
    return name


def _mw(given_uw: float | None, told_mw: float | None) -> float | None:
    return told_mw if given_uw is None else given_uw * 1e-3


def _lines(found: dict[str, Any]) -> Iterator[str]:
    """Write the document for people, one figure a line."""
    from station.cli.eye_nrz import nrz_lines
    from station.cli.eye_pam4 import pam4_lines

    periods = "1 period" if found["periods"] == 1 else f"{found['periods']} periods"
    yield found["file"]
    yield (
        f"{periods} of {found['pattern']} at {found['symbol_rate_gbd']:g} GBd, "
        f"{found['samples_per_symbol']:g} samples a symbol, averages: {found['averages']}"
    )
    dbm = "no level in dBm" if found["average_dbm"] is None else f"{found['average_dbm']:.2f} dBm"
    yield line("average power", f"{dbm}  ({found['average_mw']:.4g} mW)")
    if "not_measurable" in found:
        yield line("not measurable", found["not_measurable"])
    elif found["modulation"] == "pam4":
        yield from pam4_lines(found)
    else:
        yield from nrz_lines(found)
    if found["picture"]:
        yield line("picture", found["picture"])
