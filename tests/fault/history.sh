#!/usr/bin/env bash
# Lets many clients fight for the same objects, and judges what they were told.
#
# Usage: tests/fault/history.sh [ARGUMENT…]
#
# NODES (1) servers are started, each with ARGUMENTs, as in `--set storage.url=postgres://…`; more
# than one needs a store that several can have. CLIENTS (16) connect to each for SECONDS_LONG (60) seconds. SEED
# (the time) decides what they do. OTHER is the program of every second node, if it is another one, as
# between two steps of an upgrade. To use servers that run already, set ADDRESSES and DIRECTORY, one
# that `kmip-app init` made with their certificates.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

target=${CARGO_TARGET_DIR:-target}
nice cargo build --quiet --workspace --release --bin kmip-app --example history || exit 1

servers=()
place=
finish() {
    for server in "${servers[@]}"; do
        kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
    done
    [ -n "$place" ] && rm -rf "$place"
}
trap finish EXIT

read -ra addresses <<<"${ADDRESSES:-}"
directory=${DIRECTORY:-}
if [ ${#addresses[@]} -eq 0 ]; then
    place=$(mktemp -d)
    directory=$place/kmip
    "$target/release/kmip-app" init "$directory" --address 127.0.0.1:0 --client client \
        >/dev/null || exit 1
    for node in $(seq "${NODES:-1}"); do
        program=$target/release/kmip-app
        [ -n "${OTHER:-}" ] && [ $((node % 2)) -eq 0 ] && program=$OTHER
        "$program" serve --config "$directory/kmip-app.toml" "$@" \
            --set node.name="node$node" --set log.level=warn >"$place/out$node" 2>"$place/log$node" &
        servers+=($!)
        address=
        for _ in $(seq 100); do
            address=$(sed -n 's/^listening on //p' "$place/out$node")
            [ -n "$address" ] && break
            sleep 0.1
        done
        if [ -z "$address" ]; then
            cat "$place/log$node"
            exit 1
        fi
        addresses+=("$address")
    done
fi
"$target/release/examples/history" "$directory" "${SECONDS_LONG:-60}" "${CLIENTS:-16}" \
    "${SEED:-$(date +%s)}" "${addresses[@]}"
