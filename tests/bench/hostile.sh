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
# is what everybody else then waits behind.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

messages=${MESSAGES:-1000000}
connections=${CONNECTIONS:-16}
slow=${SLOW:-64}
seed=${SEED:-1}
back=${NICE:-10}
rate=${RATE:-4000}
target=${CARGO_TARGET_DIR:-target}

nice cargo build --quiet --release -p kmip-app || exit 1
nice cargo build --quiet --release -p kmip-tests --example hostile || exit 1

directory=$(mktemp -d)
server=
finish() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
    fi
    rm -rf "$directory"
}
trap finish EXIT

"$target/release/kmip-app" init "$directory/kmip" --address 127.0.0.1:0 \
    --client client --client mallory >/dev/null || exit 1
"$target/release/kmip-app" serve --config "$directory/kmip/kmip-app.toml" \
    >"$directory/out" 2>"$directory/log" &
server=$!
address=
for _ in $(seq 100); do
    address=$(sed -n 's/^listening on //p' "$directory/out")
    [ -n "$address" ] && break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
done
if [ -z "$address" ]; then
    cat "$directory/log"
    exit 1
fi

"$target/release/examples/hostile" "$directory/kmip" "$address" "$server" \
    "$messages" "$connections" "$slow" "$seed" "$back" "$rate"
result=$?
panics=$(grep -c 'panicked at' "$directory/log")
printf 'panics                   %12s\n' "$panics"
printf 'log, MiB                 %12s\n' "$(du -m "$directory/log" | cut -f1)"
printf 'store, MiB               %12s\n' "$(du -cm "$directory"/kmip/kmip-app.db* | tail -1 | cut -f1)"
if ! kill -0 "$server" 2>/dev/null; then
    echo 'the server has ended:'
    tail -n 20 "$directory/log"
    exit 1
fi
kill -TERM "$server"
wait "$server"
ended=$?
server=
printf 'exit status of the server%12s\n' "$ended"
[ "$result" -eq 0 ] && [ "$panics" -eq 0 ] && [ "$ended" -eq 0 ]
