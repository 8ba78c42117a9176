#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The program that the README shows is the beginning of examples/hello.c.
set -eu
cd "$(dirname "$0")/.."
shown=$(sed -n '/^```c$/,/^```$/p' README.md | sed '1d;$d' | grep -v '^    \.\.\.$')
program=$(sed -n '/^#include/,$p' examples/hello.c)
case "$program" in
"$shown"*) ;;
*)
    echo "the README's program is not examples/hello.c"
    exit 1
    ;;
esac
