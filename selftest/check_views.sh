#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The commands that look into a running system: what they record and show.
# Waiting has no time limit here; the one who runs this has.
# usage: check_views.sh DIVIDERE CLOCK-SERVICE SOURCE [FEATURE]...
set -u
dividere=$(realpath "$1")
clock=$(realpath "$2")
source=$3
shift 3
features=" $* "
folder=$(mktemp -d)
daemon=
server=
other=
names=
broker=
screen=views-$$
trap 'kill -KILL $daemon $server $other $names $broker 2> /dev/null
    tmux -L "$screen" kill-server 2> /dev/null
    umount -l "$folder/small" 2> /dev/null
    rm -rf "$folder"' EXIT
any='tcp://127.0.0.1:*'
. "$(dirname "$0")/command_functions.sh"
guide=$source/examples/guide.proto

# Recorded, published again, recorded again: the same.
start record "$folder/one" "@$any" --json --introspection "ipc://$folder/recorder"
source_one=$(endpoints source)
printf '{"field1": "%s"}\n' one two three |
    "$dividere" pub ">$source_one" Msg01 --proto "$guide" || fail "pub to record"
"$dividere" pub ">$source_one" dividere.Ping '{"payload": "AAE="}' --count 2000 || fail "pub to record"
# What is under way when it ends is not in it.
until "$dividere" stats "ipc://$folder/recorder" | grep -qx 'written.2003'; do :; done
kill -INT "$daemon"
wait "$daemon" || fail "record"
daemon=
python3 -c 'import json, sys
told = json.load(sys.stdin)
assert told["messages"] == 2003 and told["dropped"] == 0 and told["segments"] == 1, told' <&3 ||
    fail "record --json"
start record "$folder/two" "@$any" --count 2003
"$dividere" replay "$folder/one" ">$(endpoints source)" --fast > "$folder/out" || fail "replay"
grep -q '^2003 messages, ' "$folder/out" || fail "what was replayed"
wait "$daemon" || fail "record --count"
daemon=
grep -q '^2003 messages, 0 dropped' <&3 || fail "what was recorded"
"$dividere" replay "$folder/one" --list | cut -f 2- > "$folder/list"
"$dividere" replay "$folder/two" --list | cut -f 2- | diff - "$folder/list" || fail "not the same"
[ "$(grep -c '^Msg01	' "$folder/list")" = 3 ] || fail "replay --list"

# By type and time, and in its time.
pipe=ipc://$folder/pipe
"$dividere" sub "$pipe" --proto "$guide" --count 3 > "$folder/heard" &
other=$!
ends 0 replay "$folder/one" "$pipe" Msg01 --speed 10 --json
python3 -c 'import json, sys; assert json.load(sys.stdin)["messages"] == 3' < "$folder/out" || fail "replay --json"
wait $other || fail "sub of replay"
other=
printf 'Msg01 {"field1": "%s"}\n' one two three | diff - "$folder/heard" || fail "what was heard"
ends 0 replay "$folder/one" --list --from 1e300
[ ! -s "$folder/out" ] || fail "--from"
ends 0 replay "$folder/one" --list --from 1000000
[ ! -s "$folder/out" ] || fail "--from"
ends 0 replay "$folder/one" --list Msg01 --to 1000000 --count 2
[ "$(wc -l < "$folder/out")" = 2 ] || fail "--to"
ends 0 replay "$folder/one" "$pipe" no.such.Type --subscribers 0
shown "0 messages"

# What is wrong is told.
ends 1 record "$folder/one" "$pipe"
told "$folder/one: a recording is there: --append goes on with it"
ends 1 record "$folder/no/such" "$pipe"
told "$folder/no/such: No such file or directory"
ends 1 record "$folder/three" nonsense
told "nonsense: Invalid argument"
ends 1 record "$folder/three" "$pipe" --quota 65
told "--quota must be twice --segment, or more"
"$dividere" record "$folder/one" "$pipe" --append --time 10 > "$folder/out" || fail "--append"
ends 1 replay "$folder/nowhere" "$pipe"
told "$folder/nowhere: there is no recording"
ends 1 replay "$folder/one" "$pipe" --timeout 10
told "$pipe: not 1 subscribers of the first message within 10 ms"
ends 1 replay "$folder/one"
told "EP is missing"
ends 1 replay "$folder/one" "$pipe" --speed 0
told "--speed: more than 0"
ends 2 replay "$folder/one" "$pipe" --speed fast
told "--speed fast: it is no number"
# A byte that has changed costs one message.
printf 'X' | dd of="$folder/two/00000001.rec" bs=1 seek=300 conv=notrunc 2> /dev/null
"$dividere" replay "$folder/two" --list > "$folder/out" 2> "$folder/err"
[ $? = 1 ] || fail "a damaged recording has no status 1"
grep -q "two: [0-9]* bytes are damaged, or were not finished; the rest was read" "$folder/err" || fail "damage"
[ "$(wc -l < "$folder/out")" = 2002 ] || fail "what is left of a damaged recording"

# Killed in the midst, it can be read and gone on with.
start record "$folder/killed" "@$any" dividere.Ping
"$dividere" pub ">$(endpoints source)" dividere.Ping '{}' --count 100 || fail "pub to record"
until [ "$("$dividere" replay "$folder/killed" --list 2> /dev/null | wc -l)" = 100 ]; do :; done
kill -KILL "$daemon"
wait "$daemon" 2> /dev/null
daemon=
start record "$folder/killed" "@$any" --append --count 1
"$dividere" pub ">$(endpoints source)" dividere.Ping '{}' || fail "pub to record"
wait "$daemon" || fail "record --append"
daemon=
ends 0 replay "$folder/killed" --list
[ "$(wc -l < "$folder/out")" = 101 ] || fail "what was recorded before and after"

# A disk that is full: what comes is dropped, and told of.
if mkdir "$folder/small" && mount -t tmpfs -o size=200k none "$folder/small" 2> /dev/null; then
    start record "$folder/small/full" "@$any"
    "$dividere" pub ">$(endpoints source)" dividere.Ping '{}' --count 100 || fail "pub to a small disk"
    until [ "$("$dividere" replay "$folder/small/full" --list 2> /dev/null | wc -l)" = 100 ]; do :; done
    "$dividere" pub ">$(endpoints source)" dividere.Ping '{}' --count 10000 || fail "pub to a full disk"
    until grep -q "full: messages are dropped: No space left on device" "$folder/err"; do :; done
    kill -TERM "$daemon"
    wait "$daemon"
    [ $? = 1 ] || fail "a full disk has no status 1"
    daemon=
    grep -qE '^[0-9]+ messages, [1-9][0-9]* dropped' <&3 || fail "what was dropped"
    "$dividere" replay "$folder/small/full" --list > "$folder/out" || fail "what a full disk has"
    [ "$(wc -l < "$folder/out")" -ge 100 ] || fail "what there was room for is lost"
    umount "$folder/small"
else
    echo "not tried here: a full disk (no right to mount)"
fi

# A system: a name server, a broker, a service, and one that answers rubbish.
keep () {
    mkfifo "$folder/ready"
    "$dividere" "$@" > "$folder/ready" 2>> "$folder/daemons" &
    kept=$!
    read -r ready < "$folder/ready"
    rm "$folder/ready"
}
keep nameserver --bind "$any" --publish "$any" --watch "$any" --introspection "$any"
names=$kept
servers="$(endpoints bind)|$(endpoints publish)"
names_seen=$(endpoints introspection)
at=$(endpoints bind)
publish=$(endpoints publish)
keep broker --frontend "$any" --backend "$any" --introspection "$any"
broker=$kept
broker_seen=$(endpoints introspection)
mkfifo "$folder/hold"
"$clock" clock 1 "$at" "$publish" < "$folder/hold" > "$folder/clock" 2>&1 &
server=$!
exec 4> "$folder/hold"
until "$dividere" lookup clock --servers "$servers" > "$folder/out" 2> "$folder/err"; do :; done
: > "$folder/err"
where=$(cut -f 2 "$folder/out")
mkfifo "$folder/rubbish"
/usr/bin/python3 "$source/selftest/peers/garbage.py" "$any" < "$folder/rubbish" > "$folder/garbage" &
other=$!
exec 5> "$folder/rubbish"
until [ -s "$folder/garbage" ]; do :; done
garbage=$(cut -d ' ' -f 2 "$folder/garbage")

# The way of a call: to a service by its name, and through a broker.
"$dividere" call clock TimeAsked --servers "$servers" --proto "$guide" --trace > "$folder/out" 2> "$folder/err" ||
    fail "call --trace"
awk '/^trace [0-9a-f]+$/ { next } { print $1, $3 }' "$folder/err" | tr '\n' ',' |
    grep -qx 'client sent,worker received,worker begun,worker ended,client answered,' || fail "the way to a service"
"$dividere" call "$where" dividere.Ping --trace --json > "$folder/out" 2> "$folder/err" || fail "call --trace --json"
tail -n 1 "$folder/out" | python3 -c 'import json, sys
trace = json.load(sys.stdin)
hops = trace["hops"]
assert len(trace["trace"]) == 32 and hops[0]["us"] == 0 and hops[-1]["event"] == "answered", trace
assert [hop["us"] for hop in hops] == sorted(hop["us"] for hop in hops), trace' || fail "a trace as JSON"

# Top, once: all that runs, and what is wrong with what does not.
ends 0 top "$names_seen" "$broker_seen" "$garbage" tcp://127.0.0.1:9 --servers "$servers" --interval 100 --json
python3 - "$names_seen" "$broker_seen" "$garbage" "$where" "$folder/out" <<'END' || fail "top --json"
import json, sys
names, broker, garbage, where, path = sys.argv[1:]
told = json.load(open(path))
seen = {actor["where"]: actor for actor in told["actors"]}
assert told["instances"] == 1 and told["trouble"] == "", told
assert seen[names]["kind"] == "nameserver" and seen[names]["stats"]["instances"] == 1, seen[names]
assert seen[names]["uptimeMs"] > 0 and not seen[names]["trouble"], seen[names]
assert seen[broker]["kind"] == "broker" and "workers" in seen[broker]["stats"], seen[broker]
assert seen[where]["name"] == "clock" and seen[where]["kind"] == "service", seen[where]
assert seen[garbage]["trouble"] and not seen[garbage]["stats"], seen[garbage]
assert seen["tcp://127.0.0.1:9"]["trouble"] == "it cannot be reached", seen
END
ends 0 top "$broker_seen" --alone --once --interval 100
grep -q "^1 shown, 0 with trouble$" "$folder/out" || fail "top --once"
grep -q "^broker  *broker .* $broker_seen$" "$folder/out" || fail "top --once"
ends 0 top --servers tcp://127.0.0.1:9 --once --interval 100
shown "no name server can be asked"
ends 1 top --alone
told "this is no terminal: --once prints the table"
ends 1 top nonsense --alone --once
told "nonsense: Invalid argument"
ends 1 top --alone --interval 5
told "--interval: at least 10"

# Top on a terminal: it is looked at, goes on when an actor vanishes, and ends.
on_screen () {
    until tmux -L "$screen" capture-pane -p | grep -qE "$1"; do :; done
}
run_top () {
    screen=views-$$-$3
    tmux -L "$screen" -f /dev/null new-session -d -x "$1" -y "$2" \
        "TERM=$3 '$dividere' top $names_seen $broker_seen $garbage --servers '$servers' --interval 50; \
        echo ended \$?; exec sleep 1000"
}
if [ "${features#* top }" = "$features" ]; then
    echo "not tried here: top on a terminal (built without ncurses)"
elif ! command -v tmux > /dev/null; then
    echo "not tried here: top on a terminal (there is no tmux)"
else
    run_top 140 20 screen
    on_screen "^broker +broker .* $broker_seen$"
    on_screen "^service +clock .* $where$"
    on_screen " $garbage: .+$"
    tmux -L "$screen" send-keys Down Enter
    on_screen "^heartbeats_sent +[0-9]+|  heartbeats_sent +[0-9]+"
    tmux -L "$screen" send-keys Enter Up Up Up End Home
    kill -KILL "$broker"
    wait "$broker" 2> /dev/null
    on_screen "^broker .* $broker_seen: (it cannot be reached|no answer in time)$"
    on_screen "^nameserver +nameserver .* $names_seen$"
    tmux -L "$screen" resize-window -x 30 -y 3
    on_screen "^KIND"
    tmux -L "$screen" resize-window -x 1 -y 1
    tmux -L "$screen" resize-window -x 140 -y 20
    on_screen "^service +clock"
    tmux -L "$screen" send-keys q
    on_screen "^ended 0$"
    tmux -L "$screen" kill-server
    run_top 80 24 vt100
    on_screen "^nameserver +nameserver"
    tmux -L "$screen" send-keys q
    on_screen "^ended 0$"
    tmux -L "$screen" kill-server
    run_top 80 24 no-such-terminal
    on_screen 'the terminal "no-such-terminal" is not known'
    on_screen "^ended 1$"
    tmux -L "$screen" kill-server
    broker=
fi

# Metrics: Prometheus, JSON, the page, and what is not there.
fetch () {
    python3 - "$1" "$2" <<'END'
import sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen(sys.argv[1] + sys.argv[2])
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, answer.headers["Content-Type"])
print(answer.read().decode())
END
}
if [ "${features#* metrics }" = "$features" ]; then
    echo "not tried here: metrics (built without libmicrohttpd)"
    ends 1 metrics --alone
    told "this was built without libmicrohttpd"
else
    start metrics "$names_seen" "$garbage" --servers "$servers" --interval 50 --listen 127.0.0.1:0
    url=$(endpoints listen)
    until fetch "$url" /metrics | grep -q "^dividere_up.*where=\"$where\".* 1$"; do :; done
    until fetch "$url" /state.json | grep -q '"trouble": "[^"]'; do :; done
    fetch "$url" /metrics > "$folder/out"
    head -n 1 "$folder/out" | grep -q "^200 text/plain; version=0.0.4" || fail "/metrics"
    grep -q "^dividere_up{kind=\"nameserver\",.*} 1$" "$folder/out" || fail "dividere_up"
    grep -q "^dividere_up{.*where=\"$garbage\"} 0$" "$folder/out" || fail "dividere_up of rubbish"
    grep -q "^# TYPE dividere_registered_total counter$\|^# TYPE dividere_registered gauge$" "$folder/out" || fail "TYPE"
    grep -q "^dividere_received_total{kind=\"service\",name=\"clock\",.*} [1-9]" "$folder/out" || fail "a counter"
    grep -q "^dividere_known_instances 1$" "$folder/out" || fail "dividere_known_instances"
    # Each series once, each name in one piece, with a type.
    tail -n +2 "$folder/out" | python3 -c '
import re, sys
seen, names, last, types = set(), set(), None, set()
for line in filter(None, map(str.strip, sys.stdin)):
    if line.startswith("#"):
        types.add(line.split()[2])
        continue
    series, value = re.fullmatch(r"(\w+(?:\{.*\})?) ([0-9.]+)", line).groups()
    name = re.sub("_count$", "", series.split("{")[0])
    assert series not in seen, series
    assert name == last or name not in names, name
    assert name in types, name
    seen.add(series)
    names.add(name)
    last = name' || fail "the format of /metrics"
    fetch "$url" /state.json | tail -n +2 | python3 -m json.tool > /dev/null || fail "/state.json"
    fetch "$url" /nothing | grep -q "^404 " || fail "a page that is not there"
    ends 1 metrics --alone --listen "${url#http://}"
    told "Address already in use"
    ends 1 metrics --alone --listen nowhere
    told "--listen nowhere: it is no ADDRESS:PORT"
    if command -v chromium > /dev/null; then
        HOME=$folder timeout 60 chromium --headless --no-sandbox --disable-gpu --virtual-time-budget=5000 \
            --dump-dom "$url/" > "$folder/out" 2> /dev/null || fail "chromium"
        grep -q '<tr tabindex="0" data-key="[^"]* clock" class="">' "$folder/out" || fail "the page shows no clock"
        grep -q '<tr [^>]*class="trouble">' "$folder/out" || fail "the page shows no trouble"
        grep -q "3 shown, 1 with trouble" "$folder/out" || fail "the summary of the page"
    else
        echo "not tried here: the page (there is no chromium)"
    fi
    : > "$folder/err"
    stop TERM
fi
