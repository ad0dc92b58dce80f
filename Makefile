# Each target sets up the virtual environment by itself. Windows lines stand in README.md.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: help setup demo test soak lint bench clean

help:
	@echo "make demo   the whole route on a practice cohort, on the embedded database"
	@echo "make test   every test"
	@echo "make soak   the proofs of docs/proof.md with larger numbers, figures printed (about an hour)"
	@echo "make lint   style, types and the import floors"
	@echo "make bench  speed beside experts' code and peers, ratios printed (about half an hour)"
	@echo "make clean  remove the virtual environment and what the tools left"

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("ulnflow needs Python 3.11 or later: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

setup: $(VENV)/.ready

demo: setup
	$(BIN)/ulnflow demo

test: setup
	$(BIN)/python -m pytest -n 2

soak: setup
	ULNFLOW_SOAK=1 $(BIN)/python -m pytest -n 2 -rP -o timeout=7200 tests/proof

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32
	$(BIN)/lint-imports

$(VENV)/.bench-ready: pyproject.toml $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,bench]'
	touch $@

bench: $(VENV)/.bench-ready
	$(BIN)/python -m tests.bench

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist build
