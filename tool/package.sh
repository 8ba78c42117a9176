#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the packages of Debian from a copy of this tree, which stays as it is,
# and leaves them in a folder. Installs what the build needs. Tests are not run,
# unless DEB_BUILD_OPTIONS is set and does not say nocheck.
# usage: tool/package.sh FOLDER
set -eu
if [ $# != 1 ]; then
    echo "usage: tool/package.sh FOLDER" >&2
    exit 2
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
if [ -z "${DEB_BUILD_OPTIONS+set}" ]; then
    DEB_BUILD_OPTIONS="nocheck noautodbgsym"
    export DEB_BUILD_OPTIONS DEB_BUILD_PROFILES=nocheck
fi

# Which these are is said in debian/control.
if ! dpkg-checkbuilddeps 2> /dev/null; then
    as_root=
    [ "$(id -u)" = 0 ] || as_root=sudo
    $as_root apt-get update
    $as_root env DEBIAN_FRONTEND=noninteractive \
        DEB_BUILD_PROFILES="${DEB_BUILD_PROFILES-}" \
        apt-get build-dep -y --no-install-recommends ./
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
if [ -e .git ]; then
    git ls-files -z > "$work/files"
else
    find . -type f -print0 > "$work/files"
fi
mkdir "$work/dividere"
tar -c --null -T "$work/files" | tar -x -C "$work/dividere"
(cd "$work/dividere" && dpkg-buildpackage -us -uc -b)

if command -v lintian > /dev/null; then
    lintian --fail-on error "$work"/*.deb
else
    echo "lintian is not installed: the packages are not checked"
fi
cp "$work"/*.deb "$folder"
ls "$folder"/*.deb
