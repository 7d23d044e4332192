# Diatom's build. Everything that it makes is under build/.
#
#   make            the CLI and monitor (build/diatom), the body's libraries, the images
#   make demo       build, boot, ask with real clients, show
#   make test       everything that must pass
#   make bench      measure against the peers; results in bench/results/
#   make lint       clang-format, clang-tidy, cppcheck, check-layers
#   make install PREFIX=/usr/local      make uninstall takes it away again
#
# Three builds of the same sources:
#   body     what runs in an image: clang-19 ThinLTO with CFI (BODY=gcc: gcc), musl with our calls
#   hosted   an ordinary Linux program under AddressSanitizer and UBSan: unit, simulation, fuzz tests
#   host     the tools: static, Debian's musl

BUILD   := build
# The same path however it is said: dependency files (.d) name their targets by it.
override BUILD := $(patsubst $(CURDIR)/%,%,$(abspath $(BUILD)))
BODY    ?= clang
PREFIX  ?= /usr/local
PYTHON  := /usr/bin/python3
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

include mk/setup.mk
include mk/libc.mk
include mk/shim.mk
include mk/body.mk
include mk/hosted.mk
include mk/host.mk
include mk/images.mk
include mk/install.mk
include mk/test.mk

.PHONY: all
all: host images

.PHONY: clean
clean:
	rm -rf $(BUILD)
