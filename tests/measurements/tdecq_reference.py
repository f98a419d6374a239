"""TDECQ from its definition: slow, and sharing nothing with the library.

IEEE 802.3, 121.8.5 with five taps, the largest of them first, second or third and at least 0.8, and
thresholds that may move by 1 % of OMAouter. Every histogram sample is looked at by itself.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq, minimize, minimize_scalar
from scipy.special import erfc

TARGET = 4.8e-4
QT = 3.414
RHO = (1.0, 0.02056, 0.00135, -0.00008, 0.0)
STEP = 0.0025
REACH = 0.7
TAPS = 5


@dataclass(frozen=True, slots=True)
class Found:
    tdecq_db: float
    oma_mw: float
    noise_mw: float
    ceq: float
    taps: tuple
    main: int
    time_ui: float
    offsets: tuple


class Eye:
    """One period of dense light, with its pattern: rows of one value a symbol at any time."""

    def __init__(self, dense, symbols, per_symbol, *, searched=True):
        self.symbols, self.count = symbols, symbols.size
        time = np.arange(dense.size + 1) / per_symbol
        self.spline = CubicSpline(time, np.append(dense, dense[0]), bc_type="periodic")
        self.average = dense.mean()
        self.centre = self._centre(dense, per_symbol)
        self.oma = self._settled(3, 7) - self._settled(0, 6)
        times = np.arange(-REACH, REACH + STEP / 2, STEP) if searched else []
        self.lattice = [self._row(self.centre + t) for t in times]
        self.thresholds = self.average + self.oma / 3 * np.array([-1, 0, 1])

    def _centre(self, dense, per_symbol):
        """Place the middle of a symbol where the light correlates best with symbols as impulses."""
        impulses = np.zeros(dense.size)
        impulses[::per_symbol] = self.symbols - self.symbols.mean()
        lines = np.fft.rfft(dense - dense.mean()) * np.conj(np.fft.rfft(impulses))
        correlation = np.fft.irfft(lines, dense.size)
        best = int(np.argmax(correlation))
        left, top, right = (correlation[(best + i) % dense.size] for i in (-1, 0, 1))
        return (best + 0.5 * (left - right) / (left - 2 * top + right)) / per_symbol

    def _settled(self, symbol, length):
        text = "".join(map(str, np.tile(self.symbols, 2)))
        means = []
        for i in range(1, self.count + 1):
            run = text[i : i + length] == str(symbol) * length
            if run and text[i - 1] != str(symbol) != text[i + length]:
                middle = i + (length - 1) / 2 + self.centre
                means.append(self.spline(np.linspace(middle - 1, middle + 1, 401) % self.count).mean())
        return np.mean(means)

    def _row(self, phase):
        return self.spline((np.arange(self.count) + phase) % self.count)

    def row(self, time):
        """Get one value a symbol, some time from its centre; in a search straight between lattice rows."""
        if not self.lattice:
            return self._row(self.centre + time)
        place = (time + REACH) / STEP
        below = int(np.clip(np.floor(place), 0, len(self.lattice) - 2))
        return self.lattice[below] + (place - below) * (self.lattice[below + 1] - self.lattice[below])

    def equalised(self, time, taps, main):
        row = self.row(time)
        return sum(tap * np.roll(row, i - main) for i, tap in enumerate(taps))


def enhancement(taps):
    return np.sqrt(sum(a * b * RHO[abs(i - j)] for i, a in enumerate(taps) for j, b in enumerate(taps)))


def ratios(eye, taps, main, time, offsets, noise, points):
    """Compute the blind error ratio in the left and in the right window, for noise at the input."""
    at_slicer = noise * enhancement(taps)
    instants = 0.04 * ((np.arange(points) + 0.5) / points - 0.5)
    sides = []
    for side in (-0.05, 0.05):
        total = 0.0
        for instant in instants:
            values = eye.equalised(time + side + instant, taps, main)
            for threshold in eye.thresholds + offsets * eye.oma:
                total += np.mean(0.5 * erfc(np.abs(values - threshold) / at_slicer / np.sqrt(2)))
        sides.append(total / points)
    return np.array(sides)


def noise_borne(eye, taps, main, time, offsets, points):
    """Find the noise at which the worse window meets the target; 0 for a closed eye."""

    def excess(log_noise):
        worst = ratios(eye, taps, main, time, offsets, np.exp(log_noise), points).max()
        return np.log(max(worst, 1e-300) / TARGET)

    low, high = np.log(1e-3 * eye.oma), np.log(0.06 * eye.oma)
    return np.exp(brentq(excess, low, high, xtol=1e-5)) if excess(low) < 0 < excess(high) else 0.0


def least_squares(eye, main, time, noise):
    """Solve for the taps, summing to 1, of least mean square error with noise of the given rms."""
    row = eye.row(time)
    columns = np.stack([np.roll(row, i - main) for i in range(TAPS)])
    wanted = eye.average + eye.oma * (eye.symbols - eye.symbols.mean()) / 3
    centred = columns - eye.average
    normal = centred @ centred.T / eye.count
    normal += noise**2 * np.array([[RHO[abs(i - j)] for j in range(TAPS)] for i in range(TAPS)])
    right = centred @ (wanted - eye.average) / eye.count
    system = np.block([[normal, np.ones((TAPS, 1))], [np.ones((1, TAPS)), np.zeros((1, 1))]])
    return np.linalg.solve(system, np.append(right, 1.0))[:TAPS]


def starts(eye, main):
    """Find the times at which a main tap does best, coarsely, and the taps there."""
    noise, found = eye.oma / (6 * QT) / 1.4, []
    for time in np.arange(-0.5, 0.5, 0.04):
        taps = least_squares(eye, main, time, noise)
        if np.argmax(np.abs(taps)) == main and taps[main] >= 0.8:
            borne = noise_borne(eye, taps, main, time, np.zeros(3), 1)
            found.append((borne, time, taps))
    return sorted(found, key=lambda one: -one[0])[:2]


def polished(eye, main, time, taps, sharpnesses):
    """Lower the error ratio at fixed noise and raise the noise again, until nothing is gained."""
    others = [i for i in range(TAPS) if i != main]
    offsets = np.zeros(3)
    noise = noise_borne(eye, taps, main, time, offsets, 1)
    for sharpness in sharpnesses:

        def unpack(vector):
            trial = np.zeros(TAPS)
            trial[others] = vector[:4] / 20
            trial[main] = 1 - trial.sum()
            return trial, vector[7] / 20, vector[4:7] / 20

        def cost(vector, noise=noise, sharpness=sharpness):
            trial, when, moved = unpack(vector)
            found = np.maximum(ratios(eye, trial, main, when, moved, noise, 1), 1e-300)
            return np.log(found.max()) + np.log(np.mean((found / found.max()) ** sharpness)) / sharpness

        begin = np.concatenate([taps[others] * 20, offsets * 20, [time * 20]])
        bounds = [(None, None)] * 4 + [(-0.2, 0.2)] * 3 + [(20 * time - 1.6, 20 * time + 1.6)]
        main_at_least = {"type": "ineq", "fun": lambda v: 1 - v[:4].sum() / 20 - 0.8}
        best = minimize(
            cost,
            begin,
            method="SLSQP",
            bounds=bounds,
            constraints=[main_at_least],
            options={"maxiter": 60, "ftol": 1e-7},
        )
        trial, when, moved = unpack(best.x)
        borne = noise_borne(eye, trial, main, when, moved, 1)
        if borne <= noise * (1 + 1e-6) or np.argmax(np.abs(trial)) != main:
            continue
        taps, time, offsets, noise = trial, when, moved, borne
    return taps, time, offsets


def reference(dense, symbols, per_symbol, *, noise_mw=0.0, begun=2, sharpnesses=(2, 8, 30, 30)):
    """Find TDECQ by a search of its own; `noise_mw` is the transmitter's noise, which the light is free of.

    `begun` starts are polished for each main tap, in a round for each sharpness.
    """
    eye = Eye(dense, symbols, per_symbol)
    best = None
    for main in (0, 1, 2):
        for borne, time, taps in starts(eye, main)[:begun]:
            if best is not None and borne < 0.9 * best[0]:
                continue
            taps, time, offsets = polished(eye, main, time, taps, sharpnesses)

            def less(when, taps=taps, main=main, offsets=offsets):
                return -noise_borne(eye, taps, main, when, offsets, 8)

            near = (time - 0.01, time + 0.01)
            slid = minimize_scalar(less, bounds=near, method="bounded", options={"xatol": 1e-5})
            if best is None or -slid.fun > best[0]:
                best = (-slid.fun, main, taps, slid.x, offsets)
    total, main, taps, time, offsets = best
    left = total**2 - noise_mw**2
    if left <= 0:
        raise ValueError("the noise is more than the eye bears")
    return Found(
        10 * np.log10(eye.oma / (6 * QT * np.sqrt(left))),
        float(eye.oma),
        float(np.sqrt(left)),
        float(enhancement(taps)),
        tuple(taps),
        main,
        float(time),
        tuple(offsets),
    )
