#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Install the Debian or Ubuntu packages that a command needs and that are
# missing: deps.sh WHY GROUP... with the groups build, test, demo, bench,
# containers, lint, fuzz.
# A failed installation is said, but does not end anything: the step that
# needs the package does.
set -euo pipefail

# One line per package; names after "|" are what other releases call it, "?" marks one that may lack.
packages() {
    case "$1" in
    build) echo "build-essential cmake ninja-build pkg-config libzmq3-dev libczmq-dev libmsgpack-dev|libmsgpack-c-dev
                 libsodium-dev libcurl4-openssl-dev libcmocka-dev libmicrohttpd-dev libgnutls28-dev liblmdb-dev libyajl-dev zlib1g-dev libzstd-dev" ;;
    test) echo "curl openssl python3 python3-zmq python3-requests strace clang libclang-rt-dev|libclang-rt-$(clang_major)-dev? clang-format
                iproute2 nftables nginx-light zstd" ;;
    demo) echo "curl python3" ;;
    bench) echo "nginx-light" ;;
    containers) echo "ca-certificates curl debootstrap docker-compose docker.io dpkg-dev iproute2 iptables python3 util-linux" ;;
    lint) echo "clang-format clang-tidy" ;;
    fuzz) echo "clang libclang-rt-dev|libclang-rt-$(clang_major)-dev?" ;;
    *)
        echo "deps.sh: no group $1" >&2
        exit 2
        ;;
    esac
}

clang_major() {
    local version=''
    if command -v clang >/dev/null; then
        version=$(clang -dumpversion 2>/dev/null || true)
    fi
    echo "${version:+${version%%.*}}"
}

installed() {
    local status # one word per architecture
    status=$(dpkg-query -W -f '${db:Status-Status} ' "$1" 2>/dev/null || true)
    [[ " $status" == *" installed "* ]]
}

available() {
    local policy
    policy=$(apt-cache policy "$1" 2>/dev/null || true)
    [[ $policy == *"Candidate: "[!\(]* ]]
}

# "a|b" when neither is installed.
lacks() {
    local name
    for name in ${1//|/ }; do
        if installed "$name"; then
            return 1
        fi
    done
}

# The first of "a|b" that apt knows here; nothing when none.
choose() {
    local name
    for name in ${1//|/ }; do
        if available "$name"; then
            echo "$name"
            return
        fi
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

update() {
    if [ -z "${updated-}" ]; then
        updated=yes
        echo "Refreshing the lists of apt, which do not know all packages for $why"
        as_root apt-get update -qq </dev/null || echo "apt-get update failed; going on with the lists at hand"
    fi
}

why=$1
shift
if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    for tool in cmake ninja pkg-config; do
        command -v "$tool" >/dev/null || missing_tool=yes
    done
    if [ -n "${missing_tool-}" ] || ! pkg-config --exists libzmq libsodium libcurl cmocka libmicrohttpd gnutls lmdb yajl zlib libzstd; then
        echo "No apt here. What $why needs: a C compiler, cmake 3.25, ninja, pkg-config and the development files of: libzmq, msgpack-c,"
        echo "libsodium, libcurl, cmocka, libmicrohttpd, gnutls, lmdb, yajl, zlib, zstd; tests also curl, openssl, python3 with zmq and requests, clang, ip, nft, nginx and zstd."
    fi
    exit 0
fi

missing=()
for group in "$@"; do
    for entry in $(packages "$group"); do
        if lacks "${entry%\?}"; then
            missing+=("$entry")
        fi
    done
done
[ ${#missing[@]} -gt 0 ] || exit 0

wanted=()
for entry in "${missing[@]}"; do
    name=$(choose "${entry%\?}")
    if [ -z "$name" ]; then
        update
        name=$(choose "${entry%\?}")
    fi
    if [ -n "$name" ]; then
        wanted+=("$name")
    elif [ "${entry%\?}" = "$entry" ]; then
        echo "apt has no package ${entry//|/ or }: $why may fail without it"
    fi
done
[ ${#wanted[@]} -gt 0 ] || exit 0

if [ "$(id -u)" = 0 ]; then
    echo "Packages are missing for $why; installing with apt-get: ${wanted[*]}"
elif command -v sudo >/dev/null; then
    echo "Packages are missing for $why; installing with sudo apt-get: ${wanted[*]}"
else
    echo "Packages are missing for $why, and there is no sudo. As root: apt-get install ${wanted[*]}"
    exit 0
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install=(apt-get install -y -qq --no-install-recommends "${wanted[@]}")
if ! as_root "${install[@]}" </dev/null >"$log" 2>&1; then
    update
    if ! as_root "${install[@]}" </dev/null >"$log" 2>&1; then
        tail -n 5 "$log"
        echo "apt-get install failed; going on, in case what is needed is here all the same"
    fi
fi
