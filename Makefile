# The one front door. `make` lists what it opens.
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
PYTHON ?= python3
# Where Python may not keep what it has compiled, each of hundreds of processes compiles all anew.
unexport PYTHONDONTWRITEBYTECODE

# uv installs in a third of pip's time. It does not read pip.conf: where a mirror stands only there, pip does it.
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
UV := UV_LINK_MODE=copy $(BIN)/uv pip install --quiet --no-cache --compile-bytecode --python $(BIN)/python

$(STAMP): installer.lock requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r installer.lock
	$(UV) --require-hashes -r requirements.lock || $(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q src demo tools
	@touch $@

.PHONY: help setup lock demo package-test test prove soak strangers bench lint check artifacts docs
help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: $(STAMP) ## Set up, then run the main job in a local organization and tell it
	$(BIN)/python -m demo

package-test: $(STAMP) ## Try a package on throw-away nodes of a local organization: make package-test DIR=FOLDER [OPTIONS="--from OLDER"]
	$(BIN)/python -m demo.trial $(DIR) $(OPTIONS)

test: $(STAMP) ## Set up, then run the tests; in CI (CI=true) with the proofs
	CSD_SANDBOX_REQUIRED=1 $(BIN)/pytest -n 4 --dist loadgroup $(if $(CI),-m 'not soak and not strangers')

prove: $(STAMP) ## Set up, then run the long proofs: least privilege, every reading, the recipes on nodes
	CSD_SANDBOX_REQUIRED=1 $(BIN)/pytest -n 4 --dist loadgroup -m proof

soak: $(STAMP) ## Set up, then run what is much of one thing: a month, thousands of nodes, gigabytes; before a release
	CSD_SANDBOX_REQUIRED=1 $(BIN)/pytest -n 2 --dist loadgroup -m soak

strangers: $(STAMP) ## Set up, then run other people's programs: Terraform's provider, the public sample (CSD_PUBLIC_SAMPLE), where they are
	$(BIN)/pytest -m strangers

bench: $(STAMP) ## Set up, then measure against what a person would use instead
	$(BIN)/python -m bench.package_build

lint: $(STAMP) ## Formatting, lint, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test prove ## Everything that must be green before a change lands

artifacts: $(STAMP) ## Render artifacts/ anew from their sources
	$(BIN)/python -m csd.solution.render

docs: $(STAMP) ## Write the generated pages of docs/ anew
	$(BIN)/python -m tools.docs

setup: $(STAMP) ## Make the virtual environment from the lock file
lock: $(STAMP) ## Resolve requirements.lock anew from pyproject.toml
	$(BIN)/uv pip compile --universal --generate-hashes --python-version 3.11 --group dev --no-header -q -o requirements.lock pyproject.toml
