# The front door. Each target works as the first command on a fresh machine; see README.md.
SHELL := /bin/bash
PY := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help run test quick setup check bench fix test-sqlite test-postgres explore

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 16

run: ## A made-up PCN, then the pages on http://127.0.0.1:8000
	@tools/bootstrap run
	@.venv/bin/counterfoil demo

setup: ## Only the environment
	@tools/bootstrap run

test: ## The whole suite: SQLite, PostgreSQL, browser
	@tools/bootstrap test
	@$(MAKE) --no-print-directory test-sqlite test-postgres

test-sqlite:
	$(PY) -m pytest -n 2 --dist loadgroup -q

test-postgres:
	tools/with-postgres $(PY) -m pytest -q -p no:cacheprovider --ignore tests/integration/test_commands.py --ignore tests/integration/test_shows.py --ignore tests/integration/test_terminology_check.py --ignore tests/integration/test_terminology_commands.py tests/unit/service tests/integration tests/security tests/reliability

quick: ## The fast part of the suite, under 90 seconds
	@tools/bootstrap test
	$(PY) -m pytest -n 2 -q -m "not slow and not system and not postgres"

explore: ## The property tests with new cases each time
	@tools/bootstrap test
	COUNTERFOIL_HYPOTHESIS=explore $(PY) -m pytest -n 2 -q -m "not system and not postgres" -k "$(or $(K),test_)"

check: ## Linters: ruff, types, import direction, clocks, scope, links
	@tools/bootstrap test
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	$(PY) tools/check_house.py
	$(PY) tools/lint_scope.py
	$(PY) tools/check_links.py
	.venv/bin/mypy

bench: ## Measure speeds as ratios against a calibration in the same run
	@tools/bootstrap test
	$(PY) tools/bench

fix: ## Format, and mend what ruff can mend
	@tools/bootstrap test
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .
