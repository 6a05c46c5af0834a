# Everything runs in .venv, which is made and updated when pyproject.toml or constraints.txt change.
PYTHON ?= python3
BIN := .venv/bin
# Other people's programs of which tests use a part: without what the rest of them needs (.NET, a server, matplotlib).
PEERS := labmcp labmcp-palmsens hardpotato pymeasure pypalmsens

# Tests start processes by the hundred: each finds compiled modules, whatever the surroundings say.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow check format bench bench-instruments bench-offline bench-distributed torture docs clean

help:  ## show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/ready  ## make the virtual environment

.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Motet needs Python >= 3.11, found " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps $(PEERS)
	@touch $@

demo: .venv/ready  ## run the twin-cell campaign on simulators
	$(BIN)/motet run examples/twin_sdc/campaign.yaml

test: .venv/ready  ## run the fast tests
	$(BIN)/pytest -n auto -m 'not slow'

test-slow: .venv/ready  ## run the long tests; with SHORT=1 on fewer random inputs and without the longest
	MOTET_TESTS=$(if $(SHORT),short,full) $(BIN)/pytest -n auto -m 'slow$(if $(SHORT), and not long)'

check: .venv/ready  ## formatting, lint, types, architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/pyright

format: .venv/ready  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/ready  ## measure the orchestrator's overhead
	$(BIN)/python benchmarks/overhead.py

bench-instruments: .venv/ready  ## measure drivers beside bare pyserial, two minutes
	$(BIN)/python benchmarks/instruments.py

bench-offline: .venv/ready  ## measure simulation and studies, a quarter of an hour
	$(BIN)/python benchmarks/offline.py

bench-distributed: .venv/ready  ## measure remote stations beside local ones, two minutes; needs mosquitto
	$(BIN)/python benchmarks/distributed.py

torture: .venv/ready  ## inject faults for real, a quarter of an hour; ONLY="estop broker" for some, SHORT=1 for a few of each
	$(BIN)/python -m motet_torture $(if $(SHORT),--short) $(if $(ONLY),--only $(ONLY))

docs: .venv/ready  ## generate the reference pages from the code
	$(BIN)/python docs/generate.py

clean:  ## remove the virtual environment and caches
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache
