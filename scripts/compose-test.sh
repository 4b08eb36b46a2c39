#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# docker-compose.yml with a real engine (tests/compose/compose-test).
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

case " $* " in *" --help "* | *" -h "*) exec tests/compose/compose-test --help ;; esac
scripts/deps.sh "the compose test" containers
exec tests/compose/compose-test "$@"
