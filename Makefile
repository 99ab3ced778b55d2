# `make demo` and `make test` need nothing but Python 3.10 or later and make: they build the environment themselves.
PYTHON ?= python3
ENVIRONMENT ?= .venv
DEMO ?= demo
BIN = $(ENVIRONMENT)/bin
READY = $(ENVIRONMENT)/.ready

.PHONY: help environment demo test lint types format benchmarks clean

help:
	@echo "make demo        train on a generated scene, score it, evaluate, and write a report"
	@echo "make test        run all tests"
	@echo "make lint types  check style and types"
	@echo "make format      put the sources into the project's layout"
	@echo "make benchmarks  measure speed, as ratios"

environment: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("OddLens needs Python 3.10 or later, $(PYTHON) is " + sys.version.split()[0]) if sys.version_info < (3, 10) else None'
	$(PYTHON) -m venv $(ENVIRONMENT)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

demo: $(READY)
	$(BIN)/oddlens data walkway $(DEMO)/walkway --overwrite
	$(BIN)/oddlens train lnra --config lnra/demo --data $(DEMO)/walkway --out $(DEMO)/run --overwrite
	$(BIN)/oddlens evaluate $(DEMO)/run --data $(DEMO)/walkway --out $(DEMO)/evaluation.md --json $(DEMO)/evaluation.json
	$(BIN)/oddlens score $(DEMO)/run $(DEMO)/walkway --out $(DEMO)/scores
	@echo "The report: $(DEMO)/scores/report.html (open it in a browser). The table: $(DEMO)/evaluation.md"

test: $(READY)
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmarks: $(READY)
	$(BIN)/python -m benchmarks.run

clean:
	rm -rf $(ENVIRONMENT) $(DEMO) .pytest_cache .mypy_cache .ruff_cache
