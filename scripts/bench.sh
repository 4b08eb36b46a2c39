#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measure: table on the screen, figures in build/bench.json.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

scripts/deps.sh "the benchmark" build bench demo
scripts/build.sh
exec build/bin/alto-bench --out build/bench.json "$@"
