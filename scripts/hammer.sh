#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The hammer (tests/hammer/README.md), for as long as wanted.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

# Its own --help must not cost a build.
case " $* " in *" --help "* | *" -h "*) exec tests/hammer/hammer --help ;; esac
scripts/deps.sh "the hammer" build test
scripts/build.sh
exec tests/hammer/hammer "$@"
