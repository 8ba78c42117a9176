#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each public header compiles alone, in C and in C++, without a warning.
# usage: check_headers.sh INCLUDE-FOLDER COMPILER-FLAGS...
set -eu
folder=$1
shift
for header in "$folder"/dividere.h "$folder"/dividere/*.h; do
    name=${header#"$folder"/}
    printf '#include <%s>\n' "$name" |
        cc -std=gnu11 -Wall -Wextra -Wstrict-prototypes -Werror "$@" -fsyntax-only -x c -
    printf '#include <%s>\n' "$name" |
        c++ -std=c++17 -Wall -Wextra -Werror "$@" -fsyntax-only -x c++ -
    echo "ok $name"
done
