# Tests, lint, the demo and benchmarks. The scripts do the work; see their first lines.

# make test TESTS="dns unit/timer": only programs whose names contain one of these.
.PHONY: test
test:
	@tools/setup build test
	@BUILD=$(BUILD) MAKE=$(firstword $(MAKE)) $(PYTHON) test/run.py

# Fuzzers and simulations for long (hours); new inputs go to test/corpus.
.PHONY: soak
soak:
	@tools/setup build test
	@BUILD=$(BUILD) MAKE=$(firstword $(MAKE)) $(PYTHON) test/run.py --soak

.PHONY: check-layers
check-layers:
	@$(PYTHON) tools/check-layers

LINT_C := $(wildcard $(foreach f,abi include/diatom base plat core drv wire net lib/* libc app/* host \
	host/* test test/* bench/*,$(f)/*.c $(f)/*.h))

.PHONY: lint
lint: check-layers
	@tools/setup build lint
	@tools/lint $(BUILD) $(LINT_C)

.PHONY: demo
demo:
	@tools/setup build test
	@+$(MAKE) --no-print-directory all
	@$(PYTHON) tools/demo

.PHONY: bench
bench:
	@tools/setup build bench
	@+$(MAKE) --no-print-directory all
	@$(PYTHON) bench/run.py
