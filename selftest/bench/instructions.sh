#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Instructions for each message, as callgrind counts them: the difference of two
# runs that differ only in how often the work is done. For a build that is
# optimized as usual; needs valgrind.
# usage: instructions.sh DIVIDERE_BENCH > doc/instructions.txt
set -eu
bench=$1

# count ROW STEPS prints how often the work was done, and the instructions.
count () {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$bench" --only "$1" --steps "$2" 2>&1 |
        awk '/^[0-9]+$/ { work = $1 } /Collected :/ { print work, $NF }'
}

# per STEPS ROW WHAT
per () {
    { count "$2" "$1"; count "$2" $(($1 * 3)); } |
        awk -v what="$3" 'NR == 1 { work = $1; sum = $2 }
            NR == 2 { printf "%-52s %8.1f\n", what, ($2 - sum) / ($1 - work) }'
}

echo "# instructions for each message; $(cc -dumpversion | sed 's/^/gcc /'), $(uname -m)"
per 500 "encode, small" "encode, small message"
per 500 "encode, 20 fields" "encode, 20 fields"
per 500 "decode, small" "decode, small message"
per 500 "decode, 20 fields" "decode, 20 fields"
per 200 "without sockets, 10,000" "broker, a request and its reply, without sockets"
per 500 "one way, 16 B, inproc" "send and receive, both threads, inproc"
per 500 "one way into a reactor, 16 B" "send, receive, dispatch, all threads, tcp"
