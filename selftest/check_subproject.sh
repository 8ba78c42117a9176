#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A project that has this one in its subprojects folder: it builds and runs,
# with the shared library and with the static one, and gets nothing but the
# library and what is needed to build with it.
# usage: check_subproject.sh SOURCE
set -eu
source=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail () {
    echo "FAILED: $*"
    exit 1
}

mkdir -p "$work/outer/subprojects"
cp "$source/selftest/subproject/meson.build" "$source"/examples/greeter.[cp]* \
    "$work/outer"
ln -s "$source" "$work/outer/subprojects/dividere"
cd "$work"

# Also where dividere is installed it is the one in the folder.
meson setup build outer --force-fallback-for=dividere
ninja -C build
[ "$(build/greeter)" = "hello, world" ] || fail "with the shared library"
readelf -d build/greeter | grep -q libdividere || fail "not the shared library"
[ "$(meson test -C build --no-rebuild --list)" = greeter ] ||
    fail "tests that are not its own"

DESTDIR=$work/all meson install -C build --no-rebuild --quiet
allowed='include/dividere(/.*|\.h)|share/dividere/proto/.*\.proto'
allowed="$allowed|lib(/[^/]*)?/(libdividere\\.[^/]*|pkgconfig/dividere\\.pc)"
allowed="$allowed|bin/(greeter|protoc-gen-dividere)"
if find all -type f | grep -vE "/($allowed)\$"; then
    fail "installed, and nobody asked for it"
fi
DESTDIR=$work/own meson install -C build --no-rebuild --quiet --skip-subprojects
[ "$(find own -type f | sed 's|.*/||')" = greeter ] || fail "not skipped"

meson configure build -Ddividere:default_library=static
ninja -C build greeter
[ "$(build/greeter)" = "hello, world" ] || fail "with the static library"
! readelf -d build/greeter | grep -q libdividere ||
    fail "the static library needs the shared one"
