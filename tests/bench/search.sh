#!/usr/bin/env bash
# Measures Locate in stores of several sizes, and prints the medians as a table.
#
# Usage: tests/bench/search.sh
#
# SIZES ("1000 100000 1000000") are the numbers of objects. Each kind of search is asked REQUESTS
# (300) times over one connection. The stores are made in STORES (a new directory, removed in the
# end); if that is set, they stay there, and are taken as they are the next time. The server is made
# for this, with the configuration that `kmip-app init` writes, on a port of its own on 127.0.0.1. With BUILT=1
# what is built already is taken.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

read -ra sizes <<<"${SIZES:-1000 100000 1000000}"
requests=${REQUESTS:-300}
target=${CARGO_TARGET_DIR:-target}

[ -n "${BUILT:-}" ] || nice cargo build --quiet --workspace --release --bin kmip-app \
    --example bulk_load --example search || exit 1

program=$target/release/kmip-app
. tests/bench/server.sh
stores=${STORES:-$place}
measured=()
for size in "${sizes[@]}"; do
    directory=$stores/$size
    if [ ! -e "$directory/loaded" ]; then
        rm -rf "$directory"
        make_directory "$directory" client alice bob || exit 1
        nice "$target/release/examples/bulk_load" "$directory" "$size" || exit 1
        touch "$directory/loaded"
    fi
    measured+=("$directory=$size")
done
"$target/release/examples/search" "$requests" "${measured[@]}"
