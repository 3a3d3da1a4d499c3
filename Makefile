# SPDX-License-Identifier: Apache-2.0
# The commands people type; meson.build does the work.

BUILD  ?= build
PREFIX ?= /usr/local
SECONDS ?= 60
ARGS   ?=

.PHONY: build setup devnet bench test test-unit test-e2e asan sim model check check-selftest fuzz format install clean
.DEFAULT_GOAL := build

# Compile everything. Needs what make setup installs.
build: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@command -v meson >/dev/null || { echo 'meson is missing: run "make setup"' >&2; exit 1; }
	meson setup $(BUILD)

# Debian packages and npm packages, without questions; as root or with sudo.
setup:
	@scripts/setup.sh

.PHONY: quiet-setup
quiet-setup:
	@scripts/setup.sh --quiet

# Everything set up, built and tested; the last line counts: "N passed, N failed".
test: quiet-setup
	@scripts/test.py

# A whole network in the foreground; Ctrl-C ends it. make devnet ARGS="--enclaves 5 --interval 200ms"
devnet: quiet-setup
	@test -x $(BUILD)/tenseq || echo 'building; this takes a minute or two' >&2
	@$(MAKE) --no-print-directory build >/dev/null
	@exec $(BUILD)/tenseq devnet $(ARGS)

# Figures against their targets: a table on stderr, JSON on stdout.
bench: quiet-setup
	@$(MAKE) --no-print-directory build >&2
	@bench/run.py $(ARGS)

test-unit: quiet-setup
	@scripts/test.py unit

# The contracts: forge's tests, coverage, the kept artifact and gas.
.PHONY: test-contracts
test-contracts: quiet-setup
	@scripts/test.py contracts

# Whole networks of real processes.
test-e2e: quiet-setup
	@$(MAKE) --no-print-directory build
	@scripts/test.py e2e

# The unit tests and corpora under AddressSanitizer and UndefinedBehaviorSanitizer.
asan: quiet-setup
	@scripts/test.py asan

# Worlds from seeds: make sim SEEDS=2000 BATCHES=200. One of them, told in full: make sim SEED=17.
# What is not given is as tenseq-sim --help says.
sim: quiet-setup
	@ninja -C $(BUILD) sim/tenseq-sim >/dev/null || $(MAKE) --no-print-directory build
	@$(BUILD)/sim/tenseq-sim $(if $(SEED),--seed $(SEED)) $(if $(SEEDS),--seeds $(SEEDS)) \
	    $(if $(BATCHES),--batches $(BATCHES)) $(if $(CRYPTO),--crypto $(CRYPTO)) $(ARGS)

# The switch-over, searched to the end by Spin, and proof that the search finds what is wrong.
model: quiet-setup
	@sim/model/run.py $(ARGS)

# Format and static checks (STYLE.md).
check: build
	@scripts/check.py $(ARGS)

# The same, and a proof that each check refuses what it is for.
check-selftest: build
	@scripts/check.py --self-test $(ARGS)

# Each fuzz target for SECONDS seconds; make fuzz ARGS="config link" for some of them.
fuzz:
	@scripts/fuzz.sh $(SECONDS) $(ARGS)

format:
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i

# DESTDIR and PREFIX as usual.
install: build
	@meson configure $(BUILD) -Dprefix=$(abspath $(PREFIX))
	meson install -C $(BUILD) $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))

clean:
	rm -rf $(BUILD) build-asan build-fuzz
