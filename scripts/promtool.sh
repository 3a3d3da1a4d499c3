#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the path of Debian's promtool, or runs it when arguments follow. Its package is unpacked
# beside the tree and not installed: installing it would start a Prometheus server.
#
# usage: scripts/promtool.sh [ARGUMENT…]
set -euo pipefail

dir=$(cd "$(dirname "$0")/.." && pwd)/.cache/promtool
program=$(command -v promtool || true)

unpack() {
    local work
    work=$(mktemp -d)
    trap 'rm -rf "$work"' RETURN
    chmod 755 "$work" # apt fetches as a user of its own
    (cd "$work" && apt-get -q download prometheus) >&2 &&
        dpkg-deb --fsys-tarfile "$work"/prometheus_*.deb |
        tar -x -C "$work" ./usr/bin/promtool &&
        mkdir -p "$dir" && mv "$work/usr/bin/promtool" "$dir/promtool"
}

if [ -z "$program" ]; then
    program=$dir/promtool
    if [ ! -x "$program" ] && ! unpack; then
        printf "promtool: Debian's package prometheus could not be fetched; run \"make setup\"\n" >&2
        exit 1
    fi
fi
if [ $# -eq 0 ]; then
    printf '%s\n' "$program"
else
    exec "$program" "$@"
fi
