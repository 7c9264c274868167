# Every target prepares what it needs first: none of them has to be run before another.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

BIN := .venv/bin
CARGO := cargo
MANIFEST := --manifest-path rust/Cargo.toml

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: install
install: ## Make .venv with the legato command
	@scripts/setup.sh run

.PHONY: dev
dev: ## Make .venv with the legato command, test tools and linters
	@scripts/setup.sh test

.PHONY: demo
demo: install ## Speak a one-minute story (into out/demo.wav without a sound card)
	@scripts/demo.sh

.PHONY: test
test: test-rust test-python ## Run every test

.PHONY: test-python
test-python: dev ## Run the Python tests, with the coverage they owe
	@scripts/test_python.sh

.PHONY: test-rust
test-rust: dev ## Run the Rust tests and the loom models
	@scripts/test_rust.sh

.PHONY: lint
lint: dev ## Check style, types and lints of everything
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	@if command -v shellcheck >/dev/null; then shellcheck scripts/*.sh .ci/run; \
	else echo "legato: shellcheck was not found: shell scripts were not checked"; fi
	$(CARGO) fmt $(MANIFEST) --check
	$(CARGO) clippy $(MANIFEST) --locked --all-targets -- -D warnings
	$(CARGO) clippy $(MANIFEST) --locked --all-targets --features python -- -D warnings

.PHONY: format
format: dev ## Rewrite Python and Rust in the house's format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(CARGO) fmt $(MANIFEST)

.PHONY: bench
bench: install ## Measure gaps, the chunker and the mission's targets (minutes)
	$(BIN)/legato bench chunker
	$(BIN)/legato bench gap
	$(BIN)/legato bench mission

.PHONY: bench-rust
bench-rust: ## Measure the ring and the callback alone
	$(CARGO) bench $(MANIFEST)

.PHONY: coverage-rust
coverage-rust: ## Measure the Rust tests' coverage (needs cargo-llvm-cov)
	$(CARGO) llvm-cov $(MANIFEST) --show-missing-lines

# Devices are the system's, where Miri cannot follow; the longest tests would take it hours.
.PHONY: miri
miri: ## Interpret the ring's tests under Miri (needs nightly with miri)
	MIRIFLAGS=-Zmiri-disable-isolation $(CARGO) +nightly miri test $(MANIFEST) --locked \
		--no-default-features --lib --test consumer -- --skip devices:: --skip output::

.PHONY: tsan
tsan: ## Run the Rust tests under ThreadSanitizer (needs nightly with rust-src)
	RUSTFLAGS=-Zsanitizer=thread $(CARGO) +nightly test $(MANIFEST) --locked -Zbuild-std \
		--lib --tests --target $(shell uname -m)-unknown-linux-gnu --target-dir rust/target/tsan

# The reference never enters .venv: what a user installs, and what tests run with, has none of it.
ORACLE := .venv-oracle
.PHONY: oracle
oracle: ## Write the golden files of tests/xtts with coqui-tts (a .venv of its own, some GB)
	test -x $(ORACLE)/bin/python || $${PYTHON:-python3} -m venv $(ORACLE)
	$(ORACLE)/bin/pip install --quiet coqui-tts==0.28.0 torch==2.11 torchaudio==2.11 \
		'torchcodec<0.12' 'transformers<5.24' six
	$(ORACLE)/bin/pip install --quiet --editable '.[xtts-all]'
	$(ORACLE)/bin/python -m tests.xtts.make_oracle

.PHONY: wheel
wheel: dev ## Build a wheel into dist/
	$(BIN)/maturin build --release --locked --out dist

.PHONY: clean
clean: ## Remove all that make made, .venv included
	rm -rf .venv .venv-oracle dist out htmlcov .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf rust/target
	rm -f src/legato/_native*.so
	find src tests scripts examples -name __pycache__ -type d -prune -exec rm -rf {} +
