# Arrears. Everything runs from .venv, which `make setup` makes from the hash-checked lock.
# No target needs root, Docker or a server that is already installed.

# A .venv that serves is kept, unless PYTHON names another Python than the one it was made with.
NAMED := $(filter-out undefined,$(origin PYTHON))
PYTHON ?= python3
SERVES := import sys; sys.exit(sys.version_info < (3, 11))
WHICH := import sys; print(sys.version, sys.base_prefix)
BIN := .venv/bin
READY := .venv/.ready
# The lock names everything, so nothing is resolved. A module is compiled when it is first imported:
# most of what the packages bring is never imported here.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile
UV := $(BIN)/uv pip install --quiet --no-deps --python $(BIN)/python
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --quiet

# What Python compiled is kept, also where the environment says otherwise: the tests start hundreds of
# processes, and compiling anew takes each of them twice as long as all else that it does to start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup lint style types test every-test attack demo run bench chaos restore-drill judge mutants lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv with everything that the lock names
	@test -z "$(NAMED)" && $(BIN)/python -c '$(SERVES)' 2>/dev/null || { \
		$(PYTHON) -c '$(SERVES)' 2>/dev/null || { \
			echo "$(PYTHON) is not Python 3.11 or later." \
				"Name one that is: make setup PYTHON=python3.11" >&2; exit 1; }; \
		test "$$($(BIN)/python -c '$(WHICH)' 2>/dev/null)" = "$$($(PYTHON) -c '$(WHICH)')" || \
			rm -rf .venv; }
	@$(MAKE) --no-print-directory --question $(READY) || $(MAKE) --no-print-directory $(READY)

$(READY): requirements-dev.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { \
		rm -rf .venv; \
		echo "No virtual environment could be made with $(PYTHON). Python 3.11 or later with its" \
			"venv module is needed (on Debian: apt-get install python3-venv)." >&2; exit 1; }
	@echo "Installing what the lock names into .venv: about a minute the first time, 650 MB on disk."
	@awk '/^[^ ]/ { is_uv = /^uv==/ } is_uv' requirements-dev.txt > .venv/uv.txt
	$(PIP) --require-hashes -r .venv/uv.txt
	@# uv takes a sixth of pip's time, but reads no settings of pip's, such as an index of your own.
	$(UV) --require-hashes -r requirements-dev.txt || $(PIP) --require-hashes -r requirements-dev.txt
	$(PIP) --no-build-isolation -e .
	@touch $@

lint: style types ## style, the direction of imports, and types

style: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup
	$(BIN)/mypy domain config workers tests/benchmarks tests/chaos tests/drill tests/oracle tests/support

# Types are one processor's work for a minute, so the tests begin beside them.
test: style ## lint and every test
	@$(MAKE) --no-print-directory --jobs=2 types every-test

# Three for two processors: one of them waits much, for the processes of its tests.
every-test: setup
	$(BIN)/pytest -n 3 --dist loadscope

attack: setup ## try what attackers tried, and say of each whether it held
	$(BIN)/python -m tests.attack

demo: setup ## a small loan book, start to finish, on servers that are gone afterwards (BOOK=cn or LANG=zh_CN.UTF-8)
	$(BIN)/arrears demo$(if $(BOOK), --book $(BOOK))

run: setup ## the demo, left running until you stop it
	$(BIN)/arrears demo --stay$(if $(BOOK), --book $(BOOK))

bench: setup ## the measurements in the documentation; an hour or more (SIZE=small for five minutes)
	$(BIN)/python -m tests.benchmarks

chaos: setup ## a day of texting on which everything breaks (LOANS=10000 SEED=7 for the same day again)
	$(BIN)/python -m tests.chaos $(if $(LOANS),--loans $(LOANS)) $(if $(SEED),--seed $(SEED))

restore-drill: setup ## a day on which the database is lost and restored from a backup (LOANS=60 BACKUP=dump or point-in-time)
	$(BIN)/python -m tests.drill $(if $(LOANS),--loans $(LOANS)) $(if $(BACKUP),--backup $(BACKUP))

judge: setup ## a million borrower-days under every law, judged a second time (BORROWERS=10000 DAYS=100 SEED=7 PROCESSES=2)
	$(BIN)/python -m tests.oracle $(if $(BORROWERS),--borrowers $(BORROWERS)) $(if $(DAYS),--days $(DAYS)) \
		$(if $(SEED),--seed $(SEED)) $(if $(PROCESSES),--processes $(PROCESSES)) \
		$(if $(IN_STORE),--in-store $(IN_STORE)) $(if $(AGREEING),--agreeing $(AGREEING))

mutants: setup ## how many small faults in the gate and the ladder the tests notice; about ten minutes
	$(BIN)/mutmut run
	@$(BIN)/mutmut results

lock: setup ## write the locks anew after pyproject.toml changed (UPGRADE=--upgrade for newer releases)
	$(LOCK) $(UPGRADE) -o requirements.txt
	$(LOCK) $(UPGRADE) --extra local --extra dev -c requirements.txt -o requirements-dev.txt

clean: ## remove what was made here, .venv included
	rm -rf .venv build mutants *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
