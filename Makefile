# Two commands matter: `make demo` shows Postroom at work, `make test` proves it.
# Each sets up what it needs, on a machine with Python 3.11 or later and nothing else.

PYTHON ?= python3
WORKERS ?= auto
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: demo test check bench messages lock clean

demo: .venv/runtime
	$(BIN)/postroom demo

test: check
	$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 4 --dist loadscope --no-loadscope-reorder

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright

bench: .venv/dev
	$(BIN)/python -m bench

# Gathers the texts of the pages and compiles their translations; needs GNU gettext. Fill in what is
# empty or fuzzy in postroom/web/locale/*/LC_MESSAGES/django.po in between, and commit both files.
messages: .venv/dev
	cd postroom && DJANGO_SETTINGS_MODULE=postroom.site.settings ../$(BIN)/django-admin makemessages --all \
		--no-location --no-obsolete --ignore 'sandbox/*'
	cd postroom/web && ../../$(BIN)/django-admin compilemessages

lock: .venv/dev
	$(PIP) install uv
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
		--python-version 3.11 pyproject.toml --group build -o requirements.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
		--python-version 3.11 pyproject.toml --group dev -o requirements-dev.txt

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache test-results

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Postroom needs Python 3.11 or later." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv

.venv/runtime: requirements.txt pyproject.toml | .venv/bin/python
	$(PIP) install --require-hashes -r requirements.txt
	$(PIP) install --no-build-isolation --no-deps -e .
	touch $@

.venv/dev: requirements-dev.txt pyproject.toml | .venv/bin/python
	$(PIP) install --require-hashes -r requirements-dev.txt
	$(PIP) install --no-build-isolation --no-deps -e .
	touch $@
