#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs two programs in two processes: SERVER prints "ready ENDPOINT" as its
# first line, CLIENT is given the endpoint.
# usage: pair.sh SERVER CLIENT
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkfifo "$folder/out"
"$1" > "$folder/out" &
server=$!
exec 3< "$folder/out"
read -r word endpoint <&3
[ "$word" = ready ]
"$2" "$endpoint"
wait "$server"
