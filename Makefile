# What is done with this tree. `make` lists it.

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
# Further arguments: make test ARGS='confirm', make run ARGS='--config customers.toml'
ARGS ?=
# Most tests of deliveries wait, for a lease to end or a retry to be due: more run at once than there are cores.
export RUST_TEST_THREADS ?= 8
# A file of tests is a process with a service of its own, and most have a browser. The bound, in milliseconds, is a file's.
TEST_JS = scripts/with-tools scripts/with-postgres node --test --test-reporter=spec --test-concurrency=2 --test-timeout=300000 $(ARGS)
JS_TESTS = tests/browser/*.test.js tests/docs/*.test.js tests/examples/*.test.js clients/node/test/*.test.mjs

.PHONY: help run demo test test-js test-api lint audit fmt docs release

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

# The first build takes minutes and tells how far it is; later ones say nothing but what is wrong.
run: ## Start a service to try, with SQLite in this directory
	@$(CARGO) build --locked --package app --bin customers $(if $(wildcard $(TARGET)/debug/customers),--quiet)
	@exec $(TARGET)/debug/customers serve --dev $(ARGS)

# The client has no dependencies: nothing is fetched.
examples/conversation/node_modules/dirtylemon:
	@npm install --prefix examples/conversation --no-package-lock --no-audit --no-fund --offline --silent

demo: examples/conversation/node_modules/dirtylemon ## Start a service and a chat bot that uses it, and print the page to talk to it on
	@$(CARGO) build --locked --package app --bin customers $(if $(wildcard $(TARGET)/debug/customers),--quiet)
	@exec node examples/conversation/demo.js $(TARGET)/debug/customers

# Arguments choose among the tests of cargo: those in JavaScript have a target of their own to choose by.
test: ## Run all tests, with a PostgreSQL server and tools of their own
	scripts/with-tools scripts/with-postgres $(CARGO) test --workspace --locked $(ARGS)
	$(if $(ARGS),,$(TEST_JS) $(JS_TESTS))

test-js: ## Run the tests in a browser and those of the client alone: make test-js ARGS='--test-name-pattern=dark'
	@$(CARGO) test --workspace --locked --no-run --quiet
	$(TEST_JS) $(or $(FILES),$(JS_TESTS))

# An hour or two. The tests of `make test` are the same with a few examples of one seed.
test-api: ## Let Schemathesis try the API for long, on both databases: make test-api EXAMPLES=2000 SEEDS=1,2,3
	TEST_SCHEMATHESIS_EXAMPLES=$(or $(EXAMPLES),2000) TEST_SCHEMATHESIS_SEEDS=$(or $(SEEDS),1) scripts/with-tools \
		scripts/with-postgres $(CARGO) test --package app --test black_box --locked schemathesis -- --nocapture

# A PostgreSQL of its own that waits for the disk, as the service's would.
BENCH = TEST_POSTGRES_DURABLE=1 scripts/with-postgres $(TARGET)/release/bench

.PHONY: bench bench-quick bench-micro bench-build
bench: bench-build ## Measure everything in turns, and write docs/benchmarks: make bench ROWS=5000000
	$(BENCH) full $(ROWS)

bench-quick: bench-build ## Measure what there are bars for, in under five minutes, and print it
	$(BENCH) quick

bench-micro: ## Measure the parts of a request by themselves
	$(CARGO) bench --locked --package benches --bench micro --bench phone

bench-build:
	$(CARGO) build --release --locked --package app --package benches

lint: ## Check format, lints (of Rust and JavaScript), documentation, dependencies and the rules of the house
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --workspace --no-deps --locked
	$(CARGO) test --package house --locked
	scripts/cargo-deny --locked check -D unmatched-skip -D unnecessary-skip bans licenses sources
	scripts/with-tools clients/node/node_modules/.bin/eslint --config clients/node/eslint.config.js clients/node examples tests

# Apart from `lint`, since it says another thing every day, and needs the network: the advisories are on github.com.
audit: ## Check the dependencies for advisories and withdrawn versions
	scripts/cargo-deny --locked check advisories

fmt: ## Format the sources
	$(CARGO) fmt --all

docs: ## Build the crates' documentation
	$(CARGO) doc --workspace --no-deps --locked

release: ## Build the binary to deploy and check that it needs nothing of the machine
	$(CARGO) build --release --locked --package app --bin customers
	scripts/check-self-contained $(TARGET)/release/customers
