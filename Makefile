# SPDX-License-Identifier: GPL-3.0-or-later
# The project's front door. `make help` lists the targets; each installs what it lacks.

PY := .venv/bin/python
SETUP := tools/setup.sh
SECONDS ?=
SPEED ?= 20
TRACE ?=
JOBS ?= 2

.PHONY: help demo test test-all lint firmware sim runtime lock clean

help: ## lists these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## runs a household from clamp to server: board in the simulator, daemon, TLS (SECONDS=n SPEED=20 TRACE=file.csv)
	@$(SETUP) demo
	@$(MAKE) -s --no-print-directory firmware-quiet sim-quiet
	@$(PY) -m tools.demo --speed "$(SPEED)" --seconds "$(SECONDS)" --trace "$(TRACE)"

test: ## installs what is missing and passes the tests; the gate for every change
	@$(SETUP) demo test
	@$(MAKE) -s --no-print-directory lint avr-host-test firmware sim
	@$(PY) -m pytest -n $(JOBS) -m "not slow"

test-all: ## the tests that are too dear for every change, too
	@$(SETUP) demo test
	@$(MAKE) -s --no-print-directory lint avr-host-test firmware sim
	@$(PY) -m pytest -n $(JOBS)

lint: ## style, types and shell, without running anything
	@$(SETUP) demo test
	@tools/lint.sh

firmware: ## builds the sensor board's firmware and prints its sizes
	@$(SETUP) demo
	@$(MAKE) -s --no-print-directory -C avr firmware

sim: ## builds fluksosim, the simulated board
	@$(SETUP) demo
	@$(MAKE) -s --no-print-directory -C avr sim

.PHONY: firmware-quiet sim-quiet avr-host-test
firmware-quiet:
	@$(MAKE) -s --no-print-directory -C avr firmware >/dev/null

sim-quiet:
	@$(MAKE) -s --no-print-directory -C avr sim >/dev/null

avr-host-test:
	@$(MAKE) -s --no-print-directory -C avr test

lock: ## pins the Python packages of requirements.in, with their hashes
	@$(SETUP) demo
	@$(PY) -m venv .cache/lock && .cache/lock/bin/pip -q install pip-tools==7.6.2
	@.cache/lock/bin/pip-compile -q --upgrade --generate-hashes --allow-unsafe --no-emit-index-url --no-emit-find-links \
		--no-emit-trusted-host --no-header --no-annotate --strip-extras -o requirements.txt requirements.in

.PHONY: server bench-ingest bench-query
server: ## runs the platform for development, with a demo household
	@$(SETUP) demo
	@$(PY) -m server.develop

bench-ingest: ## measures uploads a second and core, beside RRD files and plain Django
	@$(SETUP) demo bench
	@$(PY) -m server.bench.ingest

bench-query: ## measures the CPU of reads
	@$(SETUP) demo
	@$(PY) -m server.bench.query

clean: ## removes what was built (the virtual environment and .cache stay)
	@rm -rf avr/build build dist
