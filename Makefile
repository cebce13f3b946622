# `make help` lists the targets. Everything that CI does is a target here.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

RELEASE ?= development
# A release is built without this machine's paths; a development build shares the
# compiler's cache with tests.
GOBUILD := CGO_ENABLED=0 go build $(if $(filter-out development,$(RELEASE)),-trimpath) -ldflags '-X github.com/yunqiao/yunqiao/gateway/cli.release=$(RELEASE)'
MODULES := . plugin-proto drivers/sdk
BUF     := $(CURDIR)/internal/tools/node_modules/.bin/buf
LINTER  := $(CURDIR)/.tools/bin/golangci-lint
# What the contract must stay compatible with, where git knows it.
BREAKING_AGAINST ?= main
SOAK_ROUNDS ?= 1

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: build ## Build and serve on http://127.0.0.1:8355 with a simulated cloud
	bin/yunqiao serve --hints

.PHONY: build
build: ## Build bin/yunqiao, bin/memcloud, bin/alibaba-sim and bin/drivers/*
	@scripts/setup go
	@mkdir -p bin/drivers
	$(GOBUILD) -o bin/yunqiao ./gateway
	$(GOBUILD) -o bin/memcloud ./drivers/memory/memcloud/cmd/memcloud
	$(GOBUILD) -o bin/conform ./drivers/drivertest/conform
	$(GOBUILD) -o bin/alibaba-sim ./drivers/alibaba/sim/cmd/alibaba-sim
	$(GOBUILD) -o bin/drivers/ ./drivers/memory ./drivers/openstack ./drivers/alibaba
	@for driver in memory openstack alibaba; do bin/yunqiao driver manifest bin/drivers/$$driver >/dev/null; done
	@scripts/proto-bundle $(RELEASE) bin

.PHONY: test
test: build ## Run all tests with the race detector, installing what they need
	@scripts/setup test
	@export YUNQIAO_BIN=$(CURDIR)/bin CGO_ENABLED=1; status=0; \
	for module in $(MODULES); do \
		echo "== go test -race $$module"; \
		(cd $$module && go test -race -timeout 20m ./...) || status=1; \
	done; exit $$status

.PHONY: testcloud
testcloud: ## Install and start a real OpenStack on 127.0.0.1 (Debian 12, root)
	test/openstack/testcloud up

.PHONY: testcloud-down
testcloud-down: ## Stop it; what it holds stays for the next start
	test/openstack/testcloud down

.PHONY: test-openstack
test-openstack: build ## Run the live tests on the cloud of OS_CLIENT_CONFIG_FILE, or on testcloud
	@scripts/setup test
	@YUNQIAO_BIN=$(CURDIR)/bin scripts/test-live

.PHONY: test-terraform
test-terraform: ## Run Alibaba Cloud's official Terraform provider against the simulated cloud; builds it first
	provider=$$(scripts/terraform-provider) && \
		YUNQIAO_TERRAFORM_PROVIDER=$$provider go test -count=1 -v -timeout 30m -parallel 4 ./test/terraform

.PHONY: gen
gen: ## Regenerate plugin-proto/gen, docs/errors.md and docs/roles.md from the .proto files
	@scripts/setup buf
	cd plugin-proto && $(BUF) lint && $(BUF) generate && $(BUF) build -o gen/descriptors.binpb
	go run ./internal/openapi/cmd/genopenapi
	go run ./gateway/identity/cmd/genroles

.PHONY: lint
lint: ## Check formatting, vet, linters, the contract's style and its compatibility
	@scripts/setup lint
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go' | grep -v '^plugin-proto/gen/')); \
		[[ -z $$unformatted ]] || { printf 'not formatted (gofmt -w):\n%s\n' "$$unformatted"; exit 1; }
	@for module in $(MODULES); do \
		echo "== go vet, golangci-lint $$module"; \
		(cd $$module && go vet ./... && $(LINTER) run --config $(CURDIR)/.golangci.yml ./...); \
	done
	go test -count=1 ./internal/importrules
	cd plugin-proto && $(BUF) lint
	@scripts/breaking $(BUF) $(BREAKING_AGAINST)

.PHONY: vuln
vuln: ## Look for known vulnerabilities in what the programs call, where the database can be reached
	@scripts/setup vuln
	@scripts/vuln

.PHONY: drift
drift: gen ## Fail if generated files differ from what is committed
	@git diff --exit-code --stat -- plugin-proto/gen docs/errors.md docs/roles.md || \
		{ echo 'generated files are not up to date: run make gen and commit'; exit 1; }
	@new=$$(git ls-files -o --exclude-standard plugin-proto/gen); [[ -z $$new ]] || \
		{ printf 'generated files are not committed:\n%s\n' "$$new"; exit 1; }

.PHONY: bench
bench: build ## Measure the gateway against the floor, then run the benchmarks of packages
	$(GOBUILD) -o bin/floor ./test/bench/floor
	go run ./test/bench -bin bin
	for module in $(MODULES); do (cd $$module && go test -run '^$$' -bench . -benchmem ./...); done

.PHONY: soak
soak: build ## Kill gateway and drivers at 1,000 random moments, and the sizes of logs and alarms, SOAK_ROUNDS times (1)
	@scripts/setup soak
	YUNQIAO_BIN=$(CURDIR)/bin YUNQIAO_SOAK=1 go test -count=$(SOAK_ROUNDS) -timeout 12h -run 'Kill' ./test/e2e
	YUNQIAO_BIN=$(CURDIR)/bin YUNQIAO_VICTORIA_LOGS=$(CURDIR)/.tools/bin/victoria-logs YUNQIAO_SOAK=1 \
		go test -count=$(SOAK_ROUNDS) -p 1 -v -timeout 12h -run 'Kill|FullDisk|Model|ManyRaises|Traps|VictoriaLogs' \
		./test/logging ./test/monitor ./monitor ./logging/collect

.PHONY: clean
clean: ## Remove what was built; data/ stays
	rm -rf bin .tools internal/tools/node_modules
