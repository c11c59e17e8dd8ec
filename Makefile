# One recipe for all: people, pre-commit and CI call these targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup demo test check format clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[weights,chinese,excel,demo,dev]"
	touch $(READY)

demo: $(READY)
	$(BIN)/python examples/demo.py

# Tests marked slow run where CI=true.
test: $(READY)
	$(BIN)/python -m pytest -q -n 2 --dist worksteal $(if $(CI),,-m "not slow")

check: $(READY)
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python tools/check_lengths.py
	$(BIN)/python -m pytest -q -n 2 src

format: $(READY)
	$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --quiet --fix .

clean:
	rm -rf demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
