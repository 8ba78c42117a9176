#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# NEWS.md and debian/changelog begin with the version that the project has, and
# both or none say that it is not released; the command has it too.
# usage: check_versions.sh SOURCE VERSION DIVIDERE
set -eu
command=$(realpath "$(command -v "$3")")
cd "$1"
news=$(sed -n 's/^## //p' NEWS.md | head -n 1)
changes=$(head -n 1 debian/changelog)
status=0

# same WHAT VALUE EXPECTED
same () {
    if [ "$2" != "$3" ]; then
        echo "$1: '$2', not '$3'"
        status=1
    fi
}

same "NEWS.md" "${news%% *}" "$2"
same "debian/changelog" "${changes%%)*}" "dividere ($2"
same "the command" "$("$command" version)" "dividere $2"
case $news in
*"(not released)")
    same "debian/changelog" "${changes#*) }" "UNRELEASED; urgency=medium"
    ;;
*)
    case $changes in
    *UNRELEASED*) same "NEWS.md" "$news" "$2 (not released)" ;;
    esac
    ;;
esac
exit $status
