# One gate: `make check` is all that has to pass, here and in CI.

.PHONY: check lint test table others prepare bless samples soak bench

check: lint test

# Formatting and lints, of the default build.
lint:
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings

# All tests, with the second client built in, and those of the servers that are put on trial. The table of truth
# mostly waits for timers, so the others are run beside it.
test: prepare
	$(TEST) --no-run
	$(MAKE) --no-print-directory --jobs=2 table others

TEST = cargo test --locked --features rust_socketio,otlp
TABLE = each_bug_is_caught_by_its_case

table:
	$(TEST) --test bugs $(TABLE)

others:
	$(TEST) --no-fail-fast -- --skip $(TABLE)
	node --test servers/*/test.mjs

# What the tests need beyond a Rust toolchain.
prepare:
	tests/prepare

# Writes the golden files anew; look at the difference before committing it.
bless:
	ASSIZE_BLESS=1 cargo test --locked --test reports --test lint

# The pages in reports/samples, from real runs; look at them before committing them.
samples:
	tests/browser/samples

# The long runs: a hundred honest ones in each circumstance, and how often each bug is caught. Writes docs/soak.md.
soak:
	cargo test --locked --release --test soak -- --ignored --nocapture --test-threads 1

# Size and speed beside a minimal client, a Node script and Artillery, on a machine that does nothing else. Writes
# benches/results/ within a quarter of an hour; `make bench BENCH=--quick` looks whether the instruments work, and
# `BENCH=--full` takes two hours.
bench:
	cargo build --release --locked
	cargo build --release --locked --manifest-path benches/peers/Cargo.toml
	npm --prefix benches ci --ignore-scripts --no-audit --no-fund
	benches/run.mjs $(BENCH)
