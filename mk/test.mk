# Tests, lint, the demo and benchmarks. The scripts do the work; see their first lines.

# make test TESTS="dns unit/timer": only programs whose names contain one of these.
.PHONY: test
test: setup-test
	@BUILD=$(BUILD) $(PYTHON) test/run.py

# Fuzzers and simulations for long (hours); new inputs go to test/corpus.
.PHONY: soak
soak: setup-test
	@BUILD=$(BUILD) $(PYTHON) test/run.py --soak

# The relay that impairs a link, for tests and benchmarks.
IMPAIR := $(wildcard test/impair/*.c)
$(BUILD)/test/impair: $(IMPAIR) $(wildcard test/impair/*.h)
	@mkdir -p $(@D)
	gcc -std=gnu11 -O2 -g -Wall -Wextra -Werror -I. $(IMPAIR) -o $@
hosted: $(BUILD)/test/impair

.PHONY: check-layers
check-layers:
	@$(PYTHON) tools/check-layers

LINT_C := $(wildcard $(foreach f,abi include/diatom shim world base plat core drv wire net lib/* libc app/* \
	host host/* test test/* bench/* tools,$(f)/*.c $(f)/*.h))

.PHONY: lint
lint: setup-lint check-layers
	@tools/lint $(BUILD) $(LINT_C)

.PHONY: demo
demo: setup-test
	@+$(MAKE) --no-print-directory all
	@$(PYTHON) tools/demo

.PHONY: bench
bench: setup-bench
	@+$(MAKE) --no-print-directory all
	@$(PYTHON) bench/run.py
