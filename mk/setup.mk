# Debian packages: installed when missing, with a word about it, by tools/setup.
#
# What every build needs is asked for before make looks at anything else: make remakes an included
# file first. build/setup/GROUP is the stamp of a group, older than tools/setup when the lists of
# packages may have changed.
SETUP_STAMPS := build/setup
SETUP_NOT    := clean check-layers

$(SETUP_STAMPS)/%: tools/setup
	@mkdir -p $(@D)
	@tools/setup $*
	@touch $@

ifneq ($(filter-out $(SETUP_NOT),$(or $(MAKECMDGOALS),all)),)
include $(SETUP_STAMPS)/build
endif

.PHONY: setup-test setup-lint setup-bench
setup-test: $(SETUP_STAMPS)/test
setup-lint: $(SETUP_STAMPS)/lint
setup-bench: $(SETUP_STAMPS)/bench
