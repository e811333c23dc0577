# Everything that a newcomer or CI calls. `make help` lists the targets.
# PYTHON=/path/to/python chooses the interpreter, VENV=folder another place for the environment, WORKERS=n the parallel tests.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

AT_LEAST := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c '$(AT_LEAST)' 2>/dev/null && echo $$p && exit; done; echo python3)
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
WORKERS ?= 4
PYTEST := $(BIN)/python -m pytest -q -rs -n auto --maxprocesses=$(WORKERS)
ROOTS := protos:service:gateway:cli
SOURCES := protos service gateway cli examples tests

ORACLE := tests/oracle/handlebars
OIDC := tests/servers/oidc
MOCKS := tests/servers/openapi
SOAP := tests/servers/soap

SLOW := tests/real tests/e2e/test_renewal_processes.py tests/integration/coordination/test_failures.py

.PHONY: help install demo test test-all test-real oracle oidc mocks lint format proto proto-check serve clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## make .venv with fairlead (editable) and the tools of development
	@echo "installed in $(VENV)"

$(STAMP): pyproject.toml
	@$(PYTHON) -c '$(AT_LEAST)' || { \
		echo "fairlead needs Python 3.11 or newer; '$(PYTHON)' is not. Install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "installing into $(VENV) with $$($(PYTHON) --version) (once, about half a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(STAMP) ## store a connection, ping it, pull 822 records, push four, and show each step
	@$(BIN)/python -m examples.demo

test: $(STAMP) ## run every test that needs no other server
	@$(PYTEST) tests

test-all: $(STAMP) oracle oidc mocks ## run every test, also those that need Java 17 with Maven, Node.js, or Debian's servers
	@tests/servers/with-mongo $(PYTEST) tests

test-real: $(STAMP) oidc mocks ## run the tests against httpd, nginx, oidc-provider, ...; a server that is missing is an error
	@FAIRLEAD_TEST_REAL=required tests/servers/with-mongo $(BIN)/python -m pytest -q -n 3 $(SLOW)

oracle: $(ORACLE)/node_modules/handlebars ## install Handlebars.js, which tests compare our templates with (needs Node.js)

$(ORACLE)/node_modules/handlebars: $(ORACLE)/package.json
	@cd $(ORACLE) && npm install --silent --no-audit --no-fund --no-package-lock
	@touch $@

oidc: $(OIDC)/node_modules/oidc-provider ## install oidc-provider, which judges OAuth 2.0 (needs Node.js)

$(OIDC)/node_modules/oidc-provider: $(OIDC)/package.json
	@cd $(OIDC) && npm install --silent --no-audit --no-fund --no-package-lock
	@touch $@

mocks: $(MOCKS)/node_modules/@stoplight $(SOAP)/node_modules/soap $(MOCKS)/target/stripe-mock ## install mocks of GitHub and Stripe, and SOAP (needs Node.js, Go)

$(MOCKS)/node_modules/@stoplight: $(MOCKS)/package.json
	@cd $(MOCKS) && npm install --silent --no-audit --no-fund --no-package-lock
	@touch $@

$(SOAP)/node_modules/soap: $(SOAP)/package.json
	@cd $(SOAP) && npm install --silent --no-audit --no-fund --no-package-lock
	@touch $@

$(MOCKS)/target/stripe-mock: $(MOCKS)/package.json
	@GOBIN=$(abspath $(MOCKS)/target) go install github.com/stripe/stripe-mock@v0.203.0
	@touch $@

lint: $(STAMP) ## check format, style, types, import rules and the contract
	@echo "format:" && $(BIN)/ruff format --check .
	@echo "style:" && $(BIN)/ruff check .
	@echo "types:" && $(BIN)/mypy $(SOURCES)
	@echo "imports:" && PYTHONPATH=$(ROOTS) $(BIN)/lint-imports
	@echo "contract:" && $(BIN)/python protos/check.py

format: $(STAMP) ## write the sources in the project's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

proto: $(STAMP) ## generate the Python code of the contract
	@$(BIN)/python protos/generate.py

proto-check: $(STAMP) ## prove that the generated code is current and the contract keeps its rules
	@$(BIN)/python protos/check.py

serve: $(STAMP) ## run fairlead in the foreground
	@$(BIN)/fairlead serve

clean: ## remove what was made here: environment, caches, build output (not the database)
	@rm -rf $(VENV) build dist .buf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis \
		tests/servers/mongo/target $(ORACLE)/node_modules $(OIDC)/node_modules \
		$(MOCKS)/node_modules $(MOCKS)/target $(SOAP)/node_modules fairlead.egg-info
	@find protos service gateway cli examples tests -name __pycache__ -prune -exec rm -rf {} +
