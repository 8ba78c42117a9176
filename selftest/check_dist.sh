#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tarball of meson dist has what git has, builds where there is no git, and
# what it builds passes: one test of each kind, the others are run elsewhere.
# usage: check_dist.sh BUILD, a build folder of a clone
set -eu
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

meson dist -C "$build" --no-tests --formats xztar
version=$(meson introspect --projectinfo "$build" |
    python3 -c 'import json, sys; print (json.load (sys.stdin)["version"])')
name=dividere-$version
cd "$work"
(cd "$build/meson-dist" && sha256sum -c "$name.tar.xz.sha256sum")
tar -xf "$build/meson-dist/$name.tar.xz"
git -C "$source" ls-tree -r --name-only HEAD | sort > expected
(cd "$name" && find . -type f | sed 's|^\./||') | sort | diff expected -

meson setup build "$name" -Dexamples=false -Dbenchmarks=false
ninja -C build
meson test -C build --no-rebuild --print-errorlogs --suite tree
meson test -C build --no-rebuild --print-errorlogs \
    types codec corpus reactor vectors runner command
