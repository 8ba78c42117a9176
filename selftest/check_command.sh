#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command as scripts use it: what it prints, how it ends, what it refuses.
# Waiting has no time limit here; the one who runs this has.
# usage: check_command.sh DIVIDERE [EXAMPLE-RESPONSE EXAMPLE-REQUEST
#            EXAMPLE-JOB-FARM EXAMPLE-CLOCK-SERVICE]
set -u
dividere=$1
folder=$(mktemp -d)
daemon=
server=
trap 'kill -KILL $daemon $server 2> /dev/null; rm -rf "$folder"' EXIT
any='tcp://127.0.0.1:*'
. "$(dirname "$0")/command_functions.sh"

# Usage.
ends 0 --help
shown proxy
shown broker
shown nameserver
ends 0 --version
shown 'dividere '
ends 2
told usage:
ends 2 nonsense
told nonsense
ends 2 --nonsense
told --nonsense
ends 0 proxy --help
for option in frontend backend pattern capture linger introspection set config verbose help; do
    shown --$option
done
ends 0 broker --help
for option in frontend backend heartbeat linger introspection set config verbose help; do
    shown --$option
done
ends 0 nameserver --help
for option in bind publish watch snapshot rediscover introspection set config verbose help; do
    shown --$option
done
ends 0 lookup --help
ends 0 list --help
ends 0 keygen --help
ends 2 keygen
ends 2 keygen "$folder" "$folder"
ends 2 keygen --what
ends 2 lookup
ends 2 lookup clock other
ends 2 lookup clock --timeout soon
told "--timeout soon: it is no number"
ends 2 list clock
ends 2 list --all
ends 1 lookup clock --servers nonsense
told "nonsense: Invalid argument"
ends 1 lookup "" --servers "$any"
ends 1 list --servers tcp://127.0.0.1:9 --timeout 50
told "no name server can be reached"
for command in proxy broker; do
    ends 2 $command
    told --frontend
    ends 2 $command --frontend "$any"
    told --backend
    ends 2 $command --frontend "$any" --backend
    told --backend
    ends 2 $command --frontend "$any" --backend "$any" --nonsense 1
    told --nonsense
    ends 2 $command --frontend "$any" --backend "$any" nonsense
    told nonsense

    # What the actor refuses.
    for endpoint in nonsense foo://bar tcp://127.0.0.1:99999 ">$any"; do
        ends 1 $command --frontend "$endpoint" --backend "$any"
        told "--frontend $endpoint:"
        ends 1 $command --frontend "$any" --backend "$endpoint"
        told "--backend $endpoint:"
    done
    ends 1 $command --frontend "$any" --backend "$any" --linger -1
    told '--linger -1:'
    for setting in nonsense=1 hwm hwm=0; do
        ends 1 $command --frontend "$any" --backend "$any" --set "$setting"
        told "--set $setting:"
    done
done
for endpoint in nonsense foo://bar tcp://127.0.0.1:99999 ">$any"; do
    ends 1 proxy --frontend "$any" --backend "$any" --capture "$endpoint"
    told "--capture $endpoint:"
done
ends 1 proxy --frontend "$any" --backend "$any" --pattern nonsense
told '--pattern nonsense:'
for interval in 0 -1 often; do
    ends 1 broker --frontend "$any" --backend "$any" --heartbeat $interval
    told "--heartbeat $interval:"
done
for setting in requeues=-1 pending_max=no; do
    ends 1 broker --frontend "$any" --backend "$any" --set "$setting"
    told "--set $setting:"
done

# Nobody reads the ready line: an error like any other.
"$dividere" proxy --frontend "$any" --backend "$any" >&- 2> "$folder/err"
[ $? = 1 ] || fail "closed stdout: status"
: > "$folder/out"
told 'ready line'
mkfifo "$folder/unread"
exec 5<> "$folder/unread" 6> "$folder/unread" 5<&-
"$dividere" proxy --frontend "$any" --backend "$any" >&6 2> "$folder/err"
[ $? = 1 ] || fail "stdout without a reader: status"
exec 6>&-
told 'ready line'

# The ready line, in whatever order the options are; both signals.
start proxy --backend "$any" --set hwm=10 --pattern router-dealer --frontend "$any"
echo "$ready" | grep -qE \
    '^ready frontend=tcp://127\.0\.0\.1:[1-9][0-9]* backend=tcp://127\.0\.0\.1:[1-9][0-9]*$' ||
    fail "ready line: $ready"
taken=$(endpoints frontend)
ends 1 proxy --frontend "$taken" --backend "$any"
told "--frontend $taken: Address already in use"
: > "$folder/err"
stop TERM
start proxy --frontend "$taken" --backend "$any"
[ "$(endpoints frontend)" = "$taken" ] || fail "ready line: $ready"
stop INT

# It takes the descriptors that it may have, and says that they are too few.
if [ -r "/proc/$$/limits" ]; then
    soft=$(ulimit -S -n)
    ulimit -S -n 60
    start broker --frontend "$any" --backend "$any" --set workers_max=4000000000
    ulimit -S -n "$soft"
    [ "$(awk '/^Max open files/ { print $4 - $5 }' "/proc/$daemon/limits")" = 0 ] ||
        fail "the limit of descriptors is not raised"
    [ "$(grep -c '"workers_max" is 4000000000' "$folder/err")" = 1 ] ||
        fail "not one line about descriptors"
    stop TERM
fi

# Told what happens, where nobody is in the way.
start proxy --frontend "$any" --backend "$any" --verbose
grep -q 'BIND frontend' "$folder/err" || fail "--verbose tells nothing"
: > "$folder/err"
stop TERM

# Several endpoints, bound and connected, and every pattern.
for pattern in router-dealer xsub-xpub pull-push; do
    start proxy --pattern $pattern --frontend "$any" --frontend "@$any" \
        --backend ">$taken" --backend "ipc://@dividere-command-$$" --capture ">$taken"
    echo "$ready" | grep -qE \
        "^ready frontend=tcp:[^,>@ ]*,tcp:[^,>@ ]* backend=>$taken,ipc://@dividere-command-$$ capture=>$taken\$" ||
        fail "ready line: $ready"
    stop TERM
done

# Every setting of the broker.
start broker --backend "$any" --heartbeat 100 --set hwm=10 --set requeues=0 --frontend "$any" \
    --set pending_max=10 --set bytes_max=10000 --set pending_age=1000 --set workers_max=10 \
    --set reply_bytes=10000 --set reply_age=1000 --set reply_total=100000 --backend ">$taken"
echo "$ready" | grep -qE "^ready frontend=tcp:[^,>@ ]* backend=tcp:[^,>@ ]*,>$taken\$" ||
    fail "ready line: $ready"
stop INT

# Every setting of the name server, and its file.
names () {
    start nameserver --publish "$any" --watch "$any" --bind "$any" --rediscover 1000 \
        --set rounds=3 --set lease=1000 --set lease_max=10000 --set watch_interval=1000 \
        --set snapshot_interval=100 --set instances_max=1000 --set name_max=100 \
        --set host_max=1000 --set metadata_max=100 --set bytes_max=10000000 \
        --set watchers_max=10 --set watches_max=10 --set watches_total=99 --set watcher_bytes=10000 \
        --snapshot "$folder/names"
    echo "$ready" | grep -qE '^ready bind=tcp:[^,>@ ]* publish=tcp:[^,>@ ]* watch=tcp:[^,>@ ]*$' ||
        fail "ready line: $ready"
}
names
taken=$(endpoints bind)
ends 1 lookup clock --servers "$taken"
told "clock: nobody has this name"
ends 0 list --servers "$taken"
[ ! -s "$folder/out" ] || fail "a list of nothing"
ends 1 nameserver --bind "$taken" --publish "$any" --watch "$any"
told "--bind $taken: Address already in use"
ends 1 nameserver --bind "$any" --publish "$any" --watch ">$taken"
told "--watch >$taken: it can only be bound"
: > "$folder/err"
stop TERM
names
stop INT
ends 1 nameserver --snapshot "$folder/nowhere/names"
told "nowhere/names: No such file or directory"
echo nonsense > "$folder/names"
ends 1 nameserver --snapshot "$folder/names"
told "$folder/names: Bad message"
rm "$folder/names"

# Keys: a folder for who binds and who connects, and one that nobody knows.
ends 1 nameserver --bind "$any" --publish "$any" --watch "$any" --security "$folder/nowhere"
grep -qF -e "--security $folder/nowhere: No such file or directory" "$folder/err" ||
    fail "no security"
for name in keys stranger; do
    ends 0 keygen "$folder/$name"
    key=$(cat "$folder/out")
    [ ${#key} = 40 ] || fail "a key of ${#key} characters"
    [ "$(stat -c %a "$folder/$name/own_secret")" = 600 ] || fail "others can read the secret"
    [ $name = stranger ] || own=$key
    echo "* $own" > "$folder/$name/servers"
done
ends 1 keygen "$folder/keys"
told "$folder/keys/own: File exists"
printf 'key me %s\nallow me *\n' "$own" > "$folder/keys/rights"
start nameserver --bind "$any" --publish "$any" --watch "$any" --security "$folder/keys"
taken=$(endpoints bind)
ends 0 list --servers "$taken" --security "$folder/keys"
ends 1 list --servers "$taken" --security "$folder/stranger"
grep -qF "there is no right to it" "$folder/err" || fail "a stranger"
ends 1 list --servers "$taken"
told "only one side wants security"
: > "$folder/err"
stop TERM

# Options in a file, those of the command line behind them.
printf '# a comment\n\nfrontend = %s\n  backend=%s\npattern = pull-push\nverbose\n' "$any" "$any" \
    > "$folder/conf"
start proxy --config "$folder/conf" --pattern xsub-xpub
echo "$ready" | grep -qE '^ready frontend=tcp:[^,>@ ]* backend=tcp:[^,>@ ]*$' || fail "ready line: $ready"
grep -q "SET pattern" "$folder/err" || fail "verbose in a file"
: > "$folder/err"
stop TERM
ends 1 proxy --config "$folder/nowhere"
told "--config $folder/nowhere: No such file or directory"
ends 1 proxy --config "$folder"
told "--config $folder: it cannot be read"
printf 'frontend = x\nback end\n' > "$folder/conf"
ends 1 proxy --config "$folder/conf"
told "--config $folder/conf: line 2 is not"
printf 'nonsense = 1\n' > "$folder/conf"
ends 2 proxy --config "$folder/conf"
told nonsense

# Traffic.
if [ $# = 5 ]; then
    start proxy --frontend "$any" --backend "$any"
    "$2" ">$(endpoints backend)" > /dev/null &
    server=$!
    "$3" "$(endpoints frontend)" > "$folder/answers" || fail "no answers"
    wait $server || fail "the server failed"
    server=
    printf 'answered: question %d\n' 1 2 3 | diff - "$folder/answers" || fail "answers"
    stop TERM

    # A worker is told to end by the end of its input.
    start broker --frontend "$any" --backend "$any"
    mkfifo "$folder/input"
    "$4" worker "$(endpoints backend)" < "$folder/input" > /dev/null &
    server=$!
    exec 4> "$folder/input"
    "$4" client "$(endpoints frontend)" 100 > "$folder/answers" || fail "no answers"
    exec 4>&-
    wait $server || fail "the worker failed"
    server=
    grep -qE '^sent ([1-9][0-9]*) answered \1 retried 0 failed 0$' "$folder/answers" ||
        fail "answers"
    stop TERM

    # A service ends with its input, too. It is there once it has registered.
    names
    taken=$(endpoints bind)
    "$5" clock 1 "$taken" "$(endpoints publish)" < "$folder/input" &
    server=$!
    exec 4> "$folder/input"
    until "$dividere" lookup clock --servers "$taken" > "$folder/out" 2> "$folder/err"; do
        told "clock: nobody has this name"
    done
    tab=$(printf '\t')
    grep -qE "^clock${tab}tcp://127.0.0.1:[0-9]+${tab}[0-9a-f]{16}${tab}500${tab}" \
        "$folder/out" || fail "a lookup"
    mv "$folder/out" "$folder/found"
    ends 0 lookup clock --all --servers "$taken"
    diff "$folder/found" "$folder/out" || fail "all of a name"
    ends 0 list --servers "$taken"
    diff "$folder/found" "$folder/out" || fail "all of all names"
    exec 4>&-
    wait $server || fail "the service failed"
    server=
    ends 1 lookup clock --servers "$taken"
    : > "$folder/err"
    stop TERM
fi
