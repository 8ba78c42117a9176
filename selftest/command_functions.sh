# SPDX-License-Identifier: Apache-2.0
# What the tests of the command share. $dividere is the command, $folder is for
# files.

fail () {
    echo "FAILED: $*"
    sed 's/^/    /' "$folder/out" "$folder/err" 2> /dev/null
    exit 1
}

# ends STATUS ARGUMENT... ends with that status at once.
ends () {
    expected=$1
    shift
    "$dividere" "$@" > "$folder/out" 2> "$folder/err" < /dev/null
    status=$?
    [ $status = "$expected" ] || fail "dividere $*: status $status, not $expected"
}

# It told this on stderr, and nothing on stdout.
told () {
    grep -qF -e "$1" "$folder/err" || fail "stderr does not name $1"
    [ ! -s "$folder/out" ] || fail "something on stdout"
}

shown () {
    grep -qF -e "$1" "$folder/out" || fail "stdout does not name $1"
    [ ! -s "$folder/err" ] || fail "something on stderr"
}

# start ARGUMENT... starts a daemon and reads its ready line into $ready.
start () {
    mkfifo "$folder/ready"
    "$dividere" "$@" > "$folder/ready" 2> "$folder/err" &
    daemon=$!
    exec 3< "$folder/ready"
    rm "$folder/ready"
    : > "$folder/out"
    read -r ready <&3 || fail "dividere $*: no ready line"
}

# The endpoints of a side in the ready line.
endpoints () {
    echo "$ready" | tr ' ' '\n' | sed -n "s/^$1=//p"
}

# stop SIGNAL ends the daemon, which has said nothing more; but that this machine
# is too small for its settings is no fault.
stop () {
    kill "-$1" "$daemon"
    wait "$daemon"
    status=$?
    daemon=
    [ $status = 0 ] || fail "SIG$1 ends it with status $status"
    [ -z "$(cat <&3)" ] || fail "more than one line on stdout"
    ! grep -vq 'are room for about' "$folder/err" || fail "something on stderr"
}
