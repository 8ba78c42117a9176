#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The packages of Debian: built, installed on this machine, used, removed; then
# nothing of them is left, nor of what was installed to build them. Exits with
# 77 where that cannot be tried.
# usage: check_packages.sh, as root
set -eu
cd "$(dirname "$0")/.."
ours="dividere libdividere-dev libdividere0"
units="dividere-broker dividere-nameserver dividere-proxy"

skip () {
    echo "skipped: $*"
    exit 77
}

fail () {
    echo "FAILED: $*"
    exit 1
}

[ "$(id -u)" = 0 ] || skip "only root can install packages"
command -v apt-get > /dev/null || skip "this is not Debian"
for package in $ours; do
    if dpkg-query -W "$package" > /dev/null 2>&1; then
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package")
        [ "$state" = not-installed ] || skip "$package is here already: $state"
    fi
done
command -v lintian > /dev/null || fail "lintian is not installed"

work=$(mktemp -d)

packages () {
    dpkg-query -W -f '${db:Status-Status} ${binary:Package}\n' |
        grep -v '^not-installed' | cut -d ' ' -f 2 | sort
}

# What is named after us where packages have their files.
named () {
    find /etc /lib/ /usr /var/cache /var/lib -xdev -name '*dividere*' | sort
}

# Whatever happens, what was not there before goes.
restore () {
    status=$?
    trap - EXIT
    # Half-way nothing is skipped any more.
    [ $status != 77 ] || status=1
    packages > "$work/packages.now"
    new=$(comm -13 "$work/packages" "$work/packages.now")
    # shellcheck disable=SC2086
    [ -z "$new" ] || dpkg --purge --force-remove-reinstreq $new || status=1
    rm -rf "$work"
    exit $status
}

packages > "$work/packages"
named > "$work/named"
trap restore EXIT
trap 'exit 1' HUP INT TERM

# The tree stays as it is.
git status --porcelain --ignored > "$work/tree"
tool/package.sh "$work/packages.new"
git status --porcelain --ignored | diff "$work/tree" -
for package in $ours; do
    dpkg-deb -c "$work/packages.new/$package"_*.deb > "$work/list"
    awk '{ print $6 }' "$work/list" | sed 's|^\.||; s|/$||'
done | sort -u | grep . > "$work/paths"
while read -r path; do
    [ -e "$path" ] || echo "$path"
done < "$work/paths" > "$work/paths.new"

# Installed, and nothing is started.
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    "$work"/packages.new/*.deb
for unit in $units; do
    find /etc/systemd -name "$unit.service" | grep . && fail "$unit is enabled"
    if [ -d /run/systemd/system ]; then
        ! systemctl is-active "$unit" || fail "$unit was started"
    fi
    if command -v systemd-analyze > /dev/null; then
        systemd-analyze verify --man=no "/lib/systemd/system/$unit.service" \
            2> "$work/verify" || { cat "$work/verify" && fail "$unit"; }
    fi
done

# The command, with the library that was installed, and what is around it.
ldd /usr/bin/dividere | grep -q 'libdividere\.so\.0 => /' ||
    fail "the command has a library of its own"
selftest/check_versions.sh . "$(pkg-config --modversion dividere)" dividere
[ "$(dpkg-query -W -f '${Version}' dividere)" = \
    "$(pkg-config --modversion dividere)" ] || fail "the version of a package"
dividere doctor
for name in types reactor_sources broker_workers; do
    dividere selftest --test "$name"
done
bash -c '. /usr/share/bash-completion/completions/dividere &&
    complete -p dividere && COMP_WORDS=(dividere lo) && COMP_CWORD=1 &&
    _dividere && [ "${COMPREPLY[0]}" = lookup ]' || fail "completion"
if ! command -v man > /dev/null ||
        grep -rqs 'path-exclude.*/man' /etc/dpkg/dpkg.cfg.d; then
    echo "no manuals on this machine: they are not tried"
else
    man -w 1 dividere
    man -w 1 dividere_selftest
    man -w 1 protoc-gen-dividere
    man -w 7 dividere
    for header in /usr/include/dividere/*.h; do
        page=dividere_$(basename "$header" .h)
        case $page in
        *.pb-c | dividere_version) ;;
        *) man -w 3 "$page" ;;
        esac
    done
fi

# A developer's view, from an empty folder.
mkdir "$work/empty"
AUTOPKGTEST_TMP=$work/empty debian/tests/compile

# Removed; what daemons wrote is kept until the packages are purged.
mkdir /var/lib/dividere-broker
# shellcheck disable=SC2086
dpkg --remove $ours
[ -d /var/lib/dividere-broker ] || fail "removing took what a daemon wrote"
# shellcheck disable=SC2086
dpkg --purge $ours
while read -r path; do
    [ ! -e "$path" ] && [ ! -L "$path" ] || echo "$path"
done < "$work/paths.new" | grep . && fail "left behind"
named | diff "$work/named" -
! ldconfig -p | grep libdividere
