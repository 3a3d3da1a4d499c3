#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the fuzz targets with libFuzzer, ASan and UBSan in build-fuzz and runs each for a while, from
# fuzz/corpus. What was found is kept in build-fuzz/found, inputs that fail in build-fuzz/failed.
#
# usage: scripts/fuzz.sh SECONDS [NAME…]    SECONDS for each target; default: every target
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:?usage: scripts/fuzz.sh SECONDS [NAME…]}
shift
case $seconds in
'' | *[!0-9]*) printf 'fuzz: SECONDS=%s is not a number of seconds\n' "$seconds" >&2 && exit 2 ;;
esac

[ -f build-fuzz/build.ninja ] ||
    CC=clang meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
if [ $# -eq 0 ]; then
    for source in fuzz/fuzz_*.c; do
        name=${source#fuzz/fuzz_}
        set -- "$@" "${name%.c}"
    done
fi

ninja -C build-fuzz "${@/#/fuzz/fuzz_}"

failed=()
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
for name in "$@"; do
    mkdir -p "build-fuzz/found/$name" "build-fuzz/failed"
    printf 'fuzz: %s for %s s\n' "$name" "$seconds"
    "build-fuzz/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -verbosity=0 -artifact_prefix="build-fuzz/failed/$name-" \
        "build-fuzz/found/$name" "fuzz/corpus/$name" </dev/null || failed+=("$name")
done
if [ ${#failed[@]} -ne 0 ]; then
    printf 'fuzz: failed: %s; inputs in build-fuzz/failed\n' "${failed[*]}" >&2
    exit 1
fi
