# A newcomer needs two targets: `make demo` and `make test`. Both install what is missing, on Debian, with apt.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
export PATH := $(PATH):$(HOME)/.cargo/bin:$(CURDIR)/target/opinions/usr/bin:$(CURDIR)/target/opinions/usr/lib/openvswitch-switch:/usr/sbin:/sbin

CARGO ?= cargo
RUST := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
# What must be there, and the Debian package that brings it.
COMMANDS := cc=gcc
HEADERS := stdio.h=libc6-dev pcap.h=libpcap-dev
# What tests ask for a second opinion. A test that lacks one says that it was skipped.
OPINIONS := promtool=prometheus amtool=prometheus-alertmanager ovs-vswitchd=openvswitch-switch
# What the live lab is made of (tests/lab). Without it, its tests say that they were skipped.
LAB := ip=iproute2 ethtool=ethtool nft=nftables tcpdump=tcpdump tcpreplay=tcpreplay curl=curl dig=bind9-dnsutils ffmpeg=ffmpeg
LAB += sysctl=procps python3=python3 ovsdb-server=openvswitch-common
FUZZ_SECONDS ?= 600
FUZZ_TARGETS := $(notdir $(wildcard agent/fuzz/seeds/*))
BENCH_RUNS ?= 5

# What is handed out (`make package`). The same commit gives the same bytes but for the program, and the same names.
OUT := target/package
ARCH := $(shell uname -m)
TARGET := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')
TREE := segwatch-$(VERSION)
TARBALL := segwatch-$(VERSION)-$(ARCH)-linux.tar.gz
DEB := segwatch_$(VERSION)-1_$(shell dpkg --print-architecture 2>/dev/null).deb
SBOM := segwatch-$(VERSION).cdx.json
HANDED_OUT := $(DEB) $(TARBALL) $(SBOM)
PROGRAM ?= target/release/segwatch
REVISION := $(shell git rev-parse --short=12 HEAD 2>/dev/null)
AUDITABLE := $(shell $(CARGO) auditable --version >/dev/null 2>&1 && echo auditable)
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null)

.PHONY: demo test lab soak lint deny bench fuzz fmt report api captures pictures package parts deb tarball sbom tools opinions lab-tools

demo: tools
	$(CARGO) build --release --locked -p segwatch
	@echo
	@echo 'segwatch check --config tests/captures/demo.yaml tests/captures/demo.pcap'
	@code=0; \
	$(CARGO) run --release --locked --quiet -p segwatch -- check --config tests/captures/demo.yaml tests/captures/demo.pcap || code=$$?; \
	echo; \
	if [ $$code -ne 1 ]; then echo "exit code $$code, but this capture shows a violation (1)"; exit 1; fi; \
	echo 'exit code 1: violated. This synthetic capture was made to show it.'

test: tools opinions lint deny
	$(CARGO) test --workspace --locked

# All of the live lab, with ten minutes of clean traffic, and losses beside those of tcpdump. Needs root.
lab: tools opinions
	$(CARGO) build --release --locked -p segwatch
	tests/lab/live target/release/segwatch --long

# The agent on a real interface: 200 times kill -9, 25 power cuts, 1,000 reloads, a minute of a crowd. Needs root. One
# test at a time, so that the figures are its own.
soak: tools
	SEGWATCH_LONG=1 SEGWATCH_LAB=required $(CARGO) test --locked -p segwatch-tests --test agent -- --nocapture --test-threads=1

lint: tools
	@$(CARGO) fmt --version >/dev/null 2>&1 || rustup component add rustfmt
	@$(CARGO) clippy --version >/dev/null 2>&1 || rustup component add clippy
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

# The advisory database needs a network of its own and changes without us, so advisories are asked for by hand:
# `cargo deny check advisories`.
deny: tools
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
	  $(CARGO) deny --locked --log-level error check bans licenses sources; \
	else \
	  echo 'skipped: licences and sources of dependencies (cargo-deny is missing; cargo install --locked cargo-deny)'; \
	fi

bench: tools
	$(CARGO) bench --locked -p segwatch
	agent/benches/ratios.py --runs $(BENCH_RUNS)

fuzz: tools
	@$(CARGO) fuzz --version >/dev/null 2>&1 || { \
	  echo 'cargo-fuzz is missing: cargo install --locked cargo-fuzz; it needs a nightly Rust and a C++ compiler'; exit 1; }
	cd agent && for target in $(FUZZ_TARGETS); do \
	  mkdir -p fuzz/corpus/$$target; \
	  $(CARGO) +nightly fuzz run $$target fuzz/corpus/$$target fuzz/seeds/$$target -- -max_total_time=$(FUZZ_SECONDS); \
	done

fmt:
	$(CARGO) fmt --all

# The officer's report of a synthetic site of 72 cameras, to be looked at: target/report/, as PDF too where Chromium is.
report: tools
	$(CARGO) run --locked --quiet -p segwatch-tests --bin make-captures -- hospital target/report
	cd target/report && for lang in en da; do \
	  $(CARGO) run --locked --quiet -p segwatch -- report --config hospital.yaml --lang $$lang hospital.pcap > report.$$lang.html; \
	  if command -v chromium >/dev/null; then \
	    chromium --headless --no-pdf-header-footer --print-to-pdf=report.$$lang.pdf report.$$lang.html; \
	  fi; \
	done

# All that is handed out, in target/package, and tried as a newcomer would: see tests/package. Needs root, for the trial.
package: deb tarball sbom
	cd $(OUT) && sha256sum $(HANDED_OUT) > SHA256SUMS
	cat $(OUT)/SHA256SUMS
	tests/package/try $(OUT)

# The program, and what it says of itself. It carries the list of its dependencies where cargo-auditable is there.
parts: tools
	SEGWATCH_REVISION=$(REVISION) $(CARGO) $(AUDITABLE) build --release --locked -p segwatch
	rm -rf target/parts && mkdir -p target/parts/man $(OUT)
	$(PROGRAM) man --dir target/parts/man
	$(PROGRAM) completions bash > target/parts/segwatch.bash
	$(PROGRAM) completions zsh > target/parts/_segwatch
	$(PROGRAM) completions fish > target/parts/segwatch.fish

deb: parts
	@$(CARGO) deb --version >/dev/null 2>&1 || { echo 'cargo-deb is missing: cargo install --locked cargo-deb'; exit 1; }
	$(CARGO) deb --locked --no-build --no-dbgsym -p segwatch --output $(OUT)/$(DEB)

# For systems without .deb: whatever has this glibc or a newer one, and libpcap. `tests/package/try` says what that is.
tarball: parts
	rm -rf target/$(TREE) && mkdir -p target/$(TREE)/bin target/$(TREE)/share/man/man1
	strip --strip-debug -o target/$(TREE)/bin/segwatch $(PROGRAM)
	cp target/parts/man/*.1 target/$(TREE)/share/man/man1/
	install -D -m 644 target/parts/segwatch.bash target/$(TREE)/share/bash-completion/completions/segwatch
	install -D -m 644 target/parts/_segwatch target/$(TREE)/share/zsh/site-functions/_segwatch
	install -D -m 644 target/parts/segwatch.fish target/$(TREE)/share/fish/vendor_completions.d/segwatch.fish
	cp --parents $$(git ls-files "*.md" ":!tests" ":!agent" ":!config") LICENSE $$(git ls-files config dashboards/*.json systemd agent/docs tests/captures/demo.pcap tests/captures/demo.yaml) target/$(TREE)/
	tar -C target -cf - --sort=name --mtime=@$(SOURCE_DATE_EPOCH) --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw \
	  --format=gnu $(TREE) | gzip -9n > $(OUT)/$(TARBALL)

# What the program is made of, as CycloneDX: the dependencies for this system, not those of tests.
sbom: tools
	@$(CARGO) cyclonedx --version >/dev/null 2>&1 || { echo 'cargo-cyclonedx is missing: cargo install --locked cargo-cyclonedx'; exit 1; }
	mkdir -p $(OUT)
	$(CARGO) cyclonedx --quiet --manifest-path agent/Cargo.toml --format json --spec-version 1.5 --no-build-deps \
	  --target $(TARGET) --override-filename segwatch.cdx
	mv agent/segwatch.cdx.json target/sbom.json && rm -f tests/segwatch.cdx.json
	tests/package/sbom target/sbom.json $(TARGET) > $(OUT)/$(SBOM)

# The API against its description, as schemathesis asks it. Needs root, tcpreplay and schemathesis (pip install schemathesis).
api: tools
	@command -v schemathesis >/dev/null || { echo 'schemathesis is missing: pip install schemathesis'; exit 1; }
	$(CARGO) build --locked -p segwatch
	tests/package/api target/debug/segwatch

# Those of the documents, from the program as it is. Needs root, tcpreplay and Chromium.
pictures: tools
	$(CARGO) build --locked -p segwatch
	tests/package/pictures target/debug/segwatch

captures: tools
	$(CARGO) build --release --locked -p segwatch-tests
	$(CARGO) run --release --locked --quiet -p segwatch-tests --bin make-captures -- demo tests/captures/demo.pcap
	$(CARGO) run --release --locked --quiet -p segwatch-tests --bin make-captures -- seeds agent/fuzz/seeds

tools:
	@missing=; \
	for need in $(COMMANDS); do command -v "$${need%%=*}" >/dev/null || missing+=" $${need#*=}"; done; \
	for need in $(HEADERS); do echo "#include <$${need%%=*}>" | cc -E - >/dev/null 2>&1 || missing+=" $${need#*=}"; done; \
	if [ -n "$$missing" ]; then \
	  as_root=; [ "$$(id -u)" = 0 ] || as_root=sudo; \
	  command -v apt-get $$as_root >/dev/null || { echo "please install:$$missing"; exit 1; }; \
	  $$as_root apt-get update -q; \
	  $$as_root apt-get install -q -y --no-install-recommends $$missing; \
	fi
	@have=$$(rustc --version 2>/dev/null | cut -d' ' -f2 || true); \
	if ! printf '%s\n' '$(RUST)' "$${have:-0}" | sort -VC; then \
	  echo "Rust $(RUST) or newer is needed, found $${have:-none}. Get it with rustup (https://rustup.rs), or: rustup update stable"; \
	  exit 1; \
	fi

# Installed, the services of these packages would start, so they are only unpacked. systemd-analyze comes with systemd.
opinions: tools lab-tools
	@missing=; \
	for need in $(OPINIONS); do command -v "$${need%%=*}" >/dev/null || missing+=" $${need#*=}"; done; \
	if [ -n "$$missing" ]; then \
	  as_root=; [ "$$(id -u)" = 0 ] || as_root=sudo; \
	  mkdir -p target/opinions && cd target/opinions && $$as_root apt-get update -q && apt-get download -q $$missing && \
	  for package in *.deb; do dpkg-deb -x "$$package" .; done || echo "skipped: what$$missing would check"; \
	fi

lab-tools: tools
	@missing=; \
	for need in $(LAB); do command -v "$${need%%=*}" >/dev/null || missing+=" $${need#*=}"; done; \
	if [ -n "$$missing" ]; then \
	  as_root=; [ "$$(id -u)" = 0 ] || as_root=sudo; \
	  { $$as_root apt-get update -q && $$as_root apt-get install -q -y --no-install-recommends $$missing; } || \
	    echo "skipped: the live lab, without$$missing"; \
	fi
