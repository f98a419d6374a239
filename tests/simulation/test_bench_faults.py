"""Faults of the bench's own parts: power cuts, floods of errors, drift, and worn mechanics."""

from __future__ import annotations

import pytest
import pyvisa
from pyvisa import constants

from simulation.devices.dicon_gp700 import DiconGp700
from simulation.devices.keysight_e36312a import KeysightE36312A
from simulation.devices.keysight_n7744a import KeysightN7744A
from simulation.devices.keysight_n7764a import KeysightN7764A
from simulation.faults import Fault, FaultKind
from tests.simulation.device_wire import Lamps, make, steady, wired


def test_a_power_cut_loses_settings_and_connection_once() -> None:
    cut = Fault("unit", FaultKind.POWER_CYCLED, after_messages=3, delay_s=5.0)
    with wired(KeysightE36312A, faults=(cut,)) as wire:
        wire.write("*CLS;*ESE 60;VOLT 3.3,(@1);:OUTP 1,(@1)")
        assert wire.ask("OUTP? (@1)") == "1"
        assert float(wire.ask("VOLT? (@1)")) == pytest.approx(3.3)
        with pytest.raises(pyvisa.VisaIOError) as caught:
            wire.ask("*IDN?")
        assert caught.value.error_code == constants.StatusCode.error_connection_lost
        with pytest.raises(pyvisa.VisaIOError):
            wire.ask("*IDN?")  # this connection stays lost
        manager = pyvisa.ResourceManager(wire.session.visalib)
        again = manager.open_resource("GPIB0::4::INSTR", timeout=20_000, read_termination="\n")
        with wire.timed() as start:
            assert again.query("OUTP? (@1)").strip() == "0"  # it starts before it answers
        assert start["seconds"] == pytest.approx(5.0, abs=0.5)
        assert int(again.query("*ESE?")) == 0
        assert int(again.query("*ESR?")) == 0x80
        assert wire.device.safe_state()["on"] == ()


def test_a_flood_of_errors_never_ends() -> None:
    flood = Fault("unit", FaultKind.ERROR_FLOOD, error_code=-240)
    with wired(KeysightE36312A, faults=(flood,)) as wire:
        found = [wire.ask("SYST:ERR?") for _ in range(50)]
        assert set(found) == {'-240,"Hardware error"'}
        wire.device.inflict([])
        assert len(wire.errors()) < 3


def test_a_drifted_reference_reads_too_high_by_its_amount() -> None:
    readings = []
    for faults in ((), (Fault("unit", FaultKind.DRIFTED_REFERENCE, amount_db=0.7),)):
        with wired(KeysightN7744A, faults=faults) as wire:
            wire.device.connect_light(Lamps({"1": steady(1311.0, 0.5)}))
            wire.write("SENS1:POW:WAV 1311NM")
            readings.append(float(wire.ask("READ1:POW?")))
    assert readings[1] - readings[0] == pytest.approx(0.7, abs=0.001)


def loss_db(device: KeysightN7764A) -> float:
    (way,) = device.passages("1.out")
    return way.loss_db(1311.0)


def test_a_stuck_attenuator_reports_what_it_does_not_do() -> None:
    with wired(KeysightN7764A) as wire:
        wire.write(":INP1:WAV 1311NM;:INP1:ATT 3;:OUTP1:STAT 1;*OPC?")
        wire.session.read()
        before = loss_db(wire.device)
        wire.device.faults.begin(Fault("unit", FaultKind.STUCK_ATTENUATOR))
        wire.write(":INP1:ATT 20;*OPC?")
        wire.session.read()
        assert float(wire.ask(":INP1:ATT?")) == pytest.approx(20.0)
        assert loss_db(wire.device) == pytest.approx(before, abs=0.2)
        wire.device.faults.end(FaultKind.STUCK_ATTENUATOR)
        assert loss_db(wire.device) == pytest.approx(before + 17, abs=0.5)


def test_a_stuck_attenuator_stays_stuck_through_a_reset() -> None:
    with wired(KeysightN7764A) as wire:
        wire.write(":INP1:ATT 3;:OUTP1:STAT 1;*OPC?")
        wire.session.read()
        before = loss_db(wire.device)
        wire.device.faults.begin(Fault("unit", FaultKind.STUCK_ATTENUATOR))
        wire.write("*RST;:OUTP1:STAT 1;:INP1:ATT 30;*OPC?")
        wire.session.read()
        assert loss_db(wire.device) == pytest.approx(before, abs=0.2)


def test_a_worn_switch_loses_more_each_time_and_never_the_same() -> None:
    worn = Fault("unit", FaultKind.WORN_SWITCH, amount_db=1.0)
    losses = {}
    for name, faults in (("new", ()), ("worn", (worn,))):
        with wired(DiconGp700, faults=faults, termination="\r") as wire:
            losses[name] = []
            for _ in range(30):
                for channel in (1, 2):
                    wire.write(f"M1 {channel},1")
                    wire.ask("M1?")
                (way,) = wire.device.passages("M1.com")
                losses[name].append(way.loss_db(1311.0))
    assert max(losses["new"]) - min(losses["new"]) < 0.05
    excess = [loss - min(losses["new"]) for loss in losses["worn"]]
    assert min(excess) > -0.05
    assert sum(excess) / len(excess) == pytest.approx(1.0, abs=0.5)
    assert len(set(losses["worn"])) == 30


def test_faults_that_ask_for_a_part_leave_others_alone() -> None:
    supply = make(KeysightE36312A)
    supply.inflict([Fault("unit", FaultKind.STUCK_ATTENUATOR), Fault("other", FaultKind.SILENT)])
    assert [fault.kind for fault in supply.faults.all] == [FaultKind.STUCK_ATTENUATOR]
    assert supply.reference_factor == 1.0
