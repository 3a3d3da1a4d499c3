#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: test_follow.sh FOLLOW CHAIN HEAD TAMPERED
set -eu
got=$("$1" "$2")
[ "$(printf '%s\n' "$got" | tail -n 1)" = "$(cat "$3")" ] || {
    printf 'follow ends with another head:\n%s\nexpected: %s\n' "$got" "$(cat "$3")" >&2
    exit 1
}
printf '%s\n' "$got" | grep -q '^batch [0-9]*: unclean-takeover (omission): ' || {
    printf 'follow finds no takeover:\n%s\n' "$got" >&2
    exit 1
}
if why=$("$1" "$4" 2>&1 >/dev/null); then
    printf 'follow accepts a chain that was tampered with\n' >&2
    exit 1
fi
case $why in
'follow: line 7: '*) ;;
*)
    printf 'follow does not name line 7: %s\n' "$why" >&2
    exit 1
    ;;
esac
if "$1" /dev/null 2>/dev/null; then
    printf 'follow accepts an empty file\n' >&2
    exit 1
fi
