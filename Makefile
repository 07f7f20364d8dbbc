# One gate: `make check` is all that has to pass, here and in CI.

.PHONY: check lint test worlds servers others prepare bless samples soak bench

check: lint test

# Formatting and lints, of the default build.
lint:
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings

# All tests, with the second client built in, in three lanes side by side. What plays in simulated worlds only computes, and
# no clock of the machine has a say in it: it takes what the others leave of the cores. The servers that are put on
# trial are busy now and then; the rest mostly waits for timers. What measures the machine has it alone, at the end.
test: prepare
	$(TEST) --no-run
	$(MAKE) --no-print-directory --keep-going --jobs=3 worlds servers others
	$(TEST) $(MEASURED:%=--test %)

TEST = cargo test --locked --features rust_socketio,otlp --no-fail-fast
WORLDS = bugs simulation sweep
SERVERS = node_cluster node_pair node_server wire_node
MEASURED = capacity honest_latency
OTHERS = $(filter-out $(WORLDS) $(SERVERS) $(MEASURED),$(basename $(notdir $(wildcard tests/*.rs))))

worlds:
	nice -n 19 $(TEST) $(WORLDS:%=--test %)

servers:
	$(TEST) $(SERVERS:%=--test %)
	node --test servers/*/test.mjs

others:
	$(TEST) --lib --bins $(OTHERS:%=--test %)
	$(TEST) --doc

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
