# A fresh clone needs Go, gcc and make; every other tool is pinned in tools/go.mod and built by `go tool`.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --warn-undefined-variables --no-builtin-rules --no-print-directory

TOOL := go tool -modfile=$(CURDIR)/tools/go.mod
MODULES := $(dir $(filter-out tools/go.mod,$(shell git ls-files '*go.mod')))
GO_FILES = $(shell git ls-files --cached --others --exclude-standard '*.go')
TEMPLATES := $(shell git ls-files '*buf.gen.yaml')
GENERATED := $(patsubst ./%,%,$(addsuffix gen,$(dir $(TEMPLATES))))
SOURCES := cmd/collector/internal/host/sources.binpb
FUZZTIME ?= 10s
RUN ?=
PROFILE ?=
AGAINST ?= $(shell git describe --tags --abbrev=0 2>/dev/null || git rev-list --max-parents=0 HEAD)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "%-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## Watch three collectors link up, answer each other's calls and survive a kill
	@bin/collector demo

.PHONY: build
build: ## Build bin/collector
	@go build -o bin/ ./cmd/collector

.PHONY: test
test: lint checkgenerate ## Lint, check gen/, run all tests with the race detector
	@for module in $(MODULES); do \
		echo "# test $$module"; \
		(cd "$$module" && go test -race -shuffle=on ./...); \
	done

.PHONY: lint
lint: ## gofmt, go vet, staticcheck and buf lint (the repository's own rules are tests: internal/policy)
	@echo "# lint"
	@unformatted=$$(gofmt -l $(GO_FILES)); test -z "$$unformatted" || \
		{ echo "not gofmt-ed, run gofmt -w on:"; echo "$$unformatted"; exit 1; }
	@for module in $(MODULES); do \
		(cd "$$module" && go vet ./... && $(TOOL) staticcheck ./...); \
	done
	@$(TOOL) buf lint
	@$(TOOL) buf lint bench

# The contract of the conformance suite is where the suite is: in the module that internal/conformance pins.
CONTRACT := .tmp/conformance
$(CONTRACT): internal/conformance/go.mod
	@rm -rf $@ && mkdir -p $(@D)
	@cd $(<D) && go mod download connectrpc.com/conformance && \
		cp -R "$$(go list -m -f '{{.Dir}}' connectrpc.com/conformance)/proto" $(CURDIR)/$@
	@chmod -R u+w $@ && touch $@

.PHONY: generate
generate: $(CONTRACT) ## Regenerate the generated code from the .proto files
	@for template in $(TEMPLATES); do $(TOOL) buf generate --template "$$template"; done
	@$(TOOL) buf build --as-file-descriptor-set -o $(SOURCES)

.PHONY: checkgenerate
checkgenerate: $(CONTRACT) ## Fail if the generated code is not exactly what the .proto files say
	@echo "# checkgenerate"
	@rm -rf .tmp/generate && mkdir -p .tmp/generate
	@for template in $(TEMPLATES); do $(TOOL) buf generate --output .tmp/generate --template "$$template"; done
	@$(TOOL) buf build --as-file-descriptor-set -o .tmp/generate/sources.binpb
	@cmp $(SOURCES) .tmp/generate/sources.binpb || { echo "the comments are not those of the .proto files: run make generate"; exit 1; }
	@for dir in $(GENERATED); do \
		diff -r "$$dir" ".tmp/generate/$$dir" || \
			{ echo "the generated code does not match: run make generate"; exit 1; }; \
	done
	@untracked=$$(git ls-files --others -- $(GENERATED)); test -z "$$untracked" || \
		{ echo "generated but not in git, run git add on:"; echo "$$untracked"; exit 1; }

.PHONY: console
console: web/node_modules ## Rebuild web/dist from web/src (needs Node; users of the library do not)
	$(TOOL) buf generate --template web/buf.gen.yaml
	cd web && node_modules/.bin/tsc --noEmit
	cd web/build && go run .

web/node_modules: web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

.PHONY: checkconsole
checkconsole: console ## Fail if web/dist is not exactly what web/src builds
	@test -z "$$(git status --porcelain -- web/dist web/src/gen)" || \
		{ echo "web/dist does not match web/src: run make console and commit"; exit 1; }

.PHONY: e2e
e2e: web/node_modules ## Browser tests of the console in Chromium (installed by apt where it is missing and allowed)
	@test -x "$${CHROMIUM:-/usr/bin/chromium}" || { test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -y -qq chromium; } || true
	@mkdir -p bin && go build -o bin/collector ./cmd/collector && go build -C web/e2e -o ../../bin/rig ./rig
	@node web/e2e/run.mjs

.PHONY: pictures
pictures: ## Take the pictures of the README anew
	@mkdir -p bin && go build -o bin/collector ./cmd/collector
	PICTURES=$(CURDIR)/web/pictures node web/e2e/run.mjs theReadmesPictures

.PHONY: breaking
breaking: ## Fail on a wire-incompatible change of proto/ since AGAINST (default: the last tag)
	$(TOOL) buf breaking --against '.git#ref=$(AGAINST)'

.PHONY: conformance
conformance: ## Run the ConnectRPC conformance suite: plain connect-go, local, routed, and as a client
	@cd internal/conformance && go build -o ../../bin/conformance . && ../../bin/conformance suite

.PHONY: bench
bench: ## Measure ours beside grpc-go and NATS; RUN=regex picks cases, PROFILE=dir keeps profiles
	@cd bench && go build -o ../bin/bench . && ../bin/bench -run '$(RUN)' -profile '$(abspath $(PROFILE))'

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (default 10s)
	@git grep -oE '^func Fuzz[A-Za-z0-9_]+' -- '*_test.go' | while IFS=: read -r file func; do \
		echo "# $$file $${func#func }"; \
		go test -run '^$$' -fuzz "^$${func#func }$$" -fuzztime $(FUZZTIME) "./$$(dirname "$$file")"; \
	done

.PHONY: clean
clean: ## Remove what the targets above built
	rm -rf bin .tmp
