#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The first program that the README shows is the beginning of examples/hello.c,
# the second is in examples/greeter.c.
set -eu
cd "$(dirname "$0")/.."

# block N: the N-th block of C.
block () {
    awk -v number="$1" '/^```c$/ { n++; inside = n == number; next }
        /^```$/ { inside = 0 } inside' README.md | grep -v '^    \.\.\.$'
}

case "$(sed -n '/^#include/,$p' examples/hello.c)" in
"$(block 1)"*) ;;
*)
    echo "the README's program is not examples/hello.c"
    exit 1
    ;;
esac
case "$(cat examples/greeter.c)" in
*"$(block 2)"*) ;;
*)
    echo "the README's service is not in examples/greeter.c"
    exit 1
    ;;
esac
