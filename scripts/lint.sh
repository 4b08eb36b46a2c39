#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# clang-format and clang-tidy over all our C: lint.sh [--format-only] [FILE...]
# --format-only answers 77 where there is no clang-format of our version.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

format_only=
if [ "${1-}" = --format-only ]; then
    format_only=yes
    shift
else
    scripts/deps.sh "lint" build lint
fi

folders=(common server-push rproxy subscriber sim bench tests)
if [ $# -gt 0 ]; then
    files=("$@")
else
    mapfile -t files < <(find "${folders[@]}" -name '*.[ch]' -type f | LC_ALL=C sort)
fi
if [ ${#files[@]} = 0 ]; then
    echo "nothing to lint"
    exit 0
fi

# Versions differ in what they make of a file.
if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
    clang-format --dry-run -Werror "${files[@]}"
    echo "clang-format: ${#files[@]} files are clean"
    [ -z "$format_only" ] || exit 0
else
    echo "our formatting is that of clang-format 14, here is $(clang-format --version 2>/dev/null || echo none): left out"
    [ -z "$format_only" ] || exit 77
fi

# clang-tidy needs the commands, not the objects.
cmake --preset release >/dev/null
sources=()
for file in "${files[@]}"; do
    if [[ $file == *.c ]] && grep -qF "/$file\"" build/compile_commands.json; then
        sources+=("$file")
    fi
done
if [ ${#sources[@]} -gt 0 ] && ! printf '%s\0' "${sources[@]}" |
    xargs -0 -n 1 -P "$(nproc)" scripts/tidy-one.sh; then
    echo "clang-tidy: not clean"
    exit 1
fi
echo "clang-tidy: ${#sources[@]} files are clean"
