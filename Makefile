# Every target sets up what it needs in .venv; nothing has to be installed by hand.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
DEMO ?= demo

.PHONY: help install demo test golden check format clean

help:  ## Show these targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: .venv/installed  ## Install lesionless and its tools into .venv

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@

demo: install  ## Phantom cohort, train, segment, evaluate, report: offline, below ten minutes
	$(BIN)/lesionless demo $(DEMO)

test: install  ## Run the tests
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile

golden: install  ## Store the figures of the golden run anew
	$(BIN)/pytest tests/test_golden.py --update-golden

check: install  ## Lint, formatting, import contracts, types, docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PYTHONPATH=src $(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python maint/check_docs.py

format: install  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Remove the environment and the demo's output
	rm -rf .venv demo
