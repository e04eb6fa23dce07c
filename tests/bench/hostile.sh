#!/usr/bin/env bash
# Lets a release build of the server stand a storm of hostile messages, and prints what came of it.
#
# Usage: tests/bench/hostile.sh
#
# MESSAGES (1000000) are sent over CONNECTIONS (16) while SLOW (64) connections write a byte at a
# time and one client that means well asks for its key. SEED (1) decides what is sent. The server
# is made for this, in a directory and on a port of its own on 127.0.0.1, with the configuration
# that `kmip-app init` writes; it is stopped in the end. NICE (10) is how far the attackers stand
# back for the server: on a machine of their own they would not be in its way at all. RATE (4000)
# is how many messages they send a second, all together; with 0 as many as the server takes, which
# is what everybody else then waits behind. With BUILT=1 what is built already is taken.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

messages=${MESSAGES:-1000000}
connections=${CONNECTIONS:-16}
slow=${SLOW:-64}
seed=${SEED:-1}
back=${NICE:-10}
rate=${RATE:-4000}
target=${CARGO_TARGET_DIR:-target}

[ -n "${BUILT:-}" ] || nice cargo build --quiet --workspace --release --bin kmip-app \
    --example hostile || exit 1

program=$target/release/kmip-app
. tests/bench/server.sh
make_directory "$place/kmip" client mallory && start_server "$place/kmip" || exit 1

"$target/release/examples/hostile" "$place/kmip" "$address" "$server" \
    "$messages" "$connections" "$slow" "$seed" "$back" "$rate"
result=$?
panics=$(grep -c 'panicked at' "$log")
printf 'panics                   %12s\n' "$panics"
printf 'log, MiB                 %12s\n' "$(du -m "$log" | cut -f1)"
printf 'store, MiB               %12s\n' "$(du -cm "$place"/kmip/kmip-app.db* | tail -1 | cut -f1)"
if ! kill -0 "$server" 2>/dev/null; then
    echo 'the server has ended:'
    tail -n 20 "$log"
    exit 1
fi
stop_server
ended=$?
printf 'exit status of the server%12s\n' "$ended"
[ "$result" -eq 0 ] && [ "$panics" -eq 0 ] && [ "$ended" -eq 0 ]
