#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The commands that ask, publish and watch, with services of C and of Python.
# Waiting has no time limit here; the one who runs this has.
# usage: check_shell.sh DIVIDERE SELFTEST CLOCK-SERVICE SOURCE BUILD
set -u
dividere=$(realpath "$1")
selftest=$(realpath "$2")
clock=$(realpath "$3")
source=$4
build=$5
folder=$(mktemp -d)
daemon=
server=
other=
trap 'kill -KILL $daemon $server $other 2> /dev/null; rm -rf "$folder"' EXIT
any='tcp://127.0.0.1:*'
. "$(dirname "$0")/command_functions.sh"
guide=$source/examples/guide.proto
test=$source/selftest/proto/test.proto
quick='--deadline 300 --retries 0'

# python SCRIPT ARGUMENT... a peer as the Python package has it.
python () {
    script=$1
    shift
    /usr/bin/python3 "$source/selftest/peers/$script" "$build/selftest" "$@"
}

# About itself.
ends 0 version
shown "$("$dividere" --version)"
ends 0 version --json
shown '"libzmq": "4.'
python3 -m json.tool "$folder/out" > /dev/null || fail "version --json"
PATH=$(dirname "$selftest"):$PATH ends 0 selftest --test types
PATH=$(dirname "$selftest"):$PATH ends 1 selftest --test nonsense
for command in bench call doctor list lookup metrics pub record replay stats sub top version watch; do
    ends 0 $command --help
    shown "usage: dividere $command"
    ends 2 $command --nonsense
    told --nonsense
    grep -qE "^\.SH.* DIVIDERE ${command^^}\b" "$source/doc/dividere.1" || fail "$command has no manual"
done
ends 2 call tcp://127.0.0.1:9
told "an argument is missing"
ends 2 version more
told "too many arguments"

# Doctor.
ends 0 doctor
grep -qE '^(ok|warn)  +descriptors' "$folder/out" || fail "doctor"
ends 0 doctor --json
python3 -c 'import json, sys; [json.loads(line)["verdict"] for line in sys.stdin]' < "$folder/out" ||
    fail "doctor --json"
ends 1 doctor --servers tcp://127.0.0.1:9
grep -q '^FAIL  name server .*it cannot be reached' "$folder/out" || fail "doctor --servers"
ends 1 doctor --security "$folder/nowhere"
grep -q '^FAIL  keys' "$folder/out" || fail "doctor --security"

# Bench.
ends 0 bench --time 20
shown "round trip of 16 bytes"
start bench --serve "$any"
ends 0 bench "$(endpoints serve)" --time 20 --size 1000 --outstanding 3 --json
python3 -c 'import json, sys; assert json.load(sys.stdin)["requestsPerSecond"] > 0' < "$folder/out" ||
    fail "bench --json"
: > "$folder/err"
stop INT
ends 1 bench --outstanding 0
told "at least 1"
ends 1 bench nonsense://x
told "nonsense://x: Protocol not supported"

# Publish and subscribe: nothing is lost, since pub waits.
pipe=ipc://$folder/pipe
"$dividere" sub "$pipe" Msg01 TimeTold --proto "$guide" --count 4 > "$folder/heard" &
other=$!
ends 0 pub "$pipe" Msg01 '{"field1": "a"}' --proto "$guide" --count 2
printf '{"number": "1"}\n\n{"clock": 7}\n' |
    "$dividere" pub "$pipe" TimeTold --proto "$guide" || fail "pub of lines"
wait $other || fail "sub"
other=
printf 'Msg01 {"field1": "a"}\nMsg01 {"field1": "a"}\nTimeTold {"number": "1"}\nTimeTold {"clock": 7}\n' |
    diff - "$folder/heard" || fail "what was published"
protoc -I"$source/examples" --include_imports --descriptor_set_out="$folder/guide.set" "$guide"
"$dividere" sub "@$pipe.2" --descriptor "$folder/guide.set" --json --count 1 > "$folder/heard" &
other=$!
ends 0 pub ">$pipe.2" JobDone 'job { number: 3 }' --text --proto "$guide"
wait $other || fail "sub of all"
other=
echo '{"type": "JobDone", "message": {"job": {"number": 3}}}' | diff - "$folder/heard" || fail "--json"
# A type that is not known is told of; what is known goes on.
"$dividere" sub "$pipe.3" --count 1 --text > "$folder/heard" 2> "$folder/complaints" &
other=$!
ends 0 pub "$pipe.3" Msg01 '{"field1": "x"}' --proto "$guide"
until grep -q "its type is not known" "$folder/complaints"; do :; done
ends 0 pub "$pipe.3" dividere.Ping '{"payload": "AAE="}'
wait $other || fail "sub of unknown"
other=
grep -qF 'dividere.Ping payload: "\000\001"' "$folder/heard" || fail "--text"
ends 1 sub "$pipe" --count 1 --time 10
ends 0 sub "$pipe" --time 10
ends 1 pub "$pipe" dividere.Ping --timeout 10
told "not 1 subscribers of dividere.Ping within 10 ms"
ends 0 pub "$pipe" dividere.Ping '{}' --subscribers 0
ends 1 pub "$pipe" dividere.Ping '{"payload": 5}' --subscribers 0
told "field payload: a number is no bytes, at offset 12"
ends 1 pub "$pipe" Nothing '{}'
told "Nothing: there is no such type: give it by --proto or --descriptor, or the service a schema that has it"
ends 1 pub nonsense dividere.Ping '{}'
told "nonsense: Invalid argument"
ends 1 sub nonsense
told "nonsense: Invalid argument"
for file in nowhere.proto nonsense.proto; do
    echo nonsense > "$folder/nonsense.proto"
    ends 1 pub "$pipe" A '{}' --proto "$folder/$file"
    told "$folder/$file: protoc does not take it"
done
ends 1 pub "$pipe" A '{}' --descriptor "$folder/nonsense.proto"
told "nonsense.proto: no FileDescriptorSet"
ends 1 pub "$pipe" A '{}' --descriptor "$folder/nowhere"
told "nowhere: No such file or directory"
ends 1 pub "$pipe" A '{}' --descriptor "$folder"
told "it is no file"

mkdir "$folder/elsewhere"
cp "$guide" "$folder/elsewhere"
echo 'syntax = "proto3"; import "guide.proto"; message Far { Msg01 near = 1; }' > "$folder/far.proto"
ends 1 pub "$pipe" Far '{}' --subscribers 0 --proto "$folder/far.proto"
told "far.proto: protoc does not take it"
ends 0 pub "$pipe" Far '{"near": {}}' --subscribers 0 --proto "$folder/far.proto" \
    --include "$folder/elsewhere"

# Services, found by name.
start nameserver --bind "$any" --publish "$any" --watch "$any" --introspection "$any"
servers=$(endpoints bind)
publish=$(endpoints publish)
names=$(endpoints introspection)
"$dividere" watch --servers "$servers" --json --count 3 > "$folder/watched" &
other=$!
until grep -q fresh "$folder/watched"; do :; done
mkfifo "$folder/input"
"$clock" clock 1 "$servers" "$publish" < "$folder/input" &
server=$!
exec 4> "$folder/input"
until grep -q added "$folder/watched"; do :; done
ends 0 list --servers "$servers" --json
python3 -c 'import json, sys; print(json.load(sys.stdin)["endpoint"])' < "$folder/out" > "$folder/at" ||
    fail "list --json"
at=$(cat "$folder/at")

ends 0 call clock TimeAsked '{"number": "7"}' --servers "$servers"
shown '{"number": "7", "seconds": "'
ends 0 call clock TimeAsked 'number: 8' --servers "$servers" --text --strict
shown 'number: 8 seconds: '
ends 0 call "$at" TimeAsked --proto "$guide" --json
shown '{"type": "TimeTold", "message": {"seconds": "'
ends 0 call "$at" TimeAsked '{}' --descriptor "$folder/guide.set"
ends 0 call "$at" TimeAsked --reflect
ends 0 call "$at" dividere.ServiceInfoReq
shown '"name": "clock"'
ends 0 stats clock --servers "$servers"
shown 'type: "TimeAsked" handled: 5'
ends 0 stats clock --servers "$servers" --json
python3 -m json.tool "$folder/out" > /dev/null || fail "stats of a service"
ends 0 bench clock --servers "$servers" --time 20

# What goes wrong is told.
ends 1 call clock Nothing --servers "$servers"
told "Nothing: there is no such type"
ends 1 call clock TimeAsked '{"number": true}' --servers "$servers"
told "TimeAsked: field number: true is no uint64, at offset 11"
ends 1 call clock TimeAsked '{"nummer": 1}' --servers "$servers"
told "TimeAsked has no such field"
ends 1 call clock TimeAsked '{' --servers "$servers"
told "no JSON"
ends 1 call clock Msg01 --servers "$servers"
told "clock: it does not know this type, or cannot read it"
ends 1 call nobody TimeAsked --servers "$servers" $quick
told "nobody: nobody has this name, or serves it"
ends 1 call clock TimeAsked --servers tcp://127.0.0.1:9 $quick
told "clock: it cannot be reached"
ends 1 call tcp://127.0.0.1:9 TimeAsked --proto "$guide" $quick
told "tcp://127.0.0.1:9: it cannot be reached"
ends 1 call "$names" dividere.Ping $quick
told "no answer in time"
ends 1 stats tcp://127.0.0.1:9 --timeout 100
told "it cannot be reached"
ends 1 stats nobody --servers "$servers" --timeout 100
told "nobody has this name"

# Clients and services of Python.
exec 7> >(python names_client.py "$servers" > "$folder/places" 2> "$folder/skipped")
echo clock >&7
exec 7>&-
if python names_client.py "$servers" < /dev/null > /dev/null 2>&1; then
    until grep -q "$(echo "$at" | sed 's|.*:||')" "$folder/places"; do :; done
    mkfifo "$folder/more"
    python names_service.py pythonic "$servers" "$publish" < "$folder/more" > "$folder/told" &
    other_service=$!
    exec 8> "$folder/more"
    until grep -q "registered 1" "$folder/told"; do :; done
    ends 0 call pythonic testMsg01 '{"field1": "snake", "field2": 3}' --proto "$test" --servers "$servers"
    shown '{"field1": "snake", "field2": 3}'
    ends 1 call pythonic testMsg01 --servers "$servers"
    told "testMsg01: there is no such type"
    ends 1 stats pythonic --servers "$servers"
    told "pythonic: it has no handler"
    exec 8>&-
    wait $other_service || fail "the service in Python"
    python=1
else
    echo "without peers in Python"
    python=
fi
exec 4>&-
wait $server || fail "the clock"
server=
wait $other || fail "watch"
other=
grep -q '"event": "added", "service": {"name": "clock", "endpoint": "tcp://127.0.0.1' "$folder/watched" ||
    fail "watch --json"
ends 0 watch clock --servers "$servers" --time 200
grep -q "^fresh	clock$" "$folder/out" || fail "watch of a name"
ends 1 watch --servers nonsense
told "nonsense: Invalid argument"

# What an actor counts.
ends 0 stats "$names"
shown "actor	nameserver"
shown "pid	$daemon"
grep -qE '^lookups	[1-9]' "$folder/out" || fail "stats"
ends 0 stats "$names" --json
python3 -c 'import json, sys
told = json.load(sys.stdin)
assert told["actor"]["kind"] == "nameserver" and told["stats"]["lookups"] > 0' < "$folder/out" ||
    fail "stats --json"
: > "$folder/err"
stop TERM

# Who may ask.
for name in keys stranger; do
    ends 0 keygen "$folder/$name"
    [ $name = stranger ] || own=$(cat "$folder/out")
    echo "* $own" > "$folder/$name/servers"
done
printf 'key me %s\nallow me *\n' "$own" > "$folder/keys/rights"
start bench --serve "$any" --security "$folder/keys"
at=$(endpoints serve)
ends 0 call "$at" dividere.Ping '{"payload": "AAAA"}' --security "$folder/keys"
shown '{"payload": "AAAA"}'
ends 1 call "$at" dividere.Ping --security "$folder/stranger"
grep -qF "$at: there is no right to it" "$folder/err" || fail "a stranger"
ends 1 call "$at" dividere.Ping
grep -qF "$at: only one side wants security" "$folder/err" || fail "a plain client"
: > "$folder/err"
stop TERM

# Brokers and proxies, with both ends in Python.
if [ -n "$python" ]; then
    start broker --frontend "$any" --backend "$any" --introspection "$any"
    mkfifo "$folder/worker"
    python balance_worker.py typed ">$(endpoints backend)" 3000 echo < "$folder/worker" > "$folder/told" &
    server=$!
    exec 8> "$folder/worker"
    ends 0 call "$(endpoints frontend)" testMsg01 '{"field1": "b"}' --proto "$test"
    shown '{"field1": "b"}'
    echo "testMsg01 0a0162" | python balance_client.py typed ">$(endpoints frontend)" > "$folder/out"
    grep -q "^testMsg01 " "$folder/out" || fail "a client of Python at a broker"
    ends 0 stats "$(endpoints introspection)"
    shown "actor	broker"
    exec 8>&-
    wait $server || fail "the worker in Python"
    server=
    : > "$folder/err"
    stop TERM

    start proxy --frontend "$any" --backend "$any" --introspection "$any"
    mkfifo "$folder/peer"
    python peer.py response ">$(endpoints backend)" 4 < "$folder/peer" > "$folder/asked" &
    server=$!
    exec 8> "$folder/peer"
    (until grep -q testMsg01 "$folder/asked"; do :; done
        echo "testMsg01 0a0170" >&8
        until [ "$(wc -l < "$folder/asked")" -ge 3 ]; do :; done
        echo "testMsg01 0a0171" >&8) &
    other=$!
    ends 0 call "$(endpoints frontend)" testMsg01 '{"field1": "o"}' --proto "$test"
    shown '{"field1": "p"}'
    mkfifo "$folder/asking"
    python peer.py request ">$(endpoints frontend)" 2 < "$folder/asking" > "$folder/out" &
    client=$!
    exec 9> "$folder/asking"
    echo "testMsg01 0a016f" >&9
    wait $client || fail "the request in Python"
    exec 9>&-
    grep -q "^testMsg01 .*0a0171" "$folder/out" || fail "a client of Python at a proxy"
    wait $other
    other=
    ends 0 stats "$(endpoints introspection)"
    shown "actor	proxy"
    exec 8>&-
    wait $server || fail "the response in Python"
    server=
    : > "$folder/err"
    stop TERM
fi

# Completion, in bash.
completed () {
    PATH=$(dirname "$dividere"):$PATH bash -c '
        . "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _dividere; echo "${COMPREPLY[@]}"' \
        - "$source/tool/completion/dividere" "$@"
}
[ "$(completed dividere br)" = broker ] || fail "completion of a command"
completed dividere call --d | grep -q -- --deadline || fail "completion of an option"
[ "$(cd "$source/examples" && completed dividere call --proto guide.p)" = guide.proto ] ||
    fail "completion of a file"

# Units, where systemd can judge them.
if command -v systemd-analyze > /dev/null; then
    for unit in broker nameserver proxy; do
        sed "s|^ExecStart=[^ ]*|ExecStart=$dividere|" "$build/tool/dividere-$unit.service" \
            > "$folder/dividere-$unit.service"
        systemd-analyze verify --man=no "$folder/dividere-$unit.service" > "$folder/out" 2>&1
        grep "dividere-$unit" "$folder/out" && fail "the unit of $unit"
    done
fi
exit 0
