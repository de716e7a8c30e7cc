# Every target sets up what it needs in .venv; nothing else on the machine is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
MEASURING := $(VENV)/.measuring

.PHONY: help setup browser languages demo serve test check bench golden lock clean
.DEFAULT_GOAL := help

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with everything in it

$(STAMP): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# What benchmarks compare with, which their types need too.
$(MEASURING): requirements/bench.txt $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	touch $@

demo: setup ## Play the whole story once, then go on serving; ARGS=--exit ends it
	$(BIN)/heliograph demo $(ARGS)

serve: setup ## Run the engine; ARGS="--data ./data --listen 127.0.0.1:8025"
	$(BIN)/heliograph serve $(ARGS)

# Whole engines measure themselves by the clock, so tests/system has the machine to itself; the rest shares its cores.
test: setup browser languages ## Run every test; ARGS="tests/feeds -k retry" for a part
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --ignore tests/system
	$(BIN)/python -m pytest tests/system
endif

# The tests drive a real Chromium: the one that is here, else the distribution's, else the one its driver brings.
browser: setup
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	  || { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium; } \
	  || $(BIN)/python -m playwright install chromium

# The documentation's programs are run by the tests in every language that it speaks. As root with apt what is not
# here is installed; elsewhere its names are told.
languages:
	@{ command -v curl && command -v openssl && command -v node && php -r 'exit(function_exists("curl_init") ? 0 : 1);'; } >/dev/null 2>&1 \
	  || { apt-get update -qq && apt-get install -qq -y --no-install-recommends curl openssl nodejs php-cli php-curl; } \
	  || { echo "The tests run the documentation's programs: install curl, openssl, node 18 or newer, php with curl"; exit 1; }

check: $(MEASURING) ## Lint, format, types, architecture: before every commit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_architecture.py

bench: $(MEASURING) ## Measure against nginx and FastAPI; ARGS=names for a part
	$(BIN)/python -m benchmarks $(ARGS)

golden: setup ## Draw the sheets of docs/images again: look at them before you commit
	$(BIN)/python tests/images/timer_sheets.py docs/images

# What operators install is what the tests ran with: production's versions are those of development.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
PRODUCTION = $(COMPILE) --constraint requirements/dev.txt pyproject.toml requirements/build.in

lock: ## Write requirements/ from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(COMPILE) --extra dev pyproject.toml requirements/build.in -o requirements/dev.txt
	$(COMPILE) --extra dev --extra bench pyproject.toml requirements/build.in -o requirements/bench.txt
	$(PRODUCTION) -o requirements/production.txt
	$(PRODUCTION) --extra aws --extra cjk --extra nats --extra parquet --extra sftp -o requirements/production-extras.txt

clean: ## Remove .venv and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache dist
