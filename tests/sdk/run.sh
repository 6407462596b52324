#!/usr/bin/env bash
# Runs the vendors' official SDKs against the sandbox.
#
#   tests/sdk/run.sh                      starts target/debug/attio-billing (or the binary in ATTIO_BILLING)
#   SANDBOX_JSON='{…}' tests/sdk/run.sh   uses a sandbox that runs already
#
# Builds nothing. Needs Node 20 and Python 3.9 with venv.
set -euo pipefail
cd "$(dirname "$0")"

if [[ -z "${SANDBOX_JSON:-}" ]]; then
  binary="${ATTIO_BILLING:-$PWD/../../target/debug/attio-billing}"
  if [[ ! -x "$binary" ]]; then
    echo "no program at $binary: build it, or set ATTIO_BILLING to its path" >&2
    exit 2
  fi
  coproc SANDBOX { exec "$binary" sandbox --listen 127.0.0.1:0 --json; }
  sandbox_pid=$SANDBOX_PID
  trap 'kill "$sandbox_pid" 2>/dev/null || true' EXIT
  if ! read -r -t 30 SANDBOX_JSON <&"${SANDBOX[0]}"; then
    echo "$binary sandbox did not say where it listens within 30 seconds" >&2
    exit 2
  fi
fi
export SANDBOX_JSON
# The sandbox is on this machine: a proxy would only lose the way.
export NO_PROXY='*' no_proxy='*'

failed=0
(cd node && npm ci --silent --no-audit --no-fund && node --test) || failed=1

if [[ ! -x python/.venv/bin/python ]]; then
  python3 -m venv python/.venv
fi
python/.venv/bin/pip install --quiet --disable-pip-version-check --requirement python/requirements.txt
(cd python && .venv/bin/python -W ignore::DeprecationWarning -m unittest) || failed=1

exit "$failed"
