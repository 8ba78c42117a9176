#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the compiler and protoc must refuse, and what must build.
# usage: check_generated.sh PLUGIN EXAMPLES INCLUDE-OPTION...
set -u
plugin=$(realpath "$1")
examples=$2
shift 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
cp "$examples/greeter.proto" "$examples/greeter.c" .

fail () {
    echo "FAILED: $*"
    cat log
    exit 1
}

generate () {
    protoc --plugin=protoc-gen-dividere="$plugin" --c_out=. --dividere_out=. "$@" > log 2>&1
}

# The example whose handler is changed by a sed script.
compiles () {
    sed "$1" greeter.c > changed.c
    shift
    ${CC:-cc} -c changed.c -o /dev/null -I. "$@" > log 2>&1
}

generate greeter.proto || fail "the example's .proto"
compiles '' "$@" || fail "the example does not compile"
compiles 's/const Hello__GreetRequest \*request)/const Hello__GreetReply *request)/' "$@" &&
    fail "a handler of another message compiles"
compiles 's/const Hello__GreetRequest \*request)/Hello__GreetRequest *request)/' "$@" &&
    fail "a handler that may change its message compiles"
compiles 's/dividere_context_t \*context,/void *context,/' "$@" &&
    fail "a handler of another context compiles"
compiles 's/^HELLO__GREETER__HANDLERS (s_handlers, on_greet)/HELLO__GREETER__HANDLERS (s_handlers)/' "$@" &&
    fail "a table without a handler compiles"
compiles 's/on_greet__reply (context, &reply)/x/; s/Hello__GreetReply reply/Hello__GreetRequest reply/; s/GREET_REPLY__INIT/GREET_REQUEST__INIT/; s/reply.text/reply.name/' \
    -Werror "$@" && fail "a reply of another message compiles"

# As C++, too.
printf '#include "greeter.dividere.h"\nint main () { return hello__greeter__register (); }\n' > user.cc
${CXX:-c++} -Wall -Wextra -Werror -c user.cc -o /dev/null -I. "$@" > log 2>&1 || fail "C++"

# What the plugin cannot make, it says.
refused () {
    printf 'syntax = "proto3"; message A { } message B { }\nservice S { %s }\n' "$1" > wrong.proto
    generate wrong.proto && fail "$1 is taken"
    grep -qF "$2" log || fail "$1 is not explained"
}
refused 'rpc One (stream A) returns (B);' 'wrong.proto: service S: One is a stream'
refused 'rpc One (A) returns (stream B);' 'One is a stream'
refused 'rpc One (A) returns (B); rpc Two (A) returns (A);' 'One and Two both take A'
generate --dividere_opt=nonsense greeter.proto && fail "an option that there is not"
grep -qF "there is no option nonsense" log || fail "an option is not explained"

# Nothing in it, no package, a digit and signs in the name, a folder.
mkdir -p sub/dir
echo 'syntax = "proto3"; import "greeter.proto"; message M { hello.GreetReply r = 1; }' > sub/dir/1-odd.name.proto
echo 'syntax = "proto3";' > empty.proto
generate sub/dir/1-odd.name.proto empty.proto || fail "odd files"
${CC:-cc} -Wall -Wextra -Werror -c sub/dir/1-odd.name.dividere.c -o /dev/null -I. "$@" > log 2>&1 ||
    fail "an odd file does not compile"
${CC:-cc} -Wall -Wextra -Werror -c empty.dividere.c -o /dev/null -I. "$@" > log 2>&1 ||
    fail "an empty file does not compile"

# Not run by protoc.
"$plugin" --help > /dev/null 2> log
[ $? = 2 ] || fail "status of --help"
echo nonsense | "$plugin" > /dev/null 2> log
[ $? = 1 ] || fail "status of nonsense"
