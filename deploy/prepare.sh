#!/bin/sh
# Makes what compose.yaml mounts as secrets, once: certificates, the root key, passwords; and the file
# .env beside them, which says whose they are. Nothing that is there is changed.
#
#   deploy/prepare.sh                                        by the image, which it builds
#   KMIP_APP=target/release/kmip-app deploy/prepare.sh       by a program that is there
#
# The certificates are those of a development authority. For more than a trial put your own in their
# place, take ca.key away, and keep a copy of root.key elsewhere.
set -eu
umask 077

here=$(cd "$(dirname "$0")" && pwd)
secrets=${1:-$here/secrets}
if [ -e "$secrets" ]; then
    echo "prepare.sh: $secrets is there already; nothing was changed" >&2
    exit 1
fi
# Nothing runs as root: what root makes here belongs to the image's user.
owner=$(id -u):$(id -g)
if [ "$(id -u)" = 0 ]; then
    owner=65532:65532
fi
mkdir -p "$(dirname "$secrets")"
secrets=$(cd "$(dirname "$secrets")" && pwd)/$(basename "$secrets")
mkdir "$secrets.new"
chown "$owner" "$secrets.new"

if [ -n "${KMIP_APP:-}" ]; then
    "$KMIP_APP" init "$secrets.new/made" --address 0.0.0.0:5696 \
        --client client --client monitor > /dev/null
else
    docker build --file "$here/Dockerfile" --tag kmip-app:local "$here/.."
    docker run --rm --network none --user "$owner" --volume "$secrets.new:/secrets" \
        kmip-app:local init /secrets/made --address 0.0.0.0:5696 \
        --client client --client monitor > /dev/null
fi

# The store that was made with the root key is empty, and the nodes have theirs in PostgreSQL.
mv "$secrets.new/made/pki/"* "$secrets.new/made/root.key" "$secrets.new/"
rm -r "$secrets.new/made"

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
random > "$secrets.new/database-password"
random > "$secrets.new/grafana-password"
printf '*:*:*:*:%s\n' "$(cat "$secrets.new/database-password")" > "$secrets.new/pgpass"
chown -R "$owner" "$secrets.new"
printf 'KMIP_USER=%s\n' "$owner" > "$(dirname "$secrets")/.env"

# Whole, or not there.
mv "$secrets.new" "$secrets"
echo "made $secrets"
