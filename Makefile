# Each target makes what it needs from nothing: `make demo` and `make test` are all a newcomer types.

PYTHON ?= python3
WORKERS ?= 3
BIN := .venv/bin
STAMP := .venv/.installed
PIP := -m pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
# The runs add up, so the floor of pyproject.toml is held against the last report only.
COVERAGE := --cov --cov-report= --cov-fail-under=0
# What runs again on uvloop and with every fast path off: our own side is what differs there, so
# the strictest server and the fastest are enough, and what moves no bytes is left out.
MAIN_SUITE := tests/behaviour tests/transport tests/transfer -k "not moto and not rgw" \
	$(addprefix --ignore=tests/transfer/test_,journal.py progress.py managed_copy.py cutting.py) \
	--ignore=tests/behaviour/operations \
	$(addprefix --ignore=tests/transfer/test_sync_,comparing.py deleting.py entries.py filters.py \
		landing.py ordering.py tree.py) \
	$(addprefix --ignore=tests/behaviour/test_,admin.py admin_answers.py bucket_settings.py \
		emptying.py emptying_answers.py)

# Measures: beside other tests it would measure them too.
ALONE := tests/project/test_import.py

# Each of its tests takes the fast and the plain paths by itself.
BOTH_WAYS := --ignore=tests/transfer/test_verify.py

# Sees to it that $(PYTHON) can make a virtual environment that is good enough.
define check_python
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or later is needed: make $@ PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments: apt-get install python3-venv," >&2; \
		echo "or name another Python: make $@ PYTHON=/path/to/python3" >&2; exit 1; }
endef

.PHONY: demo test lint model bench bench-quick bench-parts docs test-floor soak clean
.DELETE_ON_ERROR:

demo: $(STAMP)
	$(BIN)/python examples/quickstart.py

ifdef S3_URL
# A server of the user's own: the behavioural tests alone, against that server alone.
test: $(STAMP)
	$(PYTEST) tests/behaviour
else
test: $(STAMP)
	rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -q $(ALONE)
	$(PYTEST) $(COVERAGE) --ignore=$(ALONE)
	AIOS3_LOOP=uvloop $(PYTEST) $(MAIN_SUITE)
	AIOS3_PLAIN=1 $(PYTEST) $(COVERAGE) --cov-append $(MAIN_SUITE) $(BOTH_WAYS)
	$(BIN)/python -m coverage report
endif

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/python -m tools.build_model --check

# The model of S3's operations and their types, from the description in the pinned botocore.
model: $(STAMP)
	$(BIN)/python -m tools.build_model

# This client beside others: an hour, and environments of about 1 GB.
bench: $(STAMP)
	$(BIN)/python -m benchmarks.compare --environments .venv-bench --output docs/benchmarks

# The same with fewer clients and smaller objects, within five minutes.
bench-quick: $(STAMP)
	$(BIN)/python -m benchmarks.compare --quick --environments .venv-bench

# This client's own parts, one by one.
bench-parts: $(STAMP)
	$(BIN)/python -m benchmarks

docs: $(STAMP)
	$(BIN)/python -m sphinx -W -b html docs docs/_build

# Property tests with thousands of examples each: an hour and more.
soak: $(STAMP)
	HYPOTHESIS_PROFILE=soak $(PYTEST) --timeout=7200

# The oldest versions of the run-time dependencies that the suite passes on.
test-floor: .venv-floor/.installed
	.venv-floor/bin/python -m pytest -n $(WORKERS) --dist worksteal

clean:
	rm -rf .venv .venv-floor .venv-bench .coverage .coverage.* docs/_build .hypothesis
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(STAMP): pyproject.toml
	$(check_python)
	$(PYTHON) -m venv .venv
	$(BIN)/python $(PIP) install -e '.[dev,dev-litestar]'
	@touch $@

.venv-floor/.installed: pyproject.toml
	$(check_python)
	$(PYTHON) -m venv .venv-floor
	.venv-floor/bin/python $(PIP) install -e '.[dev]' \
		aiohttp==3.12.0 yarl==1.17.0 multidict==6.0.0
	@touch $@
