#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What clang-format does not see: sleeping, unbounded calls, wall clocks, fixed
# paths, calls that are unsafe on bytes of a peer, threads below the actors.
# usage: check_style.sh FOLDER
set -u
cd "$1" || exit 1
status=0

refuse () {
    pattern=$1
    why=$2
    shift 2
    if grep -nE "$pattern" $(git ls-files "$@" 2> /dev/null || find "$@" -name '*.[ch]'); then
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
long=$(awk 'length > 80 { print FILENAME ":" FNR ": longer than 80" }' \
    $(git ls-files '*.[ch]' 2> /dev/null))
if [ -n "$long" ]; then
    echo "$long"
    status=1
fi
exit $status
