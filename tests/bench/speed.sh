#!/usr/bin/env bash
# Measures a release build of the server against what a bare one does in the same minutes, and
# prints one table.
#
# Usage: tests/bench/speed.sh
#
# Each workload runs for SECONDS_EACH (5) seconds after WARM_UP (1) more, three times (ROUNDS), in turn
# with its yard-stick; the table has the medians. KEYS (100000) is how many keys `get-many` asks for and
# `locate` searches. STORED (1000000) objects are in the store for the figure of the start; 0 leaves
# that out, and STORE names a directory where that store is kept for the next time. SAMPLE (0.01) of the
# requests are traced for the row of the traces. ONLY names the rows to be measured, as in
# ONLY="get sign-rsa crowd traces start". With PROFILE=debug a debug build is measured, to try the
# script; with BUILT=1 what is built already. Client and server share the computer.
# docs/performance.md says what the columns mean.
#
# The exit status is 0 if everything that is asked was reached, 1 if not, and 2 if a row could not be
# measured, which then says FAILED and why.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
export LC_ALL=C.UTF-8

seconds=${SECONDS_EACH:-5}
warm=${WARM_UP:-1}
keys=${KEYS:-100000}
stored=${STORED:-1000000}
rounds=${ROUNDS:-3}
profile=${PROFILE:-release}
target=${CARGO_TARGET_DIR:-target}

names=(get get-many encrypt-cbc encrypt-gcm locate sign-rsa sign-ecdsa create connect crowd traces start)
read -ra only <<<"${ONLY:-${names[*]}}"
for name in "${only[@]}"; do
    if [[ " ${names[*]} " != *" $name "* ]]; then
        printf 'there is no row %s, but %s\n' "$name" "${names[*]}" >&2
        exit 2
    fi
done

build=(nice cargo build --quiet --workspace --bins --examples)
[ "$profile" = release ] && build+=(--release)
[ -n "${BUILT:-}" ] || "${build[@]}" || exit 2
programs=$target/$profile
program=$programs/kmip-app
. tests/bench/server.sh
# The crowd needs a file for each connection, on both sides.
ulimit -n "$(ulimit -Hn)"

wanted() { [[ " ${only[*]} " == *" $1 "* ]]; }
# Prints a field of lines of the load.
field() { sed -n "s/.*\b$1=\([^ ]*\).*/\1/p"; }
calculate() { awk "BEGIN { print $1 }"; }
rounded() { printf "%.${2:-0}f" "$1"; }
# Prints a whole number in groups of three digits.
grouped() { printf '%.0f' "$1" | sed ':next; s/\B[0-9]\{3\}\>/,&/; t next'; }
at_least() { awk -v have="$1" -v asked="$2" 'BEGIN { print (have >= asked) ? "yes" : "no" }'; }
below() { awk -v have="$1" -v asked="$2" 'BEGIN { print (have < asked) ? "yes" : "no" }'; }

# Prints the median of the numbers that come; fails unless there is one of each round.
median() {
    sort -g | awk -v rounds="$rounds" '
        !/^[0-9]+(\.[0-9]+)?$/ { bad = 1 }
        { value[NR] = $1 }
        END { if (bad || !NR || NR != rounds) exit 1; print value[int((NR + 1) / 2)] }'
}
# Prints the median of a field of lines.
middle() {
    local name=$1
    shift
    printf '%s\n' "$@" | field "$name" | median
}

# Runs a workload once and prints its line; fails if a request did, and then keeps why in `said`.
said=$place/said
directory=$place/kmip
run() {
    timeout 900 "$programs/examples/load" "$1" "$directory" --address "$address" \
        --process "$server" --connections "$2" --seconds "$seconds" --warm-up "$warm" \
        --objects "$keys" 2>"$said"
}

rows=()
result=0
# Adds a row: workload, connections, figure, yard-stick, its figure, ratio by the clock and by the time
# of processors, what is asked, and whether it was reached.
row() {
    [ "$9" = no ] && [ "$result" = 0 ] && result=1
    rows+=("| $1 | $2 | $3 | $4 | $5 | $6 | $7 | $8 | $9 |")
    printf '%s\n' "${rows[-1]}" >&2
}
# Adds a row for what could not be measured, with what was said last, and sees that the next has a
# server.
#   failed WORKLOAD CONNECTIONS ASKED
failed() {
    local why
    why=$(tail -n 1 "$said" 2>/dev/null | tr '|' ' ')
    row "$1" "$2" "${why:-no figure}" - - - - "$3" FAILED
    result=2
    { [ -n "$server" ] && kill -0 "$server" 2>/dev/null; } || start_server "$directory"
}

# Says whether a ratio cannot be, because a figure is above its yard-stick or the ratio is far above
# what the time of processors says: then others have had the processors, of the yard-stick above all.
disturbed() {
    [ "$(below "$1" 1.1)" = yes ] && [ "$(below "$1" "$2")" = yes ] && return 1
    printf '%.2f of its yard-stick: the computer was disturbed\n' "$1" >"$said"
}

# Measures a workload in turn with its yard-sticks, and adds the row.
#   compare WORKLOAD CONNECTIONS SHARE YARD-STICK [LIMIT]
# With a LIMIT, the yard-stick is what a request would take that pays for both, one after the other.
# With a SHARE of 0 nothing is asked.
compare() {
    local workload=$1 connections=$2 share=$3 stick=$4 limit=${5:-} asked="≥ $3"
    wanted "$workload" || return 0
    [ "$share" = 0 ] && asked=-
    local _ line lines=() sticks=() limits=()
    for _ in $(seq "$rounds"); do
        if line=$(run "$stick" "$connections") && sticks+=("$line") &&
            line=$(run "$workload" "$connections") && lines+=("$line") &&
            { [ -z "$limit" ] || { line=$(run "$limit" "$connections") && limits+=("$line"); }; }
        then continue; fi
        failed "$workload" "$connections" "$asked"
        return
    done
    local figure p99 server_cpu client_cpu value cpu name=$stick rate=0 each=0
    if ! { figure=$(middle per_second "${lines[@]}") && p99=$(middle p99_us "${lines[@]}") &&
        server_cpu=$(middle server_cpu_us "${lines[@]}") &&
        client_cpu=$(middle client_cpu_us "${lines[@]}") &&
        value=$(middle per_second "${sticks[@]}") && cpu=$(middle client_cpu_us "${sticks[@]}") &&
        { [ -z "$limit" ] || { rate=$(middle per_second "${limits[@]}") &&
            each=$(middle client_cpu_us "${limits[@]}"); }; }; }; then
        failed "$workload" "$connections" "$asked"
        return
    fi
    if [ -n "$limit" ]; then
        name="$stick and $limit ($(grouped "$rate") /s)"
        value=$(calculate "1 / (1 / $value + 1 / $rate)")
    fi
    local ratio by_cpu reached=-
    ratio=$(calculate "$figure / $value")
    by_cpu=$(calculate "($cpu + $each) / ($server_cpu + $client_cpu)")
    if disturbed "$ratio" "$(calculate "1.5 * $by_cpu")"; then
        failed "$workload" "$connections" "$asked"
        return
    fi
    [ "$share" = 0 ] || reached=$(at_least "$ratio" "$share")
    row "$workload" "$connections" "$(grouped "$figure") /s, p99 $(grouped "$p99") µs, CPU $(
        rounded "$server_cpu"
    ) + $(rounded "$client_cpu") µs" "$name" "$(grouped "$value") /s, CPU $(
        calculate "$cpu + $each" | { read -r sum && rounded "$sum"; }
    ) µs" "$(rounded "$ratio" 2)" "$(rounded "$by_cpu" 2)" "$asked" "$reached"
}

# Measures durable changes, in turn with the bare server and with SQLite alone, which commits the rows
# that were made. Each round begins with an empty store, as SQLite alone does.
durable() {
    wanted create || return 0
    local connections commits line figure value limit ratio share reached
    local counts=(1 16 64) asked=('≥ 0.8' - '≥ 0.7')
    local -A lines=() sticks=() limits=()
    local _
    directory=$place/create
    for _ in $(seq "$rounds"); do
        stop_server
        rm -rf "$directory"
        make_directory "$directory" client && start_server "$directory" 2>"$said" || break
        for connections in "${counts[@]}"; do
            line=$(run echo "$connections") && sticks[$connections]+=$line$'\n' &&
                line=$(run create "$connections") && lines[$connections]+=$line$'\n' || break 2
        done
        stop_server
        commits=$(timeout 900 "$programs/examples/commit" "$directory/kmip-app.db" "$seconds" \
            2>"$said") || break
        for connections in "${counts[@]}"; do
            limits[$connections]+=$(sed -n "s/^commit $connections /commit=/p" <<<"$commits")$'\n'
        done
    done
    directory=$place/kmip
    stop_server
    start_server "$directory"
    for connections in "${counts[@]}"; do
        if ! { figure=$(middle per_second "${lines[$connections]:-}") &&
            value=$(middle per_second "${sticks[$connections]:-}") &&
            limit=$(middle commit "${limits[$connections]:-}"); }; then
            failed create "$connections" "${asked[0]}"
        elif value=$(calculate "1 / (1 / $value + 1 / $limit)") &&
            ratio=$(calculate "$figure / $value") && disturbed "$ratio" 1.1; then
            failed create "$connections" "${asked[0]}"
        else
            share=${asked[0]#≥ } reached=-
            [ "$share" = - ] || reached=$(at_least "$ratio" "$share")
            row create "$connections" "$(grouped "$figure") /s, p99 $(
                middle p99_us "${lines[$connections]}" | { read -r p99 && grouped "$p99"; }
            ) µs" "echo and commit ($(grouped "$limit") /s)" "$(grouped "$value") /s" \
                "$(rounded "$ratio" 2)" - "${asked[0]}" "$reached"
        fi
        asked=("${asked[@]:1}")
    done
}

# Measures a thousand connections: how long the slowest in a hundred take against the median.
crowd() {
    wanted crowd || return 0
    local _ line lines=() middle last ratio
    for _ in $(seq "$rounds"); do
        line=$(run get 1000) || break
        lines+=("$line")
    done
    if ! { middle=$(middle p50_us "${lines[@]:-}") && last=$(middle p99_us "${lines[@]:-}"); }; then
        failed 'get, p99' 1,000 '< 10'
        return
    fi
    ratio=$(calculate "$last / $middle")
    row 'get, p99' 1,000 "$(grouped "$last") µs" 'median of the same' "$(grouped "$middle") µs" \
        "$(rounded "$ratio" 1)" - '< 10' "$(below "$ratio" 10)"
}

# Measures what traces cost that are sent: the same requests with and without, in turn. The collector
# only counts what comes.
collector=
traced() {
    wanted traces || return 0
    local _ line endpoint= lines=() sticks=() figure value ratio name='get, traced'
    : >"$place/collector"
    "$programs/examples/collector" >"$place/collector" 2>"$said" &
    collector=$!
    hear "$place/collector" "$collector" && endpoint=http://$heard
    for _ in $(seq "$rounds"); do
        stop_server
        [ -n "$endpoint" ] && start_server "$place/kmip" 2>"$said" && line=$(run get 16) &&
            sticks+=("$line") || break
        stop_server
        start_server "$place/kmip" --set "telemetry.endpoint=$endpoint" \
            --set "telemetry.sample_ratio=${SAMPLE:-0.01}" 2>"$said" && line=$(run get 16) &&
            lines+=("$line") || break
    done
    # What is still to be sent is sent at the end.
    stop_server
    end "$collector"
    collector=
    local spans
    spans=$(sed -n 's/^spans //p' "$place/collector")
    [ "${spans:-0}" -gt 0 ] || { echo 'no spans have come' >"$said" && lines=(); }
    start_server "$place/kmip"
    if ! { figure=$(middle per_second "${lines[@]:-}") &&
        value=$(middle per_second "${sticks[@]:-}"); }; then
        failed "$name" 16 '≥ 0.90'
        return
    fi
    ratio=$(calculate "$figure / $value")
    row "$name" 16 "$(grouped "$figure") /s, $(grouped "$spans") spans" 'get, not traced' \
        "$(grouped "$value") /s" "$(rounded "$ratio" 2)" "$(
            calculate "$(cpu "${sticks[@]}") / $(cpu "${lines[@]}")" | { read -r it && rounded "$it" 2; }
        )" '≥ 0.90' "$(at_least "$ratio" 0.9)"
}
# Prints the median of what a request takes of processors in the server.
cpu() { middle server_cpu_us "$@"; }

# Measures how long a server with many objects takes to its first answer; stops the other one.
beginning() {
    { [ "$stored" -gt 0 ] && wanted start; } || return 0
    local _ store=${STORE:-$place/stored} said_so times=() begun name='start to first answer'
    local objects memory
    objects="$(grouped "$stored") objects"
    if [ ! -e "$store/loaded" ]; then
        rm -rf "$store"
        if ! { make_directory "$store" client alice bob &&
            nice "$programs/examples/bulk_load" "$store" "$stored" >&2; }; then
            echo 'the store could not be filled' >"$said"
            failed "$name" "$objects" '< 100 ms'
            return
        fi
        touch "$store/loaded"
    fi
    stop_server
    for _ in $(seq "$rounds"); do
        # Its exit status is 1 if it was too slow, and more if it could not be measured.
        said_so=$(timeout 300 "$programs/examples/search" 0 "$store=$stored" 2>"$said")
        [ $? -le 1 ] || break
        times+=("$(sed -n 's/^| start to first answer, ms *| *\([0-9]*\).*/ms=\1/p' <<<"$said_so")")
        memory=$(sed -n 's/^| memory at most, MiB *| *\([0-9]*\).*/\1/p' <<<"$said_so")
    done
    if ! begun=$(middle ms "${times[@]:-}"); then
        failed "$name" "$objects" '< 100 ms'
        return
    fi
    row "$name" "$objects" "$begun ms, ${memory:-?} MiB" - - - - '< 100 ms' "$(below "$begun" 100)"
}

# Prints how many percent of the processors are in use while this script waits.
others() {
    local before after
    before=$(head -n 1 /proc/stat)
    sleep 1
    after=$(head -n 1 /proc/stat)
    awk -v before="$before" -v after="$after" 'BEGIN {
        split(before, b); split(after, a)
        for (i = 2; i <= 9; i++) all += a[i] - b[i]
        printf "%.0f", 100 * (all - (a[5] - b[5]) - (a[6] - b[6])) / all
    }'
}

trap '[ -n "$collector" ] && end "$collector"; finish' EXIT
busy=$(others)
make_directory "$place/kmip" client && start_server "$place/kmip" || exit 2
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
stop_server

if [ ${#rows[@]} -eq 0 ]; then
    echo 'nothing was measured' >&2
    exit 2
fi
printf '\n%s, %s processors, of which other programs had %s %% before and %s %% afterwards;\n' \
    "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)" "$(nproc)" "$busy" "$(others)"
printf '%s, %s seconds each, %s rounds, %s build.\n\n' "$(date -u +%F)" "$seconds" "$rounds" \
    "$profile"
echo '| Workload | Connections | Figure | Yard-stick | Its figure | Ratio | by CPU | Asked | Reached |'
echo '|---|---|---|---|---|---|---|---|---|'
printf '%s\n' "${rows[@]}"
exit "$result"
