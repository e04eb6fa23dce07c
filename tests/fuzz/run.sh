#!/usr/bin/env bash
# Fuzzes everything that reads bytes.
#
# Usage: tests/fuzz/run.sh [SECONDS [TARGET...]]     20 seconds for each of all targets by default
#        tests/fuzz/run.sh same [TARGET...]          the same inputs each time, from empty corpora
#
# With `same`, what a run finds depends on the code alone and never on chance or on the machine: it
# is for checks that let a change pass. To look for what is not known yet, give it time.
#
# Builds on the stable toolchain, with AddressSanitizer where it works. What is found is kept in
# tests/fuzz/regressions/TARGET, where a test of the workspace replays it; commit it with the mend.
# KMIP_VECTORS, by default ../shared/kmip/vectors, holds messages to begin with besides our own.
# The corpora grow in target/fuzz/corpus from run to run and can be deleted at any time.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

mode=${1:-20}
shift $(($# > 0 ? 1 : 0))
root=$(cd ../.. && pwd)
export CARGO_TARGET_DIR="$root/target/fuzz"
corpus="$CARGO_TARGET_DIR/corpus"
[ "$mode" = same ] && corpus="$CARGO_TARGET_DIR/corpus-same"
vectors=${KMIP_VECTORS:-$root/../shared/kmip/vectors}
host=$(rustc -vV | sed -n 's/^host: //p')

# Mebibytes in all and at once, seconds for one input, and bytes of one. A target that needs more
# memory or time has found something.
MEMORY=1024
LARGEST=512
TIME=10
LONGEST=16384

# How many inputs each target is given with `same`: a few seconds of each.
declare -A RUNS=([request]=300000 [response]=300000 [endpoint]=20000 [stored]=300000 [text]=300000
    [key_formats]=100000 [certificate]=50000 [policy]=200000 [accounts]=100000 [ini]=200000
    [slugs]=200000)

# libFuzzer needs a compiler for C++ and flags that only an unstable compiler admits to have.
export RUSTC_BOOTSTRAP=1
coverage='-Cpasses=sancov-module -Ccodegen-units=1 -Cllvm-args=-sanitizer-coverage-level=4
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
    -Cllvm-args=-sanitizer-coverage-trace-compares'

cargo_build() { # cargo_build ARGUMENT...
    cargo build --quiet --locked --release --target "$host" "$@"
}

# Builds and runs a program that does nothing, with AddressSanitizer.
sanitizes() {
    echo 'fn main() {}' >"$scratch/nothing.rs" &&
        rustc -Zsanitizer=address -o "$scratch/nothing" "$scratch/nothing.rs" &&
        "$scratch/nothing"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
log="$scratch/log"
sanitizer='-Zsanitizer=address'
if ! sanitizes >"$log" 2>&1; then
    sanitizer=
    echo 'fuzz: AddressSanitizer does not work here; fuzzing without it'
fi
export RUSTFLAGS="$coverage $sanitizer"
if ! cargo_build --package libfuzzer-sys >"$log" 2>&1; then
    tail -n 3 "$log"
    echo 'fuzz: skipped, libFuzzer cannot be built here'
    exit 0
fi
# From here on nothing but our own code can be at fault.
cargo_build --bins || exit 1
built="$CARGO_TARGET_DIR/$host/release"
[ "$mode" = same ] && rm -rf "$corpus"
rm -rf "$corpus/seeds"
"$built/seeds" "$corpus/seeds" "$vectors" || exit 1

if [ $# -eq 0 ]; then
    set -- request response endpoint stored text key_formats certificate policy accounts ini slugs
fi
failed=()
for target in "$@"; do
    extent=("-max_total_time=$mode")
    [ "$mode" = same ] && extent=("-runs=${RUNS[$target]}" -seed=1)
    mkdir -p "$corpus/$target" "regressions/$target"
    "$built/$target" "$corpus/$target" "$corpus/seeds/$target" "regressions/$target" \
        "${extent[@]}" -timeout="$TIME" -rss_limit_mb="$MEMORY" \
        -malloc_limit_mb="$LARGEST" -max_len="$LONGEST" -reload=0 -verbosity=1 \
        -artifact_prefix="regressions/$target/" >"$log" 2>&1
    result=$?
    done=$(sed -n 's/^Done \([0-9]*\) runs.*/\1 runs/p' "$log")
    covered=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    if [ "$result" -eq 0 ]; then
        printf 'fuzz: %s: %s, %s edges\n' "$target" "$done" "$covered"
    else
        failed+=("$target")
        printf 'fuzz: %s: found something\n' "$target"
        sed -n '/panicked at/,/stack backtrace/p; /ERROR: /p; /^artifact_prefix/p' "$log"
    fi
    rmdir "regressions/$target" 2>/dev/null
done
rmdir regressions 2>/dev/null
if [ ${#failed[@]} -gt 0 ]; then
    printf 'fuzz: see tests/fuzz/regressions: %s\n' "${failed[*]}"
    exit 1
fi
