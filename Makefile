# Everything needs only make and Python 3.11 or newer. Each target makes its environment when missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_OUT ?= runs
ROOMS := measurements instruments simulation station fixtures sequences

# One thread per process: analysis runs in worker processes, and BLAS threads would fight them.
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: help demo test lint bench prove clean

help:
	@echo "make demo    final test of a simulated 400GBASE-DR4 transceiver on the twin of the demo bench"
	@echo "make test    all tests"
	@echo "make lint    ruff and mypy"
	@echo "make bench   the measured figures, each beside a yardstick of the same run"
	@echo "make prove   the long proofs"

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Photonbench needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/run: $(VENV)/python pyproject.toml constraints.txt
	@echo "Setting up $(VENV) (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@$(BIN)/python -m compileall -q $(ROOMS)
	@touch $@

$(VENV)/dev: $(VENV)/python pyproject.toml constraints.txt
	@echo "Setting up $(VENV) with the tools for tests (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	@$(BIN)/python -m compileall -q $(ROOMS)
	@touch $@ $(VENV)/run

demo: $(VENV)/run
	@$(BIN)/photonbench run --station configs/stations/dr4-bench.yaml --plan configs/plans/dr4-final.yaml \
	  --serial DEMO-0001 --simulate --simulation configs/simulations/dr4-good.yaml --seed 1 --out $(RUN_OUT)

test: $(VENV)/dev
	@$(BIN)/python -m pytest -n 2 --dist worksteal -q --timeout 120

lint: $(VENV)/dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(VENV)/dev
	@$(BIN)/python -m benchmarks

prove: $(VENV)/dev
	@$(BIN)/python -m pytest -q -m prove --timeout 1800 tests

clean:
	rm -rf $(VENV) runs build *.egg-info
