#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Packs static libraries into one whose only global symbols are those of a list, so that a program
# linked with it can have functions of the same names as our inner ones.
#
# usage: pack.sh LD OBJCOPY AR NAMES OUT LIBRARY…
set -eu
ld=$1 objcopy=$2 ar=$3 names=$4 out=$5
shift 5
object=${out%.a}.o
"$ld" -r --whole-archive "$@" --no-whole-archive -o "$object"
"$objcopy" --keep-global-symbols="$names" "$object"
rm -f "$out"
"$ar" rcs "$out" "$object"
