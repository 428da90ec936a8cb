# Two commands matter: `make demo` and `make test`. Both set up what they need (see .ci/set-up).
.DEFAULT_GOAL := help
PY := .venv/bin/python
# The agent's async tests and pytest-playwright's sync pages must not share a process: each keeps an event loop running.
PYTEST := $(PY) -m pytest -p no:playwright
UNIT := $(PYTEST) -n 2 tests/unit tests/docs tests/queue tests/service
# The agent itself, beside a sandbox of its own: one at a time, since time limits are part of what is tested.
SHORT_TORTURE := $(PYTEST) tests/torture
# Three at a time on two cores: a browser test mostly waits for its pages.
IN_BROWSER := $(PYTEST) -n 3 --dist worksteal
FLOWS := $(IN_BROWSER) tests/browser/flows --ignore tests/browser/flows/projects
# Whole jobs, the long-running agent, the probe; and the flows of the project Directory, in both generations.
JOBS := $(IN_BROWSER) tests/browser/jobs tests/browser/worker tests/browser/probe tests/browser/flows/projects
# What is made of evidence afterwards: bundles verified elsewhere, recordings shown, explained and replayed.
EVIDENCE := $(IN_BROWSER) tests/browser/audit tests/browser/recording tests/browser/replay tests/browser/structure
PAGES := $(PY) -m pytest -n 2 -c tests/pages/pytest.ini --rootdir tests/pages tests/pages

.PHONY: help set-up demo test test-unit test-flows test-jobs test-evidence test-pages test-drift test-torture test-container torture drift lint types bench lock clean

help: ## Say what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

set-up: ## Make .venv from the locked requirements and find or install a browser
	@.ci/set-up

demo: set-up ## Provision a person in the sandbox tenant, for real, in a browser
	@$(PY) -m fixtures.demo

test: set-up ## Run the tests (about ten minutes; what takes longer has targets of its own, and CI runs them all)
	$(UNIT)
	$(FLOWS)
	$(PAGES)

test-unit: set-up ## Only the tests without a sandbox: units, docs, both queues, the API
	$(UNIT)

test-flows: set-up ## Only the flows of the company's pages against the sandbox, in Chromium
	$(FLOWS)

test-jobs: set-up ## Whole jobs, the worker, the probe and projects against the sandbox, in Chromium (about ten minutes)
	$(JOBS)

test-evidence: set-up ## Bundles, recordings and replays of real jobs, in Chromium (about four minutes)
	$(EVIDENCE)

test-pages: set-up ## Only the pages that we serve, by hand as it were
	$(PAGES)

test-drift: set-up ## Pages that change under us, in short: each kind of change once (about three minutes)
	$(PYTEST) -n 2 --dist loadgroup tests/drift

test-torture: set-up ## Every kind of fault once: kills, full disk, clock, PostgreSQL (about ten minutes)
	$(SHORT_TORTURE)

test-container: set-up ## Build the image and run it as an operator would (needs podman: .ci/set-up-container)
	@.ci/set-up-container
	$(PYTEST) tests/container

torture: set-up ## All faults in full, kills at every boundary, 500 people in and out; prints a table (hours)
	@$(PY) -m tests.torture

drift: set-up ## Every action on drifting pages, the agent beside bare scripts; writes docs/explanation/drift.md (hours)
	@$(PY) -m tests.drift --document

lint: set-up ## Style and types
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

bench: set-up ## Measure the agent against bare scripts, side by side
	@$(PY) -m tests.bench

lock: set-up ## Resolve the requirements anew (needs a package index; its address stays out of the files)
	.venv/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
	  pyproject.toml -o requirements/runtime.txt
	.venv/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
	  pyproject.toml --extra postgres -o requirements/postgres.txt
	.venv/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
	  pyproject.toml --extra postgres --extra sandbox --extra dev -o requirements/dev.txt

clean: ## Remove what was made, the virtual environment included
	rm -rf .venv var .pytest_cache .mypy_cache .ruff_cache test-results
