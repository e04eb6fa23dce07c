#!/usr/bin/env bash
# Times how long a newcomer waits for a first key, without the compile, and prints two lines.
#
# Usage: tests/bench/newcomer.sh PROGRAM [PYTHON]
#
# PROGRAM is a built kmip-app. PYTHON is a Python that has PyKMIP; without it, one is made in a
# virtual environment, which needs the package index and is in the time. Each way may take LIMIT
# (300) seconds.
set -uo pipefail

program=${1:?PROGRAM is missing}
python=${2:-}
limit=${LIMIT:-300}

. "$(dirname "${BASH_SOURCE[0]}")/server.sh"

result=0
# Prints how long something took, from a time in seconds to now.
took() {
    awk -v name="$1" -v begun="$2" -v ended="$(date +%s.%N)" -v limit="$limit" 'BEGIN {
        seconds = ended - begun
        printf "%-44s %8.2f s, asked: below %d s\n", name, seconds, limit
        exit seconds >= limit
    }' || result=1
}

begun=$(date +%s.%N)
if ! timeout "$limit" "$program" dev "$place/dev" --address 127.0.0.1:0 --once \
    >"$place/dev.out" 2>"$place/dev.log"; then
    cat "$place/dev.log"
    exit 1
fi
took 'kmip-app dev to a first key' "$begun"

begun=$(date +%s.%N)
if [ -z "$python" ]; then
    python3 -m venv "$place/venv" || exit 1
    python=$place/venv/bin/python
    "$python" -m pip install --quiet --disable-pip-version-check PyKMIP==0.11.0 || exit 1
fi
make_directory "$place/kmip" && start_server "$place/kmip" || exit 1
cat >"$place/pykmip.conf" <<END
[client]
host=${address%:*}
port=${address##*:}
keyfile=$place/kmip/pki/client.key
certfile=$place/kmip/pki/client.crt
ca_certs=$place/kmip/pki/ca.crt
cert_reqs=CERT_REQUIRED
ssl_version=PROTOCOL_SSLv23
END
if ! timeout "$limit" "$python" - "$place/pykmip.conf" >"$place/python.out" 2>&1 <<'END'; then
import sys

from kmip.core import enums
from kmip.pie.client import ProxyKmipClient

with ProxyKmipClient(config="client", config_file=sys.argv[1]) as client:
    key = client.create(enums.CryptographicAlgorithm.AES, 256)
    assert len(client.get(key).value) == 32
END
    cat "$place/python.out"
    exit 1
fi
took 'a configured PyKMIP client to a first key' "$begun"
exit $result
