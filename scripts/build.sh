#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Release build; the programs are in build/bin/.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

if [ "${1-}" = --for-demo ]; then
    scripts/deps.sh "the demo" build demo
else
    scripts/deps.sh "the build" build
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! cmake --preset release >"$log" 2>&1; then
    cat "$log"
    exit 1
fi
cmake --build --preset release
if [ "${1-}" != --for-demo ]; then
    echo "built: $(find build/bin -maxdepth 1 -type f -perm -u+x 2>/dev/null | sort | tr '\n' ' ')"
fi
