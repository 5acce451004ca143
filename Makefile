# Everything a newcomer types. `make demo` and `make test` set themselves up in .venv.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
# The first Python on PATH that is new enough.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
WORKERS ?= 2
TARGET ?= bundle
SECONDS ?= 60

.DEFAULT_GOAL := help
.PHONY: help demo test coverage faults faults-short faults-table test-api test-image test-interop interop-table fuzz check format bench docs lock clean

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' $(MAKEFILE_LIST)

demo: $(VENV)/.demo ## build, scan, sign and judge real images; leaves everything in .demo/
	@$(BIN)/python -m demo.run

test: $(VENV)/.dev ## every test that needs only Python and packages
	@$(TEST) $(ARGS)

coverage: $(VENV)/.dev ## the same, and which lines and branches no test reaches; takes half as long again
	@$(TEST) --cov --cov-report=term:skip-covered $(ARGS)

TEST = $(BIN)/python -m pytest -n $(WORKERS) --ignore=tests/interop --ignore=tests/image --ignore=tests/faults

test-api: $(VENV)/.dev ## ask the API 20,000 things that nobody would think of; takes ten minutes
	@SUPPLYCHAIN_TEST_REQUESTS=$${SUPPLYCHAIN_TEST_REQUESTS:-20000} \
		$(BIN)/python -m pytest tests/unit/server/test_schema.py --timeout=7200 $(ARGS)

test-image: $(VENV)/.dev ## build and judge the container image with a Docker daemon of its own, and start compose.yaml; as root
	@$(BIN)/python -m tests.kit.go_tools image
	@$(BIN)/python -m pytest tests/image $(ARGS)

test-interop: $(VENV)/.dev ## real cosign and admission controllers read us, we read cosign; builds them with Go, once
	@$(BIN)/python -m tests.kit.go_tools interop
	@$(BIN)/python -m pytest tests/interop tests/contract/test_sigstore.py $(ARGS)

interop-table: ## the same, and write its table into docs/interop.md
	@$(MAKE) --no-print-directory test-interop ARGS=--interop-table

faults: $(VENV)/.dev ## kill, stop and starve all there is, again and again; takes an hour, with ARGS='-n 2' half of it
	@SUPPLYCHAIN_FAULTS=$${SUPPLYCHAIN_FAULTS:-200} SUPPLYCHAIN_MANY=$${SUPPLYCHAIN_MANY:-1000} \
		$(BIN)/python -m pytest tests/faults --timeout=3600 $(ARGS)
	@SUPPLYCHAIN_INTERLEAVINGS=$${SUPPLYCHAIN_INTERLEAVINGS:-10000} $(BIN)/python -m pytest tests/integration/records/test_next_decision.py --timeout=3600

faults-short: ## the same, a few times each: what CI does
	@SUPPLYCHAIN_FAULTS=5 SUPPLYCHAIN_MANY=50 SUPPLYCHAIN_INTERLEAVINGS=200 $(MAKE) --no-print-directory faults

faults-table: ## the same, and write its table into docs/faults.md
	@$(MAKE) --no-print-directory faults ARGS="--faults-table $(ARGS)"

fuzz: $(VENV)/.fuzz ## try to break one parser: make fuzz TARGET=bundle SECONDS=60
	@$(BIN)/python -m tests.fuzz "$(TARGET)" "$(SECONDS)"

check: $(VENV)/.dev ## format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(VENV)/.dev ## put the code into the house style
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## measure, side by side with doing it by hand
	@$(BIN)/python -m benchmarks $(ARGS)

docs: $(VENV)/.dev ## write the tables of docs/ that are made from the code
	@$(BIN)/python -m tests.kit.reference_docs

lock: $(VENV)/.dev ## pin the dependencies anew, with hashes and without addresses
	@$(LOCK) $(SERVICE) -o requirements/runtime.txt
	@$(LOCK) --group pyproject.toml:demo -c requirements/runtime.txt -o requirements/demo.txt
	@$(LOCK) --group pyproject.toml:dev $(SERVICE) -c requirements/runtime.txt -c requirements/demo.txt -o requirements/dev.txt
	@$(LOCK) --group pyproject.toml:fuzz -c requirements/dev.txt -o requirements/fuzz.txt
	@$(LOCK_GROUP) --group pyproject.toml:openapi -o requirements/openapi.txt
	@$(BIN)/python requirements/both_pins.py requirements/*.txt

LOCK_GROUP = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-strip-extras --custom-compile-command "make lock"
LOCK = $(LOCK_GROUP) pyproject.toml
# What the server and its workers may need: every place of keys that needs no module of its own.
SERVICE = --extra postgresql --extra server --extra aws --extra azure --extra gcp --extra rego

clean: ## remove what the commands above made
	rm -rf $(VENV) .demo .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

# The stamp comes last: what an interrupted set-up left is made anew.
$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer on PATH; try: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "setup     creating $(VENV) with $$($(PYTHON) --version)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "error: this Python cannot make virtual environments; try: install its venv package" >&2; exit 1; }
	@touch $@

$(VENV)/.demo: requirements/demo.txt pyproject.toml | $(VENV)/.made
	@echo "setup     installing what the demo needs"
	@$(PIP) install --require-hashes -r requirements/demo.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/.made
	@echo "setup     installing what the tests need"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.demo

$(VENV)/.fuzz: requirements/fuzz.txt | $(VENV)/.dev
	@echo "setup     installing the fuzzer"
	@$(PIP) install --require-hashes -r requirements/fuzz.txt
	@touch $@
