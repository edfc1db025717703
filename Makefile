# Operating-Model Advisor. `make help` lists the words; .ci/run and pre-commit use the same ones.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export HF_HUB_OFFLINE = 1
export ANONYMIZED_TELEMETRY = False

.DEFAULT_GOAL := help
.PHONY: help install check fix test quick evals speed openapi routes load soak audit sbom serve ask

help: ## List the words
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

install: $(READY) ## Create .venv with the pinned dependencies

# pip of older Pythons cannot build some of them, so it goes first; torch goes next, so that nothing pulls another build
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

check: install ## Lint, format, types, contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: install ## Repair what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: install ## All tests
	$(BIN)/python -m pytest

quick: install ## The inner loop: everything but the slow tests
	$(BIN)/python -m pytest -m 'not slow'

evals: install ## Judge the answers by code, and hold them to the baseline
	$(BIN)/python -m evals --gate

speed: install ## Time and memory beside the tutorial stack
	$(BIN)/python -m evals speed

openapi: install ## Write the description of the API anew, after a change to it
	$(BIN)/python -m integrations.web.openapi > integrations/web/openapi.new
	mv integrations/web/openapi.new integrations/web/openapi.json

routes: install ## Write the table of routes and permissions anew, after a change to them
	ADVISOR_TEST_WRITE=1 $(BIN)/python -m pytest -n 0 tests/integrations/web/test_routes.py

load: install ## Load a live server, beside a bare route
	$(BIN)/python -m evals load

soak: install ## Twenty minutes of steady work on a live server
	$(BIN)/python -m evals soak

audit: install ## Compare the pinned packages with known vulnerabilities; asks a service on the network
	@$(BIN)/pip-audit --disable-pip --no-deps --strict --progress-spinner off -r constraints.txt >$(VENV)/audit.log 2>&1; \
	done=$$?; grep -qE '^(No known|Found [0-9]+ known)' $(VENV)/audit.log && { cat $(VENV)/audit.log; exit $$done; }; \
	echo "Nothing was audited: the vulnerability service is out of reach, or does not know every package. See $(VENV)/audit.log."; exit 1

# In an environment of its own: what it brings makes chromadb a second slower to import. Its own check of the file against
# the schema would take minutes; a test reads the file instead.
SBOM ?= sbom.json
sbom: install ## Write what is installed as CycloneDX JSON: make sbom SBOM=sbom.json
	$(PYTHON) -m venv $(VENV)/sbom
	$(VENV)/sbom/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt cyclonedx-bom
	$(VENV)/sbom/bin/cyclonedx-py environment --no-validate --pyproject pyproject.toml --of JSON --output-reproducible -o $(SBOM) $(BIN)/python

serve: install ## Index the playbooks and serve the chat at http://127.0.0.1:8000
	$(BIN)/advisor serve

Q ?= How should we choose KPIs?
ask: install ## Ask in the terminal: make ask Q="How long should a shadow period be?"
	@$(BIN)/advisor ingest
	@$(BIN)/advisor ask "$(Q)"
