# Every target works as the first command on a fresh clone.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup models demo test check bench clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Rune needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

models: $(READY)
	$(BIN)/rune setup

demo: models
	$(BIN)/rune demo

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check models
	$(BIN)/pytest

# Longer than CI has: regenerates docs/results/*.json. SESSIONS is a folder of the client's transcripts.
SESSIONS ?= $(HOME)/.claude/projects
bench: models
	$(BIN)/rune bench hooks
	$(BIN)/rune bench recall
	$(BIN)/rune demo --record
	$(BIN)/rune bench import $(SESSIONS)

clean:
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
