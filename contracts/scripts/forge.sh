#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs forge on the contracts: with their configuration, the compiler of npm, and what it makes in
# build-contracts/.
#
# usage: contracts/scripts/forge.sh build|test|coverage|lint|fmt [ARGUMENT…]
set -euo pipefail

cd "$(dirname "$0")/../.."
verb=${1:?usage: contracts/scripts/forge.sh build|test|coverage|lint|fmt [ARGUMENT…]}
shift
# Each verb apart: forge forgets to compile for one what it has left out for another.
export FOUNDRY_OUT=build-contracts/$verb/out FOUNDRY_CACHE_PATH=build-contracts/$verb/cache
export FOUNDRY_CONFIG=$PWD/contracts/foundry.toml FOUNDRY_DISABLE_NIGHTLY_WARNING=1
[ "$verb" = fmt ] || set -- --use contracts/scripts/solc "$@" # the formatter compiles nothing
exec scripts/foundry.sh forge "$verb" --root . "$@"
