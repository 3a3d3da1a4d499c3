#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs forge on the contracts: with their configuration, the compiler of npm, and what it makes in
# build-contracts/.
#
# usage: contracts/scripts/forge.sh build|test|coverage [ARGUMENT…]
set -euo pipefail

cd "$(dirname "$0")/../.."
verb=${1:?usage: contracts/scripts/forge.sh build|test|coverage [ARGUMENT…]}
shift
export FOUNDRY_CONFIG=$PWD/contracts/foundry.toml FOUNDRY_DISABLE_NIGHTLY_WARNING=1
exec scripts/foundry.sh forge "$verb" --root . --use contracts/scripts/solc "$@"
