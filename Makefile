# Everything runs from .venv; nothing has to be activated.
#   make PYTHON=python3.12 install     uses another Python than the python3 on the PATH

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --quiet
UV_COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 \
  --generate-hashes --no-annotate --no-header --quiet --group build --extra embedded

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

# Files of tests at once: three on two CPUs, because half of it is waiting. Tests empty a broker that
# is given to them, so with that they run one after the other.
JOBS ?= 3
SEEDS ?= 1000
MINUTES ?= 10
SEED ?= 1
MESSAGES ?= 100000
EXAMPLES ?= 1000
ROUNDS ?= 3
ONLY ?=
SIZES ?=
HELD ?=
FOLLOW_UPS ?=
KILLED ?=
LEASE ?=
AGAINST ?=
JSON ?=

.PHONY: help install demo test test-servers check api machine simulate explore chaos fuzz mutants bench lock clean openssl

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

install: .venv/installed ## Build .venv from the lock; ends with .venv/bin/payouts

demo: install ## Watch payouts go from enqueue to their final state
	@$(BIN)/payouts demo

test: openssl check ## Check, then run all tests against real servers, JOBS at once
	@$(BIN)/python -m pytest --numprocesses $(if $(TEST_REDIS_URL),0,$(JOBS)) \
	  --dist loadfile --no-loadscope-reorder

test-servers: check ## Test on the system's PostgreSQL, pgbouncer, Redis and Node
	@$(BIN)/python -m pytest tests/system

check: .venv/installed-dev ## Lint, format, types and layers
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/python -m pytest --quiet tests/test_layers.py

machine: .venv/installed-dev ## Tell EXAMPLES stories to a state machine of the service
	@$(BIN)/python -m tests.machine --examples $(EXAMPLES)

simulate: .venv/installed-dev ## Simulate SEEDS worlds of crashes and lost messages
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS)

explore: .venv/installed-dev ## Tell every short history, as long as MINUTES allow
	@$(BIN)/python -m tests.exploration --minutes $(MINUTES)

chaos: .venv/installed-dev ## Break real processes for MINUTES by the plan of SEED
	@$(BIN)/python -m tests.chaos --minutes $(MINUTES) --seed $(SEED)

api: .venv/installed-dev ## Try the HTTP API with EXAMPLES requests for each operation
	@$(BIN)/python -m tests.api --examples $(EXAMPLES)

fuzz: .venv/installed-dev ## Put MESSAGES hostile replies and notifications
	@$(BIN)/python -m tests.hostile --messages $(MESSAGES) --seed $(SEED)

mutants: .venv/installed-dev ## Take away each guard of the money; a test must notice
	@$(BIN)/python -m tests.mutants

bench: .venv/installed-dev ## Measure all, or ONLY one, also AGAINST a checkout; JSON=1
	@$(BIN)/python -m tests.bench --rounds $(ROUNDS) $(if $(ONLY),--only $(ONLY)) \
	  $(if $(SIZES),--sizes $(SIZES)) $(if $(HELD),--held $(HELD)) \
	  $(if $(FOLLOW_UPS),--follow-ups $(FOLLOW_UPS)) $(if $(KILLED),--killed $(KILLED)) \
	  $(if $(LEASE),--lease $(LEASE)) \
	  $(if $(AGAINST),--against $(AGAINST)) $(if $(JSON),--json)

lock: ## Resolve both locks anew for Python 3.11 to 3.13 (needs uv)
	$(UV_COMPILE) --output-file requirements.lock
	$(UV_COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock

clean: ## Remove .venv and what tools have cached
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis

# The stamps lie in .venv, so that they go with it.
.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { \
	  echo "This needs Python 3.11, 3.12 or 3.13 as $(PYTHON). Debian: apt-get install python3;" \
	    "or name another: make PYTHON=python3.12 install" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "Python's venv module is missing. Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	  echo "Making .venv with $$($(PYTHON) --version)"; $(PYTHON) -m venv --clear .venv; }
	@echo "Installing what requirements.lock names (about 20 seconds)"
	@$(PIP) --require-hashes --requirement requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "Ready: $(BIN)/payouts"

.venv/installed-dev: .venv/installed requirements-dev.lock
	@echo "Installing what requirements-dev.lock adds"
	@$(PIP) --require-hashes --requirement requirements-dev.lock
	@touch $@

openssl:
	@command -v openssl >/dev/null || { \
	  echo "The openssl command is missing. Debian: apt-get install openssl" >&2; exit 1; }
