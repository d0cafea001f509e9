# `make start` and `make test` install what they need; `make help` lists the rest.
SHELL := /bin/sh
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

BIN := .venv/bin
UV := $(BIN)/uv
INSTALL := $(UV) pip install --quiet --python .venv --require-hashes
STATIC := src/windlass/api/static
NODE_MODULES := frontend/node_modules/.package-lock.json
UI_SOURCES := $(shell find frontend -name node_modules -prune -o -type f ! -name '*.test.*' -print)
NPM = PATH="$$(scripts/find-node):$$PATH" npm --prefix frontend

.PHONY: start test security lint fmt bench bench-peers chaos build wheel lock clean help

start: .venv/.runtime $(STATIC)/index.html ## start PostgreSQL, server, workers and web UI
	@exec $(BIN)/windlass standalone

test: .venv/.dev $(STATIC)/index.html ## run every test
	@scripts/ensure-chromium
	@$(NPM) test
	@$(BIN)/python -m pytest $(ARGS)

security: .venv/.dev ## attack the sandbox: from each language, in each phase and tier, with each layer missing
	$(BIN)/python -m pytest tests/security tests/worker/test_launcher.py tests/e2e/test_hostile_jobs.py $(ARGS)

lint: .venv/.dev $(NODE_MODULES) ## check style, types and import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(NPM) run lint

fmt: .venv/.dev $(NODE_MODULES) ## format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(NPM) run format

bench: .venv/.dev ## measure; ARGS are handed on
	$(BIN)/python -m benchmarks $(ARGS)

bench-peers: .venv/.dev ## measure beside other task systems, which it installs into .peers/; ARGS are handed on
	$(BIN)/python -m benchmarks.peers $(ARGS)

chaos: .venv/.dev ## break things under load and judge; SEED=… SCALE=1 for all of it, ARGS are handed on
	@PYTHONPATH=tests $(BIN)/python -m chaos $(if $(SEED),--seed $(SEED)) $(if $(SCALE),--scale $(SCALE)) $(ARGS)

build: $(STATIC)/index.html ## build the web UI

wheel: .venv/.tools $(STATIC)/index.html ## build the wheel into dist/
	VIRTUAL_ENV=$(CURDIR)/.venv $(UV) build --wheel --no-build-isolation --out-dir dist

lock: .venv/.tools ## write the lock files anew
	scripts/lock

clean: ## remove everything that was installed or built
	rm -rf .venv .node .peers dist frontend/node_modules $(STATIC)

help:
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

.venv/.tools: requirements-build.lock
	@echo "[1/4] Creating the Python environment …"
	@"$$(scripts/find-python)" -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.lock
	@touch $@

.venv/.runtime: .venv/.tools requirements.lock pyproject.toml
	@echo "[2/4] Installing Python packages …"
	@$(INSTALL) -r requirements.lock
	@$(UV) pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.runtime requirements-dev.lock
	@echo "[2/4] Installing packages for the tests …"
	@$(INSTALL) -r requirements-dev.lock
	@touch $@

$(NODE_MODULES): frontend/package-lock.json | .venv/.tools
	@echo "[3/4] Installing packages of the web UI …"
	@$(NPM) ci --ignore-scripts --loglevel=error --no-audit --no-fund >/dev/null
	@touch $@

$(STATIC)/index.html: $(UI_SOURCES) $(NODE_MODULES)
	@echo "[4/4] Building the web UI …"
	@$(NPM) run build --silent >/dev/null
	@touch $@
