#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Makes doc/top.png and doc/metrics.png of a small system at work: a name
# server, a service, a broker with two workers and a client.
# Needs tmux and chromium.
# usage: doc/pictures.sh BUILD
set -eu
build=$(realpath "$1")
doc=$(realpath "$(dirname "$0")")
dividere=$build/tool/dividere
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null; tmux -L pictures kill-server 2> /dev/null; rm -rf "$folder"' EXIT
any='tcp://127.0.0.1:*'

# start NAME ARGUMENT... a daemon whose ready line is in a file.
start () {
    name=$1
    shift
    "$dividere" "$@" > "$folder/$name" &
    until [ -s "$folder/$name" ]; do :; done
}
of () {
    tr ' ' '\n' < "$folder/$1" | sed -n "s/^$2=//p"
}
start names nameserver --bind "$any" --publish "$any" --watch "$any" --introspection "$any"
servers="$(of names bind)|$(of names publish)"
start broker broker --frontend "$any" --backend "$any" --introspection "$any"
mkfifo "$folder/hold"
exec 4<> "$folder/hold"
for worker in 1 2; do
    "$build/examples/example_job_farm" worker "$(of broker backend)" <&4 > /dev/null &
done
"$build/examples/example_job_farm" client "$(of broker frontend)" 60000 > /dev/null &
"$build/examples/example_clock_service" clock 1 "$(of names bind)" "$(of names publish)" <&4 > /dev/null &
seen="$(of names introspection) $(of broker introspection) tcp://127.0.0.1:9"
tmux -L pictures -f /dev/null new-session -d -x 138 -y 9 \
    "$dividere top $seen --servers '$servers'; sleep 1000"
# shellcheck disable=SC2086
start metrics metrics $seen --servers "$servers" --listen 127.0.0.1:0
until tmux -L pictures capture-pane -p | grep -q "^broker .* [1-9][0-9.]*k .*ms"; do :; done
until tmux -L pictures capture-pane -p | grep -q "it cannot be reached"; do :; done

tmux -L pictures capture-pane -p -e | python3 -c '
import html, re, sys
print("<meta charset=utf-8><body style=\"margin:0;background:#fff\"><pre style=\"margin:12px;font:14px/1.25 monospace\">")
looks = set()
for line in sys.stdin:
    for part in re.split("(\x1b\\[[0-9;]*m)", line):
        found = re.fullmatch("\x1b\\[([0-9;]*)m", part)
        if found:
            for code in found.group(1).split(";"):
                looks = set() if code in ("", "0") else looks | {code}
            continue
        style = {"1": "font-weight:bold;", "2": "color:#888;", "7": "background:#222;color:#fff;",
                 "31": "color:#b00020;", "32": "color:#1a7f37;"}
        text = html.escape(part.replace("\x0f", ""))
        print("<span style=\"%s\">%s</span>" % ("".join(style.get(look, "") for look in sorted(looks)), text), end="")
print("</pre>")' > "$folder/top.html"
shoot () {
    HOME=$folder chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size="$3" \
        --virtual-time-budget=6000 --screenshot="$doc/$1" "$2" 2> /dev/null
}
shoot top.png "file://$folder/top.html" 1210,200
shoot metrics.png "$(of metrics listen)/" 1210,330
