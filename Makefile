# Each target makes what it needs from nothing: `make demo` and `make test` are all a newcomer types.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
WORKERS ?= 2
# What runs again on uvloop and with every fast path off.
MAIN_SUITE := tests/behaviour tests/transport tests/transfer

.PHONY: demo test lint bench docs soak test-floor clean

demo: $(STAMP)
	$(BIN)/python examples/quickstart.py

test: $(STAMP)
	rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -n $(WORKERS) --cov --cov-report=
	AIOS3_PLAIN=1 $(BIN)/python -m pytest -n $(WORKERS) --cov --cov-append --cov-report= $(MAIN_SUITE)
	AIOS3_LOOP=uvloop $(BIN)/python -m pytest -n $(WORKERS) $(MAIN_SUITE)
	$(BIN)/python -m coverage report

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/basedpyright
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python -m benchmarks

docs: $(STAMP)
	$(BIN)/python -m sphinx -W -b html docs docs/_build

soak: $(STAMP)
	HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest -n $(WORKERS) --timeout=3600 tests/protocol tests/behaviour

# The oldest versions of the run-time dependencies that the suite passes on.
test-floor: .venv-floor/.installed
	.venv-floor/bin/python -m pytest -n $(WORKERS)

clean:
	rm -rf .venv .venv-floor .coverage .coverage.* docs/_build .mypy_cache .pytest_cache .ruff_cache

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed; say PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
		|| { echo "python3 cannot make virtual environments: install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	touch $@

.venv-floor/.installed: pyproject.toml
	$(PYTHON) -m venv .venv-floor
	.venv-floor/bin/python -m pip install --quiet --upgrade pip
	.venv-floor/bin/python -m pip install --quiet -e '.[dev]' \
		'aiohttp==3.12.0' 'yarl==1.17.0' 'multidict==6.0.0'
	touch $@
