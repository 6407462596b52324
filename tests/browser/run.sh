#!/usr/bin/env bash
# Runs the checkout page in real Chromium: against scripted views and the simulated Braintree's scripts, and against the
# whole service (`serve` beside `sandbox`, on an empty database).
#
#   tests/browser/run.sh                        starts target/debug/examples/checkout_preview (or CHECKOUT_PREVIEW) and
#                                               target/debug/attio-billing (or ATTIO_BILLING)
#   PREVIEW_JSON='{…}' tests/browser/run.sh     uses a preview that runs already
#   SERVICE_JSON='{…}' tests/browser/run.sh     uses a service that runs already: what `serve --json` printed
#   SCREENSHOTS=folder tests/browser/run.sh     also takes a picture of every state, at desktop and phone width
#
# Installs what it needs (npm's lock file; Chromium from Debian when root there), skips nothing, leaves nothing running.
# Needs Node 20. `cargo build --examples --bins` (or `cargo test`) builds both programs. The service's database is made on
# the server that DATABASE_URL names, else on a private one in a folder of its own.
set -euo pipefail
cd "$(dirname "$0")"

target="$PWD/../../target/debug"
preview="${CHECKOUT_PREVIEW:-$target/examples/checkout_preview}"
program="${ATTIO_BILLING:-$target/attio-billing}"
scratch=$(mktemp -d)
database=
pids=()
end() {
  local pid
  # Last started, first ended: the service ends while its vendors are there.
  for ((at = ${#pids[@]} - 1; at >= 0; at--)); do
    pid=${pids[at]}
    kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
  done
  [[ -z "$database" ]] || psql -X -q "$DATABASE_URL" -c "drop database $database with (force)" || true
  rm -rf "$scratch"
}
trap end EXIT

# Everything is on this machine: a proxy would only lose the way.
export NO_PROXY='*' no_proxy='*'

find_chromium() {
  local name
  for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
    [[ -n "$name" ]] && command -v "$name" && return 0
  done
  return 1
}

if ! CHROMIUM=$(find_chromium); then
  if ! command -v apt-get >/dev/null || [[ $(id -u) -ne 0 ]]; then
    echo 'Chromium is missing: install it, or name its program in CHROMIUM' >&2
    exit 2
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium
  CHROMIUM=$(find_chromium)
fi
export CHROMIUM

# Starts a program in the background and waits for the line in which it says where it listens: into `line`.
start() {
  local name=$1 reader
  if ! command -v "$2" >/dev/null; then
    echo "no program at $2: cargo build --examples --bins, or set CHECKOUT_PREVIEW and ATTIO_BILLING to their paths" >&2
    exit 2
  fi
  mkfifo "$scratch/$name"
  "${@:2}" >"$scratch/$name" 2>"$scratch/$name.log" &
  pids+=($!)
  exec {reader}<"$scratch/$name"
  if ! read -r -t 60 line <&"$reader"; then
    echo "$name did not say where it listens:" >&2
    tail -n 20 "$scratch/$name.log" >&2
    exit 2
  fi
}

if [[ -z "${PREVIEW_JSON:-}" ]]; then
  start preview "$preview"
  PREVIEW_JSON=$line
fi
if [[ -z "${SERVICE_JSON:-}" ]]; then
  if [[ -n "${DATABASE_URL:-}" ]]; then
    database=browser_$$
    psql -X -q "$DATABASE_URL" -c "create database $database"
    own=$(sed -E "s#^([a-z]+://[^/?]*)(/[^?]*)?#\\1/$database#" <<<"$DATABASE_URL")
  fi
  # As root the private server runs as somebody else, who must be able to reach its folder.
  chmod 755 "$scratch"
  start sandbox "$program" sandbox --json --listen 127.0.0.1:0
  sandbox=$(sed -E 's#.*"control_url":"([^"]*)/control".*#\1#' <<<"$line")
  # The simulated Zoho holds nobody to its limits: a dozen activations a minute are more than the real one would take.
  start service env DATABASE_URL="${own:-}" ATTIO_BILLING_DATA="$scratch/data" "$program" serve --json \
    --zoho-calls-per-minute 0 --zoho-calls-per-day 0 \
    --sandbox-url "$sandbox" --public-listen 127.0.0.1:0 --private-listen 127.0.0.1:0 --poll-seconds 0
  SERVICE_JSON=$line
  # Once, for all suites share the service and what is sold there.
  export SERVICE_JSON
  node set-up.js
fi
export PREVIEW_JSON SERVICE_JSON

npm ci --silent --no-audit --no-fund
[[ -z "${SCREENSHOTS:-}" ]] || mkdir -p "$SCREENSHOTS"
node --test
[[ -z "${SCREENSHOTS:-}" ]] || node screenshots.js "$SCREENSHOTS"
