# The commands of this repository. Everything is made in the checkout; nothing needs root.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3.11
BIN := .venv/bin

include requirements/vllm-venv.mk

.PHONY: help demo run test fuzz test-vllm test-browser check format bench bench-check bench-figures bench-vllm \
	bench-revoke bench-edge bench-faults bench-overload clean

help:  ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

.venv/.ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# The compiled walk and the tables of the detectors; from other sources neither is used.
WALK := gateway/core/pii/_tables.bin
$(WALK): $(shell find gateway/core/pii -name '*.py' -o -name '*.[ch]') hatch_build.py | .venv/.ready
	@$(BIN)/python hatch_build.py || echo "the scrubber stays uncompiled"

# Tools that cannot share an environment with the product, each in its own.
.venv-%/.ready: requirements/%.txt
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/pip install --quiet --require-hashes -r requirements/$*.txt
	@touch $@

demo: .venv/.ready $(WALK) .venv-vllm/.ready  ## Play the whole story on a real vLLM; exits 0 only if each step held
	$(BIN)/python -m tests.story.demo

run: .venv/.ready $(WALK) .venv-vllm/.ready  ## Keep vLLM and the gateway running until Ctrl-C
	$(BIN)/python -m tests.story.run

test: .venv/.ready $(WALK) .venv-tools/.ready .venv-envoy/.ready .venv-node/.ready  ## Everything that needs no real vLLM
	$(BIN)/pytest -n auto --maxprocesses 4 --dist worksteal -m "not vllm and not browser"

fuzz: .venv-fuzz/.ready  ## Coverage-guided fuzzing of every parser, bounded
	.venv-fuzz/bin/python -m tests.fuzz.run --seconds 60

test-vllm: .venv/.ready .venv-vllm/.ready  ## End to end against the real vLLM
	$(BIN)/pytest -m vllm tests/vllm

test-browser: .venv/.ready  ## The HTTP face in headless Chromium
	$(BIN)/pytest -m browser tests/browser

check: .venv/.ready  ## Format, lint, types, import contracts: under a minute
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest tests/architecture -p no:randomly

format: .venv/.ready  ## Rewrite the code in the one format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The peers of the benchmark. One that cannot be installed is left out, and the report says so.
.PHONY: bench-peers
bench-peers: .venv/.ready $(WALK)
	@for peer in fastapi litellm plots; do \
		$(MAKE) --no-print-directory .venv-bench-$$peer/.ready || echo "bench: $$peer cannot be installed"; \
	done

bench: bench-peers  ## Beside other gateways, what each step costs, how it scales (BENCH=--quick), into loadtests/report/
	$(BIN)/python -m loadtests.bench $(BENCH)
	$(BIN)/python -m loadtests.steps $(BENCH)
	$(BIN)/python -m loadtests.scaling $(BENCH)

bench-check: bench-peers  ## The quick benchmark; fails where a ratio is worse than loadtests/thresholds.toml
	$(BIN)/python -m loadtests.bench --quick --check --report loadtests/report/check

bench-figures: .venv/.ready  ## Write the figures of the last reports into loadtests/README.md
	$(BIN)/python -m loadtests.sizing

bench-vllm: .venv/.ready $(WALK) .venv-vllm/.ready  ## Tokens/s of a real vLLM, directly and through the gateway (BENCH="--model DIR")
	$(BIN)/python -m loadtests.real_vllm $(BENCH)

bench-revoke: .venv/.ready  ## How soon a revocation counts in four processes (BENCH="--store postgresql": on two hosts), into loadtests/report/
	$(BIN)/python -m loadtests.revocation $(BENCH)

bench-edge: .venv/.ready  ## Ten thousand idle connections and five hundred slow ones beside a good client
	$(BIN)/python -m loadtests.crowd

bench-faults: .venv/.ready  ## Fifty calls a second through each loss of an engine, two minutes
	$(BIN)/python -m loadtests.faults

bench-overload: .venv/.ready $(WALK)  ## Five hundred streams too many, floods of bad tokens and rubbish, beside a good client
	$(BIN)/python -m loadtests.overload

clean:  ## Remove everything that was made here
	rm -rf .venv .venv-* tests/interop/node_modules run var loadtests/report .mypy_cache .ruff_cache .pytest_cache .hypothesis
