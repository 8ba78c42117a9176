#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what the build needs on Debian 12, builds into ./build, and runs four
# examples.
set -eu
cd "$(dirname "$0")/.."

packages="gcc g++ pkg-config meson ninja-build libczmq-dev libzmq3-dev
    libprotobuf-c-dev protobuf-c-compiler protobuf-compiler libprotobuf-dev
    libsodium-dev libjansson-dev libncurses-dev libmicrohttpd-dev libpng-dev
    python3 python3-zmq python3-protobuf binutils dpkg-dev"

# The packages of the list that are not there.
missing=$(for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' ||
        echo "$package"
done)
if [ -n "$missing" ]; then
    as_root=
    [ "$(id -u)" = 0 ] || as_root=sudo
    $as_root apt-get update
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends $missing
fi

[ -d build ] || meson setup build
ninja -C build

echo
echo "== publish and subscribe"
build/examples/example_publish_subscribe
echo "== reactor"
build/examples/example_reactor
echo "== a pool of processes behind a proxy"
build/examples/example_prime_pool
echo "== a farm of processes that loses a worker and no work"
build/examples/example_job_farm
