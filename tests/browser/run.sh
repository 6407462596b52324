#!/usr/bin/env bash
# Runs the checkout page in real Chromium, against scripted views and the simulated Braintree's scripts.
#
#   tests/browser/run.sh                        starts target/debug/examples/checkout_preview (or CHECKOUT_PREVIEW)
#   PREVIEW_JSON='{…}' tests/browser/run.sh     uses a preview that runs already
#   SCREENSHOTS=folder tests/browser/run.sh     also takes a picture of every state, at desktop and phone width
#
# Installs what it needs (npm's lock file; Chromium from Debian when root there), skips nothing, leaves nothing running.
# Needs Node 20. `cargo build --example checkout_preview` (or `cargo test`) builds the preview.
set -euo pipefail
cd "$(dirname "$0")"

preview="${CHECKOUT_PREVIEW:-$PWD/../../target/debug/examples/checkout_preview}"
pid=
end() { [[ -z "$pid" ]] || kill "$pid" 2>/dev/null || true; }
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

if [[ -z "${PREVIEW_JSON:-}" ]]; then
  if [[ ! -x "$preview" ]]; then
    echo "no program at $preview: cargo build --example checkout_preview, or set CHECKOUT_PREVIEW to its path" >&2
    exit 2
  fi
  pipe=$(mktemp -u)
  mkfifo "$pipe"
  "$preview" >"$pipe" &
  pid=$!
  exec {reader}<"$pipe"
  rm "$pipe"
  if ! read -r -t 30 PREVIEW_JSON <&"$reader"; then
    echo 'the preview did not say where it listens within 30 seconds' >&2
    exit 2
  fi
fi
export PREVIEW_JSON

npm ci --silent --no-audit --no-fund
node --test
[[ -z "${SCREENSHOTS:-}" ]] || node screenshots.js "$SCREENSHOTS"
