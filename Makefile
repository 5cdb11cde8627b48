# SPDX-License-Identifier: GPL-3.0-or-later
# The project's front door. `make help` lists the targets; each installs what it lacks.

PY := .venv/bin/python
SETUP := tools/setup.sh
SECONDS ?=
SPEED ?= 20
TRACE ?=
JOBS ?= 2

.PHONY: qemu qemu-system qemu-system-be
.PHONY: help demo test test-all prove-fresh faults fuzz lint firmware sim runtime budget power-cut day fuzz-spi
.PHONY: bench-buffer bench-daemon bench-lan ipk pictures lock clean

help: ## lists these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## runs a household from clamp to server: board in the simulator, daemon, TLS (SECONDS=n SPEED=20 TRACE=file.csv)
	@$(SETUP) demo
	@$(MAKE) -s --no-print-directory firmware-quiet sim-quiet
	@$(PY) -m tools.demo --speed "$(SPEED)" --seconds "$(SECONDS)" --trace "$(TRACE)"

test: ## installs what is missing and passes the tests; the gate for every change
	@$(SETUP) demo test runtime
	@$(MAKE) -s --no-print-directory lint avr-host-test firmware sim runtimes
	@$(PY) -m pytest -n $(JOBS) --dist loadscope -m "not slow"

test-all: ## the tests that are too dear for every change, too
	@$(SETUP) demo test runtime qemu
	@$(MAKE) -s --no-print-directory lint avr-host-test firmware sim runtimes
	@$(PY) -m pytest -n $(JOBS) --dist loadscope -m "not slow" --database postgres tests/server --ignore tests/server/series
	@$(PY) -m pytest -n $(JOBS) --dist loadscope --hypothesis-profile=search

prove-fresh: ## runs demo and test in a minimal Debian made for it, as root: 40 minutes and more (DEBIAN=trixie|bookworm)
	@$(SETUP) fresh
	@$(PY) -m tools.prove_fresh $(or $(DEBIAN),trixie)

.PHONY: test-clocks
test-clocks: ## runs the tests of figures by date on each weekday, on changes of the clocks, 29 February, New Year, the 31st (ARGS="--only Sunday")
	@$(SETUP) test
	@$(PY) -m tools.dates --jobs $(JOBS) $(ARGS)

.PHONY: prove-integrity
prove-integrity: ## 1,000 bits of each kind of stored row flip, and nothing is wrong in silence (ARGS="--flips 100")
	@$(SETUP) demo test
	@$(PY) -m tests.server.series.integrity $(ARGS)

.PHONY: prove-removal
prove-removal: ## 1,500 devices that nobody claimed expire while a household uploads, and nothing is left of them
	@$(SETUP) demo test
	@$(PY) -m tools.prove_removal $(ARGS)

faults: firmware sim runtime ## the matrix of network faults on both interpreters (ARGS="--only NAME --runtime cpython --jobs 2")
	@$(SETUP) demo test
	@$(PY) -m tools.faults $(ARGS)

.PHONY: compat
compat: firmware sim runtime ## asks the LAN API as clients of the field do, on both interpreters
	@$(SETUP) demo test runtime
	@$(PY) -m tools.compat

fuzz: ## mutated input for every parser, on both interpreters (ARGS="--cases 20000 --seed 2 --only uci")
	@$(SETUP) demo test
	@$(PY) -m tools.fuzz $(ARGS)

lint: ## style, types and shell, without running anything
	@$(SETUP) demo test
	@tools/lint.sh

firmware: ## builds the firmware of both sensor boards and prints its sizes
	@$(SETUP) demo
	@$(MAKE) -s --no-print-directory -C avr firmware
	@$(MAKE) -s --no-print-directory -C avr firmware BOARD=uart

.PHONY: prebuilt
prebuilt: firmware ## keeps the firmware of both boards as it is packaged; for every change of avr/ that changes it
	@$(PY) -m tools.prebuilt update

sim: ## builds fluksosim, the simulated board
	@$(SETUP) demo
	@$(MAKE) -s --no-print-directory -C avr sim

runtime: ## builds our MicroPython for this machine (package/flukso-micropython)
	@$(SETUP) demo runtime
	@package/flukso-micropython/build.sh x86

qemu: firmware sim runtimes ## runs the daemon on big-endian MIPS without a floating-point unit, under qemu-user
	@$(SETUP) demo test runtime
	@$(PY) -m pytest tests/runtime/test_mips.py

ipk: ## packs the OpenWrt packages and their index into dist/
	@$(SETUP) demo runtime
	@$(PY) -m tools.prebuilt check
	@package/flukso-micropython/build.sh --release mips mipsel
	@rm -rf dist && mkdir dist
	@python3 tools/ipk.py build --out dist $(foreach arch,mips_24kc mips_mips32,--arch $(arch)=.cache/micropython/mips/flukso-micropython) \
		--arch mipsel_24kc=.cache/micropython/mipsel/flukso-micropython $(patsubst %/Makefile,%,$(wildcard package/*/Makefile))
	@python3 tools/ipk.py index dist

.PHONY: feed
feed: ## lays out a signed feed of the packages in dist/feed (KEY=/path/key.pem, an Ed25519 key; URL=https://host/path; ARGS="--also next.pub")
	@test -n "$(KEY)" || { echo 'make feed: KEY=/path/key.pem is missing; openssl genpkey -algorithm ed25519 -out key.pem makes one' >&2; exit 1; }
	@$(MAKE) -s --no-print-directory ipk
	@$(PY) -m tools.feed --key "$(KEY)" $(if $(URL),--url "$(URL)") --out dist/feed $(ARGS) dist

qemu-system: firmware sim ## boots a little-endian router with our packages in QEMU (Malta, Debian's kernel) and prints its memory
	@$(SETUP) demo test runtime qemu
	@$(PY) -m tools.qemu mipsel

qemu-system-be: firmware sim ## the same on a big-endian kernel with 16 MB, both built here once (some minutes)
	@$(SETUP) demo test runtime qemu
	@$(PY) -m tools.qemu mips

budget: firmware sim ## measures the firmware's flash, RAM, interrupts and save times against their budgets
	@$(MAKE) -s --no-print-directory -C avr budget

power-cut: firmware sim ## cuts the board's power around every EEPROM operation and counts what is lost
	@$(MAKE) -s --no-print-directory -C avr power-cut

day: firmware sim ## runs the board through a simulated day of a household: some 40 minutes (HOURS=n TRACE=file.csv)
	@$(MAKE) -s --no-print-directory -C avr day $(if $(TRACE),TRACE=$(abspath $(TRACE)))

fuzz-spi: firmware sim ## throws damaged transfers at the firmware and its core (MINUTES=n)
	@$(SETUP) demo test
	@$(MAKE) -s --no-print-directory -C avr fuzz-spi

bench-buffer: runtime ## measures the ageing buffer over a year's outage, on both interpreters
	@$(PY) -m tools.bench.daemon buffer

bench-daemon: runtime ## measures the daemon's CPU a delta line and its memory, on both interpreters
	@$(PY) -m tools.bench.daemon daemon

bench-lan: runtime ## measures the LAN API's requests a second and what polling feels of them, on both interpreters
	@$(PY) -m tools.bench.daemon lan

.PHONY: flash-demo flash-cuts
flash-cuts: runtime ## cuts an update of a board at every point and recovers it; prints how it ended (ARGS="power steps")
	@$(SETUP) demo test runtime
	@$(MAKE) -s --no-print-directory firmware-quiet sim-quiet
	@$(PY) -m tools.flash.walk $(ARGS)

flash-demo: ## updates a historic board in the simulator through the real avrdude; the daemon reads on
	@$(SETUP) demo test
	@$(MAKE) -s --no-print-directory firmware-quiet sim-quiet
	@$(PY) -m tools.flash.demo

pictures: ## takes the README's pictures: the demo, the LAN page, the dashboard
	@$(SETUP) demo test pictures
	@$(MAKE) -s --no-print-directory firmware-quiet sim-quiet
	@$(PY) -m tools.pictures
	@$(PY) -m tools.picture_lan
	@$(PY) -m tools.picture_dashboard

.PHONY: firmware-quiet sim-quiet avr-host-test runtimes
runtimes:
	@echo "runtime: MicroPython for this machine and for MIPS, with and without our code frozen into it (the first time: minutes)"
	@package/flukso-micropython/build.sh x86 mips
	@package/flukso-micropython/build.sh --release x86 mips

firmware-quiet:
	@$(MAKE) -s --no-print-directory -C avr firmware >/dev/null

sim-quiet:
	@$(MAKE) -s --no-print-directory -C avr sim >/dev/null

avr-host-test:
	@$(MAKE) -s --no-print-directory -C avr test

LOCKED := requirements requirements-rrd requirements-test
lock: ## pins the Python packages of requirements*.in, with their hashes
	@$(SETUP)
	@$(PY) -m venv .cache/lock && .cache/lock/bin/pip -q install pip-tools==7.6.2
	@for file in $(LOCKED); do .cache/lock/bin/pip-compile -q --upgrade --generate-hashes --allow-unsafe --no-emit-index-url \
		--no-emit-find-links --no-emit-trusted-host --no-header --no-annotate --strip-extras -o $$file.txt $$file.in || exit 1; done

.PHONY: server bench-ingest bench-query bench-store bench-decade
server: ## runs the platform for development, with a demo street that goes on uploading; Ctrl-C ends it
	@$(SETUP)
	@$(PY) -m tools.develop

bench-ingest: ## measures uploads a second and core, beside RRD files and plain Django
	@$(SETUP) rrd bench
	@$(PY) -m tools.bench.platform.ingest

bench-query: ## measures the CPU of reads
	@$(SETUP)
	@$(PY) -m tools.bench.platform.query

bench-store: ## measures the series store alone: tuples a second and core, bytes, reading back
	@$(SETUP)
	@$(PY) -m tools.bench.platform.store

bench-decade: ## lets ten years of minutes pass and measures what a sensor takes (two and a half minutes of CPU)
	@$(SETUP)
	@$(PY) -m tools.bench.platform.store_decade

.PHONY: bench-page
bench-page: ## measures how soon the dashboard is drawn, beside Chart.js, and its data's CPU (needs npm)
	@$(SETUP) demo test
	@$(PY) -m tools.bench.platform.page

clean: ## removes what was built (the virtual environment and .cache stay)
	@rm -rf avr/build build dist
