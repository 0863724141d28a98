# `make help` lists the targets. Everything runs in .venv, which is created when a target first needs it.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
# Stages call `python`, so .venv must come first on the path, as if it were activated.
IN_VENV := PATH="$(CURDIR)/$(BIN):$$PATH"

# DVC needs a home folder, which a user id without a name, as in containers, has only in HOME.
ifndef HOME
export HOME := $(shell getent passwd "$$(id -u)" | cut -d: -f6 | grep . || echo /)
endif

# DVC works only in a git repository, of whatever owner. An archive of the project is none.
IS_REPOSITORY := [ -d .dvc ] && git -c safe.directory='*' rev-parse --git-dir >/dev/null 2>&1
NO_REPOSITORY := this folder is not a git repository, which dvc needs: clone the project, or unpack \
	all of it, hidden files too, and run: git init && git add -A && git commit -m start

.DEFAULT_GOAL := help
.PHONY: help install repro report test lint types imports unit format anchors bench profile samplers pruning search-cost commands kills fuzz literature lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */\1\t/' | expand -t 14

install: $(INSTALLED)  ## create .venv with the pinned versions of all dependencies

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'make: $(PYTHON) is older than Python 3.11; choose a newer one: make PYTHON=python3.12' >&2; exit 2; }
	@$(IS_REPOSITORY) || echo 'make: $(NO_REPOSITORY)' >&2
	@echo 'Installing into .venv (several GB the first time) ...'
	@$(PYTHON) -m venv --clear .venv
	@sed -n '/^uv==/,/[^\\]$$/p' constraints.txt > .venv/uv.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .venv/uv.txt
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r constraints.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

repro:  ## run the whole pipeline, from the data to the report
	@$(IS_REPOSITORY) || { echo 'make: $(NO_REPOSITORY)' >&2; exit 2; }
	@$(MAKE) --no-print-directory $(INSTALLED)
	@$(IN_VENV) study check
	@$(IN_VENV) dvc repro
	@$(IN_VENV) study where

report: $(INSTALLED)  ## rebuild the report from existing results
	@$(IN_VENV) study report

# Checks run only if a file is newer than .venv/checked.
CHECKED := $(shell git ls-files 2>/dev/null || find . -name '*.py' -not -path './.venv/*')
test: .venv/checked  ## run all checks, if any file has changed
	@echo 'all checks have passed, and no file has changed since (to rerun the tests: make unit)'

.venv/checked: $(INSTALLED) $(wildcard $(CHECKED))
	@$(MAKE) --no-print-directory lint types imports unit
	@touch $@

lint: $(INSTALLED)  ## check the code style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(INSTALLED)  ## check the types (mypy, strict)
	@$(BIN)/mypy

imports: $(INSTALLED)  ## check the direction of imports
	@$(BIN)/lint-imports --no-logo

unit: $(INSTALLED)  ## run the tests
	@$(IN_VENV) pytest

format: $(INSTALLED)  ## format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

anchors: $(INSTALLED)  ## compare four reference models with published results (one minute)
	@$(IN_VENV) python -m benchmarks.anchors

bench: $(INSTALLED)  ## compare with plain torch, pythae and plain Optuna (shorter: BENCH=--quick)
	@$(BIN)/python -c 'import pythae' 2>/dev/null || \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[bench]'
	@$(IN_VENV) python -m benchmarks.bench $(BENCH)

profile: $(INSTALLED)  ## show where the time of a training step goes
	@$(IN_VENV) python -m benchmarks.profile $(BENCH)

samplers: $(INSTALLED)  ## compare the samplers of the search (half an hour)
	@$(IN_VENV) python -m benchmarks.samplers

pruning: $(INSTALLED)  ## measure what pruning costs the search and what it saves (an hour)
	@$(IN_VENV) python -m benchmarks.pruning

search-cost: $(INSTALLED)  ## measure the overhead of the search
	@$(IN_VENV) python -m benchmarks.search_cost

commands: $(INSTALLED)  ## measure the processor time of the commands that only show
	@$(IN_VENV) python -m benchmarks.commands $(COMMANDS)

kills: $(INSTALLED)  ## disturb searches, commands and the pipeline a hundred times, then verify the records (20 minutes)
	@$(IN_VENV) python -m benchmarks.kills $(KILLS)

fuzz: $(INSTALLED)  ## give the commands 2,000 wrong inputs (10 minutes; other inputs: FUZZ='--seed 1')
	@$(IN_VENV) python -m benchmarks.fuzz $(FUZZ)

literature: $(INSTALLED)  ## compare with the IWAE paper's test NLL on all of MNIST (over half an hour)
	@$(IN_VENV) python -m benchmarks.literature $(LITERATURE)

lock: $(INSTALLED)  ## pin the newest versions that pyproject.toml allows
	@$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --extra dev --extra postgres --output-file constraints.txt pyproject.toml

clean:  ## remove data, models, results and reports; keep .venv, records and DVC's cache
	rm -rf data models results reports
