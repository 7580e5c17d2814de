# Two commands: `make run` and `make test`. They need Go, Node and make, and
# install the rest themselves. `make help` lists the others.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

BIN := bin/server
GOLANGCI_VERSION := v2.15.0
GOLANGCI := bin/golangci-lint-$(GOLANGCI_VERSION)
WITH_POSTGRES := go run ./server/db/dbtest/withpostgres
SPA_SOURCES := $(shell find frontend/src frontend/public frontend/build frontend/*.html frontend/*.ts -type f 2>/dev/null)

.PHONY: help run test dev build generate check-generated linter lint lint-docker test-go fuzz test-postgres test-spa test-e2e pixels chaos bench bench-pages audit clean tools

help: ## list the targets
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

tools:
	@command -v go >/dev/null || { echo "Go is missing: install Go 1.26 or newer" >&2; exit 1; }
	@command -v npm >/dev/null || { echo "Node is missing: install Node 20.19 or newer" >&2; exit 1; }

node_modules/.installed: package.json package-lock.json | tools
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

frontend/dist/index.html: node_modules/.installed $(SPA_SOURCES)
	npm run --silent build -- --logLevel warn
	@touch $@ frontend/dist/.gitkeep

build: frontend/dist/index.html ## build the SPA and the binary
	go build -o $(BIN) ./server

run: build ## start everything: private Postgres, API, pages, workers and the Twilio sandbox
	@exec $(BIN) run

dev: build ## like run, with the SPA reloading as you edit; restart it for Go changes
	@trap 'kill 0' EXIT; ALLOWED_HOSTS=localhost:5173,127.0.0.1:5173 $(BIN) run & npm run --silent dev

generate: node_modules/.installed ## generate Go and TypeScript from the one SDL
	rm -rf graph/generated
	go tool gqlgen generate
	npm run --silent generate

check-generated: node_modules/.installed
	@echo "== generated code is current"
	@before=$$(cat $$(git ls-files graph frontend/src/gql) | sha256sum); $(MAKE) -s generate >/dev/null; \
	after=$$(cat $$(git ls-files graph frontend/src/gql) | sha256sum); \
	if [ "$$before" != "$$after" ]; then echo "generated code is stale: run make generate and commit" >&2; exit 1; fi

linter: $(GOLANGCI)

$(GOLANGCI):
	@echo "== building golangci-lint $(GOLANGCI_VERSION) (once)"
	@mkdir -p bin && GOBIN=$(CURDIR)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION) && mv bin/golangci-lint $@

lint: node_modules/.installed frontend/dist/index.html $(GOLANGCI) ## formatters, linters and types
	@echo "== golangci-lint"
	@$(GOLANGCI) run ./...
	@echo "== biome"
	@npm run --silent lint
	@echo "== tsc"
	@npm run --silent typecheck

lint-docker: ## docker-compose.yml and Dockerfile, by Compose's loader and BuildKit's linter; no engine needed
	@go run -C .ci/docker . $(CURDIR)

test-go: frontend/dist/index.html ## Go tests with the race detector, against a real Postgres
	@echo "== go test -race"
	@$(WITH_POSTGRES) go test -race -timeout 60m ./...

fuzz: frontend/dist/index.html ## run each fuzz target for FUZZ_TIME (2m); `make test` runs their seeds
	@.ci/fuzz $(or $(FUZZ_TIME),2m)

test-postgres: frontend/dist/index.html ## Go tests on every version of Postgres that is promised: 15 to 18
	@.ci/test-postgres $(VERSIONS)

test-spa: node_modules/.installed ## unit tests of the SPA
	@echo "== vitest"
	@npm run --silent test

test-e2e: build ## the whole story in a real browser
	@echo "== playwright"
	@.ci/chromium
	@npm run --silent e2e

pixels: build ## every page of an older commit (BASE) beside what is here; a report of those that differ (some minutes; PAGES=inbox,… for some)
	@.ci/chromium
	@BASE=$(BASE) PAGES=$(PAGES) npx playwright test --config frontend/e2e/pixels.config.ts || \
		{ echo "pages differ: npx playwright show-report frontend/e2e/.pixels/report shows them" >&2; exit 1; }

test: ## everything; prints one summary
	@.ci/test

chaos: build ## break the engine while it sends 20,000 messages, sixteen ways; writes docs/chaos.md (some forty minutes)
	CHAOS=full CHAOS_WRITE=$(CURDIR)/docs/chaos.md $(WITH_POSTGRES) go test -count=1 -v -timeout 4h -run TestChaos ./server/chaos

bench: build ## measure the engine beside its ceilings; writes docs/benchmarks.md (some twenty minutes, on an idle machine)
	$(BIN) bench --people 100000 --engine 100000 --growth 10000,1000000 --import 1000000 --webhooks 100000 --links 100000 --receipts 500,2000,5000 \
		--contacts 1000000 --pace 80,1000 --abuse --upkeep 10000,1000000 --write docs/benchmarks.md
	$(MAKE) bench-pages

bench-pages: build ## scroll a million contacts and 100,000 messages in a browser; writes its section of docs/benchmarks.md (some five minutes)
	@.ci/chromium
	@npx playwright test --config frontend/e2e/bench.config.ts

audit: node_modules/.installed ## known weaknesses in what we depend on, its licences, and a bill of materials in bin/sbom
	@.ci/audit

clean: ## remove what was built; data stays
	rm -rf bin node_modules frontend/dist/*
