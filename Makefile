# `make` lists what there is. Everything builds with one profile and one feature selection, so that no
# dependency is compiled twice.

CARGO_FLAGS ?=
OPENAPI := services/tenant-api/openapi.json

.DEFAULT_GOAL := help
# One recipe at a time even with -j: cargo uses all cores by itself.
.NOTPARALLEL:
.DELETE_ON_ERROR:

.PHONY: help
help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install what the tests need (Debian packages, cargo-nextest, .venv); quick when all is there
	@infra/dev/setup

.PHONY: test
test: setup lint ## Run everything that must pass: setup, lint, and all tests beside a private PostgreSQL and Redis
	infra/dev/with-services cargo nextest run $(CARGO_FLAGS) --workspace

.PHONY: lint
lint: ## Check the formatting, and run clippy on all targets with warnings as errors
	cargo fmt --all --check
	cargo clippy $(CARGO_FLAGS) --workspace --all-targets -- -D warnings

.PHONY: fmt
fmt: ## Format the Rust code
	cargo fmt --all

.PHONY: check
check: ## Type-check all targets, the quickest answer while editing
	cargo check $(CARGO_FLAGS) --workspace --all-targets

.PHONY: deny
deny: ## Check licences, sources and banned crates (needs cargo-deny)
	cargo deny check bans licenses sources

.PHONY: demo
demo: ## Show the whole way from an identity provider to two simulated Jira sites
	cargo run $(CARGO_FLAGS) -p rollcall -- demo

.PHONY: run
run: ## Serve all roles on an embedded database below target/ (set ROLLCALL_OPERATOR_KEY to use the API)
	ROLLCALL_DATA_DIR=$${ROLLCALL_DATA_DIR:-target/rollcall-data} cargo run $(CARGO_FLAGS) -p rollcall -- serve

.PHONY: openapi
openapi: ## Write the control plane's OpenAPI document anew from the code
	cargo run $(CARGO_FLAGS) --quiet -p rollcall -- openapi > $(OPENAPI).new
	mv $(OPENAPI).new $(OPENAPI)

.PHONY: clean
clean: ## Remove what was built, and .venv
	cargo clean
	rm -rf .venv
