#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the shared library exports is what the headers declare, no more and no
# less, and what selftest/symbols.txt lists.
# usage: check_symbols.sh LIBRARY INCLUDE-FOLDER SYMBOLS.TXT
set -eu
exported=$(nm -D --defined-only "$1" | awk '{ print $3 }' | sort)
declared=$(cat "$2"/dividere/*.h | tr '\n' ' ' |
    grep -o 'DIVIDERE_EXPORT[^;(]*(' | grep -o 'dividere_[a-z0-9_]* *($' |
    tr -d ' (' | sort -u)
ours=$(echo "$exported" | grep -v '^dividere__' || true)
status=0
if [ "$ours" != "$declared" ]; then
    echo "exported (<) and declared (>) differ:"
    printf '%s\n' "$ours" > "${TMPDIR:-/tmp}/symbols.$$"
    printf '%s\n' "$declared" | diff "${TMPDIR:-/tmp}/symbols.$$" - || true
    rm -f "${TMPDIR:-/tmp}/symbols.$$"
    status=1
fi
if ! echo "$exported" | diff - "$3"; then
    echo "exported (<) and $3 (>) differ: public names change on purpose only"
    status=1
fi
exit $status
