#!/usr/bin/env bash
# Measures a release build of the server against what a bare one does in the same minutes, and
# prints one table.
#
# Usage: tests/bench/speed.sh
#
# Each workload runs for SECONDS_EACH (5) seconds after WARM_UP (1) more, three times, in turn with
# its yard-stick; the table has the medians. KEYS (100000) is how many keys `get-many` asks for and
# `locate` searches. STORED (1000000) objects are in the store for the figure of the start; 0 leaves
# that out, and STORE names a directory where that store is kept for the next time. TRACES (an OTLP
# endpoint) adds what traces cost that are sent there, with SAMPLE (0.01) of the requests.
# ONLY names the rows to be measured, as in ONLY="get sign-rsa crowd start". With PROFILE=debug a debug build is
# measured, to try the script. Client and server share the computer. docs/performance.md says what
# the columns mean.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

seconds=${SECONDS_EACH:-5}
warm=${WARM_UP:-1}
keys=${KEYS:-100000}
stored=${STORED:-1000000}
rounds=${ROUNDS:-3}
profile=${PROFILE:-release}
only=${ONLY:-}
target=${CARGO_TARGET_DIR:-target}

build=(nice cargo build --quiet --workspace --bins --examples)
[ "$profile" = release ] && build+=(--release)
[ -n "${BUILT:-}" ] || "${build[@]}" || exit 1
programs=$target/$profile
load=$programs/examples/load

place=$(mktemp -d)
server=
stop() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
        server=
    fi
}
finish() {
    stop
    rm -rf "$place"
}
trap finish EXIT

# Starts a server on a directory; sets server and address.
start() {
    local directory=$1 log
    shift
    log=$place/$(basename "$directory")
    : >"$log.out"
    "$programs/kmip-app" serve --config "$directory/kmip-app.toml" "$@" \
        >"$log.out" 2>"$log.log" &
    server=$!
    address=
    for _ in $(seq 600); do
        address=$(sed -n 's/^listening on //p' "$log.out")
        [ -n "$address" ] && return 0
        kill -0 "$server" 2>/dev/null || break
        sleep 0.05
    done
    cat "$log.log" >&2
    return 1
}

# Makes a directory with a client's certificate.
make() {
    "$programs/kmip-app" init "$1" --address 127.0.0.1:0 --client client --client alice \
        --client bob >/dev/null
}

failures=0
# Runs a workload once; prints its line.
run() {
    local workload=$1 connections=$2
    timeout 900 "$load" "$workload" "$place/kmip" --address "$address" --process "$server" \
        --connections "$connections" --seconds "$seconds" --warm-up "$warm" --objects "$keys"
}

field() { sed -n "s/.*\b$1=\([^ ]*\).*/\1/p"; }
median() { sort -g | awk '{ value[NR] = $1 } END { if (NR) print value[int((NR + 1) / 2)] }'; }
calculate() { awk "BEGIN { print $1 }"; }
wanted() { [ -z "$only" ] || [[ " $only " == *" $1 "* ]]; }

rows=()
all_reached=yes
# Adds a row: name, connections, figure, name and figure of the yard-stick, ratio, asked, reached.
row() {
    local reached=$8
    [ "$reached" = no ] && all_reached=no
    rows+=("| $1 | $2 | $3 | $4 | $5 | $6 | $7 | $reached |")
    printf '%s\n' "${rows[-1]}" >&2
}
at_least() { awk -v have="$1" -v asked="$2" 'BEGIN { print (have >= asked) ? "yes" : "no" }'; }
below() { awk -v have="$1" -v asked="$2" 'BEGIN { print (have < asked) ? "yes" : "no" }'; }

# Measures a workload in turn with its yard-sticks, and adds the row.
#   compare WORKLOAD CONNECTIONS SHARE YARD-STICK [LIMIT]
# With a LIMIT, the yard-stick is what a request would take that pays for both, one after the other.
compare() {
    local workload=$1 connections=$2 share=$3 stick=$4 limit=${5:-}
    wanted "$workload" || return 0
    local line figures=() sticks=() limits=() cpu=() p99=() name=$stick value ratio
    for _ in $(seq "$rounds"); do
        sticks+=("$(run "$stick" "$connections" | field per_second)")
        line=$(run "$workload" "$connections") || failures=$((failures + 1))
        figures+=("$(field per_second <<<"$line")")
        cpu+=("$(field server_cpu_us <<<"$line")")
        p99+=("$(field p99_us <<<"$line")")
        [ -z "$limit" ] || limits+=("$(run "$limit" "$connections" | field per_second)")
    done
    value=$(printf '%s\n' "${sticks[@]}" | median)
    if [ -n "$limit" ]; then
        name="$stick and $limit"
        limit=$(printf '%s\n' "${limits[@]}" | median)
        value=$(calculate "1 / (1 / $value + 1 / $limit)")
    fi
    local figure
    figure=$(printf '%s\n' "${figures[@]}" | median)
    ratio=$(calculate "${figure:-0} / $value")
    local asked="≥ $share" reached
    reached=$(at_least "$ratio" "$share")
    # Nothing is asked of a search; it is only looked at.
    [ "$share" = 0 ] && asked=- reached=-
    row "$workload" "$connections" "$(printf '%.0f /s, p99 %s µs, CPU %s µs' "${figure:-0}" \
        "$(printf '%s\n' "${p99[@]}" | median)" "$(printf '%s\n' "${cpu[@]}" | median)")" \
        "$name" "$(printf '%.0f' "$value") /s" "$(printf '%.2f' "$ratio")" "$asked" \
        "$reached"
}

# Measures durable changes, at 1 and at 64 connections, in turn with the bare server and with SQLite
# alone, which commits rows of this very store; for that the server is stopped and started again.
durable() {
    wanted create || return 0
    local connections line said
    local -A figures=() sticks=() limits=()
    for _ in $(seq "$rounds"); do
        for connections in 1 64; do
            sticks[$connections]+=" $(run echo "$connections" | field per_second)"
            line=$(run create "$connections") || failures=$((failures + 1))
            figures[$connections]+=" $(field per_second <<<"$line")"
        done
        [ -x "$programs/examples/commit" ] || continue
        stop
        said=$(timeout 900 "$programs/examples/commit" "$place/kmip/kmip-app.db" "$seconds")
        for connections in 1 64; do
            limits[$connections]+=" $(sed -n "s/^commit $connections //p" <<<"$said")"
        done
        start "$place/kmip" || return 1
    done
    local figure limit value ratio share=0.8
    for connections in 1 64; do
        figure=$(tr ' ' '\n' <<<"${figures[$connections]}" | grep . | median)
        value=$(tr ' ' '\n' <<<"${sticks[$connections]}" | grep . | median)
        limit=$(tr ' ' '\n' <<<"${limits[$connections]:-}" | grep . | median)
        if [ -z "$limit" ]; then
            row create "$connections" "${figure:-0} /s" 'echo and commit' - - "≥ $share" \
                'not measured'
        else
            value=$(calculate "1 / (1 / $value + 1 / $limit)")
            ratio=$(calculate "${figure:-0} / $value")
            row create "$connections" "${figure:-0} /s" "echo and commit ($limit /s)" \
                "$(printf '%.0f' "$value") /s" "$(printf '%.2f' "$ratio")" "≥ $share" \
                "$(at_least "$ratio" "$share")"
        fi
        share=0.7
    done
}

# Measures a thousand connections: how long the slowest in a hundred take against the median.
crowd() {
    wanted crowd || return 0
    local line p50=() p99=() ratio
    for _ in $(seq "$rounds"); do
        line=$(run get 1000) || failures=$((failures + 1))
        p50+=("$(field p50_us <<<"$line")")
        p99+=("$(field p99_us <<<"$line")")
    done
    local middle last
    middle=$(printf '%s\n' "${p50[@]}" | median)
    last=$(printf '%s\n' "${p99[@]}" | median)
    ratio=$(calculate "$last / $middle")
    row 'get, p99' 1000 "$last µs" 'median' "$middle µs" "$(printf '%.1f' "$ratio")" '< 10' \
        "$(below "$ratio" 10)"
}

# Measures how long a server with many objects takes to its first answer; stops the other one.
beginning() {
    { [ "$stored" -gt 0 ] && wanted start; } || return 0
    local store=${STORE:-$place/stored} times=() begun ended
    if [ ! -e "$store/loaded" ]; then
        rm -rf "$store"
        make "$store" || return 1
        nice "$programs/examples/bulk_load" "$store" "$stored" || return 1
        touch "$store/loaded"
    fi
    stop
    for _ in $(seq "$rounds"); do
        times+=("$(timeout 300 "$programs/examples/search" 1 "$store=$stored" 2>/dev/null |
            sed -n 's/^| start to first answer, ms *| *\([0-9]*\).*/\1/p')")
    done
    begun=$(printf '%s\n' "${times[@]}" | median)
    ended=${begun:-999999}
    row 'start to first answer' "$stored objects" "${begun:-?} ms" - - - '< 100 ms' \
        "$(below "$ended" 100)"
}

# Measures what traces cost that are sent: the same requests with and without, in turn.
traced() {
    { [ -n "${TRACES:-}" ] && wanted traces; } || return 0
    local without=() with=() plain traced ratio
    for _ in $(seq "$rounds"); do
        stop
        start "$place/kmip" || return 1
        without+=("$(run get 16 | field per_second)")
        stop
        start "$place/kmip" --set "telemetry.endpoint=$TRACES" \
            --set "telemetry.sample_ratio=${SAMPLE:-0.01}" || return 1
        with+=("$(run get 16 | field per_second)")
    done
    plain=$(printf '%s\n' "${without[@]}" | median)
    traced=$(printf '%s\n' "${with[@]}" | median)
    ratio=$(calculate "$traced / $plain")
    row 'get, traced' 16 "$traced /s" 'get, not traced' "$plain /s" "$(printf '%.2f' "$ratio")" \
        '≥ 0.90' "$(at_least "$ratio" 0.9)"
}

make "$place/kmip" && start "$place/kmip" || exit 1
compare get 16 0.7 echo
compare get-many 16 0.6 echo
compare encrypt-cbc 16 0.6 echo
compare encrypt-gcm 16 0.6 echo
compare locate 16 0 echo
compare sign-rsa 16 0.9 echo limit-rsa
compare sign-ecdsa 16 0.9 echo limit-ecdsa
durable
compare connect 8 0.8 bare-connect
crowd
traced
beginning

printf '\n%s, %s processors, load %s, %s seconds, %s rounds, %s build\n\n' \
    "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)" "$(nproc)" \
    "$(cut -d' ' -f1 /proc/loadavg)" "$seconds" "$rounds" "$profile"
echo '| Workload | Connections | Figure | Yard-stick | Its figure | Ratio | Asked | Reached |'
echo '|---|---|---|---|---|---|---|---|'
printf '%s\n' "${rows[@]}"
[ "$failures" -eq 0 ] || printf '\n%s runs had requests that failed\n' "$failures"
[ "$failures" -eq 0 ] && [ "$all_reached" = yes ]
