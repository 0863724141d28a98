# `make help` lists the targets. Everything runs in .venv, which the first target that needs it makes.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
# Stages start `python`, so the environment's one must come first, as if it were activated.
IN_VENV := PATH="$(CURDIR)/$(BIN):$$PATH"

.DEFAULT_GOAL := help
.PHONY: help install repro report test lint types imports unit format anchors bench profile search-cost kills literature lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */\1\t/' | expand -t 14

install: $(INSTALLED)  ## make .venv with all that the project needs, at the pinned versions

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'make: $(PYTHON) is older than Python 3.11; name a newer one: make PYTHON=python3.12' >&2; exit 2; }
	@echo 'Installing into .venv (several GB the first time) ...'
	@$(PYTHON) -m venv --clear .venv
	@sed -n '/^uv==/,/[^\\]$$/p' constraints.txt > .venv/uv.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .venv/uv.txt
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r constraints.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

repro: $(INSTALLED)  ## run the pipeline: data, training, evaluation, report
	@$(IN_VENV) study check
	@$(IN_VENV) dvc repro
	@$(IN_VENV) study where

report: $(INSTALLED)  ## make the report again from the results
	@$(IN_VENV) study report

# Make's own way: nothing is checked again that passed and has not changed since.
CHECKED := $(shell git ls-files 2>/dev/null || find . -name '*.py' -not -path './.venv/*')
test: .venv/checked  ## all checks; after a change of any file
	@echo 'all checks passed, and no file has changed since (make unit runs the tests again)'

.venv/checked: $(INSTALLED) $(wildcard $(CHECKED))
	@$(MAKE) --no-print-directory lint types imports unit
	@touch $@

lint: $(INSTALLED)  ## style of the code
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(INSTALLED)  ## mypy, strict
	@$(BIN)/mypy

imports: $(INSTALLED)  ## the direction of imports
	@$(BIN)/lint-imports --no-logo

unit: $(INSTALLED)  ## the tests
	@$(IN_VENV) pytest

format: $(INSTALLED)  ## format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

anchors: $(INSTALLED)  ## validation ELBO of four reference models beside published figures (a minute)
	@$(IN_VENV) python -m benchmarks.anchors

bench: $(INSTALLED)  ## this project beside plain torch, pythae and plain Optuna (BENCH=--quick: less of it)
	@$(BIN)/python -c 'import pythae' 2>/dev/null || \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[bench]'
	@$(IN_VENV) python -m benchmarks.bench $(BENCH)

profile: $(INSTALLED)  ## where the time of a training step goes
	@$(IN_VENV) python -m benchmarks.profile $(BENCH)

search-cost: $(INSTALLED)  ## what the search costs beside its training
	@$(IN_VENV) python -m benchmarks.search_cost

kills: $(INSTALLED)  ## kill a search thirty times, then check its books (5 minutes)
	@$(IN_VENV) python -m benchmarks.kills

literature: $(INSTALLED)  ## test NLL of the IWAE paper's VAE on all of MNIST (half an hour and more)
	@$(IN_VENV) python -m benchmarks.literature $(LITERATURE)

lock: $(INSTALLED)  ## pin the newest versions that pyproject.toml allows
	@$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --extra dev --extra postgres --output-file constraints.txt pyproject.toml

clean:  ## remove data, models, results and reports; keeps .venv, the records and DVC's cache
	rm -rf data models results reports
