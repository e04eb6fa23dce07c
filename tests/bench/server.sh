# What the scripts of this directory have in common: one server on SQLite, in a directory of its own
# and on a port of its own on 127.0.0.1. To be sourced by a script that has set `program`, a built
# kmip-app. It makes `place`, a directory that is removed in the end, when the server is stopped, too.
# shellcheck shell=bash disable=SC2154

place=$(mktemp -d) || exit 1
server=
address=

# Makes a directory with a configuration and the certificates of clients.
#   make_directory DIRECTORY [CLIENT…]
make_directory() {
    local directory=$1 client clients=()
    shift
    for client; do
        clients+=(--client "$client")
    done
    "$program" init "$directory" --address 127.0.0.1:0 "${clients[@]}" >/dev/null
}

# Waits until a program has said where it listens, in a file; sets heard.
#   hear FILE PROCESS
hear() {
    heard=
    local _
    for _ in $(seq 600); do
        heard=$(sed -n 's/^listening on //p' "$1")
        [ -n "$heard" ] && return 0
        kill -0 "$2" 2>/dev/null || return 1
        sleep 0.05
    done
    return 1
}

# Starts a server; sets server, address, and log, the file of its standard error, which is printed if
# the server does not come to listen.
#   start_server DIRECTORY [ARGUMENT…]
start_server() {
    local directory=$1
    shift
    log=$place/$(basename "$directory").log
    # What an earlier one has said is not to be heard again.
    : >"$place/listening"
    "$program" serve --config "$directory/kmip-app.toml" "$@" >"$place/listening" 2>"$log" &
    server=$!
    if hear "$place/listening" "$server"; then
        address=$heard
        return 0
    fi
    cat "$log" >&2
    stop_server
    return 1
}

# Asks a process to end, and kills it after half a minute; the result is its exit status.
end() {
    local _
    kill "$1" 2>/dev/null
    for _ in $(seq 600); do
        if ! kill -0 "$1" 2>/dev/null; then
            wait "$1" 2>/dev/null
            return
        fi
        sleep 0.05
    done
    kill -KILL "$1"
    wait "$1" 2>/dev/null
}

# Stops the server, if there is one; the result is its exit status.
stop_server() {
    local ended=0
    if [ -n "$server" ]; then
        end "$server"
        ended=$?
        server=
    fi
    return "$ended"
}

finish() {
    stop_server
    rm -rf "$place"
}
trap finish EXIT
