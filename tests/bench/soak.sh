#!/usr/bin/env bash
# Lets the server work for half an hour at half of its peak, with reloads, kill -9 and a soft stop,
# and prints what came of it.
#
# Usage: tests/bench/soak.sh [MINUTES]
#
# MINUTES is 30 if it is not given. Two nodes on a PostgreSQL that is started for this stand behind a
# TCP balancer. With STORE=sqlite there is one node, which is not restarted. CLIENTS (16) are at
# work, after PEAK_SECONDS (20) without a pace in which the peak is measured. CACHE_BYTES (4194304)
# is storage.cache_bytes of the nodes. PACE is how many requests are sent a second, if that is not to
# be half of the peak. SEED (the time) decides what clients do. KMIP_APP names the
# program, if it is not to be the one that is built; BUILT=1 builds nothing. With PROFILE=debug a
# debug build is run, to try the script.
#
# Everything is on 127.0.0.1 and in a temporary directory, and is gone afterwards. The exit status is
# 0 if nothing failed but on killed connections, and memory is flat: docs/performance.md.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

minutes=${1:-30}
profile=${PROFILE:-release}
target=${CARGO_TARGET_DIR:-target}
build=(nice cargo build --quiet --workspace --bins --examples)
[ "$profile" = release ] && build+=(--release)
[ -n "${BUILT:-}" ] || "${build[@]}" || exit 1
programs=$target/$profile
app=${KMIP_APP:-$programs/kmip-app}
[ -x "$app" ] || { echo "$app is not there" >&2; exit 1; }

place=$(mktemp -d)
# PostgreSQL runs as another user if this one is root.
chmod 755 "$place"
soak=

# Lists what the soak has left behind if it was ended: its nodes, and PostgreSQL.
left() {
    local file
    for file in "$place"/.tmp*/kmip/nodes.pid "$place"/.tmp*/data/postmaster.pid; do
        [ -e "$file" ] || continue
        if [ "${file##*/}" = postmaster.pid ]; then head -1 "$file"; else cat "$file" && echo; fi
    done
}
finish() {
    local id
    [ -n "$soak" ] && kill "$soak" 2>/dev/null && wait "$soak" 2>/dev/null
    for id in $(left); do kill "$id" 2>/dev/null; done
    for _ in $(seq 100); do
        for id in $(left); do kill -0 "$id" 2>/dev/null && sleep 0.1 && continue 2; done
        break
    done
    for id in $(left); do kill -9 "$id" 2>/dev/null; done
    rm -rf "$place"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Bounded: what is beside the load takes a few minutes at most.
TMPDIR=$place timeout --foreground --kill-after=30 "$((${minutes%.*} + 15))m" \
    "$programs/examples/soak" "$(realpath "$app")" "${STORE:-postgres}" "$minutes" \
    "${PEAK_SECONDS:-20}" "${CLIENTS:-16}" "${CACHE_BYTES:-4194304}" "${SEED:-$(date +%s)}" ${PACE:+"$PACE"} &
soak=$!
wait "$soak"
result=$?
printf '\n%s, %s processors, load %s, %s build\n' \
    "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)" "$(nproc)" \
    "$(cut -d' ' -f1 /proc/loadavg)" "$profile"
exit "$result"
