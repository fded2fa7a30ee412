# `make help` lists the targets. Tools are built from tools/go.mod into .tools/, Kafka comes from Maven:
# a JDK 17+, Maven, Go, a C compiler (for -race) and Python 3.11+ (for dashboards) are all that has to be there.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := build

VERSION    ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
REVISION   ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
BUILD_DATE ?= $(shell git log -1 --format=%cI 2>/dev/null || echo unknown)
STAMP      := github.com/prometheus/common/version
LDFLAGS    := -s -w -X $(STAMP).Version=$(VERSION) -X $(STAMP).Revision=$(REVISION) -X $(STAMP).BuildDate=$(BUILD_DATE)

export PATH := $(CURDIR)/.tools:$(PATH)
# Tests that need a real Kafka are those of files with the build tag kafka; those of faults that take their
# time are in files with the build tag faults alone. Only they run in their stage: the rest are unit tests.
KAFKA_FILES = $(shell grep -rlE --include='*_test.go' '^//go:build kafka' .)
FAULT_FILES = $(shell grep -rlE --include='*_test.go' '^//go:build faults$$' .)
tests_of = $(sort $(dir $1)) -run "^($$(sed -nE 's/^func (Test[A-Za-z0-9_]+)\(t .*/\1/p' $1 | paste -sd'|'))$$"

.PHONY: help build packages demo test lint vulncheck test-unit test-kafka test-faults test-e2e test-browser test-mutations test-deploy test-readme soak bench bench-compare bench-truth dashboards dashboards-check clean
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

build: ## the static binary ./kafka_prober
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o kafka_prober .

packages: build .tools/nfpm ## a deb and an rpm of it in build/
	BINARY=$(CURDIR)/kafka_prober deploy/packages/build.sh '$(VERSION)' build $(shell go env GOARCH)

demo: build ## probes on an embedded three-broker cluster, http://localhost:10092
	./kafka_prober demo

test: java lint dashboards-check test-unit test-kafka ## all that CI runs: lint, unit tests, real-Kafka tests

lint: .tools/staticcheck ## gofmt, vet, staticcheck, go mod verify, no skipped test
	@bad=$$(gofmt -l .); [ -z "$$bad" ] || { echo "not formatted, run gofmt -w:"; echo "$$bad"; exit 1; }
	@! grep -rnE --include='*_test.go' '\b[tb]\.Skip(f|Now)?\(' . || { echo "a skipped test proves nothing: make it fail instead"; exit 1; }
	go mod verify
	go vet -tags kafka,faults,e2e,bench,browser ./...
	staticcheck -tags kafka,faults,e2e,bench,browser ./...

# Not part of test: the list of vulnerabilities is on the network, and grows without a change of ours.
vulncheck: .tools/govulncheck ## known vulnerabilities in what is called, by vuln.go.dev; VULNDB=file:///dir for a copy of it
	govulncheck $(if $(VULNDB),-db $(VULNDB)) -tags kafka,faults,e2e,bench,browser -test ./...

test-unit: .tools/promtool .tools/amtool .tools/prometheus ## unit tests with the race detector, no Java needed
	go test -race ./...
	go test -C tools ./rulecheck

test-kafka: java ## tests on a real three-broker Kafka, one package at a time; KAFKA_VERSION=3.9.1 for another
	go test -race -tags kafka -p 1 -count 1 -timeout 10m $(call tests_of,$(KAFKA_FILES))

# A number of inputs and no time: before Go 1.27 a target fails now and then when its time is over (golang/go#75804).
test-faults: java ## slow tests of faults on a real Kafka, and 50,000 inputs of each fuzz target
	go test -tags faults -p 1 -count 1 -timeout 30m $(call tests_of,$(FAULT_FILES))
	@grep -rE --include='*_test.go' '^func Fuzz' . | sed -E 's|/[^/]*:func (Fuzz[A-Za-z0-9]+).*| \1|' | sort -u | while read -r dir name; do \
	  echo "fuzz $$name"; go test -run '^$$' -fuzz "^$$name$$" -fuzztime 50000x -fuzzminimizetime 10x "$$dir" </dev/null; done

test-e2e: java .tools/prometheus .tools/alertmanager ## faults on a real Kafka, by the rules, to a webhook behind a real Alertmanager: 9 minutes
	go test -tags e2e -count 1 -timeout 20m -v -run '^TestEndToEnd$$' ./alerts

test-browser: ## the report of bench in headless Chromium, to be installed beforehand
	go test -tags browser -count 1 -run '^TestHTMLInBrowser$$' ./internal/bench

test-deploy: $(addprefix .tools/,helm kustomize nfpm kube-apiserver promtool amtool prometheus-2.42 debian.tar) ## units, packages, image, charts; as root on Debian with buildah, debootstrap, etcd-server, file, rpm, systemd
	go vet -C deploy/test ./...
	go test -C deploy/test -count 1 -timeout 15m ./...

test-readme: ## the commands that the documentation shows, run as shown on the demo
	go test -C deploy/test -count 1 -run '^TestReadmeCommands$$' ./...

test-mutations: .tools/promtool ## faults put into every alert rule, each to be found by its unit tests: 3 to 10 minutes
	go test -C tools -tags mutations -count 1 -timeout 25m -v -run '^TestMutations$$' ./rulecheck

soak: java ## ten minutes of random harm to a real Kafka; SOAK_FLAGS='-soak.for=1h -soak.seed=7'
	go test -tags faults -count 1 -timeout 3h -v -run '^TestSoak$$' ./prober/engine -soak.for=10m $(SOAK_FLAGS)

bench: java ## beside a bare loop and Kafka's own tool, on a real Kafka, and with 100,000 partitions: 25 minutes on an otherwise idle machine
	go test -run '^$$' -bench . -benchmem ./prober/...
	go test -tags bench -count 1 -v -timeout 40m ./internal/fidelity $(BENCH_FLAGS)
	go test -tags bench -count 1 -v -timeout 60m -run '^TestFlush(Table|OnOff|Cost)$$' ./prober

dashboards: .tools/venv ## write dashboards/*.json from their source
	PYTHONDONTWRITEBYTECODE=1 .tools/venv/bin/python dashboards/src/generate.py

dashboards-check: .tools/venv
	@dir=$$(mktemp -d); trap 'rm -r "$$dir"' EXIT; PYTHONDONTWRITEBYTECODE=1 .tools/venv/bin/python dashboards/src/generate.py "$$dir"; \
	  for f in dashboards/*.json; do cmp -s "$$f" "$$dir/$${f##*/}" || { echo "$$f is not what its source gives: run make dashboards"; exit 1; }; done; \
	  [ "$$(ls "$$dir")" = "$$(cd dashboards && ls *.json)" ] || { echo "a dashboard of the source is not in dashboards/: run make dashboards"; exit 1; }

bench-compare: java ## `kafka_prober bench` beside a bare franz-go loop and Kafka's perf tools: 30 minutes; COMPARE_FLAGS='-compare.sizes=100'
	go test -tags bench -count 1 -v -timeout 3h -run '^TestBenchCompare' . $(COMPARE_FLAGS)

bench-truth: java ## what `kafka_prober bench` says and does at rates from 1/s to 200,000/s, when a broker is killed, beside the steady probe: 30 minutes
	go test -tags bench -count 1 -v -timeout 90m -run '^TestBench(AckLatency|Rates|Account)$$' .
	go test -tags bench -count 1 -v -timeout 60m -run '^Test(BurstOnOff|BenchAgrees)$$' ./prober

clean: ## remove what make built
	rm -rf kafka_prober build .tools

.PHONY: java
java:
	@command -v "$${JAVA_HOME:+$$JAVA_HOME/bin/}java" >/dev/null && command -v mvn >/dev/null || \
	  { echo "no java or mvn: install a JDK 17 or newer and Maven (Debian: apt-get install openjdk-17-jdk-headless maven)"; exit 1; }

.tools/venv: dashboards/src/requirements.txt
	@python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "no python3 of version 3.11 or newer with venv (Debian: apt-get install python3-venv)"; exit 1; }
	rm -rf $@ && python3 -m venv $@
	$@/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $< && touch $@

# Tools that agree with nobody on their dependencies: each has a module of its own.
$(addprefix .tools/,helm kustomize nfpm kube-apiserver): .tools/%: deploy/test/tools/%/go.mod deploy/test/tools/%/go.sum
	CGO_ENABLED=0 go build -C deploy/test/tools/$* -trimpath -ldflags '-s -w' -o $(CURDIR)/.tools/$* tool

# The oldest Prometheus that the rules are for is the one that Debian 12 has.
.tools/prometheus-2.42:
	rm -rf $@.part && mkdir -p $@.part && cd $@.part && apt-get download 'prometheus=2.42.*' && dpkg-deb -x prometheus_*.deb . && rm prometheus_*.deb
	mv $@.part $@

.tools/debian.tar: deploy/test/debian.sh
	mkdir -p .tools
	deploy/test/debian.sh $(CURDIR)/$@

# Alertmanager's module comes without its user interface, which its server embeds: an empty page takes its place.
.tools/alertmanager: tools/go.mod tools/go.sum
	rm -rf .tools/src && mkdir -p .tools/src && go -C tools mod download github.com/prometheus/alertmanager
	cp -r "$$(go -C tools list -m -f '{{.Dir}}' github.com/prometheus/alertmanager)" .tools/src/alertmanager && chmod -R u+w .tools/src
	mkdir .tools/src/alertmanager/ui/app/dist && touch .tools/src/alertmanager/ui/app/dist/index.html
	CGO_ENABLED=0 go build -C .tools/src/alertmanager -trimpath -ldflags '-s -w' -o $(CURDIR)/$@ ./cmd/alertmanager
	rm -rf .tools/src

# Prometheus' own binaries leave out their service discoveries: minutes and megabytes.
.tools/%: tools/go.mod tools/go.sum
	CGO_ENABLED=0 go build -C tools -trimpath -tags remove_all_sd -o ../.tools/ $$(go -C tools list -f '{{.ImportPath}}' tool | grep '/$*$$')
