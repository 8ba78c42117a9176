#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What clang-format does not see: sleeping, unbounded calls, wall clocks, fixed
# paths, calls that are unsafe on bytes of a peer, threads below the actors,
# tests that nobody runs.
# usage: check_style.sh FOLDER
set -u
cd "$1" || exit 1
status=0

# files PATTERN... those of git; in a tarball all, but those of builds.
files () {
    if [ -e .git ]; then
        git ls-files "$@"
    else
        for pattern; do
            find . -path "./$pattern" ! -path './build*'
        done
    fi
}

refuse () {
    pattern=$1
    why=$2
    shift 2
    # shellcheck disable=SC2046
    if grep -nE "$pattern" /dev/null $(files "$@"); then
        echo "^ $why"
        status=1
    fi
}

refuse '\b(zclock_sleep|usleep|nanosleep|sleep) *\(' 'sleeps: wait for the event' \
    'include/*.h' 'src/*.[ch]' 'actors/*.[ch]' 'tool/*.[ch]' 'examples/*.c' 'selftest/*.[ch]'
refuse '\b(strcpy|strcat|sprintf|atoi|gets) *\(' 'unbounded or unchecked' \
    'include/*.h' 'src/*.[ch]' 'actors/*.[ch]' 'tool/*.[ch]' 'examples/*.c' 'selftest/*.[ch]'
refuse '\bzclock_time *\(' 'wall clock: zclock_mono' 'src/*.[ch]' 'actors/*.[ch]'
refuse '\b(zmsg_decode|zmsg_popmsg|zframe_print|zmsg_print|zsock_brecv|zsys_shutdown) *\(' \
    'unsafe here' 'src/*.[ch]' 'actors/*.[ch]'
refuse '\b(zactor_new|pthread_create|zthread_new) *\(' 'src never starts a thread' 'src/*.[ch]'
refuse '"(/tmp|/home|/root)/' 'fixed path' 'src/*.[ch]' 'actors/*.[ch]' 'tool/*.[ch]' 'selftest/*.[ch]'
unrun=$(sed -n 's/^\(test_[a-z0-9_]*\) (void)$/\1/p' selftest/*.c | while read -r name; do
    grep -q "^TEST (${name#test_})$" selftest/tests.def ||
        grep -qw "$name" selftest/main.c || echo "$name: in no list of tests"
done)
if [ -n "$unrun" ]; then
    echo "$unrun"
    status=1
fi
# shellcheck disable=SC2046
long=$(awk 'length > 80 { print FILENAME ":" FNR ": longer than 80" }' \
    /dev/null $(files '*.[ch]'))
if [ -n "$long" ]; then
    echo "$long"
    status=1
fi
exit $status
