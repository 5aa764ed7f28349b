# `make` lists what there is. Everything builds with one profile and one feature selection, so that no
# dependency is compiled twice.

CARGO_FLAGS ?=
OPENAPI := services/tenant-api/openapi.json
# The vendors' OpenAPI documents, which are not ours to ship; without them the contract is not checked.
VENDORS := ../shared/reference/openapi
TARGET := $(or $(CARGO_TARGET_DIR),target)
EXCHANGES := $(abspath $(TARGET))/exchanges
CONTRACT_FLAGS ?=
CARGO_FUZZ_VERSION := 0.13.2
FUZZ_SECONDS ?= 1800
SCHEMATHESIS_SECONDS ?= 250
# The last version that knew no roles apart.
OLDER ?= 1c9efff
FUZZ_TARGETS ?= filter path patch patch_structured resource query

.DEFAULT_GOAL := help
# One recipe at a time even with -j: cargo uses all cores by itself.
.NOTPARALLEL:
.DELETE_ON_ERROR:

.PHONY: help
help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install what the tests need (Debian packages, cargo-nextest, .venv); quick when all is there
	@infra/dev/setup

.PHONY: test
test: setup lint ## Run everything that must pass: setup, lint, all tests beside a private PostgreSQL and Redis, the contract
	rm -rf $(EXCHANGES) && mkdir -p $(EXCHANGES)
	ROLLCALL_RECORD_EXCHANGES=$(EXCHANGES) infra/dev/with-services cargo nextest run $(CARGO_FLAGS) --workspace
	$(MAKE) contract

.PHONY: contract
contract: ## Hold what the last tests' connectors and sandboxes said against the vendors' OpenAPI documents
	@cargo build $(CARGO_FLAGS) --quiet --workspace --bin contract
	@$(TARGET)/debug/contract $(CONTRACT_FLAGS) $(VENDORS) $(EXCHANGES)

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

# Stable Rust takes the flags of instrumentation when it is told to; the crate has no unsafe code for a sanitizer
# to watch. What is found worth keeping goes to found/, so that corpus/ changes by hand only.
.PHONY: fuzz
fuzz: ## Fuzz each target of scim-protocol for FUZZ_SECONDS (1800); stops at the first finding
	@cargo fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz@$(CARGO_FUZZ_VERSION)
	cd crates/scim-protocol && for target in $(FUZZ_TARGETS); do \
		mkdir -p fuzz/found/$$target fuzz/corpus/$$target || exit 1; \
		options="-max_len=4096 -dict=fuzz/dictionaries/scim.dict"; \
		test $$target != patch_structured || options="-max_len=768 -len_control=0"; \
		echo "fuzz: $$target for $(FUZZ_SECONDS) seconds"; \
		RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none $$target fuzz/found/$$target fuzz/corpus/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=2048 $$options || exit 1; \
	done

.PHONY: fuzz-short
fuzz-short: ## Fuzz each target for a minute
	$(MAKE) fuzz FUZZ_SECONDS=60

# PostgreSQL is private and pays for every commit; the program, the load and pgbench share the machine with it.
.PHONY: bench
bench: setup ## Measure on a directory of 1,000,000 users, beside the bare database (BENCH_USERS, BENCH_GROUPS, BENCH_SECONDS, BENCH_ROUNDS, BENCH_POOL)
	cargo build $(CARGO_FLAGS) --release -p rollcall -p load
	infra/dev/with-services --durable $(TARGET)/release/load bench

# As in production, the roles run apart.
.PHONY: tenants
tenants: setup ## Measure what 10,000 tenants with 3 sites each cost, and what a noisy one takes from others (TENANTS_FLAGS="--tenants N")
	cargo build $(CARGO_FLAGS) --release -p rollcall -p load
	infra/dev/with-services --durable $(TARGET)/release/load tenants $(TENANTS_FLAGS)

# The pictures of docs/console.md, from a run of the browser's tests.
PICTURES := overview-empty oracle-connected settings plan run-done
.PHONY: pictures
pictures: setup ## Take the pictures of the documentation from the running console; every page's is in target/screenshots
	ROLLCALL_SCREENSHOTS=$(abspath $(TARGET))/screenshots infra/dev/with-services \
		cargo nextest run $(CARGO_FLAGS) --workspace -E 'package(rollcall) & test(/browser::(pages|steps).*(reader|oracle)/)'
	@mkdir -p docs/pictures
	@for name in $(PICTURES); do cp $(TARGET)/screenshots/$$name.light.top.png docs/pictures/$$name.png || exit 1; done

.PHONY: console
console: setup ## Time each page of the console with 100,000 people behind it (CONSOLE_FLAGS="--people N --groups N")
	@cargo build $(CARGO_FLAGS) --quiet --release --package rollcall --package load
	@infra/dev/with-services $(TARGET)/release/load console --rollcall $(TARGET)/release/rollcall $(CONSOLE_FLAGS)

# In the profile of the tests, as the limit is the site's and not ours.
.PHONY: budget
budget: ## Measure how much of a site's request budget 5,000 changes use, and how often the site had to refuse
	@cargo build $(CARGO_FLAGS) --quiet --workspace --example budget
	@$(TARGET)/debug/examples/budget $(BUDGET_FLAGS)

# Optimized, as production is: what is measured is ours.
.PHONY: large
large: setup ## Measure plans, runs and the order of work with 100,000 users at one site (LARGE_FLAGS="--people N --groups N")
	@cargo build $(CARGO_FLAGS) --quiet --release --workspace --example large
	@infra/dev/with-services $(TARGET)/release/examples/large $(LARGE_FLAGS)

.PHONY: upgrade
upgrade: setup ## Upgrade replicas under load from an older version (OLDER=commit), go back, and come again
	rm -rf $(TARGET)/older/source
	git clone --quiet --no-hardlinks . $(TARGET)/older/source
	git -C $(TARGET)/older/source checkout --quiet $(OLDER)
	cd $(TARGET)/older/source && cargo build --locked --bin rollcall --target-dir $(abspath $(TARGET))/older/build
	ROLLCALL_TEST_OLDER_PROGRAM=$(abspath $(TARGET))/older/build/debug/rollcall infra/dev/with-services \
		cargo nextest run $(CARGO_FLAGS) --workspace --no-capture \
		-E 'test(replicas_of_an_older_version_are_replaced)'

.PHONY: deny
deny: ## Check licences, sources and banned crates (needs cargo-deny)
	cargo deny check bans licenses sources

.PHONY: advisories
advisories: ## Look for known weaknesses of what we depend on (needs cargo-deny, and fetches the advisories)
	cargo deny check advisories

.PHONY: sbom
sbom: ## Write what the program is made of to target/rollcall.cdx.json, as CycloneDX has it (installs cargo-cyclonedx)
	cargo cyclonedx --version >/dev/null 2>&1 || cargo install --locked cargo-cyclonedx@0.5.9
	cargo cyclonedx --quiet --manifest-path services/rollcall/Cargo.toml --format json --spec-version 1.5 \
		--target x86_64-unknown-linux-gnu --override-filename rollcall.cdx
	mkdir -p target
	sed 's|file://$(CURDIR)|file://.|g; s|$(CURDIR)|.|g' services/rollcall/rollcall.cdx.json > target/rollcall.cdx.json
	find crates services proto tests -name rollcall.cdx.json -delete

.PHONY: demo
demo: ## Show the whole way from an identity provider to two simulated Jira sites; ARGS=--all-products for one of every product
	cargo run $(CARGO_FLAGS) -p rollcall -- demo $(ARGS)

.PHONY: run
run: ## Serve all roles on an embedded database below target/ (set ROLLCALL_OPERATOR_KEY to use the API)
	ROLLCALL_DATA_DIR=$${ROLLCALL_DATA_DIR:-target/rollcall-data} cargo run $(CARGO_FLAGS) -p rollcall -- serve

.PHONY: schemathesis
schemathesis: setup ## Hold the running API against its OpenAPI document for SCHEMATHESIS_SECONDS (250), at random
	ROLLCALL_OPENAPI_SECONDS=$(SCHEMATHESIS_SECONDS) infra/dev/with-services cargo nextest run $(CARGO_FLAGS) \
		--workspace --no-capture -E 'test(schemathesis_finds)'

.PHONY: openapi
openapi: ## Write the control plane's OpenAPI document anew from the code
	cargo run $(CARGO_FLAGS) --quiet -p rollcall -- openapi > $(OPENAPI).new
	mv $(OPENAPI).new $(OPENAPI)

.PHONY: clean
clean: ## Remove what was built, and .venv
	cargo clean
	rm -rf .venv
