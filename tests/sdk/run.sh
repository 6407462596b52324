#!/usr/bin/env bash
# Runs the vendors' official SDKs, and for Attio, which has none, an independent client, against the sandbox; and webhooks
# that the SDKs sign against the service.
#
#   tests/sdk/run.sh                      starts target/debug/attio-billing (or the binary in ATTIO_BILLING)
#   SANDBOX_JSON='{…}' tests/sdk/run.sh   uses a sandbox that runs already; SERVICE_JSON='{…}' likewise names a service
#
# Builds nothing, and leaves nothing running. Needs Node 20 and Python 3.9 with venv.
set -euo pipefail
cd "$(dirname "$0")"

binary="${ATTIO_BILLING:-$PWD/../../target/debug/attio-billing}"
pids=()
data=
end() {
  # The service first: it stops its database.
  for ((at = ${#pids[@]} - 1; at >= 0; at--)); do
    kill "${pids[at]}" 2>/dev/null || true
    while kill -0 "${pids[at]}" 2>/dev/null; do sleep 0.1; done
  done
  [[ -z "$data" ]] || rm -rf "$data"
}
trap end EXIT

# start WHAT SECONDS ARGUMENTS…: runs the program until the end, and leaves its first line in `line`.
start() {
  local what=$1 seconds=$2 pipe
  shift 2
  if [[ ! -x "$binary" ]]; then
    echo "no program at $binary: build it, or set ATTIO_BILLING to its path" >&2
    exit 2
  fi
  pipe=$(mktemp -u)
  mkfifo "$pipe"
  "$binary" "$@" >"$pipe" &
  pids+=($!)
  exec {reader}<"$pipe"
  rm "$pipe"
  if ! read -r -t "$seconds" line <&"$reader"; then
    echo "$what did not say where it listens within $seconds seconds" >&2
    exit 2
  fi
}

# Everything is on this machine: a proxy would only lose the way.
export NO_PROXY='*' no_proxy='*'

if [[ -z "${SANDBOX_JSON:-}" ]]; then
  start 'the sandbox' 30 sandbox --listen 127.0.0.1:0 --json
  SANDBOX_JSON=$line
fi
export SANDBOX_JSON
if [[ -z "${SERVICE_JSON:-}" ]]; then
  # On a private Postgres of its own: a database belongs to one sandbox.
  data=$(mktemp -d)
  chmod 755 "$data"
  unset DATABASE_URL
  control=$(sed -E 's/.*"control_url":"([^"]*)".*/\1/' <<<"$SANDBOX_JSON")
  ATTIO_BILLING_DATA=$data start 'the service' 120 serve --json --sandbox-url "${control%/control}" \
    --public-listen 127.0.0.1:0 --private-listen 127.0.0.1:0
  SERVICE_JSON=$line
fi
export SERVICE_JSON

# judge NAME COMMAND…: runs a suite and counts the operations that it has shown, each a gateway method and what it did.
# Fewer than the least mean that tests were lost, and fail like a test.
least=60
failed=0
judge() {
  local name=$1 count
  shift
  OPERATIONS=$(mktemp)
  export OPERATIONS
  "$@" || failed=1
  count=$(sort --unique "$OPERATIONS" | wc -l)
  rm "$OPERATIONS"
  echo "$name SDK: $count operations"
  if ((count < least)); then
    echo "the $name suite shows $count operations, expected at least $least" >&2
    failed=1
  fi
}

# One file after the other: they share the sandbox's clock.
node_suite() (cd node && npm ci --silent --no-audit --no-fund && node --test --test-concurrency=1)
python_suite() (cd "$1" && .venv/bin/python -W ignore::DeprecationWarning -m unittest)

judge Node node_suite

# environment FOLDER: a Python of its own with what its requirements.txt names.
environment() {
  if [[ ! -x $1/.venv/bin/python ]]; then
    python3 -m venv "$1/.venv"
  fi
  "$1/.venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$1/requirements.txt"
}
environment python
judge Python python_suite python
environment zoho_crm
python_suite zoho_crm || failed=1
environment attio
judge Attio python_suite attio

exit "$failed"
