#!/usr/bin/env bash
# Kills a release build of the server under load, again and again, and looks each time whether
# anything that was acknowledged is lost, done by halves or done twice.
#
# Usage: tests/fault/crash_loop.sh [ARGUMENT…]
#
# ROUNDS (200), CLIENTS (8) and SEED (the time) are those of tests/examples/crash_loop.rs.
# KILL_DATABASE is a command that kills the database and starts it again; it is run in every second
# round. ARGUMENTs are for the server, as in `--set storage.url=postgres://…`. The server is made for
# this, in a directory and on a port of its own on 127.0.0.1.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

nice cargo build --quiet --workspace --release --bin kmip-app --example crash_loop || exit 1
hook=()
[ -n "${KILL_DATABASE:-}" ] && hook=("$KILL_DATABASE")
exec "${CARGO_TARGET_DIR:-target}/release/examples/crash_loop" \
    "${ROUNDS:-200}" "${CLIENTS:-8}" "${SEED:-$(date +%s)}" "${hook[@]}" -- "$@"
