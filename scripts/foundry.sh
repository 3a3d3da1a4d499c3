#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the path of the native program of a Foundry tool, or runs it when arguments follow.
# The npm launchers are not used: they exit 0 when the program fails and pass no signals on.
#
# usage: scripts/foundry.sh anvil|cast|forge [ARGUMENT…]
set -euo pipefail

tool=${1:?usage: scripts/foundry.sh TOOL [ARGUMENT…]}
shift
case $(uname -m) in
x86_64) arch=amd64 ;;
aarch64) arch=arm64 ;;
*) arch=$(uname -m) ;;
esac
program=$(cd "$(dirname "$0")/.." && pwd)/node_modules/@foundry-rs/$tool-linux-$arch/bin/$tool
if [ ! -x "$program" ]; then
    printf 'foundry: %s is not installed for %s; run "make setup"\n' "$tool" "$arch" >&2
    exit 1
fi
if [ $# -eq 0 ]; then
    printf '%s\n' "$program"
else
    exec "$program" "$@"
fi
